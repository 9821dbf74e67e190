// SPDX-License-Identifier: GPL-2.0
//
// report_test - the KTAP text of every kind of verdict, through a sink that
// keeps the lines. How hosts read them is left to the tests of scripts.
#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "../core/report.h"

using namespace st;

namespace {

std::vector<std::string> lines, marks;

const st_ops &sink()
{
	static const st_ops ops = [] {
		st_ops o = {};
		o.emit = [](const char *text, size_t bytes) {
			EXPECT_EQ(bytes, std::string(text).size());
			lines.emplace_back(text, bytes);
		};
		o.mark = [](const char *text) { marks.emplace_back(text); };
		return o;
	}();
	lines.clear();
	marks.clear();
	return ops;
}

const Scenario kPlain{"exts-external", Family::Exts, 0, false, Cause::None, "a question"};
const Scenario kControl{"busted-exts-in-object", Family::BustedExts, 2, false,
			Cause::Truncation, "a control"};

void breach(Tally *tally, const Sighting &sighting, const char *evidence)
{
	tally->ask(Invariant::ExtsStepMatchesLayout, Finding{false, sighting},
		   [&](Evidence &e) { e.add(evidence); });
}

constexpr Sighting kTruncated{65536, 0, 0, 0}, kCorrupted{16, 17, 17, 17};

void end(const Scenario &scenario, const Tally &tally)
{
	Report(sink()).scenario_end(3, scenario, tally, 12000000);
}

std::string record()
{
	for (const std::string &line : lines)
		if (line.rfind("# record ", 0) == 0)
			return line;
	return "";
}

size_t count_of(const std::string &begin)
{
	size_t found = 0;
	for (const std::string &line : lines)
		found += line.rfind(begin, 0) == 0;
	return found;
}

size_t count(const std::string &text, char c)
{
	return size_t(std::count(text.begin(), text.end(), c));
}

} // namespace

TEST(Report, BeginsWithVersionRunAndPlan)
{
	Report report(sink());
	st_environment env = {};
	strcpy(env.release, "7.2.1");
	strcpy(env.arch, "x86_64");
	strcpy(env.cpus_text, "0-1");
	strcpy(env.nodes_text, "0-1");
	env.page_bytes = 4096;
	report.begin(env, st_request{"exts-*", 5, 42, 0, "*", 0, nullptr, 0});
	report.layout_line("exts=x");
	report.plan(14);
	const std::vector<std::string> expected{
		"KTAP version 1",
		"# run release=7.2.1 arch=x86_64 page_size=4096 cpus=0-1 nodes=0-1 seed=42 "
		"seconds=5 scenario=exts-*",
		"# layout exts=x", "1..14"};
	EXPECT_EQ(lines, expected);
}

TEST(Report, BeginsAScenarioInLogAndText)
{
	Report(sink()).scenario_begin(kPlain);
	const std::vector<std::string> expected{"    KTAP version 1",
						"    # Subtest: exts-external",
						"    # a question"};
	EXPECT_EQ(lines, expected);
	EXPECT_EQ(marks, std::vector<std::string>{"begin exts-external"});
}

TEST(Report, PassHasEveryFieldOfARecord)
{
	Tally tally;
	tally.held(Invariant::ExtsPresent, 7);
	tally.observed(123456);
	tally.overlapped(12);
	end(kPlain, tally);
	const std::vector<std::string> expected{
		"    ok 1 exts-present # 7 asked, 0 broken",
		"    1..1",
		"# record scenario=exts-external verdict=pass expected=pass cause=none invariant=- "
		"observations=123456 overlaps=12 duration_ms=12 breach_ms=- evidence=\"-\" reason=\"-\" note=\"-\"",
		"ok 3 exts-external"};
	EXPECT_EQ(lines, expected);
	EXPECT_EQ(marks, std::vector<std::string>{"end exts-external pass"});
}

TEST(Report, FailNamesInvariantCauseAndEvidence)
{
	Tally tally;
	breach(&tally, kTruncated, "size 65472");
	end(kPlain, tally);
	EXPECT_EQ(lines[0], "    not ok 1 exts-step-matches-layout # 1 asked, 1 broken");
	EXPECT_EQ(lines[1], "    # cause: truncation, first seen 0 ms after load");
	EXPECT_EQ(lines[2], "    # evidence: size 65472");
	EXPECT_NE(record().find("verdict=fail expected=pass cause=truncation "
				"invariant=exts-step-matches-layout "), std::string::npos);
	EXPECT_NE(record().find("evidence=\"size 65472\""), std::string::npos);
	EXPECT_EQ(lines.back(), "not ok 3 exts-external # exts-step-matches-layout, truncation");
}

TEST(Report, SkipIsOkWithItsReason)
{
	for (const Scenario *scenario : {&kPlain, &kControl}) {
		Tally tally;
		tally.skip("no such placement");
		end(*scenario, tally);
		EXPECT_EQ(lines.back(), std::string("ok 3 ") + scenario->name +
					" # SKIP no such placement");
		EXPECT_NE(record().find("reason=\"no such placement\""), std::string::npos);
	}
}

TEST(Report, NothingSeenIsBroken)
{
	Tally tally;
	end(kPlain, tally);
	EXPECT_EQ(lines.back().rfind("not ok 3 exts-external # broken", 0), 0u);
	EXPECT_EQ(marks.back(), "end exts-external broken");
}

TEST(Report, ControlsMustFailWithTheirCause)
{
	Tally right, wrong, silent;
	breach(&right, kTruncated, "x");
	breach(&wrong, kCorrupted, "x");
	silent.observed(5);
	EXPECT_TRUE(caught(kControl, right));
	EXPECT_FALSE(caught(kControl, wrong));
	EXPECT_FALSE(caught(kControl, silent));
	end(kControl, right);
	EXPECT_NE(record().find("expected=fail:truncation cause=truncation"), std::string::npos);
	EXPECT_EQ(lines.back(), "ok 3 busted-exts-in-object # XFAIL truncation, as it must");
	for (const Tally *tally : {&wrong, &silent}) {
		end(kControl, *tally);
		EXPECT_EQ(lines.back(), "not ok 3 busted-exts-in-object # broken: the control did "
					"not fail with cause truncation");
	}
}

TEST(Report, ValuesCannotEndTheirQuotes)
{
	Tally tally;
	breach(&tally, kCorrupted, "name \"x\"\ny");
	tally.skip("a \"b\"");
	end(kPlain, tally);
	EXPECT_EQ(count(record(), '"'), 6u) << record();
	EXPECT_EQ(count(record(), '\n'), 0u);
	EXPECT_NE(record().find("evidence=\"name 'x''y\""), std::string::npos) << record();
}

// Whatever is cut, a record stays a record: its quotes come in pairs.
TEST(Report, LongTextIsCutInsideItsQuotes)
{
	const std::string text(1000, 'x');
	const Scenario longest{"busted-node-offline-online", Family::Node, 1, false,
			       Cause::Truncation, "q"};
	Tally tally;
	tally.ask(Invariant::OfflineNodeHasNoSlabs, Finding{false, kTruncated},
		  [&](Evidence &e) { e.add(text.c_str()); EXPECT_TRUE(e.truncated()); });
	tally.observed(9999999999);
	tally.overlapped(999999999);
	tally.note(text.c_str());
	end(longest, tally);
	EXPECT_EQ(count(record(), '"'), 6u) << record();
	EXPECT_EQ(record().back(), '"') << record();
}

TEST(Report, EverythingLongAtOnceIsCutInsideItsQuotes)
{
	const std::string text(1000, 'x');
	Tally tally;
	tally.ask(Invariant::OfflineNodeHasNoSlabs, Finding{false, kTruncated},
		  [&](Evidence &e) { e.add(text.c_str()); });
	tally.observed(~0ull);
	tally.overlapped(~0ull);
	tally.broken(text.c_str());
	tally.note(text.c_str());
	end(kControl, tally);
	EXPECT_EQ(count(record(), '"'), 6u) << record();
	EXPECT_EQ(record().back(), '"') << record();
}

TEST(Report, HistogramHasALineForEachStateSeen)
{
	st_handoff_counts counts = {};
	counts.states[7] = 10;
	counts.states[6] = 1;
	Tally tally;
	tally.histogram().add(counts);
	tally.observed(11);
	end(kPlain, tally);
	const std::vector<std::string> expected{
		"    1..0", "    # Histogram (2 states)",
		"    # 10 :> 1:content=1; 1:metadata=1; 1:slab=1;",
		"    # 1 *> 1:content=0; 1:metadata=1; 1:slab=1;",
		std::string("    # Observation ") + kPlain.name + " Sometimes 1 10"};
	EXPECT_EQ(std::vector<std::string>(lines.begin(), lines.begin() + 5), expected);
}

TEST(Report, WhatElseBrokeIsNamedWithItsCause)
{
	Tally tally;
	breach(&tally, kTruncated, "a step of 0");
	end(kPlain, tally);
	EXPECT_EQ(count_of("# others "), 0u);
	tally.ask(Invariant::ExtsOwnSlot, Finding{false, kCorrupted}, [](Evidence &) {});
	tally.ask(Invariant::ExtsAligned, Finding{true, {}}, [](Evidence &) {});
	lines.clear();
	end(kPlain, tally);
	EXPECT_NE(record().find("invariant=exts-step-matches-layout"), std::string::npos);
	EXPECT_EQ(count_of(std::string("# others scenario=") + kPlain.name +
			   " broken=\"exts-own-slot:corruption\""),
		  1u);
}

TEST(Report, BenchAndEnd)
{
	Report report(sink());
	report.bench("engine", 0, [](ReportLine &row) { row.add(" engine_per_s=93"); });
	report.bench("engine", 1, [](ReportLine &) {});
	report.end(st_totals{7, 0, 2, 1, 5, 4});
	const std::vector<std::string> expected{
		"# bench engine round=0 engine_per_s=93",
		"# bench engine round=1",
		"# end pass=7 fail=0 skip=2 broken=1 twins=4/5"};
	EXPECT_EQ(lines, expected);
	EXPECT_EQ(marks, std::vector<std::string>{"run complete"});
}
