// SPDX-License-Identifier: GPL-2.0
//
// sweep_test - the product of caches that exts-sweep and exts-debug visit: all
// of it, once, in an order that the seed gives, the telling ones first; and
// which controls belong to which scenario. What a kernel makes of the caches is
// left to experiment_test and the guest.
#include <bit>
#include <gtest/gtest.h>
#include <set>
#include <tuple>

#include "../core/scenario.h"
#include "../core/sweep.h"

using namespace st;

namespace {

struct Visit {
	CacheCell cell;
	CacheStep step;
};

std::vector<Visit> visits(const SweepLimits &limits, bool debug, u64 seed, u32 *cells = nullptr)
{
	SweepPlan plan(limits, debug, seed);
	std::vector<Visit> all;
	for (Visit v; plan.next(&v.cell, &v.step);)
		all.push_back(v);
	if (cells)
		*cells = plan.cells();
	EXPECT_EQ(plan.visited(), all.size());
	return all;
}

auto key(const Visit &v)
{
	return std::tuple(v.step.spec.object_bytes, v.step.spec.align_bytes, v.step.spec.flags);
}

constexpr SweepLimits k4M{4 << 20, 2, true};

} // namespace

TEST(Sweep, EveryCellOnce)
{
	for (bool debug : {false, true})
		for (u64 largest : {u64(4096), u64(1) << 20, u64(4) << 20}) {
			u32 cells;
			const auto all = visits({largest, 2, true}, debug, 7, &cells);
			std::set<decltype(key(all[0]))> different;
			for (const Visit &v : all)
				different.insert(key(v));
			EXPECT_EQ(all.size(), cells);
			EXPECT_EQ(different.size(), cells);
		}
}

TEST(Sweep, EveryAxisWithEveryOther)
{
	std::set<std::tuple<u32, bool, bool, bool>> seen;
	for (const Visit &v : visits(k4M, false, 1))
		seen.insert({v.cell.power, v.cell.padded, v.cell.by_flag, v.cell.constructor});
	for (u32 power = 4; power <= 21; power++)
		for (u32 bits = 0; bits < 8; bits++)
			EXPECT_TRUE(seen.count({power, bool(bits & 1), bool(bits & 2),
						bool(bits & 4)})) << power << " " << bits;
	std::set<u32> flags;
	for (const Visit &v : visits(k4M, true, 1))
		flags.insert(v.step.spec.flags & ST_CACHE_DEBUG);
	EXPECT_EQ(flags.size(), 5u);
	EXPECT_FALSE(flags.count(0));
}

TEST(Sweep, BothSidesOfEveryPowerOfTwo)
{
	std::set<u32> sizes;
	for (const Visit &v : visits(k4M, false, 1))
		sizes.insert(v.step.spec.object_bytes);
	for (u32 power = 7; power <= 21; power++)
		for (s32 side : {-64, -16, -8, -1, 0, 1, 8})
			EXPECT_TRUE(sizes.count(u32(s32(1u << power) + side))) << power << side;
}

TEST(Sweep, NothingIsLargerThanItMayBe)
{
	for (bool debug : {false, true})
		for (const Visit &v : visits({65536, 2, true}, debug, 3)) {
			const st_cache_spec &s = v.step.spec;
			const u64 align = std::max(s.align_bytes, 8u);
			EXPECT_GE(s.object_bytes, 8u);
			EXPECT_LE((s.object_bytes + align - 1) / align * align, 65536u);
			EXPECT_TRUE(s.flags & ST_CACHE_ALONE);
			EXPECT_EQ(bool(s.flags & ST_CACHE_ACCOUNT), v.cell.by_flag);
			EXPECT_EQ(bool(s.flags & ST_CACHE_CTOR), v.cell.constructor);
			EXPECT_LE(v.step.objects, kMaxObjects);
		}
}

// The first seed's case is the first of all.
TEST(Sweep, TellingOnesComeFirst)
{
	SweepPlan plan(k4M, false, 5);
	CacheCell cell;
	CacheStep step;
	ASSERT_TRUE(plan.next(&cell, &step));
	EXPECT_EQ(step.spec.object_bytes, 65472u);
	EXPECT_EQ(step.spec.align_bytes, 65536u);
	EXPECT_EQ(step.spec.flags, u32(ST_CACHE_ACCOUNT | ST_CACHE_CTOR | ST_CACHE_ALONE));
	EXPECT_GE(plan.telling(), 16u);
	EXPECT_LE(plan.telling(), 24u);
	// each accounting and each kind of debugging is among them
	std::set<u32> debug;
	SweepPlan with(k4M, true, 5);
	for (u32 i = 0; i < with.telling() && with.next(&cell, &step); i++)
		debug.insert(cell.debug);
	EXPECT_EQ(debug.size(), debug_kinds(true));
}

TEST(Sweep, SameSeedSameOrder)
{
	const auto a = visits(k4M, false, 1), b = visits(k4M, false, 1), c = visits(k4M, false, 2);
	ASSERT_EQ(a.size(), b.size());
	ASSERT_EQ(a.size(), c.size());
	u32 moved = 0;
	for (size_t i = 0; i < a.size(); i++) {
		EXPECT_EQ(key(a[i]), key(b[i]));
		EXPECT_EQ(a[i].step.writer, b[i].step.writer);
		moved += key(a[i]) != key(c[i]);
	}
	EXPECT_GT(moved, a.size() / 2);
}

TEST(Sweep, WritersAndReadersAreThere)
{
	for (u32 cpus : {0u, 1u, 2u, 3u, 64u})
		for (const Visit &v : visits({65536, cpus, true}, false, cpus)) {
			EXPECT_LT(v.step.writer, std::max(cpus, 1u));
			EXPECT_LT(v.step.reader, std::max(cpus, 1u));
			EXPECT_EQ(v.step.writer == v.step.reader, cpus < 2);
		}
}

TEST(Sweep, NoDebugNoCells)
{
	u32 cells = 1;
	EXPECT_TRUE(visits({65536, 2, false}, true, 1, &cells).empty());
	EXPECT_EQ(cells, 0u);
	EXPECT_TRUE(visits({4, 2, true}, false, 1, &cells).empty());
}

TEST(Scenario, SeveralControlsOfOneScenario)
{
	u32 sweep = 0;
	for (const Scenario &s : scenarios()) {
		const std::string name = s.name;
		const bool own = name.rfind("exts-sweep", 0) == 0 ||
				 name.rfind("busted-exts-sweep", 0) == 0;
		EXPECT_EQ(chosen("exts-sweep", s), own) << name;
		sweep += own;
		// a longer name is a scenario of its own
		EXPECT_EQ(chosen("exts-in", s), false) << name;
	}
	EXPECT_EQ(sweep, 8u);
	for (const Scenario &s : scenarios())
		EXPECT_EQ(chosen("busted-exts-sweep-stale", s),
			  Text(s.name) == "busted-exts-sweep-stale");
}
