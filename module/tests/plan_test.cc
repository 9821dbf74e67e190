// SPDX-License-Identifier: GPL-2.0
//
// plan_test - the caches of exts-* lie on both sides of every power of two up
// to the largest object, in each placement, for any seed and any number of
// CPUs. Which placement a kernel then chooses is left to the guest.
#include <algorithm>
#include <gtest/gtest.h>
#include <bit>
#include <set>

#include "../core/plan.h"

using namespace st;

namespace {

constexpr u64 kLargest[] = {8192, 65536, 1 << 20, 4 << 20};
constexpr Placement kPlacements[] = {Placement::External, Placement::Leftover,
				     Placement::InObject};

std::vector<CacheStep> steps(Placement placement, u64 seed, u32 cpus, u64 largest)
{
	CachePlan plan(placement, seed, cpus, largest);
	std::vector<CacheStep> all;
	for (CacheStep step; plan.next(&step);)
		all.push_back(step);
	return all;
}

// As SLUB lays an object out when a constructor keeps its free pointer apart.
u64 slot(const st_cache_spec &spec)
{
	const u64 align = std::max<u64>(spec.align_bytes, 8), bytes = spec.object_bytes + 8;
	return (bytes + align - 1) / align * align;
}

bool any_in(const std::set<u64> &sizes, u64 begin, u64 end)
{
	const auto at = sizes.lower_bound(begin);
	return at != sizes.end() && *at < end;
}

} // namespace

TEST(Plan, SizesLieOnBothSidesOfEveryPowerOfTwo)
{
	for (Placement placement : kPlacements)
		for (u64 largest : kLargest) {
			SCOPED_TRACE(testing::Message() << name(placement).data() << " " << largest);
			std::set<u64> sizes;
			for (const CacheStep &step : steps(placement, 1, 2, largest)) {
				sizes.insert(step.spec.object_bytes);
				EXPECT_LE(slot(step.spec), largest);
			}
			const u64 first = placement == Placement::InObject ? 128 : 32;
			for (u64 at = first; at < largest; at *= 2) {
				EXPECT_TRUE(any_in(sizes, at - std::min<u64>(64, at / 2), at)) << at;
				EXPECT_TRUE(any_in(sizes, at + 1, at + 9)) << at;
			}
			EXPECT_TRUE(any_in(sizes, largest - 64, largest));
		}
}

TEST(Plan, InObjectLeavesRoomForAnExtensionInEverySlot)
{
	for (const CacheStep &step : steps(Placement::InObject, 1, 2, 4 << 20)) {
		const u64 size = slot(step.spec);
		EXPECT_EQ(size % step.spec.align_bytes, 0u);
		EXPECT_GE(size - step.spec.object_bytes - 8, 16u) << step.spec.object_bytes;
	}
}

// The first seed's case: a step that 16 bits cannot tell.
TEST(Plan, StepsPassThe16BitLimit)
{
	std::set<u64> sizes;
	for (const CacheStep &step : steps(Placement::InObject, 1, 2, 4 << 20))
		sizes.insert(slot(step.spec));
	for (u64 size : {32768, 65536, 131072, 4 << 20})
		EXPECT_TRUE(sizes.count(size)) << size;
}

TEST(Plan, FlagsAreThoseThePlacementNeeds)
{
	for (Placement placement : kPlacements)
		for (const CacheStep &step : steps(placement, 1, 2, 1 << 20)) {
			EXPECT_TRUE(step.spec.flags & ST_CACHE_CTOR);
			EXPECT_EQ(bool(step.spec.flags & ST_CACHE_ACCOUNT),
				  placement != Placement::External);
		}
}

TEST(Plan, SeedsDifferInCpusOnly)
{
	const auto a = steps(Placement::External, 1, 4, 1 << 20);
	const auto b = steps(Placement::External, 2, 4, 1 << 20);
	ASSERT_EQ(a.size(), b.size());
	u32 different = 0;
	for (size_t i = 0; i < a.size(); i++) {
		EXPECT_EQ(a[i].spec.object_bytes, b[i].spec.object_bytes);
		different += a[i].writer != b[i].writer || a[i].reader != b[i].reader;
	}
	EXPECT_GT(different, 0u);
}

TEST(Plan, AnyNumberOfCpus)
{
	for (u32 cpus = 0; cpus <= ST_MAX_CPUS; cpus++)
		for (const CacheStep &step : steps(Placement::External, cpus, cpus, 65536)) {
			EXPECT_LT(step.writer, std::max(cpus, 1u));
			EXPECT_LT(step.reader, std::max(cpus, 1u));
			EXPECT_EQ(step.writer == step.reader, cpus < 2);
			EXPECT_GE(step.objects, 3u);
			EXPECT_LE(step.objects, kMaxObjects);
		}
}

TEST(Plan, NothingFitsNowhere)
{
	for (Placement placement : kPlacements)
		EXPECT_TRUE(steps(placement, 1, 2, 7).empty());
}
