/* SPDX-License-Identifier: GPL-2.0 */
/*
 * handoff - objects that pass from one CPU to another: what is asked and what
 * was seen. Part of abi.h. Which pairs there are is in core/handoffs.def.
 */
#ifndef SLUBTORTURE_ABI_HANDOFF_H
#define SLUBTORTURE_ABI_HANDOFF_H

#include "base.h"
#include "exts.h"

enum st_publish {
	ST_PUBLISH_PLAIN,
	ST_PUBLISH_ONCE,		/* WRITE_ONCE */
	ST_PUBLISH_RELEASE,		/* smp_store_release */
	ST_PUBLISH_XCHG,
	ST_PUBLISH_XCHG_ACQUIRE,
	ST_PUBLISH_XCHG_RELEASE,
	ST_PUBLISH_CMPXCHG,
	ST_PUBLISH_SPINLOCK,		/* store under a lock */
	ST_PUBLISH_RCU,			/* rcu_assign_pointer */
	ST_PUBLISHES,
	/* core's name for a release before the object is written: a mode below */
	ST_PUBLISH_LATE = ST_PUBLISHES,
};

enum st_consume {
	ST_CONSUME_PLAIN,
	ST_CONSUME_DEPENDENCY,		/* READ_ONCE, then through the pointer */
	ST_CONSUME_ACQUIRE,		/* smp_load_acquire */
	ST_CONSUME_XCHG,
	ST_CONSUME_XCHG_ACQUIRE,
	ST_CONSUME_CMPXCHG,
	ST_CONSUME_SPINLOCK,		/* load under the same lock */
	ST_CONSUME_RCU,			/* rcu_dereference */
	ST_CONSUME_CONTROL,		/* READ_ONCE and a branch, no dependency */
	ST_CONSUME_EARLY,		/* object first, then smp_load_acquire */
	ST_CONSUMES,
};

enum st_handoff_mode {
	ST_HANDOFF_ENGINE,		/* stamped, checked, counted */
	ST_HANDOFF_BARE,		/* benchmark: the same primitives only */
	ST_HANDOFF_BUSTED,		/* control: wrong in program order */
};

/* The three axes along which a handoff is tried. */
enum st_origin {
	ST_ORIGIN_CACHE,		/* kmem_cache_alloc, kmem_cache_free */
	ST_ORIGIN_ACCOUNTED,		/* the same with __GFP_ACCOUNT */
	ST_ORIGIN_KMALLOC,		/* kmalloc, kfree */
	ST_ORIGIN_KFREE_RCU,		/* kmalloc, kfree_rcu */
	ST_ORIGIN_BULK,			/* kmem_cache_alloc_bulk, ..._free_bulk */
	ST_ORIGIN_TYPESAFE,		/* SLAB_TYPESAFE_BY_RCU */
	ST_ORIGINS,
};

enum st_place {
	ST_PLACE_SAME_CPU,
	ST_PLACE_SAME_NODE,
	ST_PLACE_OTHER_NODE,		/* freeing CPU, or the memory, is there */
	ST_PLACES,
};

enum st_free_context {
	ST_FREE_IN_THREAD,
	ST_FREE_IN_SOFTIRQ,
	ST_FREE_IN_HARDIRQ,
	ST_FREE_CONTEXTS,
};

struct st_handoff_spec {
	const struct st_layout *layout;	/* null: metadata is not read */
	uint64_t cache;			/* not for kmalloc and kfree_rcu */
	uint64_t seed;
	uint64_t duration_ns;
	uint64_t most;			/* handoffs, 0: as many as the time allows */
	uint32_t publish;		/* enum st_publish, below ST_PUBLISHES */
	uint32_t consume;		/* enum st_consume */
	uint32_t mode;			/* enum st_handoff_mode */
	uint32_t origin;		/* enum st_origin */
	uint32_t context;		/* enum st_free_context */
	uint32_t object_bytes;
	uint32_t accounted;		/* allocate with __GFP_ACCOUNT */
	uint32_t in_flight;		/* objects at most, a power of two */
	uint32_t sampling;		/* look at metadata of every so-manieth handoff,
					   a power of two; 0: of none */
	uint32_t producer_cpu;
	uint32_t consumer_cpu;
	int32_t nid;			/* memory from this node alone, -1: from any */
	uint32_t freed_early;		/* control: overwritten as if no grace period were kept */
};

#define ST_IN_FLIGHT_MOST 1024
#define ST_HANDOFF_OBJECT_BYTES 128	/* room for stamp, type and an rcu_head */

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
	uint32_t freed;			/* looked at again after the free, under RCU */
};

struct st_handoff_counts {
	uint64_t handoffs;		/* consumed, checked and freed */
	uint64_t overlaps;		/* consumer was polling when it appeared */
	uint64_t elapsed_ns;
	uint64_t states[ST_HANDOFF_STATES];	/* all three were looked at */
	uint64_t content[2];		/* content alone was: missed, seen */
	uint64_t after[2];		/* again after the free, under RCU: wrong, right */
	struct st_handoff_sample first_wrong;
};

/*
 * Message passing at full speed over rows of cells, as litmus tools do it:
 * both threads go along the row without waiting for each other, and each cell
 * is one trial.
 */
struct st_litmus_spec {
	uint64_t cache;
	uint64_t duration_ns;
	uint32_t publish;
	uint32_t consume;
	uint32_t late;			/* control: published before it is written */
	uint32_t writer_cpu;
	uint32_t reader_cpu;
};

/* Bits of a trial's outcome. */
enum st_trial_state {
	ST_TRIAL_CONTENT = 1,		/* the reader saw this round's content */
	ST_TRIAL_POINTER = 2,		/* and the pointer published after it */
	ST_TRIAL_STATES = 4,
};

struct st_litmus_counts {
	uint64_t states[ST_TRIAL_STATES];
	uint64_t elapsed_ns;
	uint64_t expected, seen, later;	/* content of the first wrong trial */
};

struct st_handoff_ops {
	int (*run)(const struct st_handoff_spec *spec, struct st_handoff_counts *counts);
	int (*litmus)(const struct st_litmus_spec *spec, struct st_litmus_counts *counts);
	int32_t (*cpu_node)(uint32_t cpu);
	/* why nothing can be freed in that context here, or null */
	const char *(*context_lacks)(uint32_t context);
};

#endif
