/* Part of bench_feed: many readers of the place's store. */
#ifndef TESTS_BENCH_BENCH_READERS_H
#define TESTS_BENCH_BENCH_READERS_H

#include "tests/bench/stock.h"

void bench_readers(struct place *p);

#endif
