/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cost_paths.h - the loops that cost.c times: an allocation and a free on one
 * CPU, a look-up alone, parcels of objects from one CPU to another; one copy of
 * each for each variant. Who runs them, on which CPU, is cost.c's, the only one
 * that includes it.
 */
#ifndef SLUBTORTURE_COST_PATHS_H
#define SLUBTORTURE_COST_PATHS_H

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/stringify.h>

#include "cost_look_up.h"
#include "shims.h"

#define PARCEL 32		/* objects that pass at once between CPUs */
#define PARCELS 64		/* on their way at most */
#define SPINS 4096		/* of waiting before a short sleep */
#define NAP_US 20

struct parcel {
	void *objects[PARCEL];
	u32 variant, block;
};

struct cost {
	const struct st_cost_spec *spec;
	struct st_cost_counts *counts;
	struct kmem_cache *cache;
	struct place place;
	struct publication publication;
	u64 sum;			/* of what was looked up, so that it is */
	int err;
	u32 operations;			/* of a block, whole batches and parcels */
	u32 variant, block;		/* whose turn it is */
	void **objects;			/* spec->batch */
	struct parcel parcels[PARCELS];	/* remote: a ring, filled and freed in turn */
	u32 freeing_ns[ST_COST_VARIANTS][ST_COST_BLOCKS_MOST];
	u64 sent ____cacheline_aligned_in_smp;	/* parcels so far */
	u64 freed ____cacheline_aligned_in_smp;	/* parcels so far */
	bool closed;			/* nothing more will be sent */
};

/*
 * Waits are not timed. A guest's CPUs may have to share one of the host's, which
 * goes to the other one only if this one sleeps.
 */
static void spin(u32 *spins)
{
	cpu_relax();
	if (unlikely(++*spins % SPINS == 0))
		usleep_range(NAP_US, 2 * NAP_US);
}

static __always_inline void *allocate(struct cost *c, const u32 variant)
{
	void *object = kmem_cache_alloc(c->cache, st_gfp(true));

	if (variant == ST_COST_BARE || unlikely(!object))
		return object;
	st_cost_publish(&c->publication, c->spec->per_slab, variant);
	c->sum += st_cost_look_up(&c->place, object, variant);
	return object;
}

static __always_inline void release(struct cost *c, void *object, const u32 variant)
{
	if (variant != ST_COST_BARE)
		c->sum += st_cost_look_up(&c->place, object, variant);
	kmem_cache_free(c->cache, object);
}

/* --- one CPU --- */

static __always_inline bool pairs(struct cost *c, const u32 variant)
{
	const u32 batch = c->spec->batch;
	u32 i, got;

	for (got = 0; got < batch; got++) {
		c->objects[got] = allocate(c, variant);
		if (unlikely(!c->objects[got]))
			break;
	}
	for (i = 0; i < got; i++)
		release(c, c->objects[i], variant);
	return got == batch;
}

static __always_inline u64 local(struct cost *c, const u32 variant)
{
	const u64 begin = ktime_get_ns();
	u32 done;

	for (done = 0; done < c->operations; done += c->spec->batch)
		if (!pairs(c, variant) || (variant == ST_COST_TWICE && !pairs(c, variant)))
			c->err = -ENOMEM;
	return ktime_get_ns() - begin;
}

static __always_inline u64 look_up(struct cost *c, const u32 variant)
{
	const u32 times = variant == ST_COST_TWICE ? 2 * c->operations : c->operations;
	const u64 begin = ktime_get_ns();
	u32 i;

	for (i = 0; i < times; i++) {
		void *object = READ_ONCE(c->objects[i % c->spec->batch]);

		if (variant == ST_COST_BARE)
			c->sum += (unsigned long)object;
		else
			c->sum += st_cost_look_up(&c->place, object, variant);
	}
	return ktime_get_ns() - begin;
}

/* --- two CPUs --- */

/* Objects of an unfinished parcel are NULL from the first that was not to be had. */
static __always_inline bool fill(struct cost *c, struct parcel *parcel, const u32 variant)
{
	u32 i;

	for (i = 0; i < PARCEL; i++) {
		parcel->objects[i] = allocate(c, variant);
		if (unlikely(!parcel->objects[i]))
			return false;
	}
	return true;
}

/* Until fewer than `most` parcels are on their way. */
static __always_inline void wait_for_room(struct cost *c, u64 sent, u64 most)
{
	u32 spins = 0;

	/* pairs with the release in receiver(): such parcels are done with */
	while (sent - smp_load_acquire(&c->freed) >= most)
		spin(&spins);
}

/* A block's time is that of its parcels on both sides, without the waits. */
static __always_inline u64 remote(struct cost *c, const u32 variant)
{
	const u32 objects = variant == ST_COST_TWICE ? 2 * c->operations : c->operations;
	u64 begin, spent = 0;
	bool whole = true;
	u32 done;

	for (done = 0; whole && done < objects; done += PARCEL) {
		struct parcel *parcel = &c->parcels[c->sent % PARCELS];

		wait_for_room(c, c->sent, PARCELS);
		parcel->variant = c->variant;
		parcel->block = c->block;
		begin = ktime_get_ns();
		whole = fill(c, parcel, variant);
		spent += ktime_get_ns() - begin;
		/* pairs with the acquire in receiver() */
		smp_store_release(&c->sent, c->sent + 1);
	}
	if (!whole)
		c->err = -ENOMEM;
	return spent;
}

static __always_inline void open(struct cost *c, struct parcel *parcel, const u32 variant)
{
	u32 i;

	for (i = 0; i < PARCEL && parcel->objects[i]; i++) {
		/* its own sum: c->sum is the sender's */
		if (variant != ST_COST_BARE)
			(void)st_cost_look_up(&c->place, parcel->objects[i], variant);
		kmem_cache_free(c->cache, parcel->objects[i]);
	}
}

/*
 * One copy of each path for each variant. Where code lies matters more than a
 * barrier: an emulator leaves its straight path where a loop crosses a page. So
 * every copy begins a page of its own, and no two are merged into one for being
 * alike. None serves two variants: what runs twice as often is faster. Each has
 * a section, too: between two in one section the assembler fills up with a jump,
 * of which objtool says that nothing reaches it.
 */
#define COPY noinline __aligned(4096) __section(".text.cost_" __stringify(__COUNTER__))
#define APART(variant) asm volatile("" : : "i" (variant))

#define VARIANT(name, variant)							\
static COPY u64 look_up_##name(struct cost *c)					\
{										\
	APART(variant);								\
	return look_up(c, variant);							\
}										\
static COPY u64 local_##name(struct cost *c)					\
{										\
	APART(variant);								\
	return local(c, variant);							\
}										\
static COPY u64 remote_##name(struct cost *c)					\
{										\
	APART(variant);								\
	return remote(c, variant);							\
}										\
static COPY void open_##name(struct cost *c, struct parcel *parcel)		\
{										\
	APART(variant);								\
	open(c, parcel, variant);						\
}

VARIANT(bare, ST_COST_BARE)
VARIANT(plain, ST_COST_PLAIN)
VARIANT(same, ST_COST_SAME)
VARIANT(wmb_rmb, ST_COST_WMB_RMB)
VARIANT(release_acquire, ST_COST_RELEASE_ACQUIRE)
VARIANT(twice, ST_COST_TWICE)

typedef u64 (*timed_fn)(struct cost *c);
typedef void (*open_fn)(struct cost *c, struct parcel *parcel);

#define ROW(path) {								\
	[ST_COST_BARE] = path##_bare, [ST_COST_PLAIN] = path##_plain,		\
	[ST_COST_SAME] = path##_same,						\
	[ST_COST_WMB_RMB] = path##_wmb_rmb,					\
	[ST_COST_RELEASE_ACQUIRE] = path##_release_acquire,			\
	[ST_COST_TWICE] = path##_twice,						\
}
static const timed_fn timed[ST_COST_PATHS][ST_COST_VARIANTS] = {
	[ST_COST_LOOK_UP] = ROW(look_up),
	[ST_COST_LOCAL] = ROW(local),
	[ST_COST_REMOTE] = ROW(remote),
};
static const open_fn opens[ST_COST_VARIANTS] = ROW(open);

#endif
