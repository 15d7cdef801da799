/*
 * A process that dies at a chosen step: the child is killed when it is about
 * to make its n-th call of the kernel that changes something on the disk.
 */
#ifndef TESTS_GUARD_STEP_H
#define TESTS_GUARD_STEP_H

#include <stdbool.h>

/*
 * Runs `act` in a child of its own, which must open what it works on itself.
 * True if the child was killed at its `at`-th such call (1 is the first),
 * which then did not happen; false if it had fewer and ended in order.  Any
 * other end ends the test program.
 */
bool step_dies(unsigned at, void (*act)(void *with), void *with);

#endif
