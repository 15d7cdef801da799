/*
 * Failures on demand: the n-th call of a kind fails, once or from then on.
 *
 * Linked into test programs alone, by the linker's --wrap and by names that
 * come before the C library's.  What counts as a call:
 *
 *	FAULT_MEMORY	malloc, calloc, realloc, strdup of our own code; with
 *			it every allocation of OpenSSL, libxml2 and jansson,
 *			which is made in proto/base/memory.c
 *	FAULT_LMDB	each mdb_ call of storage that can fail
 *	FAULT_DISK	open, write, pwrite, writev, fsync, fdatasync,
 *			ftruncate, rename, mkdir, of whoever makes it: LMDB
 *			too
 *
 * Allocations inside LMDB and the C library are not counted: the calls that
 * make them are.  One thread at a time.
 */
#ifndef TESTS_FAULTS_FAULT_H
#define TESTS_FAULTS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
	FAULT_MEMORY = 1,
	FAULT_LMDB = 2,
	FAULT_DISK = 4,
};

struct fault {
	unsigned kinds;
	uint64_t at; /* 1 is the next call; 0: none fails, they are counted */
	bool forever;
	int error; /* errno, or LMDB's own; of memory it is ENOMEM */
};

/* From now on; replaces what was armed. */
void fault_arm(struct fault fault);
/* No call fails any more.  The number of calls since fault_arm. */
uint64_t fault_disarm(void);
/* True if a call has failed since fault_arm. */
bool fault_struck(void);
/* Calls between these two are neither counted nor failed: the test's own. */
void fault_pause(void);
void fault_resume(void);

#endif
