#include "relay/guard/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <sys/resource.h>

enum {
	THREADS_MAX = 8,
	BATCH_MAX = 256,
	/* Waiting for a fuller batch: a millisecond at most. */
	GATHER_STEPS = 4,
	GATHER_STEP_NS = 250 * 1000,
};

struct queue {
	struct work *first, **last;
};

struct workers {
	struct workers_config config;
	pthread_mutex_t mutex;
	pthread_cond_t some, begun;
	struct queue todo, finished;
	size_t queued; /* in `todo` */
	uv_async_t wake;
	size_t load; /* loop only */
	bool stopping;
	unsigned started;
	pthread_t threads[THREADS_MAX];
	unsigned next_number;
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_put(struct queue *q, struct work *w)
{
	w->next = NULL;
	*q->last = w;
	q->last = &w->next;
}

static struct work *queue_take(struct queue *q)
{
	struct work *w = q->first;

	if (w) {
		q->first = w->next;
		if (!q->first)
			q->last = &q->first;
	}
	return w;
}

/* With the lock held, and let go meanwhile.  Sleeps without the condition:
 * to be woken for each work that comes is what this is to spare. */
static void gather(struct workers *w)
{
	static const struct timespec step = {0, GATHER_STEP_NS};

	for (int i = 0;
	     i < GATHER_STEPS && !w->stopping && w->queued < w->config.gather &&
	     w->config.more(w->config.owner);
	     i++) {
		pthread_mutex_unlock(&w->mutex);
		nanosleep(&step, NULL);
		pthread_mutex_lock(&w->mutex);
	}
}

/* Waits for work; 0 when it is time to end. */
static size_t take(struct workers *w, struct work **works)
{
	size_t n = 0;

	pthread_mutex_lock(&w->mutex);
	while (!w->todo.first && !w->stopping)
		pthread_cond_wait(&w->some, &w->mutex);
	if (w->config.more)
		gather(w);
	while (n < w->config.batch && (works[n] = queue_take(&w->todo)))
		n++;
	w->queued -= n;
	pthread_mutex_unlock(&w->mutex);
	return n;
}

static void hand_back(struct workers *w, struct work **works, size_t n)
{
	bool was_empty;

	pthread_mutex_lock(&w->mutex);
	was_empty = !w->finished.first;
	for (size_t i = 0; i < n; i++)
		queue_put(&w->finished, works[i]);
	pthread_mutex_unlock(&w->mutex);
	if (was_empty)
		uv_async_send(&w->wake);
}

static void *thread_main(void *arg)
{
	struct workers *w = arg;
	struct work *works[BATCH_MAX];
	unsigned number;
	size_t n;

	/* Linux has a nice value for each thread, and 0 is the caller. */
	if (w->config.nice)
		(void)setpriority(PRIO_PROCESS, 0, w->config.nice);
	pthread_mutex_lock(&w->mutex);
	number = w->next_number++;
	pthread_cond_broadcast(&w->begun);
	pthread_mutex_unlock(&w->mutex);
	while ((n = take(w, works)) > 0) {
		w->config.run(w->config.owner, number, works, n);
		hand_back(w, works, n);
	}
	return NULL;
}

static void on_wake(uv_async_t *wake)
{
	struct workers *w = wake->data;
	struct queue done;

	pthread_mutex_lock(&w->mutex);
	done = w->finished;
	if (!done.first)
		done.last = &done.first;
	queue_init(&w->finished);
	pthread_mutex_unlock(&w->mutex);
	for (struct work *work; (work = queue_take(&done));) {
		w->load--;
		w->config.done(w->config.owner, work);
	}
}

static void on_closed(uv_handle_t *handle)
{
	struct workers *w = handle->data;

	pthread_mutex_destroy(&w->mutex);
	pthread_cond_destroy(&w->some);
	pthread_cond_destroy(&w->begun);
	free(w);
}

struct err workers_new(const struct workers_config *config,
		       struct workers **out)
{
	struct workers *w = calloc(1, sizeof(*w));
	sigset_t all, old;

	if (!w)
		return err_make(ERR_NO_MEMORY, "workers");
	w->config = *config;
	if (w->config.threads > THREADS_MAX)
		w->config.threads = THREADS_MAX;
	if (w->config.batch > BATCH_MAX)
		w->config.batch = BATCH_MAX;
	queue_init(&w->todo);
	queue_init(&w->finished);
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->some, NULL);
	pthread_cond_init(&w->begun, NULL);
	if (uv_async_init(config->loop, &w->wake, on_wake)) {
		free(w);
		return err_make(ERR_IO, "workers: no wake-up");
	}
	w->wake.data = w;
	/* Signals are for the loop's thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (w->started < w->config.threads &&
	       pthread_create(&w->threads[w->started], NULL, thread_main, w) ==
		       0)
		w->started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	/* What a thread does for itself is done before the process is
	 * confined. */
	pthread_mutex_lock(&w->mutex);
	while (w->next_number < w->started)
		pthread_cond_wait(&w->begun, &w->mutex);
	pthread_mutex_unlock(&w->mutex);
	if (w->started < w->config.threads) {
		workers_free(w);
		return err_make(ERR_NO_MEMORY, "workers: no thread");
	}
	*out = w;
	return ERR_NONE;
}

void workers_submit(struct workers *w, struct work *work)
{
	w->load++;
	pthread_mutex_lock(&w->mutex);
	queue_put(&w->todo, work);
	w->queued++;
	pthread_cond_signal(&w->some);
	pthread_mutex_unlock(&w->mutex);
}

size_t workers_load(const struct workers *w)
{
	return w->load;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->mutex);
	w->stopping = true;
	pthread_cond_broadcast(&w->some);
	pthread_mutex_unlock(&w->mutex);
	for (unsigned i = 0; i < w->started; i++)
		pthread_join(w->threads[i], NULL);
	on_wake(&w->wake);
	uv_close((uv_handle_t *)&w->wake, on_closed);
}
