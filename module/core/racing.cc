// SPDX-License-Identifier: GPL-2.0
//
// racing - see racing.h.
#include "racing.h"
#include "scenario.h"

namespace st {
namespace {

constexpr RacerName kRacers[] = {
#define RACER(constant, name, what) {name, what},
#include "../abi/racers.def"
#undef RACER
};
static_assert(sizeof(kRacers) / sizeof(kRacers[0]) == ST_RACES);

constexpr Text kNone = "none";

void describe(const RacerName &racer, const st_race_row &row, Tally *tally)
{
	Remark line("racer ");
	line.add(racer.name).add(": ");
	if (row.why_not[0]) {
		tally->remarks().add(line.add("no, ").add(row.why_not).text());
		return;
	}
	line.add_dec(row.laps).add(" laps, ").add_dec(row.done).add(" done");
	if (row.on_node)
		line.add(", ").add_dec(row.on_node).add(" on the node");
	if (row.refused)
		line.add(", ").add_dec(row.refused).add(" refused");
	tally->remarks().add(line.text());
	if (row.laps)
		return;
	Line<ST_REASON_BYTES> why("racer ");
	tally->broken(why.add(racer.name).add(" did nothing, so nothing was raced with").text());
}

} // namespace

Span<const RacerName> racer_names()
{
	return Span<const RacerName>(kRacers);
}

Text racers_asked_for(const char *list)
{
	return list ? Text(list) : Text("*");
}

Chosen chosen_racers(Text list)
{
	Chosen chosen;
	if (list == kNone)
		return chosen;
	for (u32 i = 0; i < ST_RACES; i++)
		any_glob(list, [&](Text glob) {
			if (glob_match(glob, kRacers[i].name))
				chosen.wanted |= 1ull << i;
			if (glob == Text(kRacers[i].name))
				chosen.by_name |= 1ull << i;
			return false;
		});
	return chosen;
}

Text unknown_racer_in(Text list)
{
	Text unknown;
	if (list == kNone)
		return unknown;
	any_glob(list, [&](Text glob) {
		for (const RacerName &racer : kRacers)
			if (glob_match(glob, racer.name))
				return false;
		unknown = glob.empty() ? Text("(empty)") : glob;
		return true;
	});
	return unknown;
}

bool all_have_run(Span<const st_race_row> rows, u64 wanted)
{
	for (u32 i = 0; i < ST_RACES; i++)
		if (wanted >> i & 1 && !rows[i].laps && !rows[i].why_not[0])
			return false;
	return true;
}

u64 describe_racers(Span<const st_race_row> rows, u64 wanted, Tally *tally)
{
	u64 laps = 0;
	for (u32 i = 0; i < ST_RACES; i++) {
		if (!(wanted >> i & 1))
			continue;
		describe(kRacers[i], rows[i], tally);
		laps += rows[i].laps;
	}
	return laps;
}

} // namespace st
