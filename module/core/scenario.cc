// SPDX-License-Identifier: GPL-2.0
//
// scenario - see scenario.h.
#include "scenario.h"
#include "timeline.h"

namespace st {
namespace {

constexpr u32 External = static_cast<u32>(Placement::External);
constexpr u32 Leftover = static_cast<u32>(Placement::Leftover);
constexpr u32 InObject = static_cast<u32>(Placement::InObject);

// By which way a node's memory goes.
constexpr u32 BySysfs = static_cast<u32>(Way::Sysfs);
constexpr u32 ByModule = static_cast<u32>(Way::Module);
constexpr u32 FromOutside = static_cast<u32>(Way::Outside);

// What is published too early, and who of the kernel's readers is let at it.
constexpr u32 met(u32 mode, u32 meeter) { return mode + ST_PUBLICATION_MODES * meeter; }
constexpr u32 TwinMet = met(ST_PUBLICATION_TWIN_MEET, 0);
constexpr u32 MetObjects = met(ST_PUBLICATION_MEET, ST_MEETER_OBJECTS);
constexpr u32 MetPartial = met(ST_PUBLICATION_MEET, ST_MEETER_PARTIAL);
constexpr u32 MetSlabs = met(ST_PUBLICATION_MEET, ST_MEETER_SLABS);
constexpr u32 MetShrink = met(ST_PUBLICATION_MEET, ST_MEETER_SHRINK);
constexpr u32 MetValidate = met(ST_PUBLICATION_MEET, ST_MEETER_VALIDATE);
constexpr u32 MetAlloc = met(ST_PUBLICATION_MEET, ST_MEETER_ALLOC);

constexpr Scenario kScenarios[] = {
#define SCENARIO(name, family, argument, timed, cause, question) \
	{name, Family::family, argument, timed, Cause::cause, question},
#include "scenarios.def"
#undef SCENARIO
};

constexpr Text kBusted = "busted-";

// busted-a-b-c belongs to a-b-c, or to a-b if there is no a-b-c.
Text owner_of(const Scenario &control)
{
	const Text rest = Text(control.name).from(kBusted.size());
	Text owner = rest;
	size_t longest = 0;
	for (const Scenario &s : kScenarios) {
		const Text name(s.name);
		const bool whole = rest.size() == name.size() ||
				   (rest.size() > name.size() && rest[name.size()] == '-');
		if (name.size() <= longest || !whole || !(rest.until(name.size()) == name))
			continue;
		longest = name.size();
		owner = name;
	}
	return owner;
}

bool glob_chooses(Text glob, const Scenario &scenario)
{
	if (glob_match(glob, scenario.name))
		return true;
	return scenario.busted() && glob_match(glob, owner_of(scenario));
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
	return any_glob(list, [&](Text glob) { return glob_chooses(glob, scenario); });
}

Text unknown_in(Text list)
{
	if (list == Text("none"))
		return {};
	Text unknown;
	any_glob(list, [&](Text glob) {
		for (const Scenario &scenario : scenarios())
			if (glob_chooses(glob, scenario))
				return false;
		unknown = glob.empty() ? Text("(empty)") : glob;
		return true;
	});
	return unknown;
}

} // namespace st
