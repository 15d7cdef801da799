/*
 * Rules that tests switch off, to see that the models find it.  Compiled only
 * into the tests that ask for it (-DENTENTE_FAULTS), never into the library.
 */
#ifndef STORAGE_FAULTS_H
#define STORAGE_FAULTS_H
#ifdef ENTENTE_FAULTS

#include <stdbool.h>

struct storage_faults {
	bool no_ledger;	      /* forget is worked out from the cursor alone */
	bool loss_keeps;      /* a loss does not void older cursors */
	bool gone_passed;     /* a gone row is passed over when the document
				 is elsewhere in view */
	bool believe_context; /* contexts count without evidence */
	bool hidden_moves;    /* a cursor follows every sequence there is, not
				 those of the view alone */
};
extern struct storage_faults storage_faults;

#define FAULT(name) (storage_faults.name)
#else
#define FAULT(name) false
#endif
#endif
