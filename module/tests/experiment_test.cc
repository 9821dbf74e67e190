// SPDX-License-Identifier: GPL-2.0
//
// experiment_test - whole runs of core over a fake kernel: one that is right
// passes, one that is wrong fails with the cause it has. Runs that cannot be
// finished are in robustness_test; real threads and slabs are left to the guest.
#include "../core/scenario.h"
#include "expect.h"

using namespace st;
using namespace st::test;

namespace {

// Controls that every kernel and CPU shows.
u32 twins()
{
	u32 count = 0;
	for (const Scenario &s : scenarios())
		count += s.busted() && s.family != Family::WrongHandoff;
	return count;
}

bool young(const Shape &s) { return s.stride_bits || s.bits; }

} // namespace

TEST(Run, KernelThatIsRightPassesInEveryShape)
{
	for (const Shape &shape : all_shapes()) {
		if (shape.stride_bits == 16)
			continue;	// this one is not right
		SCOPED_TRACE(shape.name);
		FakeKernel k(shape, shape.codetag ? 1 : -1);
		ASSERT_EQ(k.run("*"), 0) << k.reason;
		for (const Scenario &s : scenarios()) {
			const bool inner = Text(s.name) == "exts-leftover" ||
					   Text(s.name) == "exts-in-object" ||
					   Text(s.name) == "exts-counters";
			const char *expected = s.family == Family::WrongHandoff ? "skip" :
				s.busted() ? "fail" :
				inner && !young(shape) ? "skip" : "pass";
			EXPECT_EQ(k.field(s.name, "verdict"), expected) << k.record(s.name);
		}
		EXPECT_EQ(k.totals.fail + k.totals.broken, 0u);
		EXPECT_EQ(k.totals.twins, k.totals.twins_caught);
		EXPECT_EQ(k.totals.twins, twins());
		EXPECT_EQ(k.leaked, 0u);
		EXPECT_EQ(k.marks.back(), "run complete");
	}
}

TEST(Run, SixteenBitStrideIsTruncation)
{
	FakeKernel k(shape_7_0(16));
	ASSERT_EQ(k.run("exts-*"), 0);
	expect_fail(k, "exts-in-object", "exts-step-matches-layout", "truncation");
	EXPECT_EQ(k.field("exts-external", "verdict"), "pass");
	EXPECT_EQ(k.field("exts-leftover", "verdict"), "pass");
	EXPECT_EQ(k.field("exts-kmalloc", "verdict"), "pass");
	expect_fail(k, "exts-sweep", "exts-step-matches-layout", "truncation");
	expect_fail(k, "exts-debug", "exts-step-matches-layout", "truncation");
	EXPECT_EQ(k.totals.fail, 3u);
}

// 7.3's one bit that tells a slot in the object from a vector.
TEST(Run, WrongInObjectBitIsFound)
{
	FakeKernel k(shape_7_3(false));
	k.on_view = [](st_object_view &v) {
		v.step_bytes = 8;
		v.slot = (v.exts & ~7ull) + 8 * v.index;
	};
	ASSERT_EQ(k.run("exts-in-object"), 0);
	expect_fail(k, "exts-in-object", "exts-step-matches-layout", "corruption");
}

TEST(Run, SharedSlotsAreCorruption)
{
	FakeKernel k(shape_7_1());
	k.on_view = [](st_object_view &v) {
		if (v.index % 2 && v.slot)
			v.slot -= v.step_bytes;
	};
	ASSERT_EQ(k.run("exts-external"), 0);
	expect_fail(k, "exts-external", "exts-own-slot", "corruption");
}

TEST(Run, OwnerKeptOnFreeIsAccounting)
{
	FakeKernel k(shape_7_1());
	k.kept_on_free = true;
	ASSERT_EQ(k.run("exts-external"), 0);
	expect_fail(k, "exts-external", "exts-cleared-on-free", "accounting");
}

TEST(Run, WrongOwnerIsAccounting)
{
	FakeKernel k(shape_7_1());
	k.on_view = [](st_object_view &v) { v.slot_memcg = v.slot_memcg ? 0x77 : 0; };
	ASSERT_EQ(k.run("exts-external"), 0);
	expect_fail(k, "exts-external", "exts-names-memcg", "accounting");
}

TEST(Run, WrongSlabCacheIsCorruption)
{
	FakeKernel k(shape_6_10());
	k.on_view = [](st_object_view &v) { v.slab_cache ^= 8; };
	ASSERT_EQ(k.run("exts-external"), 0);
	expect_fail(k, "exts-external", "slab-owns-object", "corruption");
}

TEST(Run, ShortVectorIsFound)
{
	FakeKernel k(shape_7_1());
	k.on_view = [](st_object_view &v) { v.vector_bytes /= 2; };
	ASSERT_EQ(k.run("exts-external"), 0);
	EXPECT_EQ(k.field("exts-external", "verdict"), "fail");
	EXPECT_EQ(k.field("exts-external", "cause"), "corruption");
}

TEST(Run, MissingVectorIsFound)
{
	FakeKernel k(shape_7_1());
	k.on_view = [](st_object_view &v) { v.exts = v.slot = v.slot_objcg = v.slot_memcg = 0; };
	ASSERT_EQ(k.run("exts-external"), 0);
	EXPECT_EQ(k.field("exts-external", "verdict"), "fail");
	EXPECT_EQ(k.field("exts-external", "invariant"), "exts-present");
}

// Each reader's first look at a slab is stale, the next one is right.
TEST(Run, StaleStepOnTheReaderIsOrdering)
{
	FakeKernel k(shape_7_1());
	Looks looks;
	k.on_view = [&](st_object_view &v) {
		if (looks.stale(v))
			v.step_bytes = 0;
	};
	ASSERT_EQ(k.run("exts-external"), 0);
	EXPECT_EQ(k.field("exts-external", "verdict"), "fail");
	EXPECT_EQ(k.field("exts-external", "cause"), "ordering") << k.record("exts-external");
}

TEST(Run, StepThatStaysWrongOnTheReaderIsNotOrdering)
{
	FakeKernel k(shape_7_1());
	std::map<u64, u32> writer;
	k.on_view = [&](st_object_view &v) {
		if (writer.emplace(v.object, v.cpu).first->second != v.cpu)
			v.step_bytes = 3;
	};
	ASSERT_EQ(k.run("exts-external"), 0);
	EXPECT_EQ(k.field("exts-external", "verdict"), "fail");
	EXPECT_EQ(k.field("exts-external", "cause"), "corruption") << k.record("exts-external");
}

TEST(Run, HandoffsAreJudgedByWhatCameLater)
{
	const struct { u64 later; const char *cause; } cases[] = {{5, "ordering"}, {9, "corruption"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.on_handoff = [&](const st_handoff_spec &, st_handoff_counts &counts) {
			counts.states[7] = 999;
			counts.states[6] = 1;
			counts.first_wrong = {0x1000, 5, 0, c.later, 1, 1, 2, 2, 6, 1, 0};
		};
		ASSERT_EQ(k.run("handoff-xchg-xchg"), 0);
		expect_fail(k, "handoff-xchg-xchg", "free-sees-alloc", c.cause);
	}
}

TEST(Run, NodesThatGoAreLifetime)
{
	const struct { std::function<void(st_node_row &, bool, bool)> bug; const char *invariant; }
	cases[] = {
		{[](st_node_row &r, bool off, bool) { if (off) r.node = 0; }, "node-pointer-kept"},
		// as up to 5.11: only the normal zone counts
		{[](st_node_row &r, bool off, bool normal) { if (off && normal) r.node = 0; },
		 "node-pointer-kept"},
		{[](st_node_row &r, bool off, bool) { r.barn += off; }, "node-barn-kept"},
		{[](st_node_row &r, bool off, bool) { r.home = off; }, "node-struct-elsewhere"},
		{[](st_node_row &r, bool, bool) { r.nr_slabs = 1; }, "offline-node-has-no-slabs"},
	};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.on_row = c.bug;
		ASSERT_EQ(k.run("node-offline-online"), 0);
		expect_fail(k, "node-offline-online", c.invariant, "lifetime");
	}
}
