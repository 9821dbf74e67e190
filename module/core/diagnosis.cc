// SPDX-License-Identifier: GPL-2.0
//
// diagnosis - see diagnosis.h.
#include "diagnosis.h"

namespace st {
namespace {

bool keeps(u32 bits, u64 expected, u64 seen)
{
	return bits && bits < 64 && seen == (expected & ((1ull << bits) - 1));
}

enum class Is : u8 { Any, No, Yes };

bool fits(Is wanted, bool fact)
{
	return wanted == Is::Any || (wanted == Is::Yes) == fact;
}

// What the values say, before anybody names a cause.
struct Facts {
	bool writer_right, reader_right;
	bool looked;		// a second time, on the reading CPU
	bool right_then;	// and then it was right
	bool agree;		// both CPUs saw the same
	bool cut;		// the writer's value is what a narrow type keeps
};

Facts facts_of(const Sighting &s)
{
	const bool barrier_right = s.has_barrier && s.barrier == s.expected;
	return Facts{s.on_writer == s.expected,
		     s.on_reader == s.expected,
		     s.has_later || s.has_barrier,
		     s.has_later ? s.later == s.expected : barrier_right,
		     s.on_writer == s.on_reader,
		     truncated_to_bits(s) != 0};
}

struct Rule {
	bool any_quantity;
	Quantity quantity;
	Is writer_right, reader_right, looked, right_then, agree, cut;
	Cause cause;
};

constexpr Is A = Is::Any, N = Is::No, Y = Is::Yes;

// The first row that fits decides.
constexpr Rule kRules[] = {
	// A structure that is gone or replaced is that, whoever saw it.
	{false, Quantity::Structure, A, A, A, A, A, A, Cause::Lifetime},
	// Seen before it was written, and whole a little later.
	{false, Quantity::Published, A, N, Y, Y, A, A, Cause::Ordering},
	// An owner outlives its object.
	{false, Quantity::FormerOwner, A, A, A, A, A, A, Cause::Accounting},
	// Everybody sees the same wrong owner, or none.
	{false, Quantity::Owner, A, A, A, A, Y, A, Cause::Accounting},
	// The writer had it right, the reader did not and was not asked again.
	{true, Quantity::Value, Y, N, N, A, A, A, Cause::Unknown},
	// It was right all along, and the reader catches up. That low bits of
	// the right value look like the stale one, as 0 does, means nothing.
	{true, Quantity::Value, Y, N, Y, Y, A, A, Cause::Ordering},
	// Wrong everywhere and right a little later: seen before it was written.
	{false, Quantity::Step, N, N, Y, Y, A, A, Cause::Ordering},
	// The reader is right where the writer is not: then another one wrote.
	{true, Quantity::Value, N, Y, A, A, A, A, Cause::Unknown},
	// Truncation is arithmetic: the same on every CPU, and it stays.
	{false, Quantity::Step, N, N, A, A, Y, Y, Cause::Truncation},
};

} // namespace

Quantity quantity_of(Invariant invariant)
{
	switch (invariant) {
	case Invariant::ExtsStepMatchesLayout:
	case Invariant::StrideFitsType:
		return Quantity::Step;
	case Invariant::ExtsPresent:
	case Invariant::ExtsNamesMemcg:
		return Quantity::Owner;
	case Invariant::ExtsClearedOnFree:
	case Invariant::ExtsNamesNobody:
	case Invariant::AuditCountsExact:
	case Invariant::ChargeReachesGroup:
	case Invariant::ChargeBalanced:
	case Invariant::ChargeDyingGoes:
	case Invariant::NodeStructsBalanced:
	case Invariant::NodePaidOnce:
		return Quantity::FormerOwner;
	case Invariant::NodeInitialisedWhenVisible:
		return Quantity::Published;
	case Invariant::NodePointerKept:
	case Invariant::NodeKeptInUse:
	case Invariant::NodeBarnKept:
	case Invariant::NodeStructElsewhere:
	case Invariant::NodeStructPresent:
	case Invariant::NodeStructHome:
	case Invariant::NodeBarnEverywhere:
	case Invariant::OfflineNodeHasNoSlabs:
	case Invariant::KeptUnderRcu:
	case Invariant::ExtsNotInherited:
		return Quantity::Structure;
	default:
		return Quantity::Value;
	}
}

u32 truncated_to_bits(u64 expected, u64 seen, u32 type_bits, u32 kept_bits)
{
	if (seen == expected)
		return 0;
	if (keeps(type_bits, expected, seen))
		return type_bits;
	for (u32 bits = 8; bits <= 32; bits += 8)
		if (bits >= kept_bits && keeps(bits, expected, seen))
			return bits;
	return 0;
}

u32 truncated_to_bits(const Sighting &s)
{
	return truncated_to_bits(s.expected, s.on_writer, s.type_bits, s.kept_bits);
}

Cause diagnose(Invariant broken, const Sighting &sighting)
{
	Quantity quantity = quantity_of(broken);
	if (sighting.owner && quantity == Quantity::Value)
		quantity = Quantity::Owner;
	const Facts facts = facts_of(sighting);
	for (const Rule &rule : kRules)
		if ((rule.any_quantity || rule.quantity == quantity) &&
		    fits(rule.writer_right, facts.writer_right) &&
		    fits(rule.reader_right, facts.reader_right) &&
		    fits(rule.looked, facts.looked) &&
		    fits(rule.right_then, facts.right_then) && fits(rule.agree, facts.agree) &&
		    fits(rule.cut, facts.cut))
			return rule.cause;
	return Cause::Corruption;
}

} // namespace st
