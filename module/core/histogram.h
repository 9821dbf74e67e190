// SPDX-License-Identifier: GPL-2.0
//
// histogram - outcome counts of a handoff, printed as litmus tools print
// theirs: a count, ":>", and the value of each thing looked at.
#pragma once
#include "base.h"

namespace st {

class Histogram {
public:
	void add(const st_handoff_counts &counts);
	u64 total() const { return total_; }
	// Handoffs in which the freeing side missed at least one thing.
	u64 wrong() const { return total_ - counts_[ST_HANDOFF_STATES - 1]; }
	u32 states_seen() const;
	// "1234 :> content=1; metadata=1; slab=1;" for a state that was seen.
	bool row(u32 state, Line<160> *line) const;

private:
	u64 counts_[ST_HANDOFF_STATES] = {};
	u64 total_ = 0;
};

} // namespace st
