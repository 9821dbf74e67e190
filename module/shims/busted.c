// SPDX-License-Identifier: GPL-2.0
/*
 * busted - slabs of our own, each with a known bug, seen through the same
 * reader as real ones: the controls that exts-* must fail on. They are plain
 * memory; no slab of the kernel is touched.
 */
#include <linux/slab.h>

#include "fields.h"
#include "shims.h"

#define EXT_BYTES 8

struct busted_cache {
	u32 size;
	u32 object_size;
};

struct busted_slab {
	struct busted_cache *cache;
	unsigned long exts;
	u32 objects;
	u32 stride;
	u16 short_stride;
};

/* A slab with room for 16 objects, of 256 bytes, and 256 more. */
#define OBJECTS 16
#define OBJECT_BYTES 256
#define SLAB_BYTES (OBJECTS * OBJECT_BYTES + 256)
/* one in-object slot larger than 16 bits can tell: the first seed's case */
#define LARGE_BYTES 65536
#define LARGE_USED 65472

#define FIELD(type, member) { offsetof(type, member) * 8, \
			      sizeof(((type *)NULL)->member) * 8 }

static const struct st_layout layout_wide = {
	.exts = FIELD(struct busted_slab, exts),
	.stride = FIELD(struct busted_slab, stride),
	.slab_cache = FIELD(struct busted_slab, cache),
	.objects = FIELD(struct busted_slab, objects),
	.cache_size = FIELD(struct busted_cache, size),
	.cache_object_size = FIELD(struct busted_cache, object_size),
	.exts_flag_mask = 7,
	.ext_bytes = EXT_BYTES,
	.step_origin = ST_STEP_FIELD,
};

/* The three bugs, as the allocator would have made them. */
static void half_step(struct busted_slab *slab, u64 *vector)
{
	slab->exts = (unsigned long)vector | 1;
	slab->stride = EXT_BYTES / 2;
}

static void overlap(struct busted_slab *slab, u8 *memory)
{
	slab->exts = (unsigned long)(memory + OBJECTS * OBJECT_BYTES - EXT_BYTES) | 1;
	slab->stride = EXT_BYTES;
}

static void stride_u16(struct busted_slab *slab, u8 *memory)
{
	slab->exts = (unsigned long)(memory + LARGE_USED) | 1;
	slab->short_stride = slab->cache->size;
}

/* Views of all objects, by the reader that real slabs are seen through. */
static int view_all(const struct busted_slab *slab, struct st_layout *layout, u32 kind,
		    u8 *memory, u64 bytes, struct st_object_view *views, u32 max)
{
	u32 i;

	if (kind == ST_BUSTED_STRIDE_U16)
		layout->stride = (struct st_field)FIELD(struct busted_slab, short_stride);
	for (i = 0; i < slab->objects && i < max; i++) {
		st_view_read(layout, slab, (unsigned long)memory, bytes,
			     (unsigned long)memory + (unsigned long)i * slab->cache->size,
			     &views[i]);
		views[i].vector_bytes = OBJECTS * EXT_BYTES;
	}
	return i;
}

int st_busted_views(u32 kind, u32 cpu, struct st_layout *layout,
		    struct st_object_view *views, u32 max)
{
	const bool large = kind == ST_BUSTED_STRIDE_U16;
	struct busted_cache cache = { OBJECT_BYTES, OBJECT_BYTES };
	struct busted_slab slab = { .cache = &cache, .objects = OBJECTS };
	u64 bytes = SLAB_BYTES;
	u64 *vector;
	u8 *memory;
	int seen;

	if (large) {
		cache = (struct busted_cache){ LARGE_BYTES, LARGE_USED };
		slab.objects = 2;
		bytes = 2 * LARGE_BYTES;
	}
	*layout = layout_wide;
	seen = st_move_to(cpu);
	if (seen)
		return seen;
	memory = kvzalloc(bytes, GFP_KERNEL);
	vector = kcalloc(OBJECTS, EXT_BYTES, GFP_KERNEL);
	seen = -ENOMEM;
	if (memory && vector) {
		if (kind == ST_BUSTED_HALF_STEP)
			half_step(&slab, vector);
		else if (kind == ST_BUSTED_OVERLAP)
			overlap(&slab, memory);
		else
			stride_u16(&slab, memory);
		seen = view_all(&slab, layout, kind, memory, bytes, views, max);
	}
	kfree(vector);
	kvfree(memory);
	return seen;
}
