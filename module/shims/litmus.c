// SPDX-License-Identifier: GPL-2.0
/*
 * litmus - message passing at full speed, as litmus tools try it: a writer and
 * a reader go along a row of cells, each cell one trial on an object of its
 * own, and meet only where a row begins. Two rows of mailboxes take turns, so
 * that one is emptied while the other is used; content is the number of the
 * round, so that no object must be wiped.
 *
 * Trials overlap only while both threads are at the same cell. A reader that
 * comes too early to a cell goes on when that cell has its pointer; whether it
 * is then too early or too late at the next one is up to the pause that the
 * writer makes between two cells, and that pause follows what the reader found
 * lately. Nothing is placed between the two accesses of a trial, on either side.
 */
#include <linux/ktime.h>

#include "ordering.h"
#include "shims.h"

#define CELLS 1024
#define WAIT_SPINS 4096
#define LATELY 64		/* trials between two looks at the pause */
#define PAUSE_MOST 64		/* turns of idle(): less than a trial takes */

struct row {
	struct st_mailbox box[2][CELLS];
	u64 *object[CELLS];
	const struct st_litmus_spec *spec;
	struct st_litmus_counts *counts;
	u64 last ____cacheline_aligned_in_smp;	/* no round after this one */
	u64 writer_at ____cacheline_aligned_in_smp;	/* round that it begins */
	u64 reader_at ____cacheline_aligned_in_smp;
	u32 pause ____cacheline_aligned_in_smp;	/* written by the reader: see pace() */
};

/* Both sides must be here before either goes on; pairs with itself. */
static void meet(u64 *mine, u64 *other, u64 round)
{
	u32 spins = 0;

	smp_store_release(mine, round);
	while (smp_load_acquire(other) < round) {
		barrier();
		if (++spins % WAIT_SPINS == 0)
			cond_resched();
	}
}

static __always_inline void idle(u32 turns)
{
	while (turns--)
		barrier();
}

static __always_inline void write_row(struct row *row, u64 round, const u32 publish,
				      const bool late)
{
	struct st_mailbox *box = row->box[round % 2], *spent = row->box[(round + 1) % 2];
	u32 i;

	for (i = 0; i < CELLS; i++) {
		u64 *object = row->object[i];

		if (late) {
			st_publish(publish, &box[i], object);
			barrier();
			WRITE_ONCE(*object, round);
		} else {
			WRITE_ONCE(*object, round);
			st_publish(publish, &box[i], object);
		}
		WRITE_ONCE(spent[i].object, NULL);
		idle(READ_ONCE(row->pause));
	}
}

static void note(struct row *row, const u64 *object, u64 round, u64 seen)
{
	struct st_litmus_counts *counts = row->counts;
	u32 spins = WAIT_SPINS;

	if (counts->expected)
		return;
	counts->expected = round;
	counts->seen = seen;
	while (READ_ONCE(*object) != round && spins--)
		cpu_relax();
	smp_mb();	/* whatever was only late is here now */
	counts->later = READ_ONCE(*object);
}

/* Where there is no pointer yet, the reader knows the address all the same. */
static __always_inline u32 trial(struct row *row, struct st_mailbox *box, u64 *known,
				 u64 round, const u32 consume)
{
	u64 early = 0, seen, *object;

	if (consume == ST_CONSUME_EARLY) {
		early = READ_ONCE(*known);
		barrier();
	}
	object = st_consume(consume, box);
	seen = READ_ONCE(*(object && consume != ST_CONSUME_CONTROL ? object : known));
	if (consume == ST_CONSUME_EARLY)
		seen = early;
	if (object && seen != round)
		note(row, object, round, seen);
	return (object ? ST_TRIAL_POINTER : 0) | (seen == round ? ST_TRIAL_CONTENT : 0);
}

/* The other side is not at this cell yet; it never waits for us within a row. */
static __always_inline void wait_for_writer(const struct st_mailbox *box)
{
	u32 spins = 0;

	while (!READ_ONCE(box->object)) {
		barrier();
		if (++spins % WAIT_SPINS == 0)
			cond_resched();
	}
}

/* The reader came early more often than late: a shorter pause, or a longer one. */
static void pace(struct row *row, u32 early, u32 late)
{
	const u32 pause = row->pause, step = 1 + pause / 16;

	if (late > early + LATELY / 8 && pause < PAUSE_MOST)
		WRITE_ONCE(row->pause, pause + step);
	else if (early > late + LATELY / 8)
		WRITE_ONCE(row->pause, pause > step ? pause - step : 0);
}

static __always_inline void read_row(struct row *row, u64 round, u64 *states,
				     const u32 consume)
{
	struct st_mailbox *box = row->box[round % 2];
	u32 lately[ST_TRIAL_STATES] = {};
	u32 i, state;

	for (i = 0; i < CELLS; i++) {
		state = trial(row, &box[i], row->object[i], round, consume);
		lately[state]++;
		if (!(state & ST_TRIAL_POINTER))
			wait_for_writer(&box[i]);
		if (i % LATELY != LATELY - 1)
			continue;
		pace(row, lately[0], lately[ST_TRIAL_STATES - 1]);
		for (state = 0; state < ST_TRIAL_STATES; state++) {
			states[state] += lately[state];
			lately[state] = 0;
		}
	}
}

static __always_inline void write_rows(struct row *row, const u32 publish, const bool late)
{
	const u64 begin = ktime_get_ns(), end = begin + row->spec->duration_ns;
	u64 round;

	for (round = 1;; round++) {
		/* said before the reader is let into the round that is the last */
		if (st_stopping() || ktime_get_ns() >= end)
			WRITE_ONCE(row->last, round);
		meet(&row->writer_at, &row->reader_at, round);
		write_row(row, round, publish, late);
		if (READ_ONCE(row->last) == round)
			break;
		cond_resched();
	}
	row->counts->elapsed_ns = ktime_get_ns() - begin;
}

static __always_inline void read_rows(struct row *row, const u32 consume)
{
	u64 states[ST_TRIAL_STATES] = {}, round;
	u32 i;

	for (round = 1;; round++) {
		meet(&row->reader_at, &row->writer_at, round);
		read_row(row, round, states, consume);
		if (READ_ONCE(row->last) == round)
			break;
		cond_resched();
	}
	for (i = 0; i < ST_TRIAL_STATES; i++)
		row->counts->states[i] = states[i];
}

typedef void (*rows_fn)(struct row *row);

#define WRITER(name, publish)							\
static noinline void write_##name(struct row *row)				\
{										\
	write_rows(row, publish, false);					\
}										\
static noinline void write_late_##name(struct row *row)				\
{										\
	write_rows(row, publish, true);						\
}
#define READER(name, consume)							\
static noinline void read_##name(struct row *row)				\
{										\
	read_rows(row, consume);						\
}

ST_EACH_PUBLISH(WRITER)
ST_EACH_CONSUME(READER)

#define WRITER_ROW(name, publish) [publish] = { write_##name, write_late_##name },
static const rows_fn writers[ST_PUBLISHES][2] = {
	ST_EACH_PUBLISH(WRITER_ROW)
};
#define READER_ROW(name, consume) [consume] = read_##name,
static const rows_fn readers[ST_CONSUMES] = {
	ST_EACH_CONSUME(READER_ROW)
};

static void writer(struct st_job *job)
{
	struct row *row = job->arg;

	writers[row->spec->publish][row->spec->late](row);
}

static void reader(struct st_job *job)
{
	struct row *row = job->arg;

	readers[row->spec->consume](row);
}

static void cells_put(struct row *row)
{
	struct kmem_cache *cache = (struct kmem_cache *)(unsigned long)row->spec->cache;
	u32 i;

	for (i = 0; i < CELLS; i++)
		if (row->object[i])
			kmem_cache_free(cache, row->object[i]);
}

static int cells_get(struct row *row)
{
	struct kmem_cache *cache = (struct kmem_cache *)(unsigned long)row->spec->cache;
	u32 i;

	for (i = 0; i < CELLS; i++) {
		spin_lock_init(&row->box[0][i].lock);
		spin_lock_init(&row->box[1][i].lock);
		row->object[i] = kmem_cache_alloc(cache, ST_GFP);
		if (!row->object[i])
			return -ENOMEM;
		*row->object[i] = 0;
	}
	return 0;
}

int st_litmus(const struct st_litmus_spec *spec, struct st_litmus_counts *counts)
{
	struct st_job jobs[2];
	struct row *row;
	int err;

	if (spec->publish >= ST_PUBLISHES || spec->consume >= ST_CONSUMES || spec->late > 1 ||
	    spec->writer_cpu == spec->reader_cpu)
		return -EINVAL;
	row = kvzalloc(sizeof(*row), GFP_KERNEL);
	if (!row)
		return -ENOMEM;
	memset(counts, 0, sizeof(*counts));
	row->spec = spec;
	row->counts = counts;
	err = cells_get(row);
	if (!err) {
		memset(jobs, 0, sizeof(jobs));
		jobs[0] = (struct st_job){ .work = writer, .arg = row, .cpu = spec->writer_cpu };
		jobs[1] = (struct st_job){ .work = reader, .arg = row, .cpu = spec->reader_cpu };
		err = st_threads_run(jobs, 2);
	}
	cells_put(row);
	kvfree(row);
	return err;
}
