// SPDX-License-Identifier: GPL-2.0
//
// robustness_test - runs that cannot do what they are asked: an operation
// fails, the run is stopped, a fact is missing, the request is wrong. None may
// pass or fail for that, and each says why. Bugs that must be found are in
// experiment_test.
#include "../core/scenario.h"
#include "fake_kernel.h"

using namespace st;
using namespace st::test;

namespace {

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

} // namespace

TEST(Robustness, BlocksThatStayBusyAreASkip)
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

class EveryOperation : public testing::TestWithParam<const char *> {};

TEST_P(EveryOperation, MayFail)
{
	FakeKernel k(shape_7_1());
	k.failing = {GetParam()};
	ASSERT_EQ(k.run("*", 1, 1), 0);
	expect_nothing_false(k);
	EXPECT_GT(k.totals.skip + k.totals.broken, 0u);
	EXPECT_EQ(k.leaked, 0u);
	EXPECT_EQ(k.marks.back(), "run complete");
	EXPECT_GT(k.calls[GetParam()], 0u);
}

INSTANTIATE_TEST_SUITE_P(Robustness, EveryOperation, testing::Values(
	"cache_create", "buffer_get", "objects_alloc", "objects_view", "kmalloc_many",
	"busted_views", "handoff", "late", "counters", "hotplug_target", "host", "listen",
	"node_wait", "block_set", "node_rows", "busted_nodes_start", "busted_node_rows",
	"blocks_restore", "groups_open", "groups_close", "group_make", "group_remove",
	"charge_work", "charge_release", "charge_settle", "cache_find", "price_rows",
	"price_busted_start", "walk_begin", "walk_next", "slab_objects"));

// What an operation is needed for cannot pass without it, and the reason says
// what was not to be had.
TEST(Robustness, WithoutAnOperationNothingThatNeedsItPasses)
{
	const struct { const char *operation, *scenario, *verdict, *reason; } cases[] = {
		{"buffer_get", "exts-external", "skip", "memory for an index of BTF"},
		{"buffer_get", "busted-exts-external", "broken", "memory"},
		{"busted_views", "busted-exts-external", "broken", "busted slab"},
		{"cache_create", "exts-sweep", "broken", "no cache could be made"},
		{"objects_alloc", "exts-sweep", "broken", "no cache could be made"},
		{"objects_view", "exts-debug", "broken", "no cache could be made"},
		{"kmalloc_many", "exts-kmalloc", "broken", "no objects could be had"},
		{"objects_view", "exts-kmalloc", "broken", "no objects could be had"},
		{"busted_views", "busted-exts-sweep-stale", "broken", "busted slab"},
		{"handoff", "handoff-xchg-xchg", "broken", "threads or memory"},
		{"handoff", "busted-handoff-xchg-xchg", "broken", "threads or memory"},
		{"cache_create", "handoff-xchg-xchg", "broken", "cache"},
		{"late", "exts-late", "broken", "threads"},
		{"late", "busted-exts-late", "broken", "threads"},
		{"cache_create", "exts-late", "broken", "caches"},
		{"counters", "exts-counters", "broken", "threads"},
		{"counters", "busted-exts-counters", "broken", "threads"},
		{"cache_create", "exts-counters", "broken", "caches"},
		{"hotplug_target", "node-offline-online", "skip", "no node may lose"},
		{"block_set", "node-offline-online", "skip", "errno"},
		{"node_rows", "node-offline-online", "broken", "could not be listed"},
		{"hotplug_target", "node-partial", "skip", "no node may lose"},
		{"block_set", "node-partial", "skip", "refused the step offline (errno 16)"},
		{"block_set", "node-remove-add", "skip", "refused the step remove (errno 16)"},
		{"host", "node-unplug-plug", "skip", "nobody outside answers"},
		{"node_wait", "node-unplug-plug", "broken", "dimm1 was to go"},
		{"listen", "node-remove-add", "broken", "could not be listened to"},
		{"busted_nodes_start", "busted-node-offline-online", "broken", "listen"},
		{"cache_find", "inspect", "broken", "inspected"},
		{"walk_next", "inspect", "broken", "inspected"},
		{"walk_begin", "inspect", "broken", "inspected"},
		{"slab_objects", "inspect", "broken", "inspected"},
		{"price_rows", "node-price", "broken", "could not be listed"},
		{"price_busted_start", "busted-node-price", "broken", "listen"},
		{"block_set", "node-price", "skip", "errno"},
		{"blocks_restore", "node-price", "broken", "put back"},
		{"blocks_restore", "node-offline-online", "broken", "put back"}};
	for (const auto &c : cases) {
		SCOPED_TRACE(std::string(c.operation) + " " + c.scenario);
		FakeKernel k(shape_7_1());
		k.failing = {c.operation};
		ASSERT_EQ(k.run(c.scenario), 0);
		EXPECT_EQ(k.field(c.scenario, "verdict"), c.verdict) << k.record(c.scenario);
		EXPECT_NE(k.field(c.scenario, "reason").find(c.reason), std::string::npos)
			<< k.record(c.scenario);
	}
}

// A machine that gives no caches, objects or views has not said where it
// places extensions.
TEST(Robustness, WhatCouldNotBeTriedIsNotCalledAnotherPlacement)
{
	for (const char *operation : {"cache_create", "objects_alloc", "objects_view"}) {
		FakeKernel k(shape_7_1());
		k.failing = {operation};
		ASSERT_EQ(k.run("exts-external"), 0);
		EXPECT_EQ(k.field("exts-external", "verdict"), "broken") << k.record("exts-external");
	}
	for (u64 stop = 1; stop < 30; stop++) {
		FakeKernel k(shape_7_1());
		k.stop_at = stop;
		ASSERT_EQ(k.run("exts-external"), 0);
		EXPECT_NE(k.field("exts-external", "verdict"), "skip") << stop;
	}
}

// The CPU that was to free them is gone, so another one did.
TEST(Robustness, ObjectsFreedElsewhereAreNoBreach)
{
	FakeKernel k(shape_7_1());
	k.failing = {"objects_free"};
	ASSERT_EQ(k.run("exts-external"), 0);
	EXPECT_EQ(k.field("exts-external", "verdict"), "pass") << k.record("exts-external");
	EXPECT_EQ(k.leaked, 0u);
}

TEST(Robustness, WithoutSlubDebugThereIsNothingToAsk)
{
	FakeKernel k(shape_7_1());
	k.env.slub_debug = 0;
	ASSERT_EQ(k.run("exts-debug"), 0);
	EXPECT_EQ(k.field("exts-debug", "verdict"), "skip");
	EXPECT_NE(k.field("exts-debug", "reason").find("SLUB_DEBUG"), std::string::npos);
	EXPECT_EQ(k.calls["cache_create"], 0u);
}

// Allocation profiling gives every slab a vector at once: none is inherited.
TEST(Robustness, SweepWithProfilingAsksForNoEmptySlab)
{
	FakeKernel k(shape_7_1());
	k.env.profiling = 1;
	k.kept_on_shrink = true;
	ASSERT_EQ(k.run("exts-sweep"), 0);
	EXPECT_NE(k.field("exts-sweep", "invariant"), "exts-not-inherited");
}

TEST(Robustness, SameSeedSameText)
{
	std::vector<std::string> first;
	for (int i = 0; i < 2; i++) {
		FakeKernel k(shape_7_1());
		ASSERT_EQ(k.run("exts-external"), 0);
		EXPECT_TRUE(i == 0 || k.lines == first);
		first = k.lines;
	}
}

TEST(Robustness, NothingIsAskedThatWasNotChosen)
{
	FakeKernel k(shape_7_1());
	ASSERT_EQ(k.run("handoff-xchg-xchg"), 0);
	EXPECT_NE(std::find(k.lines.begin(), k.lines.end(), "1..2"), k.lines.end());
	EXPECT_EQ(k.calls["objects_alloc"] + k.calls["late"] + k.calls["node_rows"], 0u);
}

TEST(Robustness, SecondsAreShared)
{
	FakeKernel k(shape_7_1());
	u64 spent[2] = {};
	k.on_handoff = [&](const st_handoff_spec &spec, st_handoff_counts &) {
		if (spec.mode == ST_HANDOFF_ENGINE)
			spent[spec.publish == ST_PUBLISH_RCU] += spec.duration_ns;
	};
	k.on_litmus = [&](const st_litmus_spec &spec, st_litmus_counts &) {
		if (!spec.late)
			spent[spec.publish == ST_PUBLISH_RCU] += spec.duration_ns;
	};
	ASSERT_EQ(k.run("handoff-rcu-rcu,handoff-xchg-xchg", 3), 0);
	for (u64 each : spent)
		EXPECT_NEAR(double(each), 1.5e9, 5e7);
}

// Stopped at each of so many calls, of all that a whole run makes; in parts, so
// that every CPU has one.
class MayStop : public testing::TestWithParam<u64> {};
constexpr u64 kStops = 97, kParts = 8;

TEST_P(MayStop, Anywhere)
{
	static const u64 whole = [] {
		FakeKernel k(shape_7_1());
		EXPECT_EQ(k.run("*", 1, 1), 0);
		return k.all_calls;
	}();
	const u64 step = 1 + whole / kStops;
	ASSERT_GT(step, 1u);
	for (u64 stop = 1 + GetParam() * step; stop < whole; stop += kParts * step) {
		SCOPED_TRACE(stop);
		FakeKernel k(shape_7_1());
		k.stop_at = stop;
		ASSERT_EQ(k.run("*", 1, 1), 0);
		expect_nothing_false(k);
		EXPECT_EQ(k.leaked, 0u);
		EXPECT_EQ(k.marks.back(), "run complete");
	}
}

INSTANTIATE_TEST_SUITE_P(Robustness, MayStop, testing::Range(u64(0), kParts));

TEST(Robustness, WhatIsMissingIsASkipThatSaysSo)
{
	FakeKernel k(shape_7_1());
	k.env.btf = nullptr;
	strcpy(k.env.btf_reason, "no type information");
	ASSERT_EQ(k.run("*"), 0);
	for (const char *name : {"exts-external", "exts-late", "node-offline-online"}) {
		EXPECT_EQ(k.field(name, "verdict"), "skip");
		EXPECT_EQ(k.field(name, "reason"), "no type information");
	}
	EXPECT_EQ(k.field("handoff-xchg-xchg", "verdict"), "pass");
	EXPECT_NE(k.field("handoff-xchg-xchg", "note").find("no type information"),
		  std::string::npos) << k.record("handoff-xchg-xchg");
}

TEST(Robustness, OneCpuSkipsWhatNeedsTwo)
{
	FakeKernel k(shape_7_1());
	k.env.cpus = 1;
	ASSERT_EQ(k.run("*", 1, 1), 0);
	for (const char *name : {"exts-late", "handoff-xchg-xchg", "busted-handoff-xchg-xchg",
				 "busted-exts-late"})
		EXPECT_EQ(k.field(name, "verdict"), "skip") << k.record(name);
	EXPECT_EQ(k.field("exts-external", "verdict"), "pass");
	EXPECT_EQ(k.totals.fail + k.totals.broken, 0u);
}

TEST(Robustness, NobodyToChargeSkips)
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

TEST(Robustness, BenchHasALineARound)
{
	FakeKernel k(shape_7_1());
	ASSERT_EQ(k.run("handoff-xchg-xchg", 1, 3, "eng*"), 0);
	std::vector<std::string> rounds;
	for (const std::string &line : k.lines)
		if (line.rfind("# bench ", 0) == 0)
			rounds.push_back(line.substr(0, line.find('=', line.find('=') + 1)));
	EXPECT_EQ(rounds, (std::vector<std::string>{"# bench engine round=0 engine_per_s",
						    "# bench engine round=1 engine_per_s",
						    "# bench engine round=2 engine_per_s"}));
}

TEST(Robustness, BenchIsRefusedByName)
{
	for (const char *benchmark : {"", "engine,", "none"}) {
		FakeKernel k(shape_7_1());
		EXPECT_EQ(k.run("*", 1, 1, benchmark), -22);
		EXPECT_NE(std::string(k.reason).find("benchmark="), std::string::npos) << k.reason;
		EXPECT_TRUE(k.lines.empty());
	}
}

TEST(Robustness, RefusesByName)
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
