/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cost - what barriers in SLUB's allocating and freeing paths would cost: what
 * is timed, block by block, and how long it took. Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_COST_H
#define SLUBTORTURE_ABI_COST_H

#include "base.h"
#include "exts.h"

/*
 * What stands beside each kmem_cache_alloc() and kmem_cache_free(). "Look-up":
 * a copy of SLUB's own reads of vector, step and slot, in the module; SLUB
 * itself is what it is.
 */
enum st_cost_variant {
	ST_COST_BARE,			/* nothing: the calls alone */
	ST_COST_PLAIN,			/* the look-up without a barrier */
	ST_COST_SAME,			/* a copy of its code: must not differ */
	ST_COST_WMB_RMB,		/* smp_rmb() in it, smp_wmb() at a publication */
	ST_COST_RELEASE_ACQUIRE,	/* smp_load_acquire(), smp_store_release() */
	ST_COST_TWICE,			/* control: all of PLAIN twice, counted once */
	ST_COST_VARIANTS,
};

enum st_cost_path {
	ST_COST_LOOK_UP,		/* of live objects, no allocation */
	ST_COST_LOCAL,			/* allocated and freed on one CPU */
	ST_COST_REMOTE,			/* allocated on one, freed on the other: time of both */
	ST_COST_PATHS,
};

#define ST_COST_BATCH_MOST 4096
#define ST_COST_BLOCKS_MOST 32

struct st_cost_spec {
	const struct st_layout *layout;
	uint64_t cache;
	uint32_t path;			/* enum st_cost_path */
	uint32_t batch;			/* objects allocated before the first is freed */
	uint32_t operations;		/* of a block, rounded up to whole batches */
	uint32_t blocks;		/* of each variant, which take turns block by block */
	uint32_t per_slab;		/* allocations to one publication */
	uint32_t cpu, other_cpu;	/* the other one frees, if remote */
	uint32_t variants;		/* how many of order[] */
	uint32_t order[ST_COST_VARIANTS]; /* enum st_cost_variant, each at most once */
};

struct st_cost_counts {
	uint32_t operations;			/* pairs or look-ups of each block */
	uint32_t blocks;			/* done, of each variant */
	uint32_t ns[ST_COST_VARIANTS][ST_COST_BLOCKS_MOST];
	uint32_t fresh;		/* of batch: objects of slabs that were new afterwards */
};

struct st_cost_ops {
	/* -EOPNOTSUPP: this layout cannot be copied */
	int (*run)(const struct st_cost_spec *spec, struct st_cost_counts *counts);
};

#endif
