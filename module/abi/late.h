/* SPDX-License-Identifier: GPL-2.0 */
/*
 * late - a vector that appears on a live slab, and a step that lies beside
 * counters which frees change: what is asked and what was seen.
 * Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_LATE_H
#define SLUBTORTURE_ABI_LATE_H

#include "base.h"
#include "exts.h"

/* In which order the reader reads vector and step. */
enum st_read_order {
	ST_EXTS_FIRST,			/* as the fix wants it */
	ST_STRIDE_FIRST,		/* right only where the step is set early */
	ST_READ_ORDERS,
};

/* What a control does wrong. */
enum st_late_bug {
	ST_LATE_SOUND,
	ST_LATE_STEP,			/* vector first, stride later */
	ST_LATE_UNFILLED,		/* vector first, its zeroes later */
};

struct st_late_spec {
	const struct st_layout *layout;
	uint64_t cache;			/* not SLAB_ACCOUNT */
	uint64_t seed;
	uint32_t object_bytes;
	uint32_t rounds;
	uint32_t writer_cpu;
	uint32_t reader_cpu;
	uint32_t freer_cpu;		/* the reader's: one thread does both */
	uint32_t read_order;		/* enum st_read_order */
	uint32_t barrier;		/* smp_rmb() between the two reads */
	uint32_t busted;		/* enum st_late_bug */
};

/* When the other object of the slab was freed, as its freer saw the vector. */
enum st_late_freed {
	ST_FREED_BEFORE,		/* not there yet when the free had returned */
	ST_FREED_ACROSS,		/* not there when it began, there when it returned */
	ST_FREED_AT_ONCE,		/* just there, its publisher not done yet */
	ST_FREED_LATER,
	ST_LATE_FREED,
};

/* An outcome of a round: watched * 8 + step right * 4 + enum st_late_freed. */
#define ST_LATE_OUTCOMES 16

struct st_late_counts {
	uint64_t rounds;		/* a vector appeared on a live slab */
	uint64_t overlaps;		/* and the reader watched it appear */
	uint64_t outcomes[ST_LATE_OUTCOMES];
	uint64_t looks_before;		/* pairs read while there was no vector, */
	uint64_t steps_before;		/* and with the right step all the same */
	uint64_t step_wrong;		/* vector seen with another step */
	uint64_t slot_dirty;		/* vectors with a slot of nobody's not empty */
	uint64_t freed_remotely;	/* objects of such slabs freed meanwhile */
	uint64_t step_expected;		/* of the first wrong one: */
	uint64_t step_seen;		/* on the reading CPU at once */
	uint64_t step_on_writer;	/* on the CPU that published */
	uint64_t step_later;		/* on the reading CPU, after the round */
	uint64_t slot_index;		/* of the first such slot: whose it is, */
	uint64_t slot_seen;		/* what the reader found in it at once, */
	uint64_t slot_on_writer;	/* the CPU that published, after the round, */
	uint64_t slot_later;		/* and the reading CPU then */
	uint64_t emptied;		/* accounted object lost its owner meanwhile */
	uint64_t emptied_alone;		/* and no free went on while it was published */
	uint64_t emptied_index;		/* of the first: the object that lost it */
	uint64_t freed_index;		/* the object that was freed */
	uint64_t emptied_on_writer;	/* index of the freed one's slot, by the step */
	uint64_t emptied_later;		/* on the writing CPU; the reading one, later */
	uint64_t no_fresh_slab;		/* every slab had a vector from the start */
};

struct st_counters_spec {
	const struct st_layout *layout;
	uint64_t cache;			/* every slab of it has extensions */
	uint64_t seed;
	uint32_t rounds;
	uint32_t writer_cpu;		/* allocates and frees */
	uint32_t reader_cpu;		/* looks, and frees a part */
	uint32_t busted;		/* control: the word is written without the step */
};

struct st_counters_counts {
	uint64_t looks;
	uint64_t changes;		/* of the word with the counters, between two looks */
	uint64_t freed;
	uint64_t wrong;			/* looks with another step or another bit */
	uint64_t expected;		/* of the first wrong one: as it was in quiet */
	uint64_t seen;
	uint64_t on_writer;		/* after the round */
	uint64_t later;			/* on the reading CPU, after the round */
};

#endif
