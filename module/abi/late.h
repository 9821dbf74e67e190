/* SPDX-License-Identifier: GPL-2.0 */
/*
 * late - a vector that appears on a live slab: what is asked and what was seen.
 * Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_LATE_H
#define SLUBTORTURE_ABI_LATE_H

#include "base.h"
#include "exts.h"

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

#endif
