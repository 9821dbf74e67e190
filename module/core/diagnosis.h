// SPDX-License-Identifier: GPL-2.0
//
// diagnosis - from a broken invariant to its cause, by the rules that the
// vocabulary gives. Pure; it sees values, not the kernel.
#pragma once
#include "observation.h"
#include "verdict.h"

namespace st {

// seen equals expected in its low 8, 16, 24 or 32 bits only; returns that
// width, or 0. The wrong value must be what a narrower type would keep.
u32 truncated_to_bits(u64 expected, u64 seen);

Cause diagnose(Invariant broken, const Sighting &sighting);

} // namespace st
