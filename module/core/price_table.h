// SPDX-License-Identifier: GPL-2.0
//
// price_table - what a node costs, as sums and as lines for the report. Pure;
// what is measured and when is experiment_price's affair.
#pragma once
#include "base.h"
#include "remarks.h"

namespace st {

// What all caches keep for a node.
struct Kept {
	u32 caches = 0;		// that keep anything
	u64 node_bytes = 0, barn_bytes = 0;
	u64 slabs = 0;		// counted for the node
	u64 slab_bytes = 0;	// of those that are known to stay, see sum_kept()

	u64 bytes() const { return node_bytes + barn_bytes; }
};

Kept sum_kept(Span<const st_price_row> rows);

// One step of all blocks of the node, and SLUB's share of its time.
struct PriceStep {
	u32 zone;		// enum st_block_state of the side that is online
	bool offline;
	u64 whole_ns, slub_ns, calls;
	Kept kept;		// afterwards
};

// How many times `part` goes into a hundredth of a percent of `whole`.
u64 basis_points(u64 part, u64 whole);

void tell_caches(Span<const st_price_row> rows, u64 node_bytes, Remarks *remarks);
void tell_steps(Span<const PriceStep> steps, bool timed, Remarks *remarks);

} // namespace st
