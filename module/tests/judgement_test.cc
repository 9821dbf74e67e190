// SPDX-License-Identifier: GPL-2.0
//
// judgement_test - invariants, histogram, plan and scenario choice:
// each has something it must catch and something it is silent on. Whole runs
// are left to the guest.
#include <gtest/gtest.h>
#include <tuple>

#include "../core/histogram.h"
#include "../core/invariant.h"
#include "../core/plan.h"
#include "../core/scenario.h"

using namespace st;

namespace {

constexpr u64 kSlab = 0x10000;

st_layout layout_7_0()
{
	st_layout layout = {};
	layout.ext_bytes = 16;
	layout.exts_flag_mask = 7;
	layout.exts_alloc_failed = 4;
	return layout;
}

// 4 objects of 960 bytes in slots of 1024; vector at exts.
st_object_view view_at(u64 exts, u32 index, u64 step)
{
	st_object_view v = {};
	v.slab_base = kSlab;
	v.slab_bytes = 8192;
	v.cache_size = 1024;
	v.cache_object_size = 960;
	v.objects = 4;
	v.index = index;
	v.object = kSlab + index * 1024ull;
	v.exts = exts | 1;
	v.step_bytes = step;
	v.slot = exts + step * index;
	v.vector_bytes = 64;
	return v;
}

} // namespace

TEST(Observation, TellsPlacements)
{
	const st_layout l = layout_7_0();
	EXPECT_EQ(placement_of(view_at(0x90000, 0, 16), l), Placement::External);
	EXPECT_EQ(placement_of(view_at(kSlab + 4096, 0, 16), l), Placement::Leftover);
	EXPECT_EQ(placement_of(view_at(kSlab + 960, 0, 1024), l), Placement::InObject);
	st_object_view failed = {};
	failed.exts = 4;
	EXPECT_EQ(placement_of(failed, l), Placement::None);
}

TEST(Invariant, StepAndBounds)
{
	const st_layout l = layout_7_0();
	const st_object_view good = view_at(kSlab + 960, 2, 1024);
	EXPECT_TRUE(exts_step_matches(good, good, l).holds);
	EXPECT_TRUE(exts_in_bounds(good, l).holds);
	const st_object_view bad = view_at(kSlab + 960, 2, 1000);
	EXPECT_FALSE(exts_step_matches(bad, bad, l).holds);
	EXPECT_FALSE(exts_in_bounds(bad, l).holds);
	const st_object_view overlap = view_at(kSlab + 4096 - 16, 0, 16);
	EXPECT_FALSE(exts_in_bounds(overlap, l).holds);
	EXPECT_TRUE(exts_in_bounds(view_at(kSlab + 4096, 3, 16), l).holds);
}

TEST(Invariant, SlotsAndVectors)
{
	const st_layout l = layout_7_0();
	EXPECT_TRUE(exts_own_slot(view_at(0x90000, 0, 16), view_at(0x90000, 1, 16), l).holds);
	EXPECT_FALSE(exts_own_slot(view_at(0x90000, 0, 8), view_at(0x90000, 1, 8), l).holds);
	st_object_view v = view_at(0x90000, 0, 16);
	EXPECT_TRUE(exts_vector_long_enough(v, l).holds);
	v.vector_bytes = 63;
	EXPECT_FALSE(exts_vector_long_enough(v, l).holds);
}

TEST(Invariant, OwnersAndStability)
{
	st_object_view a = view_at(0x90000, 0, 16), b = a;
	EXPECT_FALSE(exts_names_memcg(a, b, 7).holds);
	a.slot_objcg = b.slot_objcg = 5;
	EXPECT_TRUE(exts_names_memcg(a, b, 0).holds);
	a.slot_memcg = b.slot_memcg = 8;
	EXPECT_FALSE(exts_names_memcg(a, b, 7).holds);
	EXPECT_TRUE(exts_names_memcg(a, b, 8).holds);
	EXPECT_FALSE(exts_cleared(a).holds);
	st_object_view freed = view_at(0x90000, 0, 16);
	EXPECT_FALSE(exts_cleared(freed).holds);	// not readable: not known to be empty
	freed.slot_readable = 1;
	EXPECT_TRUE(exts_cleared(freed).holds);
	EXPECT_TRUE(exts_owner_kept(a, b).holds);
	EXPECT_FALSE(exts_owner_kept(a, freed).holds);
	EXPECT_TRUE(exts_names_nobody(freed).holds);
	EXPECT_FALSE(exts_names_nobody(a).holds);
	EXPECT_TRUE(stride_stable(a, b).holds);
	b.step_bytes = 8;
	EXPECT_FALSE(stride_stable(a, b).holds);
	a.slab_cache = 3;
	EXPECT_TRUE(slab_owns_object(a, 3).holds);
	EXPECT_FALSE(slab_owns_object(a, 4).holds);
}

TEST(Invariant, PlacesOfExtensions)
{
	const st_layout l = layout_7_0();
	st_object_view v = view_at(0x90000, 1, 16);
	EXPECT_TRUE(exts_aligned(v).holds);
	v.slot += 4;
	EXPECT_FALSE(exts_aligned(v).holds);
	// object 2 has 960 bytes at +2048
	const st_object_view body = view_at(0x90000, 2, 16);
	for (const auto &[slot, holds] : {std::pair{2048 - 16, true}, {2048 - 15, false},
					  {2048, false}, {2048 + 959, false}, {2048 + 960, true}}) {
		v.slot = kSlab + u64(slot);
		EXPECT_EQ(exts_outside_objects(v, body, l).holds, holds) << slot;
	}
	st_object_view fresh = view_at(0x90000, 0, 16);
	EXPECT_FALSE(exts_not_inherited(fresh, l).holds);
	fresh.exts = 0;
	EXPECT_TRUE(exts_not_inherited(fresh, l).holds);
	fresh.exts = 4;		// no vector could be had
	EXPECT_TRUE(exts_not_inherited(fresh, l).holds);
}

// Up to 6.19 a slab of kmalloc objects may have its own vector among them.
TEST(Observation, VectorInItsOwnSlab)
{
	st_layout l = layout_7_0();
	l.step_origin = ST_STEP_ELEMENT_SIZE;
	EXPECT_EQ(placement_of(view_at(kSlab + 2048, 0, 16), l), Placement::External);
	l.step_origin = ST_STEP_FIELD;
	EXPECT_EQ(placement_of(view_at(kSlab + 2048, 0, 16), l), Placement::Leftover);
}

TEST(Invariant, Nodes)
{
	st_node_row before = {}, after = {};
	before.node = after.node = 16;
	before.barn = after.barn = 32;
	after.home = 1;
	EXPECT_TRUE(node_pointer_kept(before, after).holds);
	EXPECT_TRUE(node_barn_kept(before, after).holds);
	EXPECT_FALSE(node_struct_elsewhere(after, 1).holds);
	EXPECT_TRUE(node_struct_elsewhere(after, 0).holds);
	after.nr_slabs = 1;
	EXPECT_FALSE(offline_node_has_no_slabs(after).holds);
	after.nr_slabs = -1;
	EXPECT_TRUE(offline_node_has_no_slabs(after).holds);
	// the slab that the boot counted for a node that had no memory for it
	after.nid = 1;
	after.in_own_cache = 1;
	for (const auto &[slabs, home, holds] : {std::tuple{1, 0, true}, {2, 0, false},
						 {1, 1, false}, {0, 0, true}}) {
		after.nr_slabs = slabs;
		after.home = home;
		EXPECT_EQ(offline_node_has_no_slabs(after).holds, holds) << slabs << home;
	}
	after.node = after.barn = 0;
	EXPECT_FALSE(node_pointer_kept(before, after).holds);
	EXPECT_FALSE(node_barn_kept(before, after).holds);
}

TEST(Histogram, CountsWrongOnes)
{
	st_handoff_counts counts = {};
	counts.states[7] = 10;
	counts.states[6] = 1;
	Histogram h;
	h.add(counts);
	h.add(counts);
	EXPECT_EQ(h.total(), 22u);
	EXPECT_EQ(h.wrong(), 2u);
	EXPECT_EQ(h.states_seen(), 2u);
	Line<160> line;
	ASSERT_TRUE(h.row(6, &line));
	EXPECT_STREQ(line.c_str(), "2 *> 1:content=0; 1:metadata=1; 1:slab=1;");
	EXPECT_FALSE(h.row(0, &line));
	EXPECT_FALSE(h.row(8, &line));
}

TEST(Plan, SameSeedSamePlanWithinLimits)
{
	for (Placement p : {Placement::External, Placement::Leftover, Placement::InObject}) {
		CachePlan a(p, 42, 3, 65536), b(p, 42, 3, 65536);
		CacheStep x, y;
		u32 steps = 0;
		while (a.next(&x)) {
			ASSERT_TRUE(b.next(&y));
			EXPECT_EQ(x.spec.object_bytes, y.spec.object_bytes);
			EXPECT_EQ(x.writer, y.writer);
			EXPECT_EQ(x.reader, y.reader);
			EXPECT_NE(x.writer, x.reader);
			EXPECT_LT(x.reader, 3u);
			EXPECT_LE(x.spec.object_bytes, 65536u);
			EXPECT_LE(x.objects, kMaxObjects);
			steps++;
		}
		EXPECT_FALSE(b.next(&y));
		EXPECT_GT(steps, 10u);
	}
}

TEST(Scenario, ChoosesControlsWithTheirScenario)
{
	EXPECT_TRUE(glob_match("*-in-*", "exts-in-object"));
	EXPECT_FALSE(glob_match("exts", "exts-late"));
	for (const Scenario &s : scenarios()) {
		const bool late = Text(s.name) == "exts-late" || Text(s.name) == "busted-exts-late" ||
				  Text(s.name) == "busted-exts-late-unfilled";
		EXPECT_EQ(chosen("exts-late", s), late) << s.name;
		EXPECT_EQ(s.busted(), Text(s.name).until(7) == "busted-") << s.name;
	}
	EXPECT_TRUE(unknown_in("exts-*,node-*").empty());
	EXPECT_TRUE(unknown_in("exts-*,nothing") == "nothing");
	EXPECT_TRUE(unknown_in("") == "(empty)");
}
