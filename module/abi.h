/* SPDX-License-Identifier: GPL-2.0 */
/*
 * abi.h - the only header that the C shims and the C++ core share.
 *
 * Plain data of fixed width, which abi/ has by subject and which is included
 * from here only, and two lists of functions: what the kernel side offers to
 * core (struct st_ops) and what core offers to main.c (st_core_*).
 * Addresses travel as uint64_t: core compares them and never follows them.
 */
#ifndef SLUBTORTURE_ABI_H
#define SLUBTORTURE_ABI_H

#include "abi/base.h"
#include "abi/audit.h"
#include "abi/charge.h"
#include "abi/cost.h"
#include "abi/exts.h"
#include "abi/handoff.h"
#include "abi/inspect.h"
#include "abi/late.h"
#include "abi/nodes.h"
#include "abi/price.h"
#include "abi/ways.h"
#include "abi/racers.h"
#include "abi/widen.h"
#include "abi/window.h"
#include "abi/publication.h"

#ifdef __cplusplus
extern "C" {
#endif

struct st_environment {
	char release[96];
	char arch[16];
	char cpus_text[64];
	char nodes_text[64];
	uint32_t page_bytes;
	uint32_t cpus;			/* entries in cpu[] */
	uint32_t cpu[ST_MAX_CPUS];
	uint64_t memcg;			/* charged by accounted allocations */
	char memcg_reason[ST_REASON_BYTES]; /* why memcg is 0 */
	uint64_t max_object_bytes;	/* largest that a cache may have */
	uint64_t max_kmalloc_bytes;	/* largest that kmalloc() takes from a cache */
	uint32_t slub_debug;		/* red zones and the like are compiled in */
	uint32_t profiling;		/* every object has an extension */
	const uint8_t *btf;		/* vmlinux type information */
	uint64_t btf_bytes;
	int32_t codetags;		/* slab_obj_ext_has_codetag_key, -1: no such key */
	char btf_reason[ST_REASON_BYTES];   /* why btf is null */
	char nodes_reason[ST_REASON_BYTES]; /* why caches cannot be listed */
};

/*
 * What the kernel side offers. Functions that can fail return 0 or -errno;
 * all of them return soon after stopping() has become true. Called from one
 * thread that may sleep.
 */
struct st_ops {
	void (*emit)(const char *text, size_t bytes);	/* KTAP, one line */
	void (*mark)(const char *text);			/* kernel log, one line */
	void (*settle)(void);		/* wait until a follower has it all */
	int (*stopping)(void);
	uint64_t (*now_ns)(void);
	void (*pointer_text)(uint64_t pointer, char *text, size_t bytes);
	void *(*buffer_get)(size_t bytes);		/* zeroed, may be large */
	void (*buffer_put)(void *buffer);

	int (*cache_create)(const struct st_cache_spec *spec, uint64_t *cache);
	/* the cache may go a little later; caches_wait() sees all gone */
	void (*cache_destroy)(uint64_t cache);
	void (*caches_wait)(void);
	/* both run on the CPU named; payer: enum st_payer; alloc returns how many it got, or -errno */
	int (*objects_alloc)(uint64_t cache, uint32_t cpu, int payer,
			     uint64_t *objects, uint32_t count);
	int (*objects_free)(uint64_t cache, uint32_t cpu,
			    const uint64_t *objects, uint32_t count);
	/* reads on the CPU named, view by view */
	int (*objects_view)(const struct st_layout *layout, uint32_t cpu,
			    const uint64_t *objects,
			    struct st_object_view *views, uint32_t count);

	const struct st_exts_ops *exts;	/* what else objects are put to */

	/* views of a busted slab and its layout; how many, or -errno */
	int (*busted_views)(uint32_t kind, uint32_t cpu, struct st_layout *layout,
			    struct st_object_view *views, uint32_t max);

	const struct st_handoff_ops *handoffs;
	int (*late)(const struct st_late_spec *spec,
		    struct st_late_counts *counts);
	int (*counters)(const struct st_counters_spec *spec,
			struct st_counters_counts *counts);
	const struct st_widen_ops *widen;

	const struct st_audit_ops *audit;

	void (*hotplug_target)(struct st_hotplug_target *target);
	int (*block_set)(uint32_t block, uint32_t state);
	int (*blocks_restore)(void);
	const struct st_ways_ops *ways;	/* other ways than these */
	/* rows of every cache for nid; -ENOSPC: more than max */
	int (*node_rows)(const struct st_layout *layout, int32_t nid,
			 struct st_node_row *rows, uint32_t max);
	/* nodes that have memory, or memory that is not all movable; how many */
	uint32_t (*memory_nodes)(int normal, uint32_t *nids, uint32_t max);
	/* control: node structures freed on offline, as up to 5.11 */
	int (*busted_nodes_start)(int32_t nid);
	int (*busted_node_rows)(struct st_node_row *rows, uint32_t max);
	void (*busted_nodes_stop)(void);

	const struct st_charge_ops *charge;	/* cgroups of our own */
	const struct st_inspect_ops *inspect;
	const struct st_cost_ops *cost;
	const struct st_racers_ops *racers;
	const struct st_price_ops *price;	/* of a node that has gone */
	const struct st_window_ops *window;	/* readers held while a node goes */
	const struct st_publication_ops *publication;
};

struct st_request {
	const char *scenario;		/* globs, comma separated */
	uint32_t seconds;		/* shared by the timed scenarios */
	uint64_t seed;
	uint32_t bench;			/* rounds of each benchmark, 0: none */
	const char *benchmark;		/* globs, comma separated */
	uint32_t sampling;		/* handoffs for each whose metadata is looked at,
					   a power of two; 0: the default */
	const char *racers;		/* beside node-churn: globs, or none; null: all */
	uint32_t churn_cycles;		/* of node-churn; 0: as many as its time allows */
};

struct st_totals {
	uint32_t pass, fail, skip, broken, twins, twins_caught;
};

struct st_core;

/* bytes of storage that st_core_create() needs */
size_t st_core_bytes(void);
/* 0, or -EINVAL with the reason for a user in reason[ST_REASON_BYTES] */
int st_core_create(struct st_core *core, const struct st_ops *ops,
		   const struct st_request *request, char *reason);
/* learns the layout; its text goes to write(arg, line, bytes) */
void st_core_learn(struct st_core *core, const struct st_environment *env);
void st_core_layout(const struct st_core *core,
		    void (*write)(void *arg, const char *text, size_t bytes),
		    void *arg);
/* every scenario asked for, to the end or until stopping() */
void st_core_run(struct st_core *core, struct st_totals *totals);

/*
 * What SLUB keeps of one cache, as text, a few lines at a time; independent of
 * any run. Storage of st_inspection_bytes() bytes comes from the caller.
 */
struct st_inspection;

/* bytes that one call of st_inspection_next() writes at most, line ends included */
#define ST_INSPECT_STEP_BYTES 4096

size_t st_inspection_bytes(void);
void st_inspection_begin(struct st_inspection *inspection, const struct st_core *core,
			 const struct st_inspect_request *request);
/* 1: there is more; 0: that was all; -EINTR: the reader is to end, and may go on */
int st_inspection_next(struct st_inspection *inspection,
		       void (*write)(void *arg, const char *text, size_t bytes), void *arg);
void st_inspection_end(struct st_inspection *inspection);

enum st_verdict { ST_PASS, ST_FAIL, ST_SKIP, ST_BROKEN };

#define ST_FINDINGS_BYTES 640

/* What one question, asked outside a run, came to. */
struct st_answer {
	uint32_t verdict;		/* enum st_verdict */
	uint64_t observations, overlaps;
	const char *invariant;		/* first that broke, "" if none */
	const char *cause;		/* of that breach, "none" if none */
	char reason[ST_REASON_BYTES];	/* why skip or broken */
	char note[ST_REASON_BYTES];
	/* an indented line for each that broke: its name, how often, cause, evidence */
	char findings[ST_FINDINGS_BYTES];
};

/*
 * Single questions, for a caller that judges by itself when it asks them; one
 * at a time. Nothing is emitted, and everything is given back before they
 * return.
 */
/* a scenario by its name; duration_ns counts for timed ones */
void st_core_ask(struct st_core *core, const char *scenario, uint64_t duration_ns,
		 struct st_answer *answer);
/* one cache: placement is enum st_placement, what it is to be made for */
void st_core_ask_cache(struct st_core *core, const struct st_cache_spec *spec,
		       uint32_t placement, struct st_answer *answer);
/* whether the type of slab->stride can hold the largest step there is */
void st_core_ask_stride(struct st_core *core, struct st_answer *answer);
/* node structures of every cache as they stand */
void st_core_ask_nodes(struct st_core *core, struct st_answer *answer);
/* their counts of slabs, with a cache whose slabs are known */
void st_core_ask_node_counts(struct st_core *core, struct st_answer *answer);
/* and while a node's memory goes and comes once; zone is enum st_block_state */
void st_core_ask_node_cycle(struct st_core *core, uint32_t zone, struct st_answer *answer);
/* what was learned, and "" or why a part of it is missing */
const struct st_layout *st_core_facts(const struct st_core *core, const char **exts_missing,
				      const char **nodes_missing);

#ifdef __cplusplus
}
#endif
#endif
