// SPDX-License-Identifier: GPL-2.0
//
// node_judge - what was seen of a node's structures while its memory went and
// came, put to the invariants: pointers by the sampler, lists under their
// locks, the number of structures.
#pragma once
#include "experiment.h"

namespace st {

// An attempt to take a block away that was brought movable; err is 0 or -errno.
struct Removal {
	s32 nid;
	u32 block;
	int err;
	u32 tries;
	Text kept;	// what of it was in use, if it did not go
};

void judge_removal(const Removal &removal, Tally *tally);
void judge_watch(const Context &context, const st_watch_counts &seen, s32 nid, Tally *tally);
void judge_lists(Span<const st_node_lists> rows, s32 nid, Tally *tally);
void judge_structs(const st_node_structs &before, const st_node_structs &after, u64 cycles,
		   Tally *tally);

} // namespace st
