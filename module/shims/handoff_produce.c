// SPDX-License-Identifier: GPL-2.0
/*
 * handoff_produce - the allocating side of the engine: an object is had from
 * one of the origins, stamped and published. One loop for three modes; what
 * publishes and the mode are constants in every copy of it. The bare loop of
 * the benchmark is this very loop with the least that is still a handoff: one
 * word written before the object is published.
 */
#include <linux/ktime.h>

#include "handoff.h"

static u64 *refill(struct channel *ch, gfp_t gfp)
{
	/* all or none: how many up to 6.x, then true */
	if (!kmem_cache_alloc_bulk(ch->cache, gfp, BULK, ch->stock))
		return NULL;
	ch->stocked = BULK;
	return ch->stock[--ch->stocked];
}

/* __GFP_THISNODE: memory of another node instead would be another question */
static noinline u64 *allocate_on_node(struct channel *ch, gfp_t gfp)
{
	const struct st_handoff_spec *spec = ch->spec;

	gfp |= __GFP_THISNODE;
	if (spec->origin == ST_ORIGIN_KMALLOC || spec->origin == ST_ORIGIN_KFREE_RCU)
		return kmalloc_node(spec->object_bytes, gfp, spec->nid);
	return kmem_cache_alloc_node(ch->cache, gfp, spec->nid);
}

static __always_inline u64 *allocate(struct channel *ch, gfp_t gfp, const bool simple)
{
	if (likely(simple))
		return kmem_cache_alloc(ch->cache, gfp);
	if (ch->spec->nid >= 0)
		return allocate_on_node(ch, gfp);
	switch (ch->spec->origin) {
	case ST_ORIGIN_KMALLOC:
	case ST_ORIGIN_KFREE_RCU:
		return kmalloc(ch->spec->object_bytes, gfp);
	case ST_ORIGIN_BULK:
		return ch->stocked ? ch->stock[--ch->stocked] : refill(ch, gfp);
	default:
		return kmem_cache_alloc(ch->cache, gfp);
	}
}

/*
 * The last word also tells which cache this CPU found in the object's slab:
 * the freeing side must find the same there.
 */
static __always_inline void stamp(const struct channel *ch, u64 *object, u64 number,
				  const bool claim)
{
	const u64 seed = ch->spec->seed;
	u64 cache = 0;
	u32 i;

	if (claim)
		cache = READ_ONCE(*(const u64 *)((const u8 *)st_slab_of(object) +
						 ch->quick.cache_at));
	for (i = 0; i < ST_STAMP_WORDS - 1; i++)
		WRITE_ONCE(object[i], stamp_word(seed, number, i));
	WRITE_ONCE(object[i], stamp_word(seed, number, i) ^ cache);
}

static __always_inline void wait_until_looked(struct channel *ch, u64 number)
{
	while (smp_load_acquire(&ch->looked) <= number)
		cpu_relax();
}

/*
 * Wrong in program order, as if a barrier were missing; the window is held
 * open until the consumer has looked, so the control never gets lucky. late:
 * published first and written later. early: the consumer, which is told the
 * address, reads the object before it asks for the pointer.
 */
static __always_inline void hand_busted(struct channel *ch, const u32 publish,
					struct st_mailbox *box, u64 *object, u64 number)
{
	const bool early = ch->spec->consume == ST_CONSUME_EARLY;

	if (early)
		smp_store_release(&box->announced, object);
	else
		st_publish(publish, box, object);
	wait_until_looked(ch, number);
	stamp(ch, object, number, false);
	if (early)
		st_publish(publish, box, object);
	/* the consumer must not free before this: the control corrupts nothing */
	smp_store_release(&ch->stamped, number + 1);
}

static __always_inline bool done(const struct channel *ch, u64 number, u64 end)
{
	if (st_stopping() || ktime_get_ns() >= end)
		return true;
	if (ch->spec->most && number >= ch->spec->most)
		return true;
	cond_resched();
	return false;
}

static __always_inline void produce(struct channel *ch, const u32 publish, const u32 mode)
{
	const gfp_t gfp = st_gfp(ch->spec->accounted);
	const u64 end = ktime_get_ns() + ch->spec->duration_ns;
	const u32 mask = ch->spec->in_flight - 1;
	const bool claim = names_cache(ch->spec);
	const bool announce = ch->spec->consume == ST_CONSUME_CONTROL;
	const bool simple = ch->spec->origin <= ST_ORIGIN_ACCOUNTED && ch->spec->nid < 0;
	u32 spins = 0;
	u64 n = 0;

	for (;;) {
		struct st_mailbox *box = &ch->box[n & mask];
		u64 *object;

		while (!st_mailbox_empty(box))
			spin(ch, &spins);
		object = allocate(ch, gfp, simple);
		if (unlikely(!object))
			break;
		if (mode == ST_HANDOFF_BUSTED) {
			hand_busted(ch, publish, box, object, n);
		} else {
			if (mode == ST_HANDOFF_ENGINE)
				stamp(ch, object, n, claim);
			else
				WRITE_ONCE(object[0], n);
			if (unlikely(announce))
				WRITE_ONCE(box->announced, object);
			st_publish(publish, box, object);
		}
		n++;
		if (n % (mode == ST_HANDOFF_BUSTED ? BREATH / 16 : BREATH) == 0 &&
		    done(ch, n, end))
			break;
	}
	ch->produced = n;
	smp_store_release(&ch->closed, true);
}

void st_produce_rest(struct channel *ch)
{
	if (ch->stocked)
		kmem_cache_free_bulk(ch->cache, ch->stocked, ch->stock);
	ch->stocked = 0;
}

/* One copy of the loop for each publisher and mode. */
#define LOOPS(name, publish)							\
static noinline void name##_engine(struct channel *ch)				\
{										\
	produce(ch, publish, ST_HANDOFF_ENGINE);				\
}										\
static noinline void name##_bare(struct channel *ch)				\
{										\
	produce(ch, publish, ST_HANDOFF_BARE);					\
}										\
static noinline void name##_busted(struct channel *ch)				\
{										\
	produce(ch, publish, ST_HANDOFF_BUSTED);				\
}

ST_EACH_PUBLISH(LOOPS)

#define ROW(name, publish) [publish] = { name##_engine, name##_bare, name##_busted },
static const produce_fn loops[ST_PUBLISHES][3] = {
	ST_EACH_PUBLISH(ROW)
};

produce_fn st_producer(u32 publish, u32 mode)
{
	return loops[publish][mode];
}
