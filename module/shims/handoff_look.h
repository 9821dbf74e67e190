/* SPDX-License-Identifier: GPL-2.0 */
/*
 * handoff_look - what the freeing side reads of an object: its stamp, its
 * extension, the cache that its slab names. Inline, with constants from the
 * loop of handoff_consume.c, the only one that includes it.
 */
#ifndef SLUBTORTURE_HANDOFF_LOOK_H
#define SLUBTORTURE_HANDOFF_LOOK_H

#include <linux/uaccess.h>

#include "handoff.h"

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

/* claimed: the last word holds a cache's address, too, whichever it is. */
static __always_inline bool content_fresh(struct seen seen, u64 seed, u64 number,
					  const bool claimed)
{
	const u32 words = claimed ? ST_STAMP_WORDS - 1 : ST_STAMP_WORDS;
	u64 differ = 0;
	u32 i;

	for (i = 0; i < words; i++)
		differ |= seen.word[i] ^ stamp_word(seed, number, i);
	return !differ;
}

static inline u32 index_of(const struct channel *ch, const void *cache, unsigned long offset)
{
	if (likely(cache == ch->cache))
		return reciprocal_divide((u32)offset, ch->per_object);
	return (u32)offset / (u32)st_field_read(cache, ch->spec->layout->cache_size);
}

/*
 * Is the object's own extension there, and does it name somebody to charge?
 * A vector in the objects' padding needs a cache that is not merged and is
 * SLAB_ACCOUNT; ours are not, and those of kmalloc have no padding: one step.
 */
static __always_inline bool metadata_seen(struct channel *ch, const u8 *slab,
					  const void *cache, const void *object)
{
	const struct quick *quick = &ch->quick;
	const u64 vector = READ_ONCE(*(const u64 *)(slab + quick->exts_at)) &
			   quick->address_mask;
	const unsigned long base = (unsigned long)page_address((const struct page *)slab);
	u64 step = quick->fixed_step, slot, owner;
	u32 index;

	if (!vector)
		return false;
	if (!step)
		step = ch->spec->layout->stride.bits == 32 ?
		       READ_ONCE(*(const u32 *)(slab + quick->stride_at)) :
		       READ_ONCE(*(const u16 *)(slab + quick->stride_at));
	index = index_of(ch, cache, (unsigned long)object - base);
	slot = vector + step * index + quick->objcg_at;
	if (likely(step <= ch->step_most))
		return READ_ONCE(*(u64 *)(unsigned long)slot) != 0;
	/* no step of this cache's: it may lead anywhere */
	return !copy_from_kernel_nofault(&owner, (void *)(unsigned long)slot, sizeof(owner)) &&
	       owner;
}

static __always_inline const void *cache_of(const struct channel *ch, const void *object)
{
	const u8 *slab = st_slab_of(object);

	return (const void *)(unsigned long)READ_ONCE(*(const u64 *)(slab + ch->quick.cache_at));
}

/* The cache that the object's slab must name: ours, or the one it claims. */
static __always_inline const void *rightful_cache(const struct channel *ch, u64 number,
						  struct seen seen, const bool claimed)
{
	const u32 last = ST_STAMP_WORDS - 1;

	if (!claimed)
		return ch->cache;
	return (const void *)(unsigned long)(seen.word[last] ^
					     stamp_word(ch->spec->seed, number, last));
}

static __always_inline u32 look(struct channel *ch, const u64 *object, u64 number,
				struct seen seen, const bool fresh, const bool claimed)
{
	const void *cache;
	u32 state = fresh ? ST_SAW_CONTENT : 0;

	if (!ch->spec->layout)
		return state | ST_SAW_METADATA | ST_SAW_SLAB;
	cache = cache_of(ch, object);
	if (cache == rightful_cache(ch, number, seen, claimed))
		state |= ST_SAW_SLAB;
	/* only a cache that is the right one has a size to go by */
	if (!ch->spec->accounted || !(state & ST_SAW_SLAB) ||
	    metadata_seen(ch, st_slab_of(object), cache, object))
		state |= ST_SAW_METADATA;
	return state;
}

/*
 * After the free, still in the RCU read section that it was made in. What
 * kfree_rcu() was given is untouched until that ends. A type-safe object may
 * be in its next life, but it is in one, its type and its slab are the same.
 */
static noinline bool sound_after_free(struct channel *ch, const u64 *object, u64 number,
				      const void *cache, struct seen before)
{
	const struct st_handoff_spec *spec = ch->spec;
	const struct seen seen = read_stamp(object);
	bool same = !spec->layout || cache_of(ch, object) == cache;
	u32 i;

	for (i = 0; i < ST_STAMP_WORDS; i++)
		same &= spec->origin == ST_ORIGIN_TYPESAFE ?
			any_life(seen.word[i], spec->seed, i, number + spec->in_flight) :
			seen.word[i] == before.word[i];
	if (spec->origin == ST_ORIGIN_TYPESAFE)
		same &= READ_ONCE(object[ST_TYPE_WORD]) == ST_TYPE_MAGIC;
	return same;
}

#endif
