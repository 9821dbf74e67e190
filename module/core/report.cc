// SPDX-License-Identifier: GPL-2.0
//
// report - see report.h.
#include "report.h"

namespace st {
namespace {

constexpr Text kIndent = "    ";

// Names of caches are anybody's: nothing in them may end a line or a quote.
void plain(ReportLine *line, Text value)
{
	for (size_t i = 0; i < value.size(); i++)
		line->add_char(value[i] == '"' || value[i] == '\n' ? '\'' : value[i]);
}

// Values with blanks stand in double quotes.
void quoted(ReportLine *line, Text key, Text value)
{
	line->add(" ").add(key).add("=\"");
	plain(line, value);
	if (value.empty())
		line->add("-");
	line->add("\"");
}

Text invariant_name(const Tally &tally)
{
	return tally.has_breach() ? name(tally.first()) : Text("-");
}

} // namespace

bool caught(const Scenario &scenario, const Tally &tally)
{
	return tally.verdict() == Verdict::Fail && tally.cause() == scenario.expected;
}

ReportLine &Report::start(Text text)
{
	row_.clear();
	return row_.add(text);
}

void Report::flush()
{
	ops_.emit(row_.c_str(), row_.text().size());
}

void Report::begin(const st_environment &env, const st_request &request)
{
	start("KTAP version 1");
	flush();
	ReportLine &run = start("# run release=");
	run.add(env.release).add(" arch=").add(env.arch);
	run.add(" page_size=").add_dec(env.page_bytes);
	run.add(" cpus=").add(env.cpus_text).add(" nodes=").add(env.nodes_text);
	run.add(" seed=").add_dec(request.seed).add(" seconds=").add_dec(request.seconds);
	run.add(" scenario=").add(request.scenario);
	flush();
}

void Report::layout_line(Text text)
{
	start("# layout ").add(text);
	flush();
}

void Report::plan(u32 scenarios)
{
	start("1..").add_dec(scenarios);
	flush();
}

// What the host goes by if the kernel ends before the scenario does.
void Report::breach(Invariant invariant, const InvariantTally &breach)
{
	ReportLine &row = start(kIndent).add("# breach invariant=").add(name(invariant));
	row.add(" cause=").add(name(breach.cause));
	row.add(" breach_ms=").add_dec(breach.seen_ns / 1000000);
	quoted(&row, "evidence", breach.evidence.text());
	flush();
}

void Report::scenario_begin(const Scenario &scenario)
{
	start(kIndent).add("KTAP version 1");
	flush();
	start(kIndent).add("# Subtest: ").add(scenario.name);
	flush();
	start(kIndent).add("# ").add(scenario.question);
	flush();
	Line<80> mark("begin ");
	ops_.mark(mark.add(scenario.name).c_str());
}

u32 Report::invariants(const Tally &tally)
{
	u32 number = 0;
	for (size_t i = 0; i < kInvariants; i++) {
		const Invariant invariant = static_cast<Invariant>(i);
		const InvariantTally &t = tally.at(invariant);
		if (!t.asked)
			continue;
		ReportLine &row = start(kIndent);
		row.add(t.broken ? "not ok " : "ok ").add_dec(++number).add(" ");
		row.add(name(invariant)).add(" # ").add_dec(t.asked).add(" asked, ");
		row.add_dec(t.broken).add(" broken");
		flush();
		if (!t.broken)
			continue;
		start(kIndent).add("# cause: ").add(name(t.cause)).add(", first seen ");
		row_.add_dec(t.seen_ns / 1000000).add(" ms after load");
		flush();
		start(kIndent).add("# evidence: ");
		plain(&row_, t.evidence.text());
		flush();
	}
	return number;
}

void Report::histogram(const Scenario &scenario, const Tally &tally)
{
	const Histogram &h = tally.histogram();
	if (!h.total())
		return;
	start(kIndent).add("# Histogram (").add_dec(h.states_seen()).add(" states)");
	flush();
	for (u32 state = kHistogramStates; state-- > 0;) {
		Histogram::Row row;
		if (!h.row(state, &row))
			continue;
		start(kIndent).add("# ").add(row.text());
		flush();
	}
	Histogram::Row observation;
	h.observation(&observation);
	start(kIndent).add("# Observation ").add(scenario.name).add(" ").add(observation.text());
	flush();
}

void Report::coverage(const Tally &tally)
{
	if (!tally.coverage().any())
		return;
	tally.coverage().summary(&start(kIndent).add("# cells: "));
	flush();
	tally.coverage().each_lack([&](u32 cells, Text why) {
		start(kIndent).add("# lacking: ").add_dec(cells).add(" cells, ").add(why);
		flush();
	});
}

void Report::timeline(const Tally &tally)
{
	const Timeline &line = tally.timeline();
	for (u32 i = 0; i < line.count(); i++) {
		if (i == Timeline::first_part() && line.left_out()) {
			start(kIndent).add("# events-left-out count=").add_dec(line.left_out());
			flush();
		}
		EventLine event;
		describe(line.at(i), &event);
		start(kIndent).add("# event ").add(event.text());
		flush();
	}
}

void Report::record(const Scenario &scenario, const Tally &tally, u64 duration_ns)
{
	ReportLine &row = start("# record scenario=");
	row.add(scenario.name).add(" verdict=").add(name(tally.verdict()));
	row.add(" expected=");
	if (scenario.busted())
		row.add("fail:").add(name(scenario.expected));
	else
		row.add("pass");
	row.add(" cause=").add(name(tally.cause()));
	row.add(" invariant=").add(invariant_name(tally));
	row.add(" observations=").add_dec(tally.observations());
	row.add(" overlaps=").add_dec(tally.overlaps());
	row.add(" duration_ms=").add_dec(duration_ns / 1000000);
	row.add(" breach_ms=");	// since load
	if (tally.has_breach())
		row.add_dec(tally.at(tally.first()).seen_ns / 1000000);
	else
		row.add("-");
	quoted(&row, "evidence", tally.has_breach() ? tally.at(tally.first()).evidence.text()
						     : Text());
	quoted(&row, "reason", tally.reason());
	quoted(&row, "note", tally.note());
	flush();
}

// What broke besides the invariant that the record names, in a line of its own:
// a record with all its texts fills one line of the kernel's log.
void Report::others(const Scenario &scenario, const Tally &tally)
{
	Line<640> names;
	for (size_t i = 0; i < kInvariants; i++) {
		const Invariant invariant = static_cast<Invariant>(i);
		const InvariantTally &t = tally.at(invariant);
		if (!t.broken || invariant == tally.first())
			continue;
		names.add(names.empty() ? "" : ",").add(name(invariant));
		names.add(":").add(name(t.cause));
	}
	if (names.empty())
		return;
	start("# others scenario=").add(scenario.name);
	quoted(&row_, "broken", names.text());
	flush();
}

void Report::result(u32 number, const Scenario &scenario, const Tally &tally)
{
	const Verdict verdict = tally.verdict();
	const bool control = scenario.busted();
	const bool good = control ? caught(scenario, tally) || verdict == Verdict::Skip
				  : verdict == Verdict::Pass || verdict == Verdict::Skip;
	ReportLine &row = start(good ? "ok " : "not ok ");
	row.add_dec(number).add(" ").add(scenario.name);
	if (verdict == Verdict::Skip)
		row.add(" # SKIP ").add(tally.reason());
	else if (control && good)
		row.add(" # XFAIL ").add(name(tally.cause())).add(", as it must");
	else if (control)
		row.add(" # broken: the control did not fail with cause ")
			.add(name(scenario.expected));
	else if (verdict == Verdict::Broken)
		row.add(" # broken: ").add(tally.reason());
	else if (verdict == Verdict::Fail)
		row.add(" # ").add(invariant_name(tally)).add(", ").add(name(tally.cause()));
	flush();
}

void Report::scenario_end(u32 number, const Scenario &scenario, const Tally &tally,
			  u64 duration_ns)
{
	const u32 asked = invariants(tally);
	start(kIndent).add("1..").add_dec(asked);
	flush();
	histogram(scenario, tally);
	coverage(tally);
	timeline(tally);
	for (u32 i = 0; i < tally.remarks().count(); i++) {
		start(kIndent).add("# ").add(tally.remarks().at(i));
		flush();
	}
	record(scenario, tally, duration_ns);
	others(scenario, tally);
	result(number, scenario, tally);
	Line<80> mark("end ");
	mark.add(scenario.name).add(" ").add(name(tally.verdict()));
	ops_.mark(mark.c_str());
}

void Report::abandoned(const Scenario &scenario)
{
	start("# abandoned scenario=").add(scenario.name);
	flush();
}

void Report::end(const st_totals &t)
{
	ReportLine &row = start("# end pass=");
	row.add_dec(t.pass).add(" fail=").add_dec(t.fail).add(" skip=").add_dec(t.skip);
	row.add(" broken=").add_dec(t.broken).add(" twins=").add_dec(t.twins_caught);
	row.add("/").add_dec(t.twins);
	flush();
	ops_.mark("run complete");
}

} // namespace st
