// SPDX-License-Identifier: GPL-2.0
//
// sweep_run_test - exts-sweep and exts-kmalloc over a fake kernel: each bug is
// found and named, and what was seen is said. Which caches are visited, and in
// which order, is in sweep_test.
#include "expect.h"

using namespace st;
using namespace st::test;

// Each is wrong in one way only; what is found first names it.
TEST(Run, SweepFindsEachBug)
{
	std::map<u64, u64> views;
	const struct { const char *invariant, *cause; std::function<void(st_object_view &)> bug; }
	cases[] = {
		{"exts-names-nobody", "accounting", [](st_object_view &v) {
			if (v.slot && !v.slot_objcg)
				v.slot_objcg = 0x77;
		}},
		{"exts-own-slot", "corruption", [](st_object_view &v) {
			if (!v.vector_bytes)
				return;
			v.slot = 0x5000000 + v.step_bytes * v.index;
			v.exts = 0x5000000 | 1;
		}},
		{"exts-aligned", "corruption", [](st_object_view &v) { v.slot += v.slot ? 4 : 0; }},
		{"exts-owner-kept", "corruption", [&](st_object_view &v) {
			if (v.slot_objcg && ++views[v.object] > 2)
				v.slot_objcg ^= 64;
		}},
		{"slab-owns-object", "corruption", [](st_object_view &v) { v.slab_cache ^= 8; }},
	};
	for (const auto &c : cases) {
		SCOPED_TRACE(c.invariant);
		FakeKernel k(shape_7_1());
		k.on_view = c.bug;
		views.clear();
		ASSERT_EQ(k.run("exts-sweep"), 0);
		expect_fail(k, "exts-sweep", c.invariant, c.cause);
	}
}

TEST(Run, SweepFindsOwnersThatOutliveTheirObjects)
{
	FakeKernel k(shape_7_1());
	k.kept_on_free = true;
	ASSERT_EQ(k.run("exts-sweep"), 0);
	expect_fail(k, "exts-sweep", "exts-cleared-on-free", "accounting");
}

// Late on the reading CPU, there after a barrier.
TEST(Run, StaleStepInTheSweepIsOrdering)
{
	FakeKernel k(shape_7_1());
	Looks looks;
	k.on_view = [&](st_object_view &v) {
		if (!v.slot_objcg || !looks.stale(v))
			return;
		v.step_again = v.step_bytes;
		v.step_bytes = 0;
	};
	ASSERT_EQ(k.run("exts-sweep"), 0);
	expect_fail(k, "exts-sweep", "stride-stable-while-live", "ordering");
	EXPECT_NE(k.field("exts-sweep", "evidence").find("there after a barrier 65536"),
		  std::string::npos) << k.record("exts-sweep");
}

TEST(Run, SweepFindsAFormerSlabsVector)
{
	FakeKernel k(shape_7_1());
	k.kept_on_shrink = true;
	ASSERT_EQ(k.run("exts-sweep"), 0);
	expect_fail(k, "exts-sweep", "exts-not-inherited", "lifetime");
}

TEST(Run, KmallocIsLookedAtAsCachesAre)
{
	FakeKernel k(shape_7_1());
	k.on_view = [](st_object_view &v) { v.vector_bytes /= 2; };
	ASSERT_EQ(k.run("exts-kmalloc"), 0);
	EXPECT_EQ(k.field("exts-kmalloc", "verdict"), "fail");
	EXPECT_EQ(k.field("exts-kmalloc", "cause"), "corruption");
}

// All placements, both ways to ask for accounting; with enough time, every cell.
TEST(Run, SweepSaysWhatItSaw)
{
	FakeKernel k(shape_7_1());
	k.env.max_object_bytes = 512;	// few sizes: all of them are reached
	ASSERT_EQ(k.run("exts-sweep", 20), 0);
	const std::string note = k.field("exts-sweep", "note");
	const u64 seen = std::stoull(note), all = std::stoull(note.substr(note.find("of ") + 3));
	EXPECT_EQ(seen, all) << note;
	EXPECT_GT(all, 100u);
	for (const char *placed : {" external-early", " external-late", " leftover", " in-object"})
		EXPECT_EQ(note.find(std::string(" 0") + placed), std::string::npos) << note;
	EXPECT_NE(k.field("exts-sweep", "breach_ms"), "0");
}

TEST(Run, ABreachEndsTheSweepSoonAndSaysWhen)
{
	FakeKernel k(shape_7_0(16));
	ASSERT_EQ(k.run("exts-sweep", 1000), 0);
	expect_fail(k, "exts-sweep", "exts-step-matches-layout", "truncation");
	EXPECT_LT(std::stoull(k.field("exts-sweep", "duration_ms")), 1000u);
	EXPECT_LT(std::stoull(k.field("exts-sweep", "breach_ms")), 100u);
}
