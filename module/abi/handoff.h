/* SPDX-License-Identifier: GPL-2.0 */
/*
 * handoff - objects that pass from one CPU to another: what is asked and what
 * was seen. Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_HANDOFF_H
#define SLUBTORTURE_ABI_HANDOFF_H

#include "base.h"
#include "exts.h"

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

#endif
