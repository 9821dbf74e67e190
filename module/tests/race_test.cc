// SPDX-License-Identifier: GPL-2.0
//
// race_test - races as a run asks them: what appears late on a live slab, and
// what changes beside the free counters.
#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "../core/scenario.h"
#include "expect.h"

using namespace st;
using namespace st::test;

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

// What a race is given is for it to be won; then it goes on for a moment.
TEST(Run, WonRaceEndsSoonAndSeesWhatElseBreaks)
{
	for (const bool wins : {false, true}) {
		FakeKernel k(shape_7_1());
		u32 batches = 0;
		k.on_late = [&](const st_late_spec &spec, st_late_counts &counts) {
			if (spec.busted)
				return;
			batches++;
			if (wins && batches > 10) {
				counts.step_wrong = 1;
				counts.step_expected = counts.step_on_writer = counts.step_later = 16;
			}
			if (wins && batches > 20) {
				counts.slot_dirty = counts.slot_index = 1;
				counts.slot_seen = 0x1234;
			}
		};
		ASSERT_EQ(k.run("exts-late", 20), 0);
		if (!wins) {
			EXPECT_EQ(k.field("exts-late", "verdict"), "pass");
			EXPECT_GE(batches, 1000u);
			continue;
		}
		expect_fail(k, "exts-late", "exts-step-matches-layout", "ordering");
		const auto tells = [](const std::string &line) {
			return line.find("exts-own-slot") != std::string::npos;
		};
		EXPECT_TRUE(std::any_of(k.lines.begin(), k.lines.end(), tells));
		EXPECT_GE(batches, 100u);
		EXPECT_LE(batches, 400u);
	}
}

// Filled late is one thing, never filled another.
TEST(Run, LateDirtySlotsAreJudgedByWhetherTheyStay)
{
	const struct { u64 writer, later; const char *cause; } cases[] = {
		{0, 0, "ordering"}, {0x1234, 0x1234, "corruption"}, {0, 0x1234, "corruption"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.on_late = [&](const st_late_spec &spec, st_late_counts &counts) {
			if (spec.busted)
				return;
			counts.slot_dirty = 1;
			counts.slot_index = 3;
			counts.slot_seen = 0x1234;
			counts.slot_on_writer = c.writer;
			counts.slot_later = c.later;
		};
		ASSERT_EQ(k.run("exts-late"), 0);
		expect_fail(k, "exts-late", "exts-own-slot", c.cause);
	}
}

// The kernel may not live to the end of a scenario that found it wrong.
TEST(Run, FirstBreachOfEachInvariantIsToldWhenItIsSeen)
{
	FakeKernel k(shape_7_1());
	k.on_late = [](const st_late_spec &spec, st_late_counts &counts) {
		if (spec.busted)
			return;
		counts.slot_dirty = counts.slot_index = 1;
		counts.slot_seen = 0x1234;
		counts.step_wrong = 1;
		counts.step_expected = counts.step_on_writer = counts.step_later = 16;
	};
	ASSERT_EQ(k.run("exts-late"), 0);
	std::vector<std::string> told;
	for (const std::string &line : k.lines) {
		if (line.rfind("# record scenario=exts-late ", 0) == 0)
			break;
		if (line.find("# breach ") != std::string::npos)
			told.push_back(line.substr(0, line.find(" breach_ms=")));
	}
	// each control has some, too, and many rounds have more
	std::sort(told.begin(), told.end());
	const std::vector<std::string> wanted{
		"    # breach invariant=exts-own-slot cause=ordering",
		"    # breach invariant=exts-step-matches-layout cause=ordering"};
	EXPECT_EQ(told, wanted);
	FakeKernel sound(shape_7_1());
	ASSERT_EQ(sound.run("exts-late"), 0);
	for (const std::string &line : sound.lines)
		EXPECT_EQ(line.find("# breach "), std::string::npos) << line;
}

// A free that empties another's slot, by a step that both CPUs have right.
TEST(Run, OwnersLostToAFreeAreJudgedByWhenAndByTheSteps)
{
	const struct { u64 writer, later, alone; const char *cause; } cases[] = {
		{5, 5, 0, "ordering"}, {5, 5, 1, "corruption"}, {0, 0, 0, "corruption"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.on_late = [&](const st_late_spec &spec, st_late_counts &counts) {
			if (spec.busted)
				return;
			counts.emptied = 1;
			counts.emptied_alone = c.alone;
			counts.freed_index = 5;
			counts.emptied_on_writer = c.writer;
			counts.emptied_later = c.later;
		};
		ASSERT_EQ(k.run("exts-late-stride-first"), 0);
		expect_fail(k, "exts-late-stride-first", "exts-own-slot", c.cause);
	}
}

TEST(Run, StepsBesideCountersAreJudgedByWhoSawThem)
{
	const struct { u64 writer, later; const char *cause; } cases[] = {
		{16, 16, "ordering"}, {16, 0, "corruption"}, {0, 0, "corruption"}};
	for (const Shape &shape : {shape_7_1(), shape_7_3(false)})
		for (const auto &c : cases) {
			FakeKernel k(shape);
			k.on_counters = [&](const st_counters_spec &spec, st_counters_counts &counts) {
				if (spec.busted)
					return;
				counts.wrong = 1;
				counts.expected = 16;
				counts.on_writer = c.writer;
				counts.later = c.later;
			};
			ASSERT_EQ(k.run("exts-counters"), 0);
			expect_fail(k, "exts-counters", "stride-stable-while-live", c.cause);
		}
}

TEST(Run, CountersThatNeverChangeAreBroken)
{
	FakeKernel k(shape_7_3(false));
	k.on_counters = [](const st_counters_spec &, st_counters_counts &c) { c.changes = 0; };
	ASSERT_EQ(k.run("exts-counters"), 0);
	EXPECT_EQ(k.field("exts-counters", "verdict"), "broken") << k.record("exts-counters");
}

// Read orders, barriers, three CPUs: what the kernel side is asked for.
TEST(Run, RacesAreAskedInEveryForm)
{
	FakeKernel k(shape_7_1());
	std::set<std::tuple<u32, u32, u32>> forms;
	k.env.cpus = 3;
	k.env.cpu[2] = 2;
	k.on_late = [&](const st_late_spec &spec, st_late_counts &) {
		if (spec.busted)
			return;
		forms.insert({spec.read_order, spec.barrier, spec.object_bytes});
		EXPECT_EQ((std::set<u32>{spec.writer_cpu, spec.reader_cpu, spec.freer_cpu}).size(), 3u);
	};
	ASSERT_EQ(k.run("exts-late*"), 0);
	EXPECT_EQ(forms.size(), 2u * 2 * 4);
}

TEST(Run, OutcomesAndWideningAreSaid)
{
	FakeKernel k(shape_7_1());
	st_widen_row probed = {}, absent = {};
	strcpy(probed.name, "alloc_slab_obj_exts");
	probed.places = 27;
	probed.hits = 100;
	probed.held = 4;
	probed.least_us = 1;
	probed.most_us = 120;
	probed.sum_us = 200;
	strcpy(absent.name, "some_function");
	strcpy(absent.why_not, "not a function of this kernel, or not to be probed");
	k.widened = {probed, absent};
	k.on_late = [](const st_late_spec &spec, st_late_counts &counts) {
		if (spec.busted || !spec.barrier)
			return;
		counts.outcomes[8 + 4 + ST_FREED_ACROSS]--;
		counts.outcomes[8 + ST_FREED_AT_ONCE]++;
	};
	ASSERT_EQ(k.run("exts-late"), 0);
	const std::string all = k.said();
	for (const char *said : {
		     "# Histogram of vector, then step, no barrier (2 states)\n",
		     " :> vector=0->1; step=right; free=across;\n",
		     " :> vector=1; step=right; free=later;\n",
		     "# Observation exists (vector=1 /\\ step=wrong) Never 0 ",
		     " :> vector=0->1; step=wrong; free=at-once;\n",
		     "# Observation exists (vector=1 /\\ step=wrong) Sometimes ",
		     "# widened: alloc_slab_obj_exts, 27 places, 100 hits, held 4 times "
		     "for 1 to 120 us, mean 50\n",
		     "# widened: some_function: no, not a function of this kernel",
		     "# widened: delays and places are drawn from seed "})
		EXPECT_NE(all.find(said), std::string::npos) << said << "\n" << all;
	EXPECT_GT(k.calls["widen_move"], 0u);
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
	k.on_litmus = [](const st_litmus_spec &, st_litmus_counts &c) {
		c.states[ST_TRIAL_CONTENT] = 0;
	};
	ASSERT_EQ(k.run("exts-late,handoff-*"), 0);
	for (const char *name : {"exts-late", "handoff-release-acquire", "handoff-xchg-xchg", "handoff-spinlock-spinlock"})
		EXPECT_EQ(k.field(name, "verdict"), "broken") << k.record(name);
}
