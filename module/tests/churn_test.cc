// SPDX-License-Identifier: GPL-2.0
//
// churn_test - node-churn over a fake kernel: each promise broken in turn is
// found under its own name, what is right is not, a racer that did nothing is
// told, and a run that cannot find out says why. Real memory is the guest's.
#include "../core/churn.h"
#include "../core/invariant.h"
#include "../core/racing.h"
#include "fake_kernel.h"

using namespace st;
using namespace st::test;

namespace {

constexpr const char *kName = "node-churn";

void expect_fail(const FakeKernel &k, const char *invariant, const char *cause)
{
	EXPECT_EQ(k.field(kName, "verdict"), "fail") << k.record(kName);
	EXPECT_EQ(k.field(kName, "invariant"), invariant) << k.record(kName);
	EXPECT_EQ(k.field(kName, "cause"), cause) << k.record(kName);
	EXPECT_NE(k.field(kName, "evidence"), "-");
}

void expect_reason(const FakeKernel &k, const char *verdict, const char *reason)
{
	EXPECT_EQ(k.field(kName, "verdict"), verdict) << k.record(kName);
	EXPECT_NE(k.field(kName, "reason").find(reason), std::string::npos) << k.record(kName);
}

bool said(const FakeKernel &k, const std::string &text)
{
	for (const std::string &line : k.lines)
		if (line.find(text) != std::string::npos)
			return true;
	return false;
}

} // namespace

TEST(Churn, WhatIsRightPassesWithEveryRacer)
{
	FakeKernel k(shape_7_1());
	ASSERT_EQ(k.run(kName), 0) << k.reason;
	EXPECT_EQ(k.field(kName, "verdict"), "pass") << k.record(kName);
	EXPECT_EQ(k.races.spec.wanted, (1ull << ST_RACES) - 1);
	EXPECT_EQ(k.races.spec.by_name, 0u);
	for (const RacerName &racer : racer_names())
		EXPECT_TRUE(said(k, std::string("racer ") + racer.name + ": 7 laps"));
	EXPECT_GT(k.races.refusals, 0u);
	EXPECT_GT(k.races.rests, 0u);
	EXPECT_EQ(k.totals.twins, 4u);
	EXPECT_EQ(k.totals.twins_caught, 4u);
}

TEST(Churn, AsManyCyclesAsAskedFor)
{
	for (u32 cycles : {1u, 2u, 17u}) {
		FakeKernel k(shape_7_1());
		k.churn_cycles = cycles;
		ASSERT_EQ(k.run(kName), 0);
		const std::string note = k.field(kName, "note");
		EXPECT_NE(note.find(", " + std::to_string(cycles) + " cycles"), std::string::npos)
			<< note;
	}
}

TEST(Churn, RacersByNamesAndGlobs)
{
	const Chosen two = chosen_racers("cpus,s*,cp?s");
	EXPECT_EQ(two.wanted, 1ull << ST_RACE_CPUS | 1ull << ST_RACE_SLABINFO |
			      1ull << ST_RACE_SHRINK | 1ull << ST_RACE_SHEAVES);
	EXPECT_EQ(two.by_name, 1ull << ST_RACE_CPUS);
	EXPECT_EQ(chosen_racers("none").wanted, 0u);
	EXPECT_TRUE(unknown_racer_in("none").empty());
	EXPECT_TRUE(unknown_racer_in("*,rcu").empty());
	EXPECT_EQ(unknown_racer_in("rcu,bulk"), Text("bulk"));
	EXPECT_EQ(unknown_racer_in("rcu,"), Text("(empty)"));
	EXPECT_EQ(unknown_racer_in("none,rcu"), Text("none"));

	FakeKernel k(shape_7_1());
	k.racers = "cpu";
	EXPECT_EQ(k.run(kName), -22);
	EXPECT_NE(std::string(k.reason).find("racers=: no racer matches 'cpu'"),
		  std::string::npos);
	k.racers = "none";
	k.churn_cycles = 1000001;
	EXPECT_EQ(k.run(kName), -22);
	EXPECT_NE(std::string(k.reason).find("churn_cycles="), std::string::npos);
}

TEST(Churn, RacerThatDoesNothingIsTold)
{
	FakeKernel k(shape_7_1());
	k.races.on_rows = [](st_race_row *rows) { rows[ST_RACE_SHRINK].laps = 0; };
	ASSERT_EQ(k.run(kName), 0);
	expect_reason(k, "broken", "racer shrink did nothing");
}

TEST(Churn, RacerThatCannotRunHereSaysWhy)
{
	FakeKernel k(shape_6_10());
	k.races.on_rows = [](st_race_row *rows) {
		rows[ST_RACE_SHEAVES].laps = 0;
		strcpy(rows[ST_RACE_SHEAVES].why_not, "no sheaves");
	};
	ASSERT_EQ(k.run(kName), 0);
	EXPECT_EQ(k.field(kName, "verdict"), "pass") << k.record(kName);
	EXPECT_TRUE(said(k, "racer sheaves: no, no sheaves"));
}

TEST(Churn, WhatTheSamplerSees)
{
	const st_watch_sight sight{"kmalloc-64", 0x10, 0x20, 0x6b6b6b6b, 0x6b6b, 0x6b6b, 1};
	const struct { std::function<void(st_watch_counts &)> bug; const char *invariant, *cause; }
	cases[] = {
		{[&](st_watch_counts &c) { c.gone = 1; c.first_gone = sight; },
		 "node-pointer-kept", "lifetime"},
		{[&](st_watch_counts &c) { c.barns_gone = 2; c.first_barn = sight; },
		 "node-barn-kept", "lifetime"},
		{[&](st_watch_counts &c) { c.appeared = 3; c.raw = 1; c.first_raw = sight; },
		 "node-initialised-when-visible", "ordering"},
		{[&](st_watch_counts &c) {
			 c.appeared = c.raw = 1;
			 c.first_raw = sight;
			 c.first_raw.right_later = 0;
		 }, "node-initialised-when-visible", "corruption"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.races.on_watch = [&](u32 watched, st_watch_counts &counts) {
			if (watched == ST_WATCH_CACHES)
				c.bug(counts);
		};
		ASSERT_EQ(k.run(kName), 0);
		expect_fail(k, c.invariant, c.cause);
		EXPECT_NE(k.field(kName, "evidence").find("kmalloc-64"), std::string::npos);
	}
}

TEST(Churn, StructuresThatAppearWholeAreRight)
{
	FakeKernel k(shape_5_10());
	k.races.on_watch = [](u32 watched, st_watch_counts &c) {
		if (watched == ST_WATCH_CACHES)
			c.appeared = 9;
	};
	ASSERT_EQ(k.run(kName), 0);
	EXPECT_EQ(k.field(kName, "verdict"), "pass") << k.record(kName);
	EXPECT_TRUE(said(k, "node-initialised-when-visible # 9 asked, 0 broken"));
}

TEST(Churn, WhatIsOnTheLists)
{
	const struct { std::function<void(st_node_lists &)> bug; const char *invariant; } cases[] = {
		{[](st_node_lists &r) { r.nr_partial++; }, "node-counts-match-lists"},
		{[](st_node_lists &r) { r.partial--; }, "node-counts-match-lists"},
		{[](st_node_lists &r) { r.nr_slabs = 0; }, "node-counts-match-lists"},
		{[](st_node_lists &r) { r.nr_full = 0; }, "node-counts-match-lists"},
		{[](st_node_lists &r) { r.empty = 1; }, "node-counts-match-lists"},
		{[](st_node_lists &r) { r.strangers = 1; }, "node-lists-own-slabs"},
		{[](st_node_lists &r) { r.strangers = 2, r.in_own_cache = 1; },
		 "node-lists-own-slabs"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.races.on_lists = [&](s32 nid, st_node_lists *rows) {
			if (nid == 1)
				c.bug(rows[2]);
		};
		ASSERT_EQ(k.run(kName), 0);
		expect_fail(k, c.invariant, "corruption");
		EXPECT_NE(k.field(kName, "evidence").find("cache-2"), std::string::npos);
	}
}

TEST(Churn, WhatListsMayHave)
{
	FakeKernel k(shape_7_1());
	k.races.on_lists = [](s32, st_node_lists *rows) {
		rows[0].strangers = rows[0].in_own_cache = rows[0].partial = rows[0].nr_partial = 1;
		rows[1].nr_slabs = -1;		// not counted in this kernel
		rows[2].has_barn = 0;
	};
	ASSERT_EQ(k.run(kName), 0);
	EXPECT_EQ(k.field(kName, "verdict"), "pass") << k.record(kName);
}

TEST(Churn, StructuresMustBeNamed)
{
	const struct { u64 in_use, named; const char *verdict; } cases[] = {
		{101, 100, "fail"}, {99, 100, "fail"}, {106, 106, "pass"}, {90, 90, "pass"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.races.on_structs = [&](u32 call, st_node_structs &s) {
			if (call)
				s = {c.in_use, c.named, 0};
		};
		ASSERT_EQ(k.run(kName), 0);
		EXPECT_EQ(k.field(kName, "verdict"), c.verdict) << k.record(kName);
		if (Text(c.verdict) == Text("fail"))
			expect_fail(k, "node-structs-balanced", "accounting");
	}
}

// RCU frees the last ones a little later.
TEST(Churn, StructuresMayGoALittleLater)
{
	FakeKernel k(shape_7_1());
	k.races.on_structs = [](u32 call, st_node_structs &s) { s.in_use += call == 1 ? 3 : 0; };
	ASSERT_EQ(k.run(kName), 0);
	EXPECT_EQ(k.field(kName, "verdict"), "pass") << k.record(kName);
}

TEST(Churn, MemoryThatStaysIsFound)
{
	FakeKernel k(shape_7_1());
	u32 calls = 0;
	k.on_block = [&](u32 block, u32 state) {
		// as it was found it goes; once it has come back, it stays
		calls += state == ST_BLOCK_OFFLINE && block == 1;
		return state == ST_BLOCK_OFFLINE && block == 1 && calls > 1 ? -16 : 0;
	};
	k.churn_cycles = 2;
	ASSERT_EQ(k.run(kName), 0);
	const std::string verdict = k.field(kName, "verdict");
	// in the normal zone it may be another's page, which is no fault of SLUB's
	if (verdict == "fail") {
		expect_fail(k, "node-remove-succeeds", "corruption");
		EXPECT_NE(k.field(kName, "evidence").find("in 20 tries; in use was 1 page"),
			  std::string::npos) << k.record(kName);
	} else {
		expect_reason(k, "skip", "errno 16");
	}
	FakeKernel found(shape_7_1());
	found.on_block = [](u32, u32) { return -16; };
	ASSERT_EQ(found.run(kName), 0);
	expect_reason(found, "skip", "errno 16");
}

// A slow machine makes our patience end; a page that stays makes it end again.
// The first going of a cycle is one that a listener is to refuse.
TEST(Churn, ImpatienceIsNoRefusal)
{
	for (const u32 impatient : {3u, 5u}) {
		FakeKernel k(shape_7_1());
		k.movable_only = "yes";
		u32 goings = 0;
		k.on_block = [&](u32 block, u32 state) {
			if (state != ST_BLOCK_OFFLINE || block != 1)
				return 0;
			goings++;
			return goings > 1 && goings <= 1 + impatient ? -4 : 0;
		};
		k.churn_cycles = 2;
		ASSERT_EQ(k.run(kName), 0);
		if (impatient == 3) {
			EXPECT_EQ(k.field(kName, "verdict"), "pass") << k.record(kName);
			continue;
		}
		expect_fail(k, "node-remove-succeeds", "corruption");
		EXPECT_NE(k.field(kName, "evidence").find("errno 4 in 4 tries; in use was 1 page"),
			  std::string::npos) << k.record(kName);
	}
}

TEST(Churn, RefusalThatIsNotCleanIsFound)
{
	const struct { std::function<void(FakeKernel &)> bug; const char *invariant; } cases[] = {
		{[](FakeKernel &k) { k.races.on_use = [](u32) { return -12; }; },
		 "node-refusal-clean"},
		{[](FakeKernel &k) { k.races.on_use = [](u32 slabs) { return slabs ? -18 : 0; }; },
		 "node-refusal-clean"},
		{[](FakeKernel &k) { k.races.removed_though_pinned = true; },
		 "node-refusal-clean"},
		{[](FakeKernel &k) {
			 k.on_row = [&k](st_node_row &r, bool, bool) { r.node += k.races.refusals; };
		 }, "node-pointer-kept"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		c.bug(k);
		ASSERT_EQ(k.run(kName), 0);
		EXPECT_EQ(k.field(kName, "verdict"), "fail") << k.record(kName);
		EXPECT_EQ(k.field(kName, "invariant"), c.invariant) << k.record(kName);
	}
}

TEST(Churn, NobodyIsToldWhereNobodyListens)
{
	FakeKernel k(shape_7_1());
	k.races.deaf = true;
	ASSERT_EQ(k.run(kName), 0);
	EXPECT_NE(k.field(kName, "verdict"), "fail") << k.record(kName);
}

TEST(Churn, CpuThatComesIsWaitedFor)
{
	FakeKernel k(shape_7_1());
	u32 calls = 0;
	k.on_block = [&](u32, u32) { return ++calls % 5 ? -513 : 0; };	// -ERESTARTNOINTR
	ASSERT_EQ(k.run(kName), 0);
	EXPECT_EQ(k.field(kName, "verdict"), "pass") << k.record(kName);
}

TEST(Churn, WhatCannotBeFoundOutIsNoPass)
{
	const struct { const char *failing, *verdict, *reason; } cases[] = {
		{"racers_begin", "broken", "could not be started"},
		{"watch", "broken", "sampler"},
		{"lists", "broken", "could not be walked"},
		{"structs", "broken", "could not be counted"},
		{"racers_step", "broken", "did not come to rest"},
		{"hotplug_target", "skip", "no node may lose"},
		{"blocks_restore", "broken", "put back"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.failing.insert(c.failing);
		ASSERT_EQ(k.run(kName), 0);
		expect_reason(k, c.verdict, c.reason);
	}
	for (const char *without : {"kmem_cache_node.list_lock", "kmem_cache_node.partial",
				    "slab.slab_list", "node_barn.nr_full",
				    "kmem_cache_node.total_objects"}) {
		Shape shape = shape_7_1();
		shape.without = without;
		FakeKernel k(shape);
		ASSERT_EQ(k.run(kName), 0);
		EXPECT_EQ(k.field(kName, "verdict"), "skip") << k.record(kName);
	}
}

TEST(Churn, LongRunTellsHowFarItIs)
{
	FakeKernel k(shape_7_1());
	k.churn_cycles = 1500;
	ASSERT_EQ(k.run(kName), 0);
	EXPECT_TRUE(said(k, "# node-churn: ")) << "silence is taken for a hang";
	EXPECT_TRUE(said(k, " of 1500"));
}
