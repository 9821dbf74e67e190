/* SPDX-License-Identifier: GPL-2.0 */
/*
 * late.h - one race for a late vector, shared by late.c, which runs it with
 * real slabs, and busted_late.c, whose slab is its own and wrong on purpose.
 */
#ifndef SLUBTORTURE_LATE_H
#define SLUBTORTURE_LATE_H

#include "fields.h"
#include "shims.h"
#include "widen.h"

struct st_look {		/* one pair, in the order that the spec wants */
	u64 exts, step;
};

struct st_dirty {		/* a slot of a new vector that is not empty */
	u32 index;
	u64 seen, later;	/* by Z, at once and after the round */
};

struct st_race;
struct st_watcher {
	struct st_race *race;
	bool reads, frees;
	bool ready;		/* has looked, and seen no vector */
	bool looked;		/* will not look at this slab's vector again */
	u32 done;		/* turn that it is done with */
	u64 looks, right;	/* while there was no vector; with the right step */
};

struct st_race {
	const struct st_late_spec *spec;
	const struct st_layout *layout;
	struct st_late_counts *counts;
	struct kmem_cache *cache;
	u64 cache_size;
	struct st_fake_slab *fake;	/* controls only */
	void **keep;		/* X's objects, freed at the end */
	u32 kept, room;
	u32 turn;		/* watchers look when it changes */
	bool over;
	/* one round */
	u64 random;
	const void *slab;
	void *victim;		/* unaccounted object that Y frees */
	u32 victim_index, mine_index;
	bool going;		/* X is about to allocate */
	bool free_first;	/* Y begins to free, and only then X goes */
	bool freeing;		/* Y does */
	u64 free_at, interrupt_at;	/* polls since then */
	struct st_look seen;	/* by Z, the first with a vector */
	u64 later_step, writer_step;
	u32 slots;		/* objects of the slab */
	u32 dirties;
	struct st_dirty dirty[2];	/* one of them may be X's object's */
	bool saw, appeared;	/* Z: a vector; and none just before */
	bool freed;
	u32 freed_when;		/* enum st_late_freed */
	bool published;		/* X has done its part */
	u32 watchers;
	struct st_watcher watcher[2];
};

#define ST_LATE_POLLS 200000	/* before a round is given up */

static inline bool st_race_has_vector(const struct st_race *r)
{
	return st_vector(r->layout, st_field_read(r->slab, r->layout->exts));
}

/* Who pays for the slab's object, as its vector says. */
static inline u64 st_race_owner(const struct st_race *r, u32 index)
{
	const u64 vector = st_vector(r->layout, st_field_read(r->slab, r->layout->exts));
	const u64 slot = vector + (u64)r->layout->ext_bytes * index;

	return vector ? READ_ONCE(*(u64 *)(unsigned long)(slot + r->layout->objcg_offset)) : 0;
}

static inline u64 st_mix(u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	return x ^ (x >> 33);
}

/* late_watch.c */
void st_late_watcher(struct st_job *job);

/* busted_late.c */
int st_fake_make(struct st_race *r);
void st_fake_reset(struct st_race *r);
bool st_fake_publish(struct st_race *r);
void st_fake_between(struct st_race *r);	/* the reader's two reads */
void st_fake_free(struct st_race *r);

#endif
