// SPDX-License-Identifier: GPL-2.0
//
// evidence - see evidence.h.
#include "evidence.h"

#include "diagnosis.h"

namespace st {
namespace {

void add_value(Evidence &evidence, const st_ops &ops, Shown shown, u64 value)
{
	char text[24] = "";
	if (shown == Shown::Number || !value) {
		evidence.add_dec(value);
	} else if (shown == Shown::Flag) {
		evidence.add("yes");
	} else {
		ops.pointer_text(value, text, sizeof(text));
		evidence.add(text);
	}
}

// Which width explains it, and how that width is known.
void add_width(Evidence &evidence, const Sighting &s)
{
	const u32 bits = truncated_to_bits(s);
	if (!bits)
		return;
	evidence.add(" (").add_dec(s.expected).add(" mod 2^").add_dec(bits).add(" = ");
	evidence.add_dec(s.on_writer);
	if (bits == s.type_bits)
		evidence.add("; the field has ").add_dec(bits).add(" bits");
	else if (s.kept_bits)
		evidence.add("; values of ").add_dec(s.kept_bits).add(" bits were kept");
	evidence.add(")");
}

} // namespace

Shown shown_as(Invariant invariant)
{
	switch (invariant) {
	case Invariant::ExtsStepMatchesLayout:
	case Invariant::ExtsVectorLongEnough:
	case Invariant::ExtsOwnSlot:
	case Invariant::StrideFitsType:
	case Invariant::ExtsInBounds:
	case Invariant::ExtsAligned:
	case Invariant::ExtsOutsideObjects:
		return Shown::Number;
	case Invariant::ExtsPresent:
		return Shown::Flag;
	default:
		return Shown::Address;
	}
}

void add_values(Evidence &evidence, const st_ops &ops, Invariant invariant, const Sighting &s)
{
	const Shown shown = s.number ? Shown::Number : shown_as(invariant);
	const bool reader_wrong = s.on_reader != s.expected;
	add_value(evidence, ops, shown, reader_wrong ? s.on_reader : s.on_writer);
	evidence.add(" where ");
	add_value(evidence, ops, shown, s.expected);
	evidence.add(" is right");
	if (quantity_of(invariant) == Quantity::Step)
		add_width(evidence, s);
	evidence.add("; on the writing CPU ");
	add_value(evidence, ops, shown, s.on_writer);
	evidence.add(", on the reading CPU ");
	add_value(evidence, ops, shown, s.on_reader);
	if (s.has_barrier) {
		evidence.add(", there after a barrier ");
		add_value(evidence, ops, shown, s.barrier);
	}
	if (s.has_later) {
		evidence.add(", a little later ");
		add_value(evidence, ops, shown, s.later);
	}
}

} // namespace st
