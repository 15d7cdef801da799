/*
 * A folder as a device: `entente device enrol`, `device show`; and what the
 * verbs of documents share: opening the folder, calling its relay.
 */
#ifndef CLIENT_CMD_DEVICE_H
#define CLIENT_CMD_DEVICE_H

#include "client/cli.h"
#include "client/engine.h"

int cmd_device_enrol(struct cli *c);
int cmd_device_show(struct cli *c);

/* The device of --device or ENTENTE_DEVICE.  Prints its own failure and gives
 * the exit code.  `enrolled`: a folder without a device is a failure. */
int device_open(const struct cli *c, bool enrolled, struct engine **out);

/*
 * Drives the engine until no task is left.  `last` gets the end of the task
 * `task` (DONE), others' failures too end it.  Prints failures, and returns
 * the exit code of the first.
 */
int device_run(const struct cli *c, struct engine *e, uint64_t task,
	       struct engine_event *last);

#endif
