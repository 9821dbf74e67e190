// SPDX-License-Identifier: GPL-2.0
//
// scenario - the table of named scenarios and the choice among them. What a
// family does is in experiment_*.cc; a new scenario of a known family is one
// line in scenarios.def.
#pragma once
#include "observation.h"
#include "verdict.h"

namespace st {

enum class Family : u8 {
	Exts, BustedExts, Sweep, Kmalloc, Late, Counters, Handoff, BustedHandoff, WrongHandoff,
	Node, Ways, Charge, Inspect, Audit, Churn, Price, Window,
	Publication
};

struct Scenario {
	const char *name;
	Family family;
	u32 argument;		// meaning depends on the family
	bool timed;		// shares the seconds asked for
	Cause expected;		// None, or the cause a control must fail with
	const char *question;

	bool busted() const { return expected != Cause::None; }
};

Span<const Scenario> scenarios();

// `*` any run of characters, `?` any one.
bool glob_match(Text pattern, Text text);
// Whether visit(glob) is true for one of the globs, which commas separate.
template <typename Visit> bool any_glob(Text list, Visit visit)
{
	size_t begin = 0;
	while (begin <= list.size()) {
		size_t end = begin;
		while (end < list.size() && list[end] != ',')
			end++;
		if (visit(list.from(begin).until(end - begin)))
			return true;
		begin = end + 1;
	}
	return false;
}
// list: globs, separated by commas. A control is chosen by its own name or by
// that of the scenario it belongs to: the longest that its own begins with
// after busted-.
bool chosen(Text list, const Scenario &scenario);
// First glob of the list that chooses nothing; empty when all do.
Text unknown_in(Text list);

} // namespace st
