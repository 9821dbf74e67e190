// SPDX-License-Identifier: GPL-2.0
//
// inspect - one cache as it stands, as text for people: each slab with its
// placement and step, each object with its extension and owner, and sums. It
// reads through the kernel side and judges nothing but a step that is not
// what the placement asks for. Independent of any run and of other readers.
#pragma once
#include "layout.h"
#include "observation.h"

namespace st {

// Takes lines, without their ends.
struct Sink {
	void (*write)(void *arg, const char *text, size_t bytes);
	void *arg;
	void operator()(Text text) const { write(arg, text.data(), text.size()); }
};

// An owner group, with the objects whose extension names it.
struct OwnerSum {
	u64 memcg;
	u64 objects;
	st_owner owner;
};

constexpr u32 kOwners = 24;
constexpr u32 kShownAtOnce = 16;	// objects, in one call of next()
constexpr size_t kPlacements = 4;

struct InspectionSums {
	u64 slabs = 0, bytes = 0, changed = 0;
	u64 placed[kPlacements] = {};	// slabs, by Placement
	u64 wrong_steps = 0;		// of slabs
	u64 objects = 0, in_use = 0;
	u64 owned = 0, nameless = 0;	// by a group; of these, by one not in owners[]
	u64 unreadable = 0;		// objects whose extension could not be read
	bool in_use_known = true;
	u32 owners = 0;
	OwnerSum owner[kOwners] = {};
};

class Inspection {
public:
	Inspection(const st_ops &ops, const st_environment &env, const Layout &layout,
		   const st_inspect_request &request);
	~Inspection();
	Inspection(const Inspection &) = delete;
	Inspection &operator=(const Inspection &) = delete;

	// As st_inspection_next().
	int next(Sink sink);
	const InspectionSums &sums() const { return sums_; }
	// Nothing could be shown, for the reason that was written.
	bool refused() const { return refused_; }
	// What the last call of next() read: a slab, objects of it.
	const st_slab_view *slab() const { return fresh_slab_ ? &slab_ : nullptr; }
	Span<const st_object_view> objects() const
	{
		return Span<const st_object_view>(views_, fresh_views_);
	}

private:
	enum class Stage : u8 { Caches, Head, Slabs, Objects, Sums, Owners, Done };
	using Row = Line<128>;

	int list(Sink sink);
	int head(Sink sink);
	int next_slab(Sink sink);
	int next_objects(Sink sink);
	int sum_up(Sink sink);
	int name_owners(Sink sink);
	int refuse(Sink sink, Text why);
	const char *missing() const;

	void count_slab();
	void count_object(const st_object_view &view);
	u32 owner_number(u64 memcg);
	void slab_row(Sink sink);
	void object_row(const st_object_view &view, Sink sink);
	void add_pointer(Row *row, u64 pointer) const;
	void lost_slab(Sink sink);

	const st_ops &ops_;
	const st_environment &env_;
	const Layout &layout_;
	const st_inspect_request request_;
	Stage stage_;
	void *walk_ = nullptr;
	u32 position_ = 0;	// of the cache to be listed, of the object, of the owner
	bool refused_ = false, fresh_slab_ = false;
	u32 fresh_views_ = 0;
	st_slab_view slab_ = {};
	st_object_view views_[kShownAtOnce] = {};
	InspectionSums sums_;
};

} // namespace st
