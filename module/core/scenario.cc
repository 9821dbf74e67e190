// SPDX-License-Identifier: GPL-2.0
//
// scenario - see scenario.h.
#include "scenario.h"

namespace st {
namespace {

constexpr u32 External = static_cast<u32>(Placement::External);
constexpr u32 Leftover = static_cast<u32>(Placement::Leftover);
constexpr u32 InObject = static_cast<u32>(Placement::InObject);

constexpr Scenario kScenarios[] = {
#define SCENARIO(name, family, argument, timed, cause, question) \
	{name, Family::family, argument, timed, Cause::cause, question},
#include "scenarios.def"
#undef SCENARIO
};

constexpr Text kBusted = "busted-";

// Calls visit(glob) for every glob of the list until it returns false.
template <typename Visit> void each_glob(Text list, Visit visit)
{
	size_t begin = 0;
	while (begin <= list.size()) {
		size_t end = begin;
		while (end < list.size() && list[end] != ',')
			end++;
		if (!visit(list.from(begin).until(end - begin)))
			return;
		begin = end + 1;
	}
}

bool glob_chooses(Text glob, const Scenario &scenario)
{
	const Text name(scenario.name);
	if (glob_match(glob, name))
		return true;
	return scenario.busted() && glob_match(glob, name.from(kBusted.size()));
}

} // namespace

Span<const Scenario> scenarios()
{
	return Span<const Scenario>(kScenarios);
}

bool glob_match(Text pattern, Text text)
{
	size_t p = 0, t = 0, star = ~size_t(0), mark = 0;
	while (t < text.size()) {
		if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
			p++;
			t++;
		} else if (p < pattern.size() && pattern[p] == '*') {
			star = p++;
			mark = t;
		} else if (star != ~size_t(0)) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.size() && pattern[p] == '*')
		p++;
	return p == pattern.size();
}

bool chosen(Text list, const Scenario &scenario)
{
	bool found = false;
	each_glob(list, [&](Text glob) {
		found = glob_chooses(glob, scenario);
		return !found;
	});
	return found;
}

Text unknown_in(Text list)
{
	Text unknown;
	bool missing = false;
	each_glob(list, [&](Text glob) {
		bool any = false;
		for (const Scenario &scenario : scenarios())
			any = any || glob_chooses(glob, scenario);
		if (!any) {
			unknown = glob.empty() ? Text("(empty)") : glob;
			missing = true;
		}
		return !missing;
	});
	return unknown;
}

} // namespace st
