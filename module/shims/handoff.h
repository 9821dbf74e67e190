/* SPDX-License-Identifier: GPL-2.0 */
/*
 * handoff.h - what the two sides of the engine share: the channel between
 * them, and stamps that describe themselves. handoff.c sets up and joins,
 * handoff_produce.c and handoff_consume.c are the loops.
 */
#ifndef SLUBTORTURE_HANDOFF_H
#define SLUBTORTURE_HANDOFF_H

#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/reciprocal_div.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "fields.h"
#include "ordering.h"
#include "shims.h"

#define SPINS 4096		/* of waiting between chances to be scheduled */
#define BREATH 256		/* handoffs between looks at the clock */
#define BULK 16			/* objects that are allocated and freed at once */

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
	u64 step_most;		/* no step of the right cache's is longer */
	bool one_cpu;		/* both sides take turns */

	/* written by the producer */
	u64 produced ____cacheline_aligned_in_smp;	/* valid once closed is set */
	u64 stamped;		/* busted mode: stamps written so far */
	bool closed;
	void *stock[BULK];	/* allocated, not yet handed over */
	u32 stocked;

	/* written by the consumer */
	u64 looked ____cacheline_aligned_in_smp;	/* busted mode: looked at so far */
	u64 consumed;
	void *heap[BULK];	/* consumed, not yet freed */
	u32 heaped;
	struct hrtimer timer;	/* frees in interrupts */
	struct completion drained;
};

/* An object as kfree_rcu() needs it; the stamp is what the two sides agree on. */
struct rcu_object {
	u64 stamp[ST_STAMP_WORDS];
	u64 unused[ST_STAMP_WORDS];
	struct rcu_head rcu;
};

/*
 * The other side may wait for this very CPU: on one CPU by turns, on two when
 * one of them went offline and both threads share the other.
 */
static __always_inline void spin(const struct channel *ch, u32 *spins)
{
	cpu_relax();
	if (unlikely(ch->one_cpu))
		yield();
	else if (unlikely(++*spins % SPINS == 0))
		cond_resched();
}

#define STAMP_FACTOR 0x9e3779b97f4a7c15ull
#define STAMP_INVERSE 0xf1de83e19937733dull	/* modulo 2^64 */

static __always_inline u64 stamp_word(u64 seed, u64 number, u32 word)
{
	return (seed ^ number) * STAMP_FACTOR + word;
}

/* Whether the word is one that some handoff up to `produced` wrote there. */
static __always_inline bool any_life(u64 seen, u64 seed, u32 word, u64 produced)
{
	return (((seen - word) * STAMP_INVERSE) ^ seed) <= produced;
}

/* Objects of kmalloc come from caches that only their slab can name. */
static __always_inline bool names_cache(const struct st_handoff_spec *spec)
{
	return spec->layout && (spec->origin == ST_ORIGIN_KMALLOC ||
				spec->origin == ST_ORIGIN_KFREE_RCU);
}

typedef void (*produce_fn)(struct channel *ch);
typedef bool (*drain_fn)(struct channel *ch);	/* true: closed and drained */

produce_fn st_producer(u32 publish, u32 mode);
drain_fn st_drainer(u32 consume, u32 mode, bool irq);
/* what the loops still hold in their hands when they have ended */
void st_produce_rest(struct channel *ch);
void st_drain_rest(struct channel *ch);

#endif
