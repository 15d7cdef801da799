/* The machine's clock and random source, as the engine takes them. */
#ifndef CLIENT_SYSTEM_H
#define CLIENT_SYSTEM_H

#include "proto/base/clock.h"
#include "proto/base/random.h"

struct clock system_clock(void);
struct random system_random(void);

#endif
