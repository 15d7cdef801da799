/*
 * Power cuts: the relay's folder lies on an ext4 image behind a loop device;
 * the file system is shut down without flushing its log while clients write,
 * then mounted again, and the same is asked for as after a kill.
 */
#ifndef TESTS_CRASH_POWER_H
#define TESTS_CRASH_POWER_H

#include <stdbool.h>
#include <stdint.h>

/* True where the machine does not permit it: says "skipped: ..." then. */
bool power_run(unsigned rounds, uint64_t seed);

#endif
