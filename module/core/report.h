// SPDX-License-Identifier: GPL-2.0
//
// report - everything above to KTAP lines through one sink. It decides
// nothing: verdicts come from the tally. Format: the kernel's
// Documentation/dev-tools/ktap.rst, with "# record" lines for the host.
#pragma once
#include "scenario.h"
#include "tally.h"

namespace st {

using ReportLine = Line<992>;	// a record with all its texts at their longest

class Report {
public:
	explicit Report(const st_ops &ops) : ops_(ops) {}

	void begin(const st_environment &env, const st_request &request);
	void layout_line(Text line);
	void plan(u32 scenarios);
	void scenario_begin(const Scenario &scenario);
	void breach(Invariant invariant, const InvariantTally &breach);
	void scenario_end(u32 number, const Scenario &scenario, const Tally &tally,
			  u64 duration_ns);
	// Nothing follows: what it used can never be given back.
	void abandoned(const Scenario &scenario);
	// One line of a benchmark; fields(row) adds " key=value" pairs.
	template <typename Fields> void bench(Text name, u32 round, Fields fields)
	{
		fields(start("# bench ").add(name).add(" round=").add_dec(round));
		flush();
	}
	void end(const st_totals &totals);

private:
	// One line is under construction at a time: the kernel's stack is small.
	ReportLine &start(Text text);
	void flush();
	u32 invariants(const Tally &tally);
	void histogram(const Scenario &scenario, const Tally &tally);
	void coverage(const Tally &tally);
	void timeline(const Tally &tally);
	void record(const Scenario &scenario, const Tally &tally, u64 duration_ns);
	void others(const Scenario &scenario, const Tally &tally);
	void result(u32 number, const Scenario &scenario, const Tally &tally);

	const st_ops &ops_;
	ReportLine row_;
};

// A control is right when it failed, and with the cause that it must have.
bool caught(const Scenario &scenario, const Tally &tally);

} // namespace st
