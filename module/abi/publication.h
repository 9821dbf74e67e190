/* SPDX-License-Identifier: GPL-2.0 */
/*
 * publication - a node's structure as another CPU sees it first: is all of it
 * there when its pointer is? Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_PUBLICATION_H
#define SLUBTORTURE_ABI_PUBLICATION_H

#include "exts.h"
#include "widen.h"

enum st_publication_mode {
	ST_PUBLICATION_WATCH,	/* look, and leave it at that */
	ST_PUBLICATION_MEET,	/* then let the kernel's own reader (sysfs) at it */
	ST_PUBLICATION_TWIN,	/* control: a structure of our own, published early */
};

struct st_publication_spec {
	const struct st_layout *layout;
	uint64_t cache;			/* that nobody allocates from */
	uint64_t seed;
	int32_t nid;
	uint32_t mode;			/* enum st_publication_mode */
	uint32_t observer_cpu;
	uint32_t runner_cpu;		/* where the caller stays until end() */
};

/* What a first look compares, each with what init_kmem_cache_node() writes. */
enum st_publication_field {
	ST_FIELD_PARTIAL_NEXT,	/* to itself */
	ST_FIELD_PARTIAL_PREV,	/* to itself */
	ST_FIELD_NR_SLABS,	/* 0 */
	ST_PUBLICATION_FIELDS,
};

struct st_publication_counts {
	uint64_t published;		/* pointers that appeared, each looked at at once */
	uint64_t early;			/* of these, not initialised yet */
	uint64_t held;			/* times that the publishing CPU was held up */
	uint64_t most_us;		/* for so long at most */
	/* of the first that was early: */
	uint32_t field;			/* enum st_publication_field */
	uint64_t expected, seen, later;
	char where[64];			/* function in which the publisher was held */
	char told[64];			/* what sysfs told meanwhile, "" if it was not asked */
};

/* Called from one thread, which changes the blocks itself in between. */
struct st_publication_ops {
	/* as st_window_ops.begin */
	int (*begin)(const struct st_publication_spec *spec, char *reason);
	void (*counts)(struct st_publication_counts *counts);
	void (*end)(void);
};

#endif
