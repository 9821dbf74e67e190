// SPDX-License-Identifier: GPL-2.0
//
// experiment_test - whole runs of core over a fake kernel: one that is right
// passes, one that is wrong fails with the cause it has, and one that cannot
// do what it is asked neither passes nor fails. Real threads and real slabs
// are left to the guest.
#include "../core/scenario.h"
#include "fake_kernel.h"

using namespace st;
using namespace st::test;

namespace {

void expect_fail(const FakeKernel &k, const std::string &scenario, const char *invariant,
		 const char *cause)
{
	EXPECT_EQ(k.field(scenario, "verdict"), "fail") << k.record(scenario);
	EXPECT_EQ(k.field(scenario, "invariant"), invariant) << k.record(scenario);
	EXPECT_EQ(k.field(scenario, "cause"), cause) << k.record(scenario);
	EXPECT_NE(k.field(scenario, "evidence"), "-");
}

// No real scenario may fail, and none may pass without having seen anything.
void expect_nothing_false(const FakeKernel &k)
{
	for (const Scenario &s : scenarios()) {
		const std::string verdict = k.field(s.name, "verdict");
		EXPECT_TRUE(s.busted() || verdict != "fail") << k.record(s.name);
		EXPECT_TRUE(verdict != "pass" || k.field(s.name, "observations") != "0")
			<< k.record(s.name);
	}
	EXPECT_EQ(k.totals.fail, 0u);
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
					   Text(s.name) == "exts-in-object";
			const char *expected = s.busted() ? "fail" :
				inner && !young(shape) ? "skip" : "pass";
			EXPECT_EQ(k.field(s.name, "verdict"), expected) << k.record(s.name);
		}
		EXPECT_EQ(k.totals.fail + k.totals.broken, 0u);
		EXPECT_EQ(k.totals.twins, k.totals.twins_caught);
		EXPECT_EQ(k.totals.twins, 8u);
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
	EXPECT_EQ(k.totals.fail, 1u);
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
	std::map<u64, std::set<u32>> seen;
	k.on_view = [&](st_object_view &v) {
		std::set<u32> &cpus = seen[v.object];
		const bool stale = cpus.size() == 1 && !cpus.count(v.cpu);
		cpus.insert(v.cpu);
		if (stale)
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

TEST(Run, LateStepsAreJudgedByWhoSawThem)
{
	const struct { u64 writer, later; const char *cause; } cases[] = {
		{16, 16, "ordering"}, {0, 0, "truncation"}, {16, 0, "corruption"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.on_late = [&](const st_late_spec &spec, st_late_counts &counts) {
			if (spec.busted)
				return;
			counts.step_wrong = 1;
			counts.step_expected = c.writer ? 16 : 256;
			counts.step_on_writer = c.writer;
			counts.step_later = c.later;
		};
		ASSERT_EQ(k.run("exts-late"), 0);
		expect_fail(k, "exts-late", "exts-step-matches-layout", c.cause);
	}
}

TEST(Run, LateDirtySlotIsCorruption)
{
	FakeKernel k(shape_7_1());
	k.on_late = [](const st_late_spec &, st_late_counts &counts) {
		counts.slot_dirty = 1;
		counts.slot_seen = 0x1234;
	};
	ASSERT_EQ(k.run("exts-late"), 0);
	expect_fail(k, "exts-late", "exts-own-slot", "corruption");
}

TEST(Run, NoFreshSlabIsASkip)
{
	FakeKernel k(shape_7_1());
	k.on_late = [](const st_late_spec &spec, st_late_counts &counts) {
		if (!spec.busted)
			counts = {}, counts.no_fresh_slab = 1;
	};
	ASSERT_EQ(k.run("exts-late"), 0);
	EXPECT_EQ(k.field("exts-late", "verdict"), "skip");
}

TEST(Run, NoOverlapIsBroken)
{
	FakeKernel k(shape_7_1());
	k.on_late = [](const st_late_spec &, st_late_counts &counts) { counts.overlaps = 0; };
	k.on_handoff = [](const st_handoff_spec &, st_handoff_counts &c) { c.overlaps = 0; };
	ASSERT_EQ(k.run("exts-late,handoff-*"), 0);
	for (const char *name : {"exts-late", "handoff-release", "handoff-xchg", "handoff-spinlock"})
		EXPECT_EQ(k.field(name, "verdict"), "broken") << k.record(name);
}

TEST(Run, HandoffsAreJudgedByWhatCameLater)
{
	const struct { u64 later; const char *cause; } cases[] = {{5, "ordering"}, {9, "corruption"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.on_handoff = [&](const st_handoff_spec &, st_handoff_counts &counts) {
			counts.states[7] = 999;
			counts.states[6] = 1;
			counts.first_wrong = {0x1000, 5, 0, c.later, 1, 1, 2, 2, 6, 1};
		};
		ASSERT_EQ(k.run("handoff-xchg"), 0);
		expect_fail(k, "handoff-xchg", "free-sees-alloc", c.cause);
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

TEST(Run, BlocksThatStayBusyAreASkip)
{
	for (u32 state : {ST_BLOCK_OFFLINE, ST_BLOCK_MOVABLE, ST_BLOCK_KERNEL}) {
		FakeKernel k(shape_7_1());
		k.on_block = [&](u32 block, u32 to) { return block == 1 && to == state ? -16 : 0; };
		ASSERT_EQ(k.run("node-offline-online"), 0);
		EXPECT_EQ(k.field("node-offline-online", "verdict"), "skip");
		EXPECT_NE(k.field("node-offline-online", "reason").find("errno 16"),
			  std::string::npos);
		EXPECT_EQ(k.calls["blocks_restore"], 2u);
	}
}

TEST(Run, EveryOperationMayFail)
{
	for (const char *operation : {"cache_create", "buffer_get", "objects_alloc", "objects_view",
				      "busted_views", "handoff", "late", "hotplug_target",
				      "block_set", "node_rows", "busted_nodes_start",
				      "busted_node_rows", "blocks_restore"}) {
		SCOPED_TRACE(operation);
		FakeKernel k(shape_7_1());
		k.failing = {operation};
		ASSERT_EQ(k.run("*", 1, 1), 0);
		expect_nothing_false(k);
		EXPECT_GT(k.totals.skip + k.totals.broken, 0u);
		EXPECT_EQ(k.leaked, 0u);
		EXPECT_EQ(k.marks.back(), "run complete");
		EXPECT_GT(k.calls[operation], 0u);
	}
}

TEST(Run, MayStopAnywhere)
{
	u64 whole;
	{
		FakeKernel k(shape_7_1());
		ASSERT_EQ(k.run("*", 1, 1), 0);
		whole = k.all_calls;
	}
	for (u64 stop = 1; stop < whole; stop += 1 + whole / 97) {
		SCOPED_TRACE(stop);
		FakeKernel k(shape_7_1());
		k.stop_at = stop;
		ASSERT_EQ(k.run("*", 1, 1), 0);
		expect_nothing_false(k);
		EXPECT_EQ(k.leaked, 0u);
		EXPECT_EQ(k.marks.back(), "run complete");
	}
}

TEST(Run, WhatIsMissingIsASkipThatSaysSo)
{
	FakeKernel k(shape_7_1());
	k.env.btf = nullptr;
	strcpy(k.env.btf_reason, "no type information");
	ASSERT_EQ(k.run("*"), 0);
	for (const char *name : {"exts-external", "exts-late", "node-offline-online"}) {
		EXPECT_EQ(k.field(name, "verdict"), "skip");
		EXPECT_EQ(k.field(name, "reason"), "no type information");
	}
	EXPECT_EQ(k.field("handoff-xchg", "verdict"), "pass");
	EXPECT_EQ(k.field("handoff-xchg", "note"), "no type information");
}

TEST(Run, OneCpuSkipsWhatNeedsTwo)
{
	FakeKernel k(shape_7_1());
	k.env.cpus = 1;
	ASSERT_EQ(k.run("*", 1, 1), 0);
	for (const char *name : {"exts-late", "handoff-xchg", "busted-handoff-xchg",
				 "busted-exts-late"})
		EXPECT_EQ(k.field(name, "verdict"), "skip") << k.record(name);
	EXPECT_EQ(k.field("exts-external", "verdict"), "pass");
	EXPECT_EQ(k.totals.fail + k.totals.broken, 0u);
}

TEST(Run, NobodyToChargeSkips)
{
	FakeKernel k(shape_7_1());
	k.env.memcg = 0;
	strcpy(k.env.memcg_reason, "no memory cgroup");
	ASSERT_EQ(k.run("exts-*"), 0);
	for (const char *name : {"exts-external", "exts-leftover", "exts-in-object", "exts-late"}) {
		EXPECT_EQ(k.field(name, "verdict"), "skip");
		EXPECT_EQ(k.field(name, "reason"), "no memory cgroup");
	}
}

TEST(Run, BenchHasALineARound)
{
	FakeKernel k(shape_7_1());
	ASSERT_EQ(k.run("handoff-xchg", 1, 3), 0);
	u32 rounds = 0;
	for (const std::string &line : k.lines)
		rounds += line.rfind("# bench engine_per_s=", 0) == 0;
	EXPECT_EQ(rounds, 3u);
}

TEST(Run, RefusesByName)
{
	const struct { const char *scenario; u32 seconds, bench; const char *named; } cases[] = {
		{"exts-*,nothing", 1, 0, "nothing"}, {"", 1, 0, "scenario="},
		{"*", 0, 0, "seconds=0"},	     {"*", 86401, 0, "seconds=86401"},
		{"*", 1, 101, "bench=101"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		EXPECT_EQ(k.run(c.scenario, c.seconds, c.bench), -22);
		EXPECT_NE(std::string(k.reason).find(c.named), std::string::npos) << k.reason;
		EXPECT_TRUE(k.lines.empty());
	}
	FakeKernel k(shape_7_1());
	EXPECT_EQ(k.run(std::string(500, 'x').c_str()), -22);
	EXPECT_LT(std::string(k.reason).size(), size_t(ST_REASON_BYTES));
}
