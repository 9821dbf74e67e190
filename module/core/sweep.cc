// SPDX-License-Identifier: GPL-2.0
//
// sweep - see sweep.h.
#include "sweep.h"

namespace st {
namespace {

constexpr u32 kFirstPower = 3;
constexpr s32 kSides[] = {-64, -16, -8, -1, 0, 1, 8};
constexpr u32 kSideCount = sizeof(kSides) / sizeof(kSides[0]);
constexpr u32 kBoth = 2;
// What may stand around an object, at most: a word for the free pointer, red
// zones on both sides, two records of who allocated and freed (up to 5.15 they
// hold 16 addresses each).
constexpr u64 kFreePointer = 8, kRedZones = 16, kTracks = 512;
constexpr u64 kLargeBytes = 1 << 20;
constexpr u32 kFewObjects = 2;

struct Debug {
	const char *name;
	u32 flags;
};
constexpr Debug kPlain[] = {{"plain", 0}};
constexpr Debug kDebug[] = {
	{"red-zone", ST_CACHE_RED_ZONE},
	{"poison", ST_CACHE_POISON},
	{"red-zone+poison", ST_CACHE_RED_ZONE | ST_CACHE_POISON},
	{"store-user", ST_CACHE_STORE_USER},
	{"red-zone+poison+store-user", ST_CACHE_DEBUG},
};

Span<const Debug> debugs(bool debug)
{
	return debug ? Span<const Debug>(kDebug) : Span<const Debug>(kPlain);
}

constexpr u32 kBelow64 = 0, kBelow16 = 1, kBelow8 = 2, kAt = 4, kAbove1 = 5;

// Steps that 16 bits cannot hold, as in the first seed, come first; then one
// of each placement and accounting, small and large.
constexpr CacheCell kTelling[] = {
	{16, kBelow64, true, true, true, 0},   {17, kBelow64, true, true, true, 0},
	{16, kAbove1, true, true, true, 0},    {16, kBelow64, true, true, false, 0},
	{6, kBelow8, false, false, true, 0},   {9, kBelow64, true, true, true, 0},
	{10, kBelow16, false, true, true, 0},  {6, kBelow8, false, true, true, 0},
	{16, kBelow16, false, true, true, 0},  {16, kBelow64, true, false, true, 0},
	{8, kAt, false, false, false, 0},      {12, kAbove1, false, true, false, 0},
	{20, kBelow64, true, true, true, 0},   {15, kBelow64, true, true, true, 0},
	{12, kAt, false, false, true, 0},      {5, kAbove1, false, false, false, 0},
	// for what slab_debug adds, one kind after another
	{16, kBelow64, true, true, true, 1},   {16, kBelow64, true, true, true, 2},
	{9, kBelow64, true, true, false, 3},   {16, kBelow64, true, true, true, 4},
	{8, kAt, false, true, false, 1},       {8, kAt, false, false, false, 2},
	{10, kBelow16, false, false, true, 3}, {6, kBelow8, false, true, true, 4},
};
constexpr u32 kTellingCount = sizeof(kTelling) / sizeof(kTelling[0]);

bool same(const CacheCell &a, const CacheCell &b)
{
	return a.power == b.power && a.side == b.side && a.padded == b.padded &&
	       a.by_flag == b.by_flag && a.constructor == b.constructor && a.debug == b.debug;
}

u32 common(u32 a, u32 b)
{
	while (b) {
		const u32 rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

u64 slot_at_most(const st_cache_spec &spec)
{
	const u64 align = spec.align_bytes > 8 ? spec.align_bytes : 8;
	u64 bytes = u64(spec.object_bytes) + kFreePointer;
	if (spec.flags & ST_CACHE_RED_ZONE)
		bytes += kRedZones + align;	// the left one is aligned
	if (spec.flags & ST_CACHE_STORE_USER)
		bytes += kTracks;
	return (bytes + align - 1) / align * align;
}

} // namespace

Text debug_name(bool debug, u32 place)
{
	return debugs(debug)[place].name;
}

u32 debug_flags(bool debug, u32 place)
{
	return debugs(debug)[place].flags;
}

u32 debug_kinds(bool debug)
{
	return u32(debugs(debug).size());
}

namespace {

// Near small powers of two the sides of two neighbours meet.
bool is_another_cells(const CacheCell &cell, s64 bytes)
{
	const s64 at = s64(1) << cell.power, below = bytes - at / 2;
	if (cell.power == kFirstPower)
		return cell.padded || bytes - at == 8;	// 8 is any object's alignment
	return !cell.padded && bytes < at && (below == 0 || below == 1 || below == 8);
}

} // namespace

bool cell_spec(const CacheCell &cell, const SweepLimits &limits, st_cache_spec *spec)
{
	const s64 bytes = s64(1ull << cell.power) + kSides[cell.side];
	if (bytes < 8 || is_another_cells(cell, bytes))
		return false;
	*spec = st_cache_spec{u32(bytes), cell.padded ? u32(1ull << cell.power) : 8u,
			      ST_CACHE_ALONE};
	if (cell.by_flag)
		spec->flags |= ST_CACHE_ACCOUNT;
	if (cell.constructor)
		spec->flags |= ST_CACHE_CTOR;
	return slot_at_most(*spec) <= limits.max_bytes;
}

SweepPlan::SweepPlan(const SweepLimits &limits, bool debug, u64 seed)
	: limits_(limits), debug_(debug), random_(seed)
{
	while ((1ull << (kFirstPower + powers_)) <= limits.max_bytes)
		powers_++;
	product_ = powers_ * kSideCount * kBoth * kBoth * kBoth * debug_kinds(debug);
	for (u32 i = 0; i < product_; i++)
		cells_ += usable(at(i));
	for (const CacheCell &cell : kTelling)
		telling_ += usable(cell);
	if (!product_)
		return;
	// i -> (first + i * step) mod product meets every index once if step and
	// product have no common divisor: an order without a list of it
	index_ = random_.below(product_);
	do
		step_ = 1 + random_.below(product_);
	while (common(step_, product_) != 1);
}

CacheCell SweepPlan::at(u32 index) const
{
	const auto take = [&](u32 choices) {
		const u32 choice = index % choices;
		index /= choices;
		return choice;
	};
	CacheCell cell;
	cell.debug = take(debug_kinds(debug_));
	cell.by_flag = take(kBoth);
	cell.padded = take(kBoth);
	cell.constructor = take(kBoth);
	cell.side = take(kSideCount);
	cell.power = kFirstPower + index;
	return cell;
}

bool SweepPlan::usable(const CacheCell &cell) const
{
	st_cache_spec spec;
	if (cell.debug >= debug_kinds(debug_) || cell.power >= kFirstPower + powers_ ||
	    (debug_ && !limits_.has_debug))
		return false;
	if (!cell_spec(cell, limits_, &spec))
		return false;
	spec.flags |= debug_flags(debug_, cell.debug);
	return slot_at_most(spec) <= limits_.max_bytes;
}

bool SweepPlan::is_telling(const CacheCell &cell) const
{
	for (const CacheCell &other : kTelling)
		if (same(cell, other))
			return true;
	return false;
}

void SweepPlan::fill(const CacheCell &cell, CacheStep *step)
{
	(void)cell_spec(cell, limits_, &step->spec);
	step->spec.flags |= debug_flags(debug_, cell.debug);
	step->objects = step->spec.object_bytes >= kLargeBytes ? kFewObjects
							       : objects_for(step->spec);
	const u32 cpus = limits_.cpus ? limits_.cpus : 1;
	step->writer = random_.below(cpus);
	step->reader = cpus > 1 ? (step->writer + 1 + random_.below(cpus - 1)) % cpus
				: step->writer;
	visited_++;
}

bool SweepPlan::next(CacheCell *cell, CacheStep *step)
{
	while (first_ < kTellingCount) {
		*cell = kTelling[first_++];
		if (!usable(*cell))
			continue;
		fill(*cell, step);
		return true;
	}
	for (; walked_ < product_; walked_++) {
		*cell = at(index_);
		index_ = u32((u64(index_) + step_) % product_);
		if (!usable(*cell) || is_telling(*cell))
			continue;
		walked_++;
		fill(*cell, step);
		return true;
	}
	return false;
}

} // namespace st
