/* SPDX-License-Identifier: GPL-2.0 */
/*
 * price - what a memory node that has gone still costs: bytes that each cache
 * keeps for it, and the time that SLUB takes of its going and coming. Part of
 * abi.h.
 */
#ifndef SLUBTORTURE_ABI_PRICE_H
#define SLUBTORTURE_ABI_PRICE_H

#include "exts.h"
#include "nodes.h"

/* One cache's row, and the memory that its structures for the node take. */
struct st_price_row {
	struct st_node_row row;
	uint32_t node_bytes;		/* of the node structure, padding included */
	uint32_t barn_bytes;		/* of the barn, which is an object of its own or in node */
	uint32_t slab_bytes;		/* of the slab that node lies in */
};

/* What SLUB's callback for memory that goes and comes has taken. */
struct st_price_time {
	uint64_t calls;
	uint64_t ns;
};

struct st_price_ops {
	uint64_t (*block_bytes)(void);	/* size of a memory block */
	/* rows of every cache for nid, or of the control; how many, or -errno */
	int (*rows)(const struct st_layout *layout, int32_t nid, uint32_t busted,
		    struct st_price_row *rows, uint32_t max);
	/* times the callback from now on; 0, or -errno: it cannot be */
	int (*time_begin)(void);
	/* since the last call, or since time_begin() */
	void (*time_take)(struct st_price_time *time);
	void (*time_end)(void);
	/* control: structures that are made anew each time the node returns */
	int (*busted_start)(int32_t nid);
	void (*busted_stop)(void);
};

#endif
