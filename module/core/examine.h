// SPDX-License-Identifier: GPL-2.0
//
// examine - asks every invariant of objects and their extensions that a set of
// views can answer, and counts the answers. Which objects are made, when they
// are looked at and by whom is the experiments' affair.
#pragma once
#include "experiment.h"

namespace st {

// Whose objects are looked at; what evidence calls them.
struct Subject {
	const Context &context;
	const st_layout &layout;
	u64 cache;		// that slabs must name, 0: not known
	u64 memcg;		// that was charged, 0: any owner will do
	u32 object_bytes, align_bytes;
	Text kind;		// of cache, for the evidence; may be empty
	bool live;		// the objects can be looked at once more
};

// Buffers for one cache's objects and what was seen of them.
struct Workspace {
	explicit Workspace(const st_ops &ops)
		: objects(ops, kMaxObjects), kept(ops, kMaxObjects), freed(ops, kMaxObjects),
		  order(ops, 2 * kMaxObjects), writer(ops, kMaxObjects), reader(ops, kMaxObjects)
	{
	}
	explicit operator bool() const
	{
		return objects && kept && freed && order && writer && reader;
	}

	Buffer<u64> objects, kept, freed;
	Buffer<u32> order;
	Buffer<st_object_view> writer, reader;
};

// A live object that somebody was charged for, seen by the CPU that allocated
// it and by another. On wrong arithmetic the address is named first; what lies
// there is not asked then.
void examine_paid(const Subject &subject, const st_object_view &writer,
		  const st_object_view &reader, Tally *tally);
// A live object that nobody was charged for; its slab may have a vector.
void examine_unpaid(const Subject &subject, const st_object_view &view, Tally *tally);
// All live objects at once, of whatever slabs: no two extensions share a byte,
// and none lies in an object's own bytes. order: room for 2 * views.
void examine_slots(const Subject &subject, Span<const st_object_view> views, Span<u32> order,
		   Tally *tally);
// Kept while others of its slab came and went.
void examine_kept(const Subject &subject, const st_object_view &before,
		  const st_object_view &after, Tally *tally);
// Freed while its slab is known to live.
void examine_freed(const Subject &subject, const st_object_view &before,
		   const st_object_view &after, Tally *tally);
// The first look at a slab that nothing was charged for yet.
void examine_new_slab(const Subject &subject, const st_object_view &view, Tally *tally);

} // namespace st
