/* SPDX-License-Identifier: GPL-2.0 */
/*
 * window - readers of SLUB's node structures that are held, from outside,
 * between looking a structure up and using it, while its node's memory goes.
 * Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_WINDOW_H
#define SLUBTORTURE_ABI_WINDOW_H

#include "exts.h"
#include "widen.h"

enum st_window_reader {
	ST_WINDOW_OBJECTS,	/* sysfs objects: show_slab_objects(), count_partial() */
	ST_WINDOW_PARTIAL,	/* sysfs objects_partial: the same of another branch */
	ST_WINDOW_SLABS,	/* sysfs slabs, total_objects, partial: plain reads */
	ST_WINDOW_VALIDATE,	/* sysfs validate: validate_slab_cache() */
	ST_WINDOW_ALLOC,	/* an allocation from that node alone, which fails */
	ST_WINDOW_SHRINK,	/* sysfs shrink: __kmem_cache_shrink() */
	ST_WINDOW_TWIN,		/* control: a reader and a structure of our own */
	ST_WINDOW_READERS,
};

struct st_window_spec {
	const struct st_layout *layout;
	uint64_t cache;			/* never allocated from but by the reader */
	uint64_t seed;
	int32_t nid;			/* the node whose memory goes */
	uint32_t reader;		/* enum st_window_reader */
	uint32_t reader_cpu;
	uint32_t runner_cpu;		/* where the caller stays until end() */
	uint32_t one_in;		/* of so many hits one is held, on average */
};

struct st_window_counts {
	uint64_t reads;			/* times that the reader asked */
	uint64_t hits;			/* probes met with the structure looked up */
	uint64_t held;			/* of these, held there */
	uint64_t across;		/* held until the memory had gone */
	uint64_t stale;			/* and what was looked up was not the cache's any more */
	uint64_t departures;		/* blocks that went */
	uint64_t met;			/* of these, waited for a held reader and found one */
	uint64_t looked_up, now;	/* of the first stale one: structures, before and after */
	uint32_t told_by_kernel;	/* KASAN reports the use: it is worth going on */
	char where[64];			/* and the probe that held it */
};

/* Called from one thread, which changes the blocks itself in between. */
struct st_window_ops {
	/*
	 * Starts the reader and the probes. 0; -EOPNOTSUPP: it cannot be asked
	 * here; other -errno. The reason is in reason[ST_REASON_BYTES].
	 */
	int (*begin)(const struct st_window_spec *spec, char *reason);
	/* Another choice of instructions; no block is on its way. */
	void (*move)(void);
	void (*counts)(struct st_window_counts *counts);
	uint32_t (*rows)(struct st_widen_row *rows, uint32_t max);
	void (*end)(void);
};

#endif
