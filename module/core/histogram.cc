// SPDX-License-Identifier: GPL-2.0
//
// histogram - see histogram.h.
#include "histogram.h"

namespace st {
namespace {

constexpr u32 kSawAll = ST_HANDOFF_STATES - 1;

// The outcome that a test asks about: the pointer is there, something is not.
bool is_wrong(u32 state)
{
	if (state < kContentStates)
		return state != kSawAll;
	if (state < kTrialStates)
		return state == kContentStates;
	return state == kTrialStates + ST_TRIAL_POINTER;
}

void bit(Histogram::Row *line, Text name, bool set)
{
	line->add(" 1:").add(name).add(set ? "=1;" : "=0;");
}

} // namespace

void Histogram::add(const st_handoff_counts &counts)
{
	for (u32 i = 0; i < ST_HANDOFF_STATES; i++) {
		states_[i] += counts.states[i];
		handoffs_ += counts.states[i];
		wrong_ += is_wrong(i) ? counts.states[i] : 0;
	}
	for (u32 i = 0; i < 2; i++) {
		states_[kContentStates + i] += counts.content[i];
		handoffs_ += counts.content[i];
	}
	wrong_ += counts.content[0];
}

void Histogram::add(const st_litmus_counts &counts)
{
	for (u32 i = 0; i < ST_TRIAL_STATES; i++) {
		states_[kTrialStates + i] += counts.states[i];
		trials_ += counts.states[i];
	}
	wrong_ += counts.states[ST_TRIAL_POINTER];
}

u32 Histogram::states_seen() const
{
	u32 seen = 0;
	for (u64 count : states_)
		seen += count != 0;
	return seen;
}

bool Histogram::row(u32 state, Row *line) const
{
	if (state >= kHistogramStates || !states_[state])
		return false;
	line->add_dec(states_[state]).add(is_wrong(state) ? " *>" : " :>");
	if (state >= kTrialStates) {
		bit(line, "pointer", (state - kTrialStates) & ST_TRIAL_POINTER);
		bit(line, "content", (state - kTrialStates) & ST_TRIAL_CONTENT);
		return true;
	}
	bit(line, "content", state < kContentStates ? state & ST_SAW_CONTENT : state > kContentStates);
	if (state < kContentStates) {
		bit(line, "metadata", state & ST_SAW_METADATA);
		bit(line, "slab", state & ST_SAW_SLAB);
	}
	return true;
}

void Histogram::observation(Row *line) const
{
	const u64 others = total() - wrong_;
	line->add(!wrong_ ? "Never " : others ? "Sometimes " : "Always ");
	line->add_dec(wrong_).add(" ").add_dec(others);
}

} // namespace st
