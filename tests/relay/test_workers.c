/* Proves relay/guard/workers.c: what is submitted is run and handed back, and
 * a fuller batch is waited for a bounded while. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdatomic.h>

#include "relay/guard/workers.h"

enum { WORKS = 100 };

struct story {
	uv_loop_t loop;
	struct workers *workers;
	struct work works[WORKS];
	size_t done;
	atomic_size_t run, batches, asked, largest;
	atomic_bool more;
};

static void run(void *owner, unsigned thread, struct work **works, size_t count)
{
	struct story *s = owner;

	atomic_fetch_add(&s->run, count);
	atomic_fetch_add(&s->batches, 1);
	if (count > atomic_load(&s->largest))
		atomic_store(&s->largest, count);
}

static void done(void *owner, struct work *work)
{
	struct story *s = owner;

	s->done++;
}

static bool more(void *owner)
{
	struct story *s = owner;

	atomic_fetch_add(&s->asked, 1);
	return atomic_load(&s->more);
}

static void start(struct story *s, unsigned threads, size_t batch,
		  size_t gather)
{
	struct workers_config config = {.loop = &s->loop,
					.threads = threads,
					.batch = batch,
					.run = run,
					.done = done,
					.more = gather ? more : NULL,
					.gather = gather,
					.owner = s};

	*s = (struct story){0};
	assert_int_equal(uv_loop_init(&s->loop), 0);
	assert_false(failed(workers_new(&config, &s->workers)));
}

/* Until `count` are handed back. */
static void await(struct story *s, size_t count)
{
	while (s->done < count)
		uv_run(&s->loop, UV_RUN_ONCE);
}

static void stop(struct story *s)
{
	workers_free(s->workers);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&s->loop), 0);
}

static void every_work_is_run_once_and_handed_back(void **state)
{
	static struct story s;

	start(&s, 3, 8, 0);
	for (size_t i = 0; i < WORKS; i++)
		workers_submit(s.workers, &s.works[i]);
	await(&s, WORKS);
	assert_int_equal(atomic_load(&s.run), WORKS);
	assert_true(atomic_load(&s.largest) <= 8);
	assert_int_equal(workers_load(s.workers), 0);
	stop(&s);
}

static void a_work_alone_waits_for_nobody(void **state)
{
	static struct story s;

	start(&s, 1, 8, 4);
	workers_submit(s.workers, &s.works[0]);
	await(&s, 1);
	assert_int_equal(atomic_load(&s.asked), 1);
	stop(&s);
}

static void those_who_never_come_are_waited_for_a_bounded_while(void **state)
{
	static struct story s;

	start(&s, 1, 8, 4);
	atomic_store(&s.more, true);
	workers_submit(s.workers, &s.works[0]);
	await(&s, 1);
	assert_int_equal(atomic_load(&s.asked), 4);
	stop(&s);
}

static void a_full_batch_is_taken_up_at_once(void **state)
{
	static struct story s;
	size_t asked;

	start(&s, 1, 8, 1);
	atomic_store(&s.more, true);
	for (size_t i = 0; i < WORKS; i++)
		workers_submit(s.workers, &s.works[i]);
	await(&s, WORKS);
	asked = atomic_load(&s.asked);
	assert_int_equal(asked, 0);
	stop(&s);
}

static void what_is_queued_at_the_end_is_still_run(void **state)
{
	static struct story s;

	start(&s, 1, 8, 4);
	atomic_store(&s.more, true);
	for (size_t i = 0; i < WORKS; i++)
		workers_submit(s.workers, &s.works[i]);
	stop(&s);
	assert_int_equal(atomic_load(&s.run), WORKS);
	assert_int_equal(s.done, WORKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_work_is_run_once_and_handed_back),
		cmocka_unit_test(a_work_alone_waits_for_nobody),
		cmocka_unit_test(
			those_who_never_come_are_waited_for_a_bounded_while),
		cmocka_unit_test(a_full_batch_is_taken_up_at_once),
		cmocka_unit_test(what_is_queued_at_the_end_is_still_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
