// SPDX-License-Identifier: GPL-2.0
//
// observation - what was seen, as values, and what follows from it by
// arithmetic alone: which placement a slab's vector has, which step and which
// bounds that placement implies. Judging is the invariants' affair.
#pragma once
#include "base.h"

namespace st {

enum class Placement : u8 { None, External, Leftover, InObject };

Text name(Placement placement);

// Address of the first extension of the slab, 0: it has no vector.
u64 vector_base(const st_object_view &view, const st_layout &layout);
// By where the vector begins: outside the slab, in its first object's own
// bytes, or behind that.
Placement placement_of(const st_object_view &view, const st_layout &layout);
// Distance between two extensions that the placement implies, in bytes.
u64 expected_step(const st_object_view &view, const st_layout &layout, Placement placement);

// Half-open range of addresses in which the object's slot must lie.
struct Range {
	u64 begin, end;
};
Range slot_range(const st_object_view &view, const st_layout &layout, Placement placement);

// A quantity seen from several sides; what diagnosis looks at.
struct Sighting {
	u64 expected = 0;
	u64 on_writer = 0;	// on the CPU that wrote it
	u64 on_reader = 0;	// on another CPU
	u64 later = 0;		// on that CPU, after the round
	u64 barrier = 0;	// on that CPU, right after a full barrier
	bool has_barrier = false;
	bool has_later = true;	// false: nobody looked a second time
	u32 type_bits = 0;	// width of the field that keeps it, 0: not known
	u32 kept_bits = 0;	// width of the widest such value that was right
	bool number = false;	// a number, whatever the invariant is about
	bool owner = false;	// who pays for an object, whatever the invariant is about
};

} // namespace st
