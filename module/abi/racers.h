/* SPDX-License-Identifier: GPL-2.0 */
/*
 * racers - what runs beside a node's memory while it goes and comes, and what
 * is looked at meanwhile: pointers by a sampler, lists under their lock, the
 * number of node structures. Values, no judgement. Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_RACERS_H
#define SLUBTORTURE_ABI_RACERS_H

#include "base.h"
#include "exts.h"

enum st_race_kind {
#define RACER(constant, name, what) ST_RACE_##constant,
#include "racers.def"
#undef RACER
	ST_RACES,
};

struct st_race_row {
	uint64_t laps;			/* rounds of what it does, to the end */
	uint64_t done;			/* in them: files, caches, objects, CPUs */
	uint64_t on_node;		/* of these, objects that lay on the node */
	uint64_t refused;		/* that the kernel refused */
	char why_not[96];		/* "": it ran */
};

struct st_race_spec {
	const struct st_layout *layout;	/* must outlive the race */
	uint64_t wanted;		/* 1 << enum st_race_kind */
	uint64_t by_name;		/* of these, asked for by its whole name */
	int32_t nid;			/* node whose memory goes and comes */
};

/* What the sampler is given to look at: caches, or a control of our own. */
enum st_watched {
	ST_WATCH_CACHES,
	ST_WATCH_FREED,			/* freed on offline, made anew on online */
	ST_WATCH_EARLY,			/* can be seen before it is initialised */
	ST_WATCH_LEAKED,		/* made anew on every return, and forgotten */
	ST_WATCH_LISTS,			/* lists() of a control; no pointers */
};

struct st_watch_sight {
	char name[ST_NAME_BYTES];	/* "": none */
	uint64_t before, after;		/* pointer; of one that appeared: 0, it */
	uint64_t lock, next, prev;	/* its first looks */
	uint32_t right_later;		/* initialised when looked at again */
};

struct st_watch_counts {
	uint64_t caches;
	uint64_t looks;			/* at the pointers of one cache */
	uint64_t appeared;		/* pointers where there had been none */
	uint64_t gone;			/* node structures replaced, or gone */
	uint64_t barns_gone;
	uint64_t raw;			/* appeared, but not initialised */
	struct st_watch_sight first_gone, first_barn, first_raw;
};

/* One cache's lists for one node, walked under their locks. */
struct st_node_lists {
	uint64_t cache, node;
	uint64_t nr_partial, partial;	/* as counted; as found on the list */
	uint64_t strangers;		/* found: of another cache or node */
	int64_t nr_slabs;		/* -1: unknown */
	uint64_t nr_full, full, nr_empty, empty;	/* sheaves in its barn */
	uint32_t in_own_cache;		/* node lies in a slab of this very cache */
	uint32_t has_barn;
	char name[ST_NAME_BYTES];
};

/* Node structures: objects that SLUB has of them, and those that caches name. */
struct st_node_structs {
	uint64_t in_use;
	uint64_t named;
	uint64_t barns;
};

enum st_refuse {
	ST_REFUSE_NOTHING,
	ST_REFUSE_OFFLINE,		/* our notifier says no to MEM_GOING_OFFLINE */
	ST_REFUSE_ONLINE,		/* or MEM_GOING_ONLINE; SLUB has been told */
};

/* What becomes of racers whose slabs could lie in the block of a step. */
enum st_rest {
	ST_REST_NOT,			/* they run, whatever they have */
	ST_REST_STAY,			/* they give it back and stand still, beyond the step */
	ST_REST_RACE,			/* until SLUB is told that memory goes, or the step is over */
};

struct st_racers_ops {
	/* 0, or -errno and nothing runs; what cannot run says why in its row */
	int (*begin)(const struct st_race_spec *spec);
	void (*rows)(struct st_race_row rows[ST_RACES]);
	void (*end)(void);		/* all gone, CPUs as found */

	/* Around a step of a block. -ETIME: a racer did not come to rest. */
	int (*step)(uint32_t rest, uint32_t refuse);
	uint32_t (*step_over)(void);	/* events that were refused */

	/* A page of the node that cannot be moved; in which block. */
	int (*pin)(int32_t nid, uint32_t *block);
	void (*unpin)(void);
	/* a page and, with slabs, an object from that node and no other; 0 or -errno */
	int (*usable)(int32_t nid, uint32_t slabs);

	/* ST_REASON_BYTES: the pages that kept the last block that did not go */
	void (*kept)(char *text);

	int (*watch)(const struct st_layout *layout, int32_t nid, uint32_t watched);
	void (*watch_end)(struct st_watch_counts *counts);

	/* how many, or -errno; busted: a control of our own */
	int (*lists)(const struct st_layout *layout, int32_t nid, uint32_t busted,
		     struct st_node_lists *rows, uint32_t max);
	/* busted: of a control that makes structures anew on every return */
	int (*structs)(const struct st_layout *layout, uint32_t busted,
		       struct st_node_structs *structs);
};

#endif
