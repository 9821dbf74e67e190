// SPDX-License-Identifier: GPL-2.0
/*
 * handoff - the engine's hot loop: CPU X allocates and publishes, CPU Y
 * consumes, looks and frees. One loop for three modes; ordering and mode are
 * constants in every copy of it. The bare loop of the benchmark is this very
 * loop with the least that is still a handoff: one word written before the
 * object is published and read after it is consumed, nothing checked, nothing
 * counted. What the counts mean is core's affair.
 */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/reciprocal_div.h>
#include <linux/slab.h>

#include "fields.h"
#include "ordering.h"
#include "shims.h"

#define SPINS 4096		/* of waiting between chances to be scheduled */
#define BREATH 256		/* handoffs between looks at the clock */

/*
 * st_layout boiled down for a loop in which every instruction counts. All
 * three fields are whole words of their size wherever handoffs are accounted;
 * quick_from() refuses a layout of which that is not true.
 */
struct quick {
	u32 exts_at, cache_at, stride_at;	/* bytes into the slab structure */
	u32 objcg_at;				/* bytes into an extension */
	u64 address_mask;			/* exts without its flags */
	u64 fixed_step;				/* 0: read the stride */
};

struct channel {
	struct st_mailbox box[ST_IN_FLIGHT_MOST];
	struct quick quick;
	const struct st_handoff_spec *spec;
	struct st_handoff_counts *counts;
	struct kmem_cache *cache;
	struct reciprocal_value per_object;	/* divides by the cache's size */
	u64 cache_size;
	u64 produced;		/* valid once closed is set */
	u64 looked;		/* busted mode: objects looked at so far */
	u64 stamped;		/* busted mode: stamps written so far */
	bool closed;
};

/* Both threads share a CPU when theirs goes offline: let the other one run. */
static __always_inline void spin(u32 *spins)
{
	cpu_relax();
	if (unlikely(++*spins % SPINS == 0))
		cond_resched();
}

static __always_inline u64 stamp_word(u64 seed, u64 number, u32 word)
{
	return (seed ^ number) * 0x9e3779b97f4a7c15ull + word;
}

static __always_inline void stamp(u64 *object, u64 seed, u64 number)
{
	u32 i;

	for (i = 0; i < ST_STAMP_WORDS; i++)
		WRITE_ONCE(object[i], stamp_word(seed, number, i));
}

/*
 * Publishes first and writes later, as a missing barrier might; the window is
 * held open until the consumer has looked, so the control never gets lucky.
 */
static __always_inline void publish_busted(struct channel *ch, u32 ordering,
					   struct st_mailbox *box, u64 *object, u64 number)
{
	st_publish(ordering, box, object);
	while (smp_load_acquire(&ch->looked) <= number)
		cpu_relax();
	stamp(object, ch->spec->seed, number);
	/* the consumer must not free before this: the control corrupts nothing */
	smp_store_release(&ch->stamped, number + 1);
}

static __always_inline void produce(struct channel *ch, const u32 ordering, const u32 mode)
{
	const gfp_t gfp = st_gfp(ch->spec->accounted);
	const u64 end = ktime_get_ns() + ch->spec->duration_ns;
	const u32 mask = ch->spec->in_flight - 1;
	const u64 seed = ch->spec->seed;
	u32 spins = 0;
	u64 n = 0;

	for (;;) {
		struct st_mailbox *box = &ch->box[n & mask];
		u64 *object;

		while (!st_mailbox_empty(box))
			spin(&spins);
		object = kmem_cache_alloc(ch->cache, gfp);
		if (unlikely(!object))
			break;
		if (mode == ST_HANDOFF_BUSTED) {
			publish_busted(ch, ordering, box, object, n);
		} else {
			if (mode == ST_HANDOFF_ENGINE)
				stamp(object, seed, n);
			else
				WRITE_ONCE(object[0], n);
			st_publish(ordering, box, object);
		}
		n++;
		if (n % (mode == ST_HANDOFF_BUSTED ? BREATH / 16 : BREATH))
			continue;
		if (st_stopping() || ktime_get_ns() >= end)
			break;
		cond_resched();
	}
	ch->produced = n;
	smp_store_release(&ch->closed, true);
}

/* What this CPU saw of the stamp, each word read once. */
struct seen {
	u64 word[ST_STAMP_WORDS];
};

static __always_inline struct seen read_stamp(const u64 *object)
{
	struct seen seen;
	u32 i;

	for (i = 0; i < ST_STAMP_WORDS; i++)
		seen.word[i] = READ_ONCE(object[i]);
	return seen;
}

static __always_inline bool content_fresh(struct seen seen, u64 seed, u64 number)
{
	u64 differ = 0;
	u32 i;

	for (i = 0; i < ST_STAMP_WORDS; i++)
		differ |= seen.word[i] ^ stamp_word(seed, number, i);
	return !differ;
}

static bool whole(struct st_field field, u32 bits)
{
	return field.bits == bits && field.bit_offset % bits == 0;
}

static bool quick_from(const struct st_layout *layout, struct quick *quick)
{
	if (!whole(layout->exts, 64) || !whole(layout->slab_cache, 64))
		return false;
	quick->exts_at = layout->exts.bit_offset / 8;
	quick->cache_at = layout->slab_cache.bit_offset / 8;
	quick->objcg_at = layout->objcg_offset;
	/* a failed allocation (OBJEXTS_ALLOC_FAIL) is flags alone: no address */
	quick->address_mask = ~layout->exts_flag_mask;
	quick->fixed_step = layout->ext_bytes;
	if (layout->step_origin != ST_STEP_FIELD)
		return true;
	quick->fixed_step = 0;
	quick->stride_at = layout->stride.bit_offset / 8;
	return whole(layout->stride, 32) || whole(layout->stride, 16);
}

/*
 * Is the object's own extension there, and does it name somebody to charge?
 * The cache is not SLAB_ACCOUNT, so its vectors are external and of one step.
 */
static __always_inline bool metadata_seen(struct channel *ch, const u8 *slab,
					  const void *object)
{
	const struct quick *quick = &ch->quick;
	const u64 vector = READ_ONCE(*(const u64 *)(slab + quick->exts_at)) &
			   quick->address_mask;
	const unsigned long base = (unsigned long)page_address((const struct page *)slab);
	u64 step = quick->fixed_step;
	u32 index;

	if (!vector)
		return false;
	if (!step)
		step = ch->spec->layout->stride.bits == 32 ?
		       READ_ONCE(*(const u32 *)(slab + quick->stride_at)) :
		       READ_ONCE(*(const u16 *)(slab + quick->stride_at));
	index = reciprocal_divide((u32)((unsigned long)object - base), ch->per_object);
	return READ_ONCE(*(u64 *)(unsigned long)(vector + step * index + quick->objcg_at)) != 0;
}

static __always_inline u32 look(struct channel *ch, const u64 *object, bool fresh)
{
	const u8 *slab = st_slab_of(object);
	u32 state = fresh ? ST_SAW_CONTENT : 0;

	if (!ch->spec->layout)
		return state | ST_SAW_METADATA | ST_SAW_SLAB;
	if (READ_ONCE(*(const u64 *)(slab + ch->quick.cache_at)) == (unsigned long)ch->cache)
		state |= ST_SAW_SLAB;
	if (!ch->spec->accounted || metadata_seen(ch, slab, object))
		state |= ST_SAW_METADATA;
	return state;
}

/* The word that differed first, or word 0. */
static u32 first_difference(const struct seen *seen, u64 seed, u64 number)
{
	u32 i;

	for (i = 0; i < ST_STAMP_WORDS; i++)
		if (seen->word[i] != stamp_word(seed, number, i))
			return i;
	return 0;
}

static noinline void note_wrong(struct channel *ch, const u64 *object, u64 number, u32 state,
				struct seen seen)
{
	struct st_handoff_sample *sample = &ch->counts->first_wrong;
	const struct st_layout *layout = ch->spec->layout;
	const void *slab = st_slab_of(object);
	const u32 word = first_difference(&seen, ch->spec->seed, number);

	if (sample->valid)
		return;
	sample->valid = 1;
	sample->state = state;
	sample->object = (unsigned long)object;
	sample->expected = stamp_word(ch->spec->seed, number, word);
	sample->seen = seen.word[word];
	if (layout) {
		sample->exts = st_field_read(slab, layout->exts);
		sample->slab_cache = st_field_read(slab, layout->slab_cache);
	}
	if (ch->spec->mode == ST_HANDOFF_BUSTED)
		while (smp_load_acquire(&ch->stamped) <= number)
			cpu_relax();
	smp_mb();	/* whatever was only late is here now */
	sample->later = READ_ONCE(object[word]);
	if (layout) {
		sample->exts_later = st_field_read(slab, layout->exts);
		sample->slab_cache_later = st_field_read(slab, layout->slab_cache);
	}
}

/* False: the producer has closed and nothing is left. */
static __always_inline bool wait_for_object(struct channel *ch, struct st_mailbox *box,
					    u64 number, bool *polled)
{
	u32 spins = 0;

	*polled = false;
	while (!st_mailbox_full(box)) {
		*polled = true;
		if (smp_load_acquire(&ch->closed) && number == ch->produced)
			return false;
		spin(&spins);
	}
	return true;
}

static __always_inline void consume(struct channel *ch, const u32 ordering, const u32 mode)
{
	u64 states[ST_HANDOFF_STATES] = {};
	const u32 mask = ch->spec->in_flight - 1;
	const u64 seed = ch->spec->seed;
	u64 n, overlaps = 0;
	bool polled;
	u32 i;

	for (n = 0;; n++) {
		struct st_mailbox *box = &ch->box[n & mask];
		u64 *object;

		if (!wait_for_object(ch, box, n, &polled))
			break;
		object = st_consume(ordering, box);
		if (mode != ST_HANDOFF_BARE) {
			const struct seen seen = read_stamp(object);
			const u32 state = look(ch, object, content_fresh(seen, seed, n));

			if (mode == ST_HANDOFF_BUSTED)
				smp_store_release(&ch->looked, n + 1);
			states[state]++;
			overlaps += polled;
			if (unlikely(state != ST_HANDOFF_STATES - 1))
				note_wrong(ch, object, n, state, seen);
		}
		if (mode == ST_HANDOFF_BARE)
			(void)READ_ONCE(object[0]);
		if (mode == ST_HANDOFF_BUSTED)
			while (smp_load_acquire(&ch->stamped) <= n)
				cpu_relax();
		kmem_cache_free(ch->cache, object);
		if (n % BREATH == 0)
			cond_resched();
	}
	ch->counts->handoffs = n;
	ch->counts->overlaps = overlaps;
	for (i = 0; i < ST_HANDOFF_STATES; i++)
		ch->counts->states[i] = states[i];
}

/* One copy of both loops for each ordering and mode. */
#define LOOPS(name, ordering, mode)						\
static noinline void produce_##name(struct channel *ch)				\
{										\
	produce(ch, ordering, mode);						\
}										\
static noinline void consume_##name(struct channel *ch)				\
{										\
	consume(ch, ordering, mode);						\
}
#define LOOPS_OF(name, ordering)						\
	LOOPS(name##_engine, ordering, ST_HANDOFF_ENGINE)			\
	LOOPS(name##_bare, ordering, ST_HANDOFF_BARE)				\
	LOOPS(name##_busted, ordering, ST_HANDOFF_BUSTED)

LOOPS_OF(release, ST_RELEASE_ACQUIRE)
LOOPS_OF(xchg, ST_XCHG_XCHG)
LOOPS_OF(spinlock, ST_SPINLOCK)

typedef void (*loop_fn)(struct channel *ch);

#define ROW(side, name) { side##_##name##_engine, side##_##name##_bare, side##_##name##_busted }
static const loop_fn produce_loops[ST_ORDERINGS][3] = {
	[ST_RELEASE_ACQUIRE] = ROW(produce, release),
	[ST_XCHG_XCHG] = ROW(produce, xchg),
	[ST_SPINLOCK] = ROW(produce, spinlock),
};
static const loop_fn consume_loops[ST_ORDERINGS][3] = {
	[ST_RELEASE_ACQUIRE] = ROW(consume, release),
	[ST_XCHG_XCHG] = ROW(consume, xchg),
	[ST_SPINLOCK] = ROW(consume, spinlock),
};

static void producer(struct st_job *job)
{
	struct channel *ch = job->arg;
	struct mem_cgroup *old = st_memcg_enter();
	const u64 begin = ktime_get_ns();

	produce_loops[ch->spec->ordering][ch->spec->mode](ch);
	ch->counts->elapsed_ns = ktime_get_ns() - begin;
	st_memcg_leave(old);
}

static void consumer(struct st_job *job)
{
	struct channel *ch = job->arg;

	consume_loops[ch->spec->ordering][ch->spec->mode](ch);
}

int st_handoff(const struct st_handoff_spec *spec, struct st_handoff_counts *counts)
{
	struct channel *ch;
	struct st_job jobs[2];
	int err, i;

	if (spec->ordering >= ST_ORDERINGS || spec->mode > ST_HANDOFF_BUSTED ||
	    spec->object_bytes < ST_STAMP_WORDS * sizeof(u64) ||
	    spec->in_flight > ST_IN_FLIGHT_MOST || !is_power_of_2(spec->in_flight))
		return -EINVAL;
	ch = kvzalloc(sizeof(*ch), GFP_KERNEL);
	if (!ch)
		return -ENOMEM;
	for (i = 0; i < ST_IN_FLIGHT_MOST; i++)
		spin_lock_init(&ch->box[i].lock);
	memset(counts, 0, sizeof(*counts));
	ch->spec = spec;
	ch->counts = counts;
	ch->cache = (struct kmem_cache *)(unsigned long)spec->cache;
	ch->cache_size = kmem_cache_size(ch->cache);
	if (spec->layout)
		ch->cache_size = st_field_read(ch->cache, spec->layout->cache_size);
	err = -EOPNOTSUPP;
	if (spec->layout && !quick_from(spec->layout, &ch->quick))
		goto out;
	ch->per_object = reciprocal_value((u32)ch->cache_size);
	memset(jobs, 0, sizeof(jobs));
	jobs[0] = (struct st_job){ .work = producer, .arg = ch, .cpu = spec->producer_cpu };
	jobs[1] = (struct st_job){ .work = consumer, .arg = ch, .cpu = spec->consumer_cpu };
	err = st_threads_run(jobs, 2);
out:
	kvfree(ch);
	return err;
}
