// SPDX-License-Identifier: GPL-2.0
//
// handoff - the table of publish/consume pairs (handoffs.def) and what the
// memory model says of each; and where handoffs are tried: cells of the cross
// of origin, place and context of the free. Pure; running them is
// experiment_handoff.cc's affair.
#pragma once
#include "plan.h"

namespace st {

// Of "the consumer has the pointer and misses what was written before".
enum class Model : u8 {
	right,	// forbidden
	racy,	// nothing is promised: a data race on the pointer
	wrong,	// allowed
};

struct Pair {
	const char *name;
	u32 publish, consume;
	Model model;
	const char *question;

	// wrong by the order of instructions, which every CPU shows
	bool plainly_wrong() const
	{
		return publish == ST_PUBLISH_LATE || consume == ST_CONSUME_EARLY;
	}
};

Span<const Pair> handoff_pairs();
// Of scenario handoff-PAIR or busted-handoff-PAIR; null: no such pair.
const Pair *handoff_pair(Text scenario);

struct Cell {
	u32 origin, place, context;	// enum st_origin, st_place, st_free_context
};

constexpr u32 kOrigins = ST_ORIGINS, kPlaces = ST_PLACES, kContexts = ST_FREE_CONTEXTS;
constexpr u32 kCells = kOrigins * kPlaces * kContexts;
static_assert(kCells <= 64);	// sets of cells are words
using Cells = u64;
constexpr Cells kAllCells = (Cells(1) << kCells) - 1;

Cell cell_at(u32 number);
u32 number_of(const Cell &cell);
inline Cells bit_of(const Cell &cell) { return Cells(1) << number_of(cell); }
u32 count(u64 set);

// Every two values of two axes that cells of the set combine, a bit for each.
u64 axis_pairs(Cells cells);

// An endless order of cells: first those that combine two values not yet seen
// together, then all the others, then again. Ties are broken by the seed.
class CrossPlan {
public:
	CrossPlan(u64 seed, Cells possible) : random_(seed), possible_(possible) {}
	Cell next();	// possible must not be empty

private:
	Random random_;
	Cells possible_, left_ = 0;
	u64 paired_ = 0;
};

// Which cells a scenario has tried, and why it could not try others.
class Coverage {
public:
	void lacks(const Cell &cell, const char *why);	// why: lives as long as core
	void tried(const Cell &cell) { tried_ |= bit_of(cell); }
	Cells possible() const { return kAllCells & ~lacking_; }
	Cells tried() const { return tried_; }
	bool any() const { return tried_ != 0; }
	// "18 of 36 cells, all pairs of axes"
	template <typename Row> void summary(Row *row) const
	{
		const u32 pairs = count(axis_pairs(tried_)), all = count(axis_pairs(possible()));
		row->add_dec(count(tried_)).add(" of ").add_dec(count(possible()));
		row->add(" cells, ");
		if (pairs == all)
			row->add("all pairs of axes");
		else
			row->add_dec(pairs).add(" of ").add_dec(all).add(" pairs of axes");
	}
	// Calls visit(count of cells, why) for each reason.
	template <typename Visit> void each_lack(Visit visit) const
	{
		for (const Lack &lack : lacks_)
			if (lack.cells)
				visit(count(lack.cells), Text(lack.why));
	}

private:
	struct Lack {
		Cells cells = 0;
		const char *why = nullptr;
	};
	Cells tried_ = 0, lacking_ = 0;
	Lack lacks_[6];
};

} // namespace st
