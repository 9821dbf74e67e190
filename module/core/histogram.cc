// SPDX-License-Identifier: GPL-2.0
//
// histogram - see histogram.h.
#include "histogram.h"

namespace st {

void Histogram::add(const st_handoff_counts &counts)
{
	for (u32 i = 0; i < ST_HANDOFF_STATES; i++) {
		counts_[i] += counts.states[i];
		total_ += counts.states[i];
	}
}

u32 Histogram::states_seen() const
{
	u32 seen = 0;
	for (u64 count : counts_)
		seen += count != 0;
	return seen;
}

bool Histogram::row(u32 state, Line<160> *line) const
{
	if (state >= ST_HANDOFF_STATES || !counts_[state])
		return false;
	line->add_dec(counts_[state]).add(" :> content=");
	line->add_dec((state & ST_SAW_CONTENT) != 0);
	line->add("; metadata=").add_dec((state & ST_SAW_METADATA) != 0);
	line->add("; slab=").add_dec((state & ST_SAW_SLAB) != 0).add(";");
	return true;
}

} // namespace st
