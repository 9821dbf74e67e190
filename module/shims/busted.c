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

/* Three bugs of one slab, as the allocator would have made them. */
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

/*
 * Two slabs of eight objects, as they are before and after something happened
 * that must not have happened. In an ordinary one, all of it is right.
 */
#define PAIR_OBJECTS 8

struct busted_pair {
	struct busted_cache cache;
	struct busted_slab slab[2];
	u8 *memory[2];
	u64 *vector[2];
	u32 red_left_pad;
	u32 vector_bytes;
};

static void look_at_pair(const struct busted_pair *pair, const struct st_layout *layout, bool both,
			 struct st_object_view *views)
{
	u32 i, of, at;

	for (i = 0; i < PAIR_OBJECTS; i++) {
		of = both ? i & 1 : 0;
		at = both ? i / 2 : i;
		st_view_read(layout, &pair->slab[of], (unsigned long)pair->memory[of], SLAB_BYTES,
			     (unsigned long)pair->memory[of] + at * pair->cache.size +
			     pair->red_left_pad, &views[i]);
		views[i].vector_bytes = pair->vector_bytes;
	}
}

/* Extensions in the objects, from this offset in the first one. */
static void put_in_objects(struct busted_pair *pair, u32 size, u32 used, u32 offset)
{
	pair->cache = (struct busted_cache){ size, used };
	pair->slab[0].stride = size;
	pair->slab[0].exts = (unsigned long)(pair->memory[0] + offset) | 1;
}

static void before_it(struct busted_pair *pair, u32 kind)
{
	u32 i;

	switch (kind) {
	case ST_BUSTED_UNALIGNED:
		put_in_objects(pair, OBJECT_BYTES + EXT_BYTES / 2, OBJECT_BYTES - EXT_BYTES,
			       OBJECT_BYTES - EXT_BYTES);
		break;
	case ST_BUSTED_RED_ZONE:
		pair->red_left_pad = 2 * EXT_BYTES;
		put_in_objects(pair, OBJECT_BYTES + 64, OBJECT_BYTES - 16, EXT_BYTES);
		break;
	case ST_BUSTED_SHARED:
		pair->slab[1].exts = pair->slab[0].exts;
		break;
	case ST_BUSTED_IN_BODY:
		/* of object 2, which is looked at, too */
		pair->slab[1].exts = (unsigned long)(pair->memory[0] + 2 * OBJECT_BYTES + 64) | 1;
		break;
	case ST_BUSTED_INHERITED:
		pair->slab[0].exts = 0;
		break;
	case ST_BUSTED_SHORT_VECTOR:
		pair->vector_bytes /= 2;
		break;
	case ST_BUSTED_OWNER_LOST:
		for (i = 0; i < PAIR_OBJECTS; i++)
			pair->vector[0][i] = (unsigned long)pair;
		break;
	}
}

static void after_it(struct busted_pair *pair, u32 kind)
{
	switch (kind) {
	case ST_BUSTED_STALE:
		pair->slab[0].stride = 0;
		break;
	case ST_BUSTED_INHERITED:
		pair->slab[0].exts = (unsigned long)pair->vector[0] | 1;
		break;
	case ST_BUSTED_FORMER_OWNER:
		pair->vector[0][2] = (unsigned long)pair;
		break;
	case ST_BUSTED_OWNER_LOST:
		pair->vector[0][3] = 0;
		break;
	}
}

static int pair_views(u32 kind, struct st_layout *layout, struct st_object_view *views, u32 max)
{
	const bool both = kind == ST_BUSTED_SHARED || kind == ST_BUSTED_IN_BODY;
	struct busted_pair *pair = kzalloc(sizeof(*pair), GFP_KERNEL);
	int seen = -ENOMEM;
	u32 i;

	if (!pair)
		return seen;
	pair->memory[0] = kvzalloc(2 * SLAB_BYTES, GFP_KERNEL);
	pair->vector[0] = kcalloc(2 * OBJECTS, EXT_BYTES, GFP_KERNEL);
	if (!pair->memory[0] || !pair->vector[0] || max < 2 * PAIR_OBJECTS)
		goto out;
	pair->memory[1] = pair->memory[0] + SLAB_BYTES;
	pair->vector[1] = pair->vector[0] + OBJECTS;
	pair->cache = (struct busted_cache){ OBJECT_BYTES, OBJECT_BYTES };
	pair->vector_bytes = PAIR_OBJECTS * EXT_BYTES;
	for (i = 0; i < 2; i++)
		pair->slab[i] = (struct busted_slab){
			.cache = &pair->cache, .exts = (unsigned long)pair->vector[i] | 1,
			.objects = PAIR_OBJECTS, .stride = EXT_BYTES };
	before_it(pair, kind);
	look_at_pair(pair, layout, both, views);
	after_it(pair, kind);
	look_at_pair(pair, layout, both, views + PAIR_OBJECTS);
	for (i = 0; kind == ST_BUSTED_STALE && i < PAIR_OBJECTS; i++)
		views[PAIR_OBJECTS + i].step_again = EXT_BYTES;	/* it has come */
	seen = 2 * PAIR_OBJECTS;
out:
	kfree(pair->vector[0]);
	kvfree(pair->memory[0]);
	kfree(pair);
	return seen;
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
	if (kind >= ST_BUSTED_STALE)
		return pair_views(kind, layout, views, max);
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
