// SPDX-License-Identifier: GPL-2.0
//
// handoff - see handoff.h.
#include "handoff.h"

namespace st {
namespace {

constexpr Pair kPairs[] = {
#define HANDOFF(name, publish, consume, model, question) \
	{name, ST_PUBLISH_##publish, ST_CONSUME_##consume, Model::model, question},
#include "handoffs.def"
#undef HANDOFF
};

constexpr Text kControl = "busted-", kFamily = "handoff-", kFreed = "-freed";

bool begins(Text text, Text with)
{
	return text.until(with.size()) == with;
}

} // namespace

Span<const Pair> handoff_pairs()
{
	return Span<const Pair>(kPairs);
}

const Pair *handoff_pair(Text scenario)
{
	if (begins(scenario, kControl))
		scenario = scenario.from(kControl.size());
	if (!begins(scenario, kFamily))
		return nullptr;
	scenario = scenario.from(kFamily.size());
	for (const Pair &pair : kPairs)
		if (begins(scenario, pair.name) &&
		    (scenario == pair.name || scenario.from(Text(pair.name).size()) == kFreed))
			return &pair;
	return nullptr;
}

Cell cell_at(u32 number)
{
	const u32 row = number / kOrigins;
	return Cell{number % kOrigins, row % kPlaces, row / kPlaces};
}

u32 number_of(const Cell &cell)
{
	return (cell.context * kPlaces + cell.place) * kOrigins + cell.origin;
}

u32 count(u64 set)
{
	u32 bits = 0;
	for (; set; set &= set - 1)
		bits++;
	return bits;
}

u64 axis_pairs(Cells cells)
{
	constexpr u32 kOriginContext = kOrigins * kPlaces;
	constexpr u32 kPlaceContext = kOriginContext + kOrigins * kContexts;
	u64 pairs = 0;
	for (u32 number = 0; number < kCells; number++) {
		if (!(cells >> number & 1))
			continue;
		const Cell c = cell_at(number);
		pairs |= u64(1) << (c.origin * kPlaces + c.place);
		pairs |= u64(1) << (kOriginContext + c.origin * kContexts + c.context);
		pairs |= u64(1) << (kPlaceContext + c.place * kContexts + c.context);
	}
	return pairs;
}

Cell CrossPlan::next()
{
	if (!left_)
		left_ = possible_;
	// Begins anywhere and goes once around: the first of equals is a random one.
	const u32 begin = random_.below(kCells);
	u32 best = kCells, most = 0;
	for (u32 i = 0; i < kCells; i++) {
		const u32 number = (begin + i) % kCells;
		if (!(left_ >> number & 1))
			continue;
		const u32 fresh = count(axis_pairs(Cells(1) << number) & ~paired_);
		if (best == kCells || fresh > most) {
			best = number;
			most = fresh;
		}
	}
	left_ &= ~(Cells(1) << best);
	paired_ |= axis_pairs(Cells(1) << best);
	return cell_at(best);
}

void Coverage::lacks(const Cell &cell, const char *why)
{
	lacking_ |= bit_of(cell);
	for (Lack &lack : lacks_) {
		if (lack.cells && !(Text(lack.why) == Text(why)))
			continue;
		lack.why = why;
		lack.cells |= bit_of(cell);
		return;
	}
}

} // namespace st
