// SPDX-License-Identifier: GPL-2.0
//
// racing - the racers of racers.def by name: which were asked for, what they
// did, and whether one that should have run did nothing.
#pragma once
#include "tally.h"

namespace st {

struct RacerName {
	const char *name;
	const char *what;
};

Span<const RacerName> racer_names();

// A list of globs; null stands for all, "none" for none.
Text racers_asked_for(const char *list);
struct Chosen {
	u64 wanted = 0;		// 1 << enum st_race_kind
	u64 by_name = 0;	// of these, named without * or ?
};
Chosen chosen_racers(Text list);
Text unknown_racer_in(Text list);	// empty when all are known

// Whether every racer that can run here has run at least once.
bool all_have_run(Span<const st_race_row> rows, u64 wanted);
// A remark for each; one that did nothing makes the verdict broken. Laps in all.
u64 describe_racers(Span<const st_race_row> rows, u64 wanted, Tally *tally);

} // namespace st
