// SPDX-License-Identifier: GPL-2.0
//
// question_test - single questions over a fake kernel: what is right is
// answered with a pass, what is wrong with invariant, cause and evidence, what
// cannot be asked with a reason. What the experiments themselves find is in
// experiment_test.
#include "../core/scenario.h"
#include "fake_kernel.h"

using namespace st;
using namespace st::test;

namespace {

st_answer ask_cache(FakeKernel &k, st_cache_spec spec, u32 placement)
{
	return k.ask([&](st_core *core, st_answer *answer) {
		st_core_ask_cache(core, &spec, placement, answer);
	});
}

st_answer ask_scenario(FakeKernel &k, const char *name)
{
	return k.ask([&](st_core *core, st_answer *answer) {
		st_core_ask(core, name, 40000000, answer);
	});
}

st_answer ask_cycle(FakeKernel &k, u32 zone)
{
	return k.ask([&](st_core *core, st_answer *answer) {
		st_core_ask_node_cycle(core, zone, answer);
	});
}

constexpr u32 kAccount = ST_CACHE_ACCOUNT | ST_CACHE_CTOR;
constexpr st_cache_spec kWide{65472, 65536, kAccount};
constexpr st_cache_spec kNarrow{448, 512, kAccount};

void expect_finding(const st_answer &a, const std::string &invariant, const std::string &cause)
{
	EXPECT_EQ(a.verdict, u32(ST_FAIL));
	EXPECT_EQ(a.invariant, invariant);
	EXPECT_EQ(a.cause, cause);
	const std::string found = a.findings;
	EXPECT_NE(found.find(invariant + ": "), std::string::npos) << found;
	EXPECT_NE(found.find("; cause: " + cause + "; evidence: "), std::string::npos) << found;
}

} // namespace

TEST(Question, CacheThatIsRightPasses)
{
	for (const Shape &shape : {shape_7_0(32), shape_7_1(), shape_7_3(false)}) {
		SCOPED_TRACE(shape.name);
		FakeKernel k(shape);
		const st_answer a = ask_cache(k, kWide, ST_PLACED_IN_OBJECT);
		EXPECT_EQ(a.verdict, u32(ST_PASS)) << a.reason << a.findings;
		EXPECT_GT(a.observations, 0u);
		EXPECT_STREQ(a.cause, "none");
		EXPECT_STREQ(a.invariant, "");
		EXPECT_STREQ(a.findings, "");
		EXPECT_EQ(k.leaked, 0u);
	}
}

TEST(Question, SixteenBitStrideIsTruncationWithBothSteps)
{
	FakeKernel k(shape_7_0(16));
	const st_answer a = ask_cache(k, kWide, ST_PLACED_IN_OBJECT);
	expect_finding(a, "exts-step-matches-layout", "truncation");
	const std::string found = a.findings;
	EXPECT_NE(found.find("0 where 65536 is right (65536 mod 2^16 = 0; the field has 16 bits)"), std::string::npos) << found;
	EXPECT_EQ(ask_cache(k, kNarrow, ST_PLACED_IN_OBJECT).verdict, u32(ST_PASS));
	EXPECT_EQ(k.leaked, 0u);
}

TEST(Question, AnotherPlacementIsASkipThatNamesIt)
{
	FakeKernel k(shape_7_1());
	const st_answer a = ask_cache(k, {64, 0, ST_CACHE_CTOR}, ST_PLACED_LEFTOVER);
	EXPECT_EQ(a.verdict, u32(ST_SKIP));
	EXPECT_NE(std::string(a.reason).find("are external"), std::string::npos) << a.reason;
	const st_answer big = ask_cache(k, {1u << 19, 0, kAccount}, ST_PLACED_EXTERNAL);
	EXPECT_EQ(big.verdict, u32(ST_SKIP));
	EXPECT_NE(std::string(big.reason).find("of that size"), std::string::npos) << big.reason;
}

TEST(Question, WhatCannotBeDoneIsBrokenNotFailed)
{
	for (const char *operation : {"cache_create", "objects_alloc", "objects_view"}) {
		FakeKernel k(shape_7_1());
		k.failing = {operation};
		const st_answer a = ask_cache(k, kWide, ST_PLACED_IN_OBJECT);
		EXPECT_EQ(a.verdict, u32(ST_BROKEN)) << operation;
		EXPECT_STRNE(a.reason, "");
	}
	FakeKernel k(shape_7_1());
	EXPECT_EQ(ask_scenario(k, "no-such-scenario").verdict, u32(ST_BROKEN));
}

TEST(Question, EveryScenarioCanBeAskedAlone)
{
	FakeKernel k(shape_7_1());
	for (const Scenario &s : scenarios()) {
		const st_answer a = ask_scenario(k, s.name);
		const bool kept = s.family == Family::WrongHandoff;	// this CPU is in order
		EXPECT_EQ(a.verdict, u32(kept ? ST_SKIP : s.busted() ? ST_FAIL : ST_PASS))
			<< s.name << a.reason;
		EXPECT_EQ(Text(a.cause), name(kept ? Cause::None : s.expected)) << s.name;
	}
}

TEST(Question, StrideThatCannotHoldTheLargestStep)
{
	const auto ask = [](FakeKernel &k) { return k.ask(st_core_ask_stride); };
	FakeKernel narrow(shape_7_0(16)), wide(shape_7_0(32)), none(shape_7_3(false));
	expect_finding(ask(narrow), "stride-fits-type", "truncation");
	EXPECT_EQ(ask(wide).verdict, u32(ST_PASS));
	EXPECT_EQ(ask(none).verdict, u32(ST_SKIP));
}

TEST(Question, NodesAsTheyStand)
{
	const auto ask = [](FakeKernel &k) { return k.ask(st_core_ask_nodes); };
	const struct { std::function<void(st_node_row &, u32)> bug; const char *invariant, *cause; }
	cases[] = {
		{[](st_node_row &r, u32 i) { if (i == 4) r.node = 0; }, "node-struct-present",
		 "lifetime"},
		{[](st_node_row &r, u32 i) { if (i == 4) r.barn = 0; }, "node-barn-everywhere",
		 "lifetime"},
		{[](st_node_row &r, u32) { r.home = 5; }, "node-struct-home", "lifetime"},
		{[](st_node_row &r, u32) { r.node = 16; }, "node-struct-distinct", "corruption"},
		{[](st_node_row &r, u32) { r.barn = 16; }, "node-struct-distinct", "corruption"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		u32 number = 0;
		EXPECT_EQ(ask(k).verdict, u32(ST_PASS));
		k.on_row = [&](st_node_row &row, bool, bool) { c.bug(row, number++); };
		expect_finding(ask(k), c.invariant, c.cause);
	}
}

// Before 6.17 a node whose memory is all movable has no structures at all.
TEST(Question, NodeWithoutNormalMemoryMayHaveNoStructures)
{
	FakeKernel k(shape_7_1());
	k.on_row = [&](st_node_row &row, bool, bool) {
		if (k.asked_nid == 1)
			row.node = row.barn = 0;
	};
	const st_answer a = k.ask(st_core_ask_nodes);
	EXPECT_EQ(a.verdict, u32(ST_PASS)) << a.findings << a.reason;
}

// A cache that is made now, when all nodes have come: up to 7.0 such a node is
// forgotten again.
TEST(Question, NewCacheWithoutAStructureForAKnownNode)
{
	for (const Shape &shape : {shape_7_0(32), shape_7_1()}) {
		FakeKernel k(shape);
		bool met = false;
		k.on_row = [&](st_node_row &row, bool, bool) {
			// the first row is of the only cache that was made
			if (k.asked_nid != 1 || Text(row.name) != "cache-0")
				return;
			met = true;
			row.node = row.barn = 0;
		};
		const st_answer a = k.ask(st_core_ask_nodes);
		EXPECT_TRUE(met);
		if (shape.name == shape_7_1().name)
			expect_finding(a, "node-struct-present", "lifetime");
		else
			EXPECT_EQ(a.verdict, u32(ST_PASS)) << a.findings;
	}
}

TEST(Question, NodesThatCannotBeListed)
{
	FakeKernel k(shape_7_1());
	k.failing = {"node_rows"};
	EXPECT_EQ(k.ask(st_core_ask_nodes).verdict, u32(ST_BROKEN));
	strcpy(k.env.nodes_reason, "no kprobes");
	const st_answer a = k.ask(st_core_ask_nodes);
	EXPECT_EQ(a.verdict, u32(ST_SKIP));
	EXPECT_STREQ(a.reason, "no kprobes");
}

TEST(Question, CountsOfSlabs)
{
	const auto ask = [](FakeKernel &k) { return k.ask(st_core_ask_node_counts); };
	FakeKernel k(shape_7_1());
	EXPECT_EQ(ask(k).verdict, u32(ST_PASS));
	for (s64 wrong : {0, 4, 1 << 20}) {
		k.on_row = [&](st_node_row &row, bool, bool) { row.nr_slabs = wrong; };
		expect_finding(ask(k), "node-counts-slabs", "corruption");
	}
	k.on_row = [](st_node_row &row, bool, bool) { row.nr_slabs = -1; };
	EXPECT_EQ(ask(k).verdict, u32(ST_BROKEN));
	k.failing = {"objects_alloc"};
	EXPECT_EQ(ask(k).verdict, u32(ST_BROKEN));
	EXPECT_EQ(k.leaked, 0u);
}

TEST(Question, OneCycleOfANode)
{
	for (u32 zone : {ST_BLOCK_MOVABLE, ST_BLOCK_KERNEL}) {
		FakeKernel k(shape_7_1());
		EXPECT_EQ(ask_cycle(k, zone).verdict, u32(ST_PASS));
		EXPECT_EQ(k.calls["blocks_restore"], 1u);
		k.on_row = [](st_node_row &row, bool off, bool) { if (off) row.node = 0; };
		expect_finding(ask_cycle(k, zone), "node-pointer-kept", "lifetime");
		k.failing = {"hotplug_target"};
		EXPECT_EQ(ask_cycle(k, zone).verdict, u32(ST_SKIP));
	}
	// a kernel that looks at normal memory only: the movable cycle cannot see it
	FakeKernel k(shape_7_1());
	k.on_row = [](st_node_row &row, bool off, bool normal) { if (off && normal) row.node = 0; };
	EXPECT_EQ(ask_cycle(k, ST_BLOCK_MOVABLE).verdict, u32(ST_PASS));
	EXPECT_EQ(ask_cycle(k, ST_BLOCK_KERNEL).verdict, u32(ST_FAIL));
}

TEST(Question, FactsAreWhatWasLearned)
{
	FakeKernel k(shape_7_0(32));
	k.ask([&](st_core *core, st_answer *) {
		const char *exts, *nodes;
		const st_layout *layout = st_core_facts(core, &exts, &nodes);
		EXPECT_EQ(layout->stride.bits, 32u);
		EXPECT_STREQ(exts, "");
		EXPECT_STREQ(nodes, "");
	});
}
