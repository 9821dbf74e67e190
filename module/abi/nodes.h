/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nodes - node structures, and the memory blocks of a node. Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_NODES_H
#define SLUBTORTURE_ABI_NODES_H

#include "base.h"

/* One cache's structures for one node, read under slab_mutex. */
struct st_node_row {
	uint64_t cache;
	uint64_t node;			/* struct kmem_cache_node *, 0: none */
	uint64_t barn;			/* 0: none */
	int64_t nr_slabs;		/* -1: unknown */
	int32_t nid;
	int32_t home;			/* node of the memory that node lies in */
	uint32_t in_own_cache;		/* node lies in a slab of this very cache */
	char name[ST_NAME_BYTES];
};

enum st_block_state {
	ST_BLOCK_OFFLINE,
	ST_BLOCK_MOVABLE,		/* ZONE_MOVABLE */
	ST_BLOCK_KERNEL,		/* ZONE_NORMAL */
	ST_BLOCK_GONE,			/* removed through the kernel's API */
};

/* Node that may lose all its memory, or why there is none. */
struct st_hotplug_target {
	int32_t nid;			/* -1: none, see reason */
	uint32_t blocks;
	char reason[ST_REASON_BYTES];
	char movable_only[ST_REASON_BYTES]; /* why not in the normal zone */
	char no_remove[ST_REASON_BYTES];    /* why no block may be ST_BLOCK_GONE */
};

#endif
