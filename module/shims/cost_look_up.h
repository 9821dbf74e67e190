/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cost_look_up.h - a copy of what SLUB reads to find an object's extension, and
 * of what it writes to publish a vector, with and without the barriers of the
 * fix. What is written is the module's own. Inline, for the loops of cost_paths.h.
 */
#ifndef SLUBTORTURE_COST_LOOK_UP_H
#define SLUBTORTURE_COST_LOOK_UP_H

#include <linux/reciprocal_div.h>

#include "fields.h"

/* Where step and vector are, boiled down as in a kernel's own code. */
struct place {
	u32 exts_at;			/* bytes into the slab structure */
	u32 step_at;
	u32 step_bits;			/* 32, 16; 1: a flag; 0: always fixed_step */
	u64 step_flag;			/* of the word at step_at: step is the cache's size */
	u64 address_mask;
	u32 fixed_step, cache_size;
	u32 objcg_at;			/* bytes into an extension */
	struct reciprocal_value per_object;
};

/* The module's own vector and stride: what a publication writes. */
struct publication {
	u64 vector;
	u32 stride;
	u32 left;			/* allocations to the next one */
};

/* Once for a new vector, after its stride: before it, a reader may see either. */
static __always_inline void st_cost_publish(struct publication *p, u32 per_slab, const u32 variant)
{
	if (likely(--p->left))
		return;
	p->left = per_slab;
	WRITE_ONCE(p->stride, per_slab);
	if (variant == ST_COST_RELEASE_ACQUIRE) {
		/* would pair with smp_load_acquire() in st_cost_look_up() */
		smp_store_release(&p->vector, (u64)(unsigned long)p);
		return;
	}
	if (variant == ST_COST_WMB_RMB)
		smp_wmb();	/* would pair with smp_rmb() in st_cost_look_up() */
	WRITE_ONCE(p->vector, (u64)(unsigned long)p);
}

static __always_inline u32 step_of(const struct place *place, const u8 *slab)
{
	switch (place->step_bits) {
	case 32:
		return *(const volatile u32 *)(slab + place->step_at);
	case 16:
		return *(const volatile u16 *)(slab + place->step_at);
	case 1:
		if (*(const volatile u64 *)(slab + place->step_at) & place->step_flag)
			return place->cache_size;
	}
	return place->fixed_step;
}

/*
 * slab_obj_exts() and slab_obj_ext() of mm/slab.h, with what they lead to: the
 * owner in the object's extension.
 */
static __always_inline u64 st_cost_look_up(const struct place *place, const void *object,
					   const u32 variant)
{
	const u8 *slab = st_slab_of(object);
	const u64 *word = (const u64 *)(slab + place->exts_at);
	unsigned long base, slot;
	u64 vector;

	if (variant == ST_COST_RELEASE_ACQUIRE)
		vector = smp_load_acquire(word) & place->address_mask;
	else
		vector = READ_ONCE(*word) & place->address_mask;
	if (unlikely(!vector))
		return 0;
	if (variant == ST_COST_WMB_RMB)
		smp_rmb();	/* vector first, then its step: the fix's order */
	base = (unsigned long)page_address((const struct page *)slab);
	slot = vector + (unsigned long)step_of(place, slab) *
			reciprocal_divide((u32)((unsigned long)object - base), place->per_object);
	return READ_ONCE(*(u64 *)(slot + place->objcg_at));
}

static inline bool whole(struct st_field field, u32 bits)
{
	return field.bits == bits && field.bit_offset % bits == 0;
}

static inline int place_step(const struct st_layout *layout, struct place *place)
{
	u32 bit = layout->in_object.bit_offset % 64;

	place->fixed_step = layout->ext_bytes;
	switch (layout->step_origin) {
	case ST_STEP_ELEMENT_SIZE:
		return 0;
	case ST_STEP_FIELD:
		place->step_bits = layout->stride.bits;
		place->step_at = layout->stride.bit_offset / 8;
		return whole(layout->stride, 32) || whole(layout->stride, 16) ? 0 : -EOPNOTSUPP;
	case ST_STEP_BITS:
		/* BTF counts bits as the compiler does: from the high end on big-endian */
#ifdef __BIG_ENDIAN
		bit = 63 - bit;
#endif
		place->step_bits = 1;
		place->step_at = layout->in_object.bit_offset / 64 * 8;
		place->step_flag = 1ull << bit;
		return layout->in_object.bits == 1 ? 0 : -EOPNOTSUPP;
	}
	return -EOPNOTSUPP;
}

static inline int st_cost_place(const struct st_layout *layout, const struct kmem_cache *cache,
				struct place *place)
{
	if (!whole(layout->exts, 64))
		return -EOPNOTSUPP;
	place->exts_at = layout->exts.bit_offset / 8;
	/* a failed allocation (OBJEXTS_ALLOC_FAIL) is flags alone: no address */
	place->address_mask = ~layout->exts_flag_mask;
	place->objcg_at = layout->objcg_offset;
	place->cache_size = st_field_read(cache, layout->cache_size);
	place->per_object = reciprocal_value(place->cache_size);
	return place_step(layout, place);
}

#endif
