/* SPDX-License-Identifier: GPL-2.0 */
/*
 * abi.h - the only header that the C shims and the C++ core share.
 *
 * Plain data of fixed width and two lists of functions: what the kernel side
 * offers to core (struct st_ops) and what core offers to main.c (st_core_*).
 * Addresses travel as uint64_t: core compares them and never follows them.
 */
#ifndef SLUBTORTURE_ABI_H
#define SLUBTORTURE_ABI_H

#if defined(__KERNEL__) && !defined(__cplusplus)
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define ST_NAME_BYTES 32
#define ST_REASON_BYTES 160
#define ST_MAX_CPUS 64
#define ST_MAX_NODES 64
#define ST_STAMP_WORDS 4

/* A field inside a structure. bits == 0: this kernel has no such field. */
struct st_field {
	uint32_t bit_offset;
	uint32_t bits;
};

/* How the distance between two neighbouring extensions is known. */
enum st_step_origin {
	ST_STEP_UNKNOWN = 0,
	ST_STEP_FIELD,		/* slab->stride (7.0 to 7.2) */
	ST_STEP_BITS,		/* slab->obj_exts_in_object (7.3) */
	ST_STEP_ELEMENT_SIZE,	/* size of the vector's element (to 6.19) */
	ST_STEP_IN_OBJECT,	/* s->size, named by a placement, not by a field */
};

/*
 * Where SLUB keeps what in the running kernel, learned from its BTF by
 * core/layout. Structures: S = struct slab, or struct page before 5.17;
 * C = struct kmem_cache; N = struct kmem_cache_node.
 */
struct st_layout {
	struct st_field exts;		/* S: the tagged vector pointer */
	struct st_field stride;		/* S: distance in bytes, 7.0 to 7.2 */
	struct st_field in_object;	/* S: one bit, 7.3 */
	struct st_field needs_objcg;	/* S: one bit, 7.3 */
	struct st_field slab_cache;	/* S: back pointer to C */
	struct st_field objects;	/* S: objects in this slab */
	struct st_field cache_size;	/* C: bytes from object to object */
	struct st_field cache_object_size; /* C: bytes that the user may use */
	struct st_field cache_name;	/* C: const char * */
	struct st_field cache_list;	/* C: link in slab_caches */
	struct st_field cache_nodes;	/* C: first element of the node array */
	struct st_field barn_in_node;	/* N: barn pointer, 6.18 to 7.0 */
	struct st_field node_nr_slabs;	/* N: atomic_long_t, SLUB_DEBUG only */
	uint32_t node_step_bytes;	/* from one node's element to the next */
	uint32_t node_count;		/* elements in the array, 0: unknown */
	uint32_t node_pointer_offset;	/* of N * in an element */
	int32_t barn_pointer_offset;	/* of the barn in an element, -1: none */
	uint64_t exts_flag_mask;	/* low bits of exts that are no address */
	uint64_t exts_alloc_failed;	/* whole value that means "no vector" */
	uint32_t ext_bytes;		/* one element of a vector */
	uint32_t objcg_offset;		/* of the obj_cgroup pointer in it */
	struct st_field objcg_memcg;	/* struct obj_cgroup: its mem_cgroup */
	uint32_t step_origin;		/* enum st_step_origin */
};

/* What one CPU read about one object. Values, no judgement. */
struct st_object_view {
	uint64_t object;
	uint64_t slab;			/* address of S */
	uint64_t slab_base;		/* first byte of the slab's memory */
	uint64_t slab_bytes;
	uint64_t slab_cache;
	uint64_t exts;			/* raw word, flags included */
	uint64_t step_bytes;		/* as the kernel would use it */
	uint64_t slot;			/* where step and index lead, 0: no vector */
	uint64_t slot_objcg;		/* obj_cgroup pointer found there */
	uint64_t slot_memcg;		/* its mem_cgroup, 0: not readable */
	uint64_t vector_bytes;		/* room behind an external vector, else 0 */
	uint64_t cache_size;
	uint64_t cache_object_size;
	uint32_t index;			/* of the object in its slab */
	uint32_t objects;		/* in this slab */
	uint32_t slot_readable;		/* 0: slot_objcg could not be read */
	uint32_t cpu;			/* that read it */
};

/* Where the extensions of a slab lie; none: it has no vector. */
enum st_placement {
	ST_PLACED_NOWHERE,
	ST_PLACED_EXTERNAL,		/* a vector outside the slab */
	ST_PLACED_LEFTOVER,		/* a vector behind the last object */
	ST_PLACED_IN_OBJECT,		/* each in the padding of its object */
};

enum st_cache_flags {
	ST_CACHE_ACCOUNT = 1,		/* SLAB_ACCOUNT */
	ST_CACHE_CTOR = 2,		/* has a constructor, so is never merged */
};

struct st_cache_spec {
	uint32_t object_bytes;
	uint32_t align_bytes;		/* 0: the allocator's choice */
	uint32_t flags;			/* enum st_cache_flags */
};

enum st_ordering {
	ST_RELEASE_ACQUIRE,		/* smp_store_release, smp_load_acquire */
	ST_XCHG_XCHG,			/* xchg on both sides */
	ST_SPINLOCK,			/* store and load under one spinlock */
	ST_ORDERINGS,
};

enum st_handoff_mode {
	ST_HANDOFF_ENGINE,		/* stamped, checked, counted */
	ST_HANDOFF_BARE,		/* benchmark: the same primitives only */
	ST_HANDOFF_BUSTED,		/* control: published before it is stamped */
};

struct st_handoff_spec {
	const struct st_layout *layout;	/* null: metadata is not read */
	uint64_t cache;
	uint64_t seed;
	uint64_t duration_ns;
	uint32_t ordering;		/* enum st_ordering */
	uint32_t mode;			/* enum st_handoff_mode */
	uint32_t object_bytes;
	uint32_t accounted;		/* allocate with __GFP_ACCOUNT */
	uint32_t in_flight;		/* objects at most, a power of two */
	uint32_t producer_cpu;
	uint32_t consumer_cpu;
};

#define ST_IN_FLIGHT_MOST 1024

/* Bits of an outcome: set = the freeing side saw it as it must be. */
enum st_handoff_state {
	ST_SAW_CONTENT = 1,
	ST_SAW_METADATA = 2,
	ST_SAW_SLAB = 4,
	ST_HANDOFF_STATES = 8,
};

struct st_handoff_sample {
	uint64_t object;
	uint64_t expected;		/* first word that differed: as stamped */
	uint64_t seen;			/* on the freeing CPU */
	uint64_t later;			/* same word, same CPU, after a barrier */
	uint64_t exts, exts_later;
	uint64_t slab_cache, slab_cache_later;
	uint32_t state;			/* enum st_handoff_state */
	uint32_t valid;
};

struct st_handoff_counts {
	uint64_t handoffs;		/* consumed, checked and freed */
	uint64_t overlaps;		/* consumer was polling when it appeared */
	uint64_t elapsed_ns;
	uint64_t states[ST_HANDOFF_STATES];
	struct st_handoff_sample first_wrong;
};

struct st_late_spec {
	const struct st_layout *layout;
	uint64_t cache;			/* not SLAB_ACCOUNT */
	uint64_t seed;
	uint32_t object_bytes;
	uint32_t rounds;
	uint32_t writer_cpu;
	uint32_t reader_cpu;
	uint32_t busted;		/* control: vector first, stride later */
};

struct st_late_counts {
	uint64_t rounds;		/* a vector appeared on a live slab */
	uint64_t overlaps;		/* and the reader watched it appear */
	uint64_t step_wrong;		/* vector seen with another step */
	uint64_t slot_dirty;		/* unaccounted object's slot not empty */
	uint64_t freed_remotely;	/* objects of such slabs freed meanwhile */
	uint64_t step_expected;		/* of the first wrong one: */
	uint64_t step_seen;		/* on the reading CPU at once */
	uint64_t step_on_writer;	/* on the CPU that published */
	uint64_t step_later;		/* on the reading CPU, after the round */
	uint64_t slot_seen;		/* first objcg in a slot not empty */
	uint64_t no_fresh_slab;		/* every slab had a vector from the start */
};

/* Controls for objects_view: slabs of our own with a known bug in them. */
enum st_busted_slab {
	ST_BUSTED_HALF_STEP,		/* external vector, step half an element */
	ST_BUSTED_OVERLAP,		/* leftover vector begins in an object */
	ST_BUSTED_STRIDE_U16,		/* in-object step kept in 16 bits */
};

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
};

/* Node that may lose all its memory, or why there is none. */
struct st_hotplug_target {
	int32_t nid;			/* -1: none, see reason */
	uint32_t blocks;
	char reason[ST_REASON_BYTES];
	char movable_only[ST_REASON_BYTES]; /* why not in the normal zone */
};

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
	/* both run on the CPU named; alloc returns how many it got, or -errno */
	int (*objects_alloc)(uint64_t cache, uint32_t cpu, int accounted,
			     uint64_t *objects, uint32_t count);
	int (*objects_free)(uint64_t cache, uint32_t cpu,
			    const uint64_t *objects, uint32_t count);
	/* reads on the CPU named, view by view */
	int (*objects_view)(const struct st_layout *layout, uint32_t cpu,
			    const uint64_t *objects,
			    struct st_object_view *views, uint32_t count);

	/* views of a busted slab and its layout; how many, or -errno */
	int (*busted_views)(uint32_t kind, uint32_t cpu, struct st_layout *layout,
			    struct st_object_view *views, uint32_t max);

	int (*handoff)(const struct st_handoff_spec *spec,
		       struct st_handoff_counts *counts);
	int (*late)(const struct st_late_spec *spec,
		    struct st_late_counts *counts);

	void (*hotplug_target)(struct st_hotplug_target *target);
	int (*block_set)(uint32_t block, uint32_t state);
	int (*blocks_restore)(void);
	/* rows of every cache for nid; -ENOSPC: more than max */
	int (*node_rows)(const struct st_layout *layout, int32_t nid,
			 struct st_node_row *rows, uint32_t max);
	/* nodes that have memory, or memory that is not all movable; how many */
	uint32_t (*memory_nodes)(int normal, uint32_t *nids, uint32_t max);
	/* control: node structures freed on offline, as up to 5.11 */
	int (*busted_nodes_start)(int32_t nid);
	int (*busted_node_rows)(struct st_node_row *rows, uint32_t max);
	void (*busted_nodes_stop)(void);
};

struct st_request {
	const char *scenario;		/* globs, comma separated */
	uint32_t seconds;		/* shared by the timed scenarios */
	uint64_t seed;
	uint32_t bench;			/* rounds of the benchmark, 0: none */
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
