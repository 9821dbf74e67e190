// SPDX-License-Identifier: GPL-2.0
//
// sweep - all caches that exts-sweep and exts-debug could make, as a product of
// axes, in an order that the seed gives: sizes on both sides of every power of
// two, with and without room for an extension in the object, accounted by the
// cache's flag or by the allocation's, with and without a constructor, with and
// without what slab_debug adds. Pure; where a kernel then puts the extensions
// is found out by looking.
#pragma once
#include "plan.h"

namespace st {

// Which kernel the caches are for, as far as the plan depends on it.
struct SweepLimits {
	u64 max_bytes;		// largest object
	u32 cpus;
	bool has_debug;		// slab_debug's flags do something
};

// One combination. Powers go from 2^3 to the largest object's.
struct CacheCell {
	u32 power, side;	// size: 2^power plus kSides[side]
	bool padded;		// aligned to 2^power, which leaves room in each object
	bool by_flag;		// SLAB_ACCOUNT, else __GFP_ACCOUNT
	bool constructor;
	u32 debug;		// place in the list of flags
};

// False: there is no such cache, because of its size.
bool cell_spec(const CacheCell &cell, const SweepLimits &limits, st_cache_spec *spec);

class SweepPlan {
public:
	// debug: the plan for exts-debug, else for exts-sweep.
	SweepPlan(const SweepLimits &limits, bool debug, u64 seed);

	// The next cell and its cache, false at the end. The first telling() of
	// them are those that have shown most bugs, in an order of their own.
	bool next(CacheCell *cell, CacheStep *step);
	u32 telling() const { return telling_; }
	// All cells, known from the start.
	u32 cells() const { return cells_; }
	u32 visited() const { return visited_; }

private:
	CacheCell at(u32 index) const;
	bool is_telling(const CacheCell &cell) const;
	bool usable(const CacheCell &cell) const;
	void fill(const CacheCell &cell, CacheStep *step);

	SweepLimits limits_;
	bool debug_;
	Random random_;
	u32 powers_ = 0, product_ = 0, cells_ = 0, visited_ = 0;
	u32 telling_ = 0, first_ = 0;	// of the telling ones: usable, taken
	u32 index_ = 0, step_ = 1, walked_ = 0;
};

// "red-zone", "red-zone+poison", …; "plain" for a cell of exts-sweep.
Text debug_name(bool debug, u32 place);
u32 debug_flags(bool debug, u32 place);
u32 debug_kinds(bool debug);

} // namespace st
