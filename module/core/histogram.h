// SPDX-License-Identifier: GPL-2.0
//
// histogram - outcome counts of handoffs, printed as litmus tools print theirs:
// a count, ":>" or, where it is the outcome that is asked about, "*>", and the
// value of each thing that thread 1, the freeing one, looked at.
#pragma once
#include "base.h"

namespace st {

// States: whole looks, then content alone, then trials of the litmus rows.
constexpr u32 kContentStates = ST_HANDOFF_STATES;
constexpr u32 kTrialStates = kContentStates + 2;
constexpr u32 kHistogramStates = kTrialStates + ST_TRIAL_STATES;

class Histogram {
public:
	using Row = Line<160>;

	void add(const st_handoff_counts &counts);
	void add(const st_litmus_counts &counts);
	// Of the engine alone, and of both.
	u64 handoffs() const { return handoffs_; }
	u64 total() const { return handoffs_ + trials_; }
	// In which the freeing side missed at least one thing.
	u64 wrong() const { return wrong_; }
	// Trials that began before the writer's end and ended after its begin.
	u64 overlapping_trials() const
	{
		return states_[kTrialStates + ST_TRIAL_CONTENT] +
		       states_[kTrialStates + ST_TRIAL_POINTER];
	}
	u32 states_seen() const;
	// "1234 :>1:content=1; 1:metadata=1; 1:slab=1;" for a state that was seen.
	bool row(u32 state, Row *line) const;
	// "Sometimes 3 1234" or "Never 0 1234": how often the answer is yes and no.
	void observation(Row *line) const;

private:
	u64 states_[kHistogramStates] = {};
	u64 handoffs_ = 0, trials_ = 0, wrong_ = 0;
};

} // namespace st
