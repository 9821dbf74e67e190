// SPDX-License-Identifier: GPL-2.0
//
// diagnosis - from a broken invariant to its cause, by the rules that the
// vocabulary gives, written down as one table. Pure; it sees values, not the
// kernel.
#pragma once
#include "observation.h"
#include "verdict.h"

namespace st {

// What kind of thing an invariant is about.
enum class Quantity : u8 {
	Value,		// any word
	Step,		// a distance: small enough for a narrow type to be plausible
	Owner,		// who was charged for an object
	FormerOwner,	// an owner where there must be none
	Structure,	// a structure that must stay, or be another one
	Published,	// something that must be whole as soon as it can be seen
};

Quantity quantity_of(Invariant invariant);

// seen is what a narrower type would keep of expected: returns the width of
// that type, or 0. If the field's own type explains it (type_bits), that is the
// width; else the narrowest of 8, 16, 24 and 32 bits that is wide enough for
// what has been kept whole (kept_bits).
u32 truncated_to_bits(u64 expected, u64 seen, u32 type_bits = 0, u32 kept_bits = 0);
u32 truncated_to_bits(const Sighting &sighting);

Cause diagnose(Invariant broken, const Sighting &sighting);

} // namespace st
