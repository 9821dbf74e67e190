/* SPDX-License-Identifier: GPL-2.0 */
/*
 * publication - a node's structure as another CPU sees it first: is all of it
 * there when its pointer is? And what becomes of a reader of the kernel's that
 * uses one of which it is not. Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_PUBLICATION_H
#define SLUBTORTURE_ABI_PUBLICATION_H

#include "exts.h"
#include "widen.h"

#define ST_PUBLICATION_CACHES 16

enum st_publication_mode {
	ST_PUBLICATION_WATCH,	/* look, and leave it at that */
	ST_PUBLICATION_MEET,	/* then let a reader of the kernel's at it */
	ST_PUBLICATION_TWIN,	/* control: a structure of our own, published early */
	ST_PUBLICATION_TWIN_MEET, /* control: met by a reader of our own, which waits */
	ST_PUBLICATION_MODES,
};

/* Readers of the kernel's, in publication_reader.c's order. */
enum st_meeter {
	ST_MEETER_OBJECTS,	/* sysfs objects, total_objects */
	ST_MEETER_PARTIAL,	/* sysfs objects_partial */
	ST_MEETER_SLABS,	/* sysfs slabs, partial */
	ST_MEETER_SHRINK,	/* sysfs shrink */
	ST_MEETER_VALIDATE,	/* sysfs validate */
	ST_MEETER_ALLOC,	/* an allocation from that node alone */
	ST_MEETERS,
};

/* What became of the reader. */
enum st_meeting {
	ST_MET_NOBODY,		/* nothing that was not initialised was seen */
	ST_MET_INSIDE,		/* it has not come back yet */
	ST_MET_BACK,
	ST_MET_DEAD,		/* its task has ended in there */
	ST_MET_LOST,		/* it did not come back in the time it had */
};

struct st_publication_spec {
	const struct st_layout *layout;
	uint64_t cache[ST_PUBLICATION_CACHES]; /* that nobody allocates from */
	uint32_t caches;
	uint32_t mode;			/* enum st_publication_mode */
	uint64_t seed;
	int32_t nid;
	uint32_t meeter;		/* enum st_meeter, for MEET */
	uint32_t patience_ms;		/* until a reader is lost */
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
	uint64_t blind;			/* times that it was the observer's own, and was not */
	uint64_t most_us;		/* held for so long at most */
	/* of the first that was early: */
	uint32_t field;			/* enum st_publication_field */
	uint32_t lock;			/* first word of its list_lock; 0: free */
	uint64_t nr_partial;
	uint64_t expected, seen, later;
	char where[64];			/* function in which the publisher was held */
	/* and of the reader that was let at it: */
	uint32_t meeting;		/* enum st_meeting */
	int32_t result;			/* bytes or -errno, when it was back */
	uint64_t inside_us;
	char reader[64];		/* who that is */
	char told[96];			/* what it read, in one line */
};

/* Called from one thread, which changes the blocks itself in between. */
struct st_publication_ops {
	/* as st_window_ops.begin */
	int (*begin)(const struct st_publication_spec *spec, char *reason);
	/* of the controls: publishes their structure once */
	void (*publish)(void);
	/* waits for a reader that is inside, as long as it has time */
	void (*counts)(struct st_publication_counts *counts);
	/*
	 * 0; -EBUSY: a reader never came back. What it holds cannot be given
	 * back, and the module stays.
	 */
	int (*end)(void);
};

#endif
