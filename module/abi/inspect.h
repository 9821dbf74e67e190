/* SPDX-License-Identifier: GPL-2.0 */
/*
 * inspect - one cache as it stands: its slabs, found among the pages of this
 * machine, and their objects. Values, no judgement. Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_INSPECT_H
#define SLUBTORTURE_ABI_INSPECT_H

#include "base.h"
#include "exts.h"

#define ST_CACHE_NAME_BYTES 64
#define ST_OWNER_PATH_BYTES 64
#define ST_INUSE_UNKNOWN 0xffffffffu

/* A cache as it was when it was looked up; it may be gone by now. */
struct st_inspected {
	uint64_t cache;
	uint32_t size;			/* bytes from object to object */
	uint32_t object_size;		/* bytes that the user may use */
	uint32_t red_left_pad;		/* red zone in front of each object */
	char name[ST_CACHE_NAME_BYTES];
};

struct st_slab_view {
	struct st_object_view first;	/* of object 0, in use or not */
	uint64_t pfn;			/* of its first page */
	uint32_t inuse;			/* as the slab counts, or ST_INUSE_UNKNOWN */
	int32_t nid;
};

/* The memory cgroup that an extension names. */
struct st_owner {
	uint64_t inode;			/* of its directory, 0: not readable */
	char path[ST_OWNER_PATH_BYTES];	/* from the root; "..." for a head cut off */
};

/*
 * Nothing here writes, and nothing is left behind after walk_end(). A walk
 * goes over every page that is online; it must not outlive its caller.
 */
struct st_inspect_ops {
	/* by its name, or by its address if name is null; -ENOENT: none */
	int (*cache_find)(const struct st_layout *layout, const char *name,
			  uint64_t cache, struct st_inspected *found);
	/* in the order of slab_caches; -ENOENT: there are not so many */
	int (*cache_at)(const struct st_layout *layout, uint32_t position,
			struct st_inspected *found);
	void *(*walk_begin)(void);	/* null: no memory */
	void (*walk_end)(void *walk);
	/*
	 * 1: the next slab of the cache; 0: there is none; -EAGAIN: there was
	 * one, and it changed while it was read; -EINTR: the reader is to end.
	 */
	int (*walk_next)(void *walk, const struct st_layout *layout,
			 const struct st_inspected *cache,
			 struct st_slab_view *slab);
	/* objects first, first + 1, …; how many, or -EAGAIN: it is gone */
	int (*slab_objects)(void *walk, const struct st_layout *layout,
			    const struct st_inspected *cache,
			    const struct st_slab_view *slab, uint32_t first,
			    struct st_object_view *views, uint32_t count);
	void (*owner)(uint64_t memcg, struct st_owner *owner);
};

struct st_inspect_request {
	struct st_inspected cache;	/* cache.cache 0: list all caches */
	uint32_t objects;		/* of each slab, at most, are shown */
	uint32_t raw;			/* addresses as they are */
};

#endif
