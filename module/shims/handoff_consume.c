// SPDX-License-Identifier: GPL-2.0
/*
 * handoff_consume - the freeing side of the engine: takes a pointer, looks at
 * the object, its metadata and its slab, and frees it, in a thread or in an
 * interrupt. One loop for all; what consumes, mode and context are constants
 * in every copy of it. What the counts mean is core's affair.
 */
#include "handoff_look.h"

#define IRQ_OBJECTS 256		/* that one interrupt frees at most */
#define IRQ_SPINS 2000		/* that it polls for more of them */

enum arrival { THERE, POLLED, NOT_NOW, CLOSED };

static __always_inline enum arrival wait_for_object(struct channel *ch, void **word,
						    u64 number, u32 *spins, const bool irq)
{
	if (READ_ONCE(*word))
		return THERE;
	for (;;) {
		if (smp_load_acquire(&ch->closed) && number == ch->produced)
			return CLOSED;
		if (irq) {
			/* on one CPU the producer stands still meanwhile */
			if (ch->one_cpu || ++*spins > IRQ_SPINS)
				return NOT_NOW;
			cpu_relax();
		} else {
			spin(ch, spins);
		}
		if (READ_ONCE(*word))
			return ch->one_cpu ? THERE : POLLED;
	}
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
				struct seen seen, bool freed)
{
	struct st_handoff_sample *sample = &ch->counts->first_wrong;
	const struct st_layout *layout = ch->spec->layout;
	const void *slab = st_slab_of(object);
	const u32 word = first_difference(&seen, ch->spec->seed, number);

	if (sample->valid)
		return;
	sample->valid = 1;
	sample->state = state;
	sample->freed = freed;
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

static __always_inline void put(struct channel *ch, u64 *object, const bool simple)
{
	if (likely(simple)) {
		kmem_cache_free(ch->cache, object);
		return;
	}
	switch (ch->spec->origin) {
	case ST_ORIGIN_KMALLOC:
		kfree(object);
		break;
	case ST_ORIGIN_KFREE_RCU:
		kfree_rcu((struct rcu_object *)object, rcu);
		break;
	case ST_ORIGIN_BULK:
		ch->heap[ch->heaped++] = object;
		if (ch->heaped == BULK)
			st_drain_rest(ch);
		break;
	default:
		kmem_cache_free(ch->cache, object);
	}
}

/* What a free that keeps no grace period leaves of an object under its reader. */
static void spoil(u64 *object)
{
	u32 i;

	for (i = 0; i < ST_STAMP_WORDS; i++)
		WRITE_ONCE(object[i], 0x6b6b6b6b6b6b6b6bull);	/* POISON_FREE */
}

/* Frees under RCU and looks again. */
static noinline void put_and_look(struct channel *ch, u64 *object, u64 number,
				  struct seen seen)
{
	const void *cache = ch->spec->layout ? cache_of(ch, object) : NULL;
	bool sound;

	rcu_read_lock();
	if (ch->spec->freed_early)
		spoil(object);
	else
		put(ch, object, false);
	sound = sound_after_free(ch, object, number, cache, seen);
	ch->counts->after[sound]++;
	if (!sound)
		note_wrong(ch, object, number, ST_HANDOFF_STATES - 1, read_stamp(object), true);
	rcu_read_unlock();
	if (ch->spec->freed_early)
		put(ch, object, false);
}

/*
 * What is read of the object, and when: through the pointer after it was
 * taken; after control, through another word that names it; for early, before.
 */
static __always_inline struct seen peek(const u32 consume, const struct st_mailbox *box,
					const u64 *object)
{
	const u64 *named;

	if (consume != ST_CONSUME_CONTROL)
		return read_stamp(object);
	named = READ_ONCE(box->announced);
	if (named != object)
		return (struct seen){};	/* stale: that object may be gone */
	/* or the compiler reads through the equal pointer: a dependency */
	OPTIMIZER_HIDE_VAR(named);
	return read_stamp(named);
}

/* The busted engine's early: waits for the address alone. */
static __always_inline bool peek_early(struct channel *ch, struct st_mailbox *box, u64 number,
				       struct seen *seen)
{
	u32 spins = 0;

	if (wait_for_object(ch, &box->announced, number, &spins, false) == CLOSED)
		return false;
	*seen = read_stamp(smp_load_acquire(&box->announced));
	WRITE_ONCE(box->announced, NULL);
	smp_store_release(&ch->looked, number + 1);
	return true;
}

static __always_inline bool drain(struct channel *ch, const u32 consume, const u32 mode,
				  const bool irq)
{
	const struct st_handoff_spec *spec = ch->spec;
	const bool early = mode == ST_HANDOFF_BUSTED && consume == ST_CONSUME_EARLY;
	const bool simple = spec->origin <= ST_ORIGIN_ACCOUNTED;
	const bool again = spec->origin == ST_ORIGIN_KFREE_RCU ||
			   spec->origin == ST_ORIGIN_TYPESAFE;
	const bool claimed = names_cache(spec);
	const u64 unless = spec->sampling ? spec->sampling - 1 : U64_MAX;
	const u64 first = ch->consumed, most = irq ? first + IRQ_OBJECTS : U64_MAX;
	u64 states[ST_HANDOFF_STATES] = {}, content[2] = {}, overlaps = 0, n;
	enum arrival arrival = NOT_NOW;
	u32 spins = 0, i;

	for (n = first; n < most; n++) {
		struct st_mailbox *box = &ch->box[n & (spec->in_flight - 1)];
		struct seen seen;
		u64 *object;

		if (early && !peek_early(ch, box, n, &seen)) {
			arrival = CLOSED;
			break;
		}
		arrival = wait_for_object(ch, &box->object, n, &spins, irq);
		if (arrival >= NOT_NOW)
			break;
		object = st_consume(consume, box);
		if (mode == ST_HANDOFF_BARE) {
			(void)READ_ONCE(object[0]);
			if (st_consumes_by_reading(consume))
				st_mailbox_clear(box);
			put(ch, object, simple);
		} else {
			const bool looking = (n & unless) == unless;
			bool fresh;
			u32 state;

			if (!early)
				seen = peek(consume, box, object);
			if (st_consumes_by_reading(consume))
				st_mailbox_clear(box);
			fresh = content_fresh(seen, spec->seed, n, claimed);
			overlaps += arrival == POLLED;
			if (mode == ST_HANDOFF_BUSTED && !early)
				smp_store_release(&ch->looked, n + 1);
			if (looking || !fresh) {
				state = look(ch, object, n, seen, fresh, claimed);
				states[state]++;
				if (unlikely(state != ST_HANDOFF_STATES - 1))
					note_wrong(ch, object, n, state, seen, false);
			} else {
				content[fresh]++;
			}
			if (mode == ST_HANDOFF_BUSTED)
				while (smp_load_acquire(&ch->stamped) <= n)
					cpu_relax();
			if (unlikely(again && looking && fresh))
				put_and_look(ch, object, n, seen);
			else
				put(ch, object, simple);
		}
		if (!irq && n % BREATH == 0)
			cond_resched();
	}
	ch->consumed = n;
	ch->counts->handoffs += n - first;
	ch->counts->overlaps += overlaps;
	for (i = 0; i < ST_HANDOFF_STATES; i++)
		ch->counts->states[i] += states[i];
	ch->counts->content[1] += content[1];
	return arrival == CLOSED;
}

void st_drain_rest(struct channel *ch)
{
	if (ch->heaped)
		kmem_cache_free_bulk(ch->cache, ch->heaped, ch->heap);
	ch->heaped = 0;
}

/* One copy of the loop for each consumer and mode; interrupts take engines only. */
#define LOOPS(name, consume)							\
static noinline bool name##_engine(struct channel *ch)				\
{										\
	return drain(ch, consume, ST_HANDOFF_ENGINE, false);			\
}										\
static noinline bool name##_bare(struct channel *ch)				\
{										\
	return drain(ch, consume, ST_HANDOFF_BARE, false);			\
}										\
static noinline bool name##_busted(struct channel *ch)				\
{										\
	return drain(ch, consume, ST_HANDOFF_BUSTED, false);			\
}										\
static noinline bool name##_irq(struct channel *ch)				\
{										\
	return drain(ch, consume, ST_HANDOFF_ENGINE, true);			\
}

ST_EACH_CONSUME(LOOPS)

#define ROW(name, consume)							\
	[consume] = { name##_engine, name##_bare, name##_busted, name##_irq },
static const drain_fn loops[ST_CONSUMES][4] = {
	ST_EACH_CONSUME(ROW)
};

drain_fn st_drainer(u32 consume, u32 mode, bool irq)
{
	return loops[consume][irq ? 3 : mode];
}
