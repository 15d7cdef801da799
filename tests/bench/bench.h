/*
 * What `make bench` measures, one function for each group of figures.  Each
 * makes its own relay under `folder` and leaves it there.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

/* The decision alone, and its answer looked up in a view. */
void bench_decisions(const char *folder);
/* Puts through the guard's core, without a network; LMDB alone beside. */
void bench_store(const char *folder);
/* LMDB behind a write-ahead journal, beside LMDB alone. */
void bench_journal(const char *folder);
/* A whole store walked through and checked. */
void bench_check(const char *folder);
/* Keys wrapped for one reader by POST /v1/keys. */
void bench_keys(const char *folder);
/* Pages of changes for a reader who may see one document in a hundred. */
void bench_sync(const char *folder);
/* The same with a million documents on 200 shelves, beside a raw merge over the
 * same rows (DOCUMENTS in the environment: another number). */
void bench_feed(const char *folder);
/* Puts over HTTP/2 with mutual TLS against the whole daemon, started from the
 * folder `programs`. */
void bench_daemon(const char *folder, const char *programs);
/* 1 GiB up and down through the whole daemon, and small puts beside. */
void bench_content(const char *folder, const char *programs);

#endif
