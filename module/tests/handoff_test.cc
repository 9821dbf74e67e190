// SPDX-License-Identifier: GPL-2.0
//
// handoff_test - pairs, the cross of cells, outcome counts, and whole runs of
// handoff-* over a fake kernel: what each must catch, on what it stays silent,
// and what it says of cells that a machine lacks. Real threads, interrupts and
// slabs are left to the guest.
#include <set>

#include "../core/handoff.h"
#include "../core/histogram.h"
#include "../core/scenario.h"
#include "fake_kernel.h"

using namespace st;
using namespace st::test;

namespace {

bool contains(const std::vector<std::string> &lines, const std::string &part)
{
	return std::any_of(lines.begin(), lines.end(), [&](const std::string &line) {
		return line.find(part) != std::string::npos;
	});
}

Cells cells_of_context(u32 context)
{
	Cells cells = 0;
	for (u32 number = 0; number < kCells; number++)
		if (cell_at(number).context == context)
			cells |= Cells(1) << number;
	return cells;
}

} // namespace

// The table of pairs and the table of scenarios are written by hand: each pair
// has its scenarios, of the family that its model asks for.
TEST(Pairs, EachHasItsScenarios)
{
	std::map<std::string, Family> families;
	for (const Scenario &s : scenarios())
		families[s.name] = s.family;
	for (const Pair &pair : handoff_pairs()) {
		const std::string name = std::string("handoff-") + pair.name;
		SCOPED_TRACE(name);
		EXPECT_EQ(handoff_pair(name.c_str()), &pair);
		const bool right = pair.model == Model::right;
		EXPECT_EQ(families.count(name), right ? 1u : 0u);
		ASSERT_EQ(families.count("busted-" + name), 1u);
		EXPECT_EQ(families["busted-" + name], right || pair.plainly_wrong() ?
			  Family::BustedHandoff : Family::WrongHandoff);
		EXPECT_LE(pair.publish, u32(ST_PUBLISH_LATE));
		EXPECT_LT(pair.consume, u32(ST_CONSUMES));
	}
	for (const auto &[name, family] : families) {
		if (name.find("handoff-") != std::string::npos) {
			EXPECT_NE(handoff_pair(name.c_str()), nullptr) << name;
		}
	}
	EXPECT_EQ(handoff_pair("handoff-no-such"), nullptr);
	EXPECT_EQ(handoff_pair("busted-handoff-rcu-rcu-freed"), handoff_pair("handoff-rcu-rcu"));
	EXPECT_EQ(handoff_pair("handoff-rcu-rcu-freed-"), nullptr);
	EXPECT_EQ(handoff_pair("release-acquire"), nullptr);
}

TEST(Cross, NumbersNameCells)
{
	for (u32 number = 0; number < kCells; number++)
		EXPECT_EQ(number_of(cell_at(number)), number);
	EXPECT_EQ(count(axis_pairs(kAllCells)), 6u * 3 + 6 * 3 + 3 * 3);
	EXPECT_EQ(count(axis_pairs(1)), 3u);
	EXPECT_EQ(axis_pairs(0), 0u);
}

TEST(Cross, PairsOfAxesComeFirstAndThenEveryCellOnce)
{
	for (u64 seed = 0; seed < 50; seed++)
		for (Cells possible : {kAllCells, kAllCells & ~cells_of_context(ST_FREE_IN_HARDIRQ),
				       Cells(0x0123456789abcd)}) {
			CrossPlan plan(seed, possible);
			Cells seen = 0;
			u32 steps = 0, covered_after = 0;
			while (seen != possible) {
				const Cells bit = bit_of(plan.next());
				ASSERT_EQ(seen & bit, 0u);	// none twice before all once
				ASSERT_EQ(bit & ~possible, 0u);
				seen |= bit;
				steps++;
				if (!covered_after && axis_pairs(seen) == axis_pairs(possible))
					covered_after = steps;
			}
			EXPECT_EQ(steps, count(possible));
			// 18 is what the largest two axes need; greed costs a few more
			EXPECT_LE(covered_after, 24u) << seed;
			EXPECT_NE(bit_of(plan.next()) & possible, 0u);	// and again
		}
}

TEST(Cross, SameSeedSamePlan)
{
	CrossPlan a(7, kAllCells), b(7, kAllCells), c(8, kAllCells);
	u32 same = 0;
	for (u32 i = 0; i < kCells; i++) {
		const u32 number = number_of(a.next());
		EXPECT_EQ(number, number_of(b.next()));
		same += number == number_of(c.next());
	}
	EXPECT_LT(same, kCells / 2);
}

TEST(Cross, CoverageSaysWhatWasLackingAndWhy)
{
	Coverage coverage;
	for (u32 number = 0; number < kCells; number++)
		if (cell_at(number).context == ST_FREE_IN_HARDIRQ)
			coverage.lacks(cell_at(number), number % 2 ? "odd" : "even");
	EXPECT_FALSE(coverage.any());
	coverage.tried(cell_at(0));
	Line<160> few, all;
	coverage.summary(&few);
	EXPECT_EQ(std::string(few.c_str()), "1 of 36 cells, 3 of 36 pairs of axes");
	CrossPlan plan(1, coverage.possible());
	for (u32 i = 0; i < 36; i++)
		coverage.tried(plan.next());
	coverage.summary(&all);
	EXPECT_EQ(std::string(all.c_str()), "36 of 36 cells, all pairs of axes");
	std::map<std::string, u32> lacks;
	coverage.each_lack([&](u32 cells, Text why) { lacks[why.data()] = cells; });
	EXPECT_EQ(lacks, (std::map<std::string, u32>{{"odd", 9}, {"even", 9}}));
}

TEST(Histogram, TellsTheOutcomeThatIsAskedAbout)
{
	Histogram h;
	st_handoff_counts counts = {};
	counts.states[7] = 100;
	counts.content[1] = 50;
	h.add(counts);
	st_litmus_counts trials = {};
	trials.states[0] = 5;
	trials.states[ST_TRIAL_CONTENT] = 3;
	trials.states[3] = 2;
	h.add(trials);
	EXPECT_EQ(h.total(), 160u);
	EXPECT_EQ(h.handoffs(), 150u);
	EXPECT_EQ(h.wrong(), 0u);
	EXPECT_EQ(h.overlapping_trials(), 3u);
	Histogram::Row never, sometimes, always;
	h.observation(&never);
	EXPECT_EQ(std::string(never.c_str()), "Never 0 160");
	st_litmus_counts bad = {};
	bad.states[ST_TRIAL_POINTER] = 1;	// pointer seen, content not
	h.add(bad);
	EXPECT_EQ(h.wrong(), 1u);
	h.observation(&sometimes);
	EXPECT_EQ(std::string(sometimes.c_str()), "Sometimes 1 160");
	Histogram only;
	only.add(bad);
	only.observation(&always);
	EXPECT_EQ(std::string(always.c_str()), "Always 1 0");
}

TEST(Histogram, EveryStateHasARowAndTheWrongOnesAreMarked)
{
	std::set<std::string> rows;
	u32 marked = 0;
	for (u32 state = 0; state < kHistogramStates; state++) {
		Histogram h;
		st_handoff_counts counts = {};
		st_litmus_counts trials = {};
		if (state < kContentStates)
			counts.states[state] = 1;
		else if (state < kTrialStates)
			counts.content[state - kContentStates] = 1;
		else
			trials.states[state - kTrialStates] = 1;
		h.add(counts);
		h.add(trials);
		Histogram::Row row;
		ASSERT_TRUE(h.row(state, &row));
		EXPECT_TRUE(rows.insert(row.c_str()).second) << row.c_str();
		const bool is_marked = std::string(row.c_str()).find("*>") != std::string::npos;
		EXPECT_EQ(is_marked, h.wrong() == 1) << row.c_str();
		marked += is_marked;
		EXPECT_FALSE(h.row(state ? state - 1 : 1, &row));
	}
	EXPECT_EQ(marked, 7u + 1 + 1);
	EXPECT_FALSE(Histogram().row(kHistogramStates, nullptr));
}

TEST(Handoff, OneNodeLacksTheOtherAndSaysSo)
{
	FakeKernel k(shape_7_1());
	ASSERT_EQ(k.run("handoff-rcu-rcu", 2), 0);
	EXPECT_EQ(k.field("handoff-rcu-rcu", "verdict"), "pass") << k.record("handoff-rcu-rcu");
	// 54 less 18 on another node less bulk in hard interrupts on both places
	EXPECT_TRUE(contains(k.lines, "# cells: 34 of 34 cells, all pairs of axes"));
	EXPECT_TRUE(contains(k.lines, "no other has memory that slabs may use"));
	EXPECT_TRUE(contains(k.lines, "kmem_cache_free_bulk() wants interrupts enabled"));
	EXPECT_TRUE(contains(k.lines, "# Observation handoff-rcu-rcu Never 0 "));
}

// Two nodes with CPUs: the freeing CPU is the one on the other node.
TEST(Handoff, OtherNodeIsAnotherCpuWhereThereIsOne)
{
	FakeKernel k(shape_7_1());
	k.env.cpus = 4;
	for (u32 i = 0; i < 4; i++)
		k.env.cpu[i] = i;
	k.cpu_nodes = {0, 0, 1, 1};
	u64 places[3] = {};
	k.on_handoff = [&](const st_handoff_spec &spec, st_handoff_counts &) {
		EXPECT_EQ(spec.nid, -1);
		const bool other = k.cpu_nodes[spec.producer_cpu] != k.cpu_nodes[spec.consumer_cpu];
		places[spec.producer_cpu == spec.consumer_cpu ? 0 : other ? 2 : 1]++;
	};
	ASSERT_EQ(k.run("handoff-xchg-xchg", 3), 0);
	EXPECT_TRUE(contains(k.lines, " of 51 cells, all pairs of axes"));
	for (u64 times : places)
		EXPECT_GT(times, 10u);
}

// One with memory alone: what is allocated there counts.
TEST(Handoff, OtherNodeIsMemoryWhereItHasNoCpu)
{
	FakeKernel k(shape_7_1());
	k.normal_nodes = 2;
	u64 there = 0;
	k.on_handoff = [&](const st_handoff_spec &spec, st_handoff_counts &) {
		there += spec.nid == 1;
		EXPECT_TRUE(spec.nid < 0 || spec.producer_cpu != spec.consumer_cpu);
		EXPECT_TRUE(spec.nid < 0 || spec.origin != ST_ORIGIN_BULK);
	};
	ASSERT_EQ(k.run("handoff-xchg-xchg", 3), 0);
	EXPECT_GT(there, 10u);
	EXPECT_TRUE(contains(k.lines, "kmem_cache_alloc_bulk() takes no node"));
}

TEST(Handoff, ContextsThatAKernelLacksAreNotTried)
{
	FakeKernel k(shape_7_1());
	k.context_lacks[ST_FREE_IN_HARDIRQ] = "not in this kernel";
	k.on_handoff = [](const st_handoff_spec &spec, st_handoff_counts &) {
		EXPECT_NE(spec.context, u32(ST_FREE_IN_HARDIRQ));
	};
	ASSERT_EQ(k.run("handoff-xchg-xchg", 2), 0);
	EXPECT_TRUE(contains(k.lines, "# lacking: 18 cells, not in this kernel"));
}

TEST(Handoff, CellsAreWhatTheySay)
{
	FakeKernel k(shape_7_1());
	std::set<u64> caches[ST_ORIGINS];
	k.on_handoff = [&](const st_handoff_spec &spec, st_handoff_counts &) {
		if (spec.mode != ST_HANDOFF_ENGINE)
			return;
		EXPECT_EQ(spec.accounted, spec.origin != ST_ORIGIN_CACHE);
		EXPECT_EQ(spec.most != 0, spec.origin == ST_ORIGIN_KFREE_RCU);
		EXPECT_EQ(spec.sampling, 64u);
		caches[spec.origin].insert(spec.cache);
	};
	k.sampling = 64;
	ASSERT_EQ(k.run("handoff-cmpxchg-xchg", 2), 0);
	for (const auto &each : caches)
		EXPECT_EQ(each.size(), 1u);
	EXPECT_NE(caches[ST_ORIGIN_TYPESAFE], caches[ST_ORIGIN_CACHE]);
}

TEST(Handoff, WrongTrialsFailWithTheirCause)
{
	const struct { u64 later; const char *cause; } cases[] = {{9, "ordering"}, {4, "corruption"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.on_litmus = [&](const st_litmus_spec &, st_litmus_counts &counts) {
			counts.states[ST_TRIAL_POINTER] = 1;
			counts.expected = 9;
			counts.seen = 4;
			counts.later = c.later;
		};
		ASSERT_EQ(k.run("handoff-release-acquire"), 0);
		EXPECT_EQ(k.field("handoff-release-acquire", "verdict"), "fail");
		EXPECT_EQ(k.field("handoff-release-acquire", "cause"), c.cause);
		EXPECT_NE(k.field("handoff-release-acquire", "evidence").find("round 9"),
			  std::string::npos);
	}
}

TEST(Handoff, WhatRcuDidNotKeepIsLifetime)
{
	FakeKernel k(shape_7_1());
	k.on_handoff = [](const st_handoff_spec &spec, st_handoff_counts &counts) {
		counts.after[0] = spec.origin == ST_ORIGIN_KFREE_RCU;
		counts.first_wrong = {0x1000, 5, 5, 5, 1, 1, 2, 2, 7, 1, 1};
	};
	ASSERT_EQ(k.run("handoff-release-acquire", 2), 0);
	EXPECT_EQ(k.field("handoff-release-acquire", "verdict"), "fail");
	EXPECT_EQ(k.field("handoff-release-acquire", "invariant"), "kept-under-rcu");
	EXPECT_EQ(k.field("handoff-release-acquire", "cause"), "lifetime");
}

// Nobody was charged, or the freeing CPU did not see yet who was.
TEST(Handoff, MissingOwnerIsAccountingIfItStaysMissing)
{
	const struct { u64 exts, later; const char *cause; } cases[] = {
		{0, 0, "accounting"}, {0x5001, 0x5001, "accounting"}, {0, 0x5001, "ordering"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.on_handoff = [&](const st_handoff_spec &, st_handoff_counts &counts) {
			counts.states[ST_SAW_CONTENT | ST_SAW_SLAB] = 1;
			counts.first_wrong = {0x1000, 5, 5, 5, c.exts, c.later, 2, 2,
					      ST_SAW_CONTENT | ST_SAW_SLAB, 1, 0};
		};
		ASSERT_EQ(k.run("handoff-release-acquire", 2), 0);
		EXPECT_EQ(k.field("handoff-release-acquire", "invariant"), "free-sees-alloc");
		EXPECT_EQ(k.field("handoff-release-acquire", "cause"), c.cause) << c.exts;
	}
}

TEST(Handoff, WrongPairIsCaughtWhereTheCpuShowsItAndSkippedWhereNot)
{
	for (bool shown : {true, false}) {
		FakeKernel k(shape_7_1());
		k.on_litmus = [&](const st_litmus_spec &, st_litmus_counts &counts) {
			counts.states[ST_TRIAL_POINTER] = shown;
			counts.expected = counts.later = 9;
		};
		ASSERT_EQ(k.run("handoff-once-dependency"), 0);
		const std::string name = "busted-handoff-once-dependency";
		EXPECT_EQ(k.field(name, "verdict"), shown ? "fail" : "skip");
		EXPECT_EQ(k.totals.twins, shown ? 1u : 0u);
		EXPECT_EQ(k.totals.twins_caught, shown ? 1u : 0u);
		if (shown)
			EXPECT_EQ(k.field(name, "cause"), "ordering");
		else
			EXPECT_NE(k.field(name, "reason").find("allowed by the model, not shown by "
							       "this CPU in "), std::string::npos);
	}
}

TEST(Handoff, BenchesHaveALineARound)
{
	FakeKernel k(shape_7_1());
	ASSERT_EQ(k.run("handoff-rcu-rcu", 1, 2, "sampling,mp"), 0);
	EXPECT_TRUE(contains(k.lines, "# bench sampling round=1 period=16 on_per_s="));
	EXPECT_TRUE(contains(k.lines, "# bench mp round=1 trials_per_s=333 overlap_share=0.2000 "
				      "overlaps=20 wrong=0"));
}

TEST(Handoff, SamplingMustBeAPowerOfTwo)
{
	FakeKernel k(shape_7_1());
	k.sampling = 12;
	EXPECT_EQ(k.run("*"), -22);
	EXPECT_NE(std::string(k.reason).find("sampling=12"), std::string::npos);
}
