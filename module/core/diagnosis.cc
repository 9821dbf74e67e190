// SPDX-License-Identifier: GPL-2.0
//
// diagnosis - see diagnosis.h.
#include "diagnosis.h"

namespace st {

u32 truncated_to_bits(u64 expected, u64 seen)
{
	if (seen == expected)
		return 0;
	for (u32 bits = 8; bits <= 32; bits += 8)
		if (seen == (expected & ((1ull << bits) - 1)))
			return bits;
	return 0;
}

Cause diagnose(Invariant broken, const Sighting &s)
{
	switch (broken) {
	case Invariant::NodePointerKept:
	case Invariant::NodeBarnKept:
	case Invariant::NodeStructElsewhere:
	case Invariant::NodeStructPresent:
	case Invariant::NodeStructHome:
	case Invariant::NodeBarnEverywhere:
	case Invariant::OfflineNodeHasNoSlabs:
	case Invariant::KeptUnderRcu:
		return Cause::Lifetime;
	case Invariant::ExtsNamesMemcg:
		if (s.on_reader == s.on_writer)
			return Cause::Accounting;
		break;
	case Invariant::AuditCountsExact:
	case Invariant::ExtsClearedOnFree:
	case Invariant::ChargeReachesGroup:
	case Invariant::ChargeBalanced:
	case Invariant::ChargeDyingGoes:
		return Cause::Accounting;
	default:
		break;
	}
	// Ordering: the writer had it right all along, and the reader catches up.
	if (s.on_reader != s.expected && s.on_writer == s.expected && s.later == s.expected)
		return Cause::Ordering;
	// Truncation is arithmetic, so wrong on the CPU that wrote it, too; only a
	// step is small enough for a narrow type to be plausible.
	const bool is_step = broken == Invariant::ExtsStepMatchesLayout ||
			     broken == Invariant::StrideFitsType;
	if (is_step && s.on_writer != s.expected && truncated_to_bits(s.expected, s.on_writer))
		return Cause::Truncation;
	return Cause::Corruption;
}

} // namespace st
