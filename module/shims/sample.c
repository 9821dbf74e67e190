// SPDX-License-Identifier: GPL-2.0
/*
 * sample - caches with a few accounted objects, one for each place where SLUB
 * of 7.0 and later keeps extensions: something to inspect that does not change
 * while it is looked at. Kept from load to unload, if asked for.
 */
#include <linux/slab.h>

#include "shims.h"

#define OBJECTS 5

static const struct sample_kind {
	const char *name;
	u32 object_bytes, align_bytes;
} kinds[] = {
	/* slots of a power of two fill a slab: no room but a vector elsewhere */
	{ "slubtorture-sample-external", 248, 8 },
	/* 8 bytes short of a power of two leave room behind the last object */
	{ "slubtorture-sample-leftover", PAGE_SIZE / 4 - 16, 8 },
	/* padding up to the alignment; and a step that 16 bits cannot hold */
	{ "slubtorture-sample-in-object", 65472, 65536 },
};

static struct sample {
	struct kmem_cache *cache;
	void *object[OBJECTS];
} samples[ARRAY_SIZE(kinds)];

/* A cache with a constructor is never merged. */
static void constructor(void *object)
{
}

static int fill(struct sample *sample, const struct sample_kind *kind)
{
	u32 i;

	sample->cache = kmem_cache_create(kind->name, kind->object_bytes, kind->align_bytes,
					  SLAB_ACCOUNT, constructor);
	if (!sample->cache)
		return -ENOMEM;
	for (i = 0; i < OBJECTS; i++) {
		sample->object[i] = kmem_cache_alloc(sample->cache, st_gfp(true));
		if (!sample->object[i])
			return -ENOMEM;
	}
	return 0;
}

int st_sample_init(void)
{
	struct mem_cgroup *old = st_memcg_enter();
	int err = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kinds) && !err; i++)
		err = fill(&samples[i], &kinds[i]);
	st_memcg_leave(old);
	if (err)
		st_sample_exit();
	return err;
}

void st_sample_exit(void)
{
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct sample *sample = &samples[i];

		if (!sample->cache)
			continue;
		for (k = 0; k < OBJECTS; k++)
			if (sample->object[k])
				kmem_cache_free(sample->cache, sample->object[k]);
		kmem_cache_destroy(sample->cache);
		*sample = (struct sample){};
	}
}
