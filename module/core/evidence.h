// SPDX-License-Identifier: GPL-2.0
//
// evidence - the values behind a breach as one line of text: what was seen and
// what is right, on which CPU, after a barrier, a little later, and what a
// narrower type would have kept. It prints; what follows is for diagnosis.
#pragma once
#include "invariant.h"

namespace st {

// How the values of an invariant are shown. Addresses are hashed, as the
// kernel's %p does: a report may be mailed.
enum class Shown : u8 { Number, Address, Flag };

Shown shown_as(Invariant invariant);

// Appends to what says where the breach was.
void add_values(Evidence &evidence, const st_ops &ops, Invariant invariant,
		const Sighting &sighting);

} // namespace st
