// SPDX-License-Identifier: GPL-2.0
//
// fake_racers - racers that only count, a sampler that has seen what a test
// says, lists and node structures that agree until one makes them differ.
// Included by fake_kernel, not by tests.
#pragma once
#include <cstring>
#include <functional>

#include "../core/base.h"

namespace st::test {

struct FakeRacers {
	std::function<void(st_race_row *)> on_rows;
	std::function<void(u32 watched, st_watch_counts &)> on_watch;
	std::function<void(s32 nid, st_node_lists *)> on_lists;
	std::function<void(u32 call, st_node_structs &)> on_structs;
	std::function<int(u32 slabs)> on_use;
	bool deaf = false;		// nobody listens: no step is refused
	bool removed_though_pinned = false;

	st_race_spec spec = {};
	bool running = false, watching = false, pinned = false, stepping = false;
	u32 watched = 0, refuse = 0, refused = 0, rests = 0, structs_calls = 0;
	u64 refusals = 0, steps = 0;

	// What a listener, or a page, says to a step of a block.
	bool refuses(u32 block, u32 state)
	{
		const bool offline = state == ST_BLOCK_OFFLINE;
		if (pinned && block == 1 && offline)
			return !removed_though_pinned;
		const bool no = (refuse == ST_REFUSE_OFFLINE && offline) ||
				(refuse == ST_REFUSE_ONLINE && !offline);
		if (!no || deaf)
			return false;
		refused++;
		refusals++;
		return true;
	}
	void rows(st_race_row *row)
	{
		for (u32 i = 0; i < ST_RACES; i++) {
			row[i] = {};
			if (spec.wanted >> i & 1)
				row[i].laps = row[i].done = 7;
		}
		if (on_rows)
			on_rows(row);
	}
	void seen(st_watch_counts *counts)
	{
		*counts = {};
		counts->caches = 4;
		counts->looks = 1000;
		const st_watch_sight sight{"busted-0", 0x1000, 0, 0x6b6b6b6b, 0x6b6b, 0x6b6b, 1};
		if (watched == ST_WATCH_FREED) {
			counts->gone = 4;
			counts->first_gone = sight;
		}
		if (watched == ST_WATCH_EARLY) {
			counts->appeared = counts->raw = 4;
			counts->first_raw = sight;
		}
		if (on_watch)
			on_watch(watched, *counts);
	}
	int lists(s32 nid, bool busted, st_node_lists *rows, u32 max)
	{
		const u32 count = busted ? 1 : 3;
		EXPECT_LE(count, max);
		for (u32 i = 0; i < count; i++) {
			rows[i] = {};
			rows[i].cache = 0x1000 * (i + 1);
			rows[i].node = 0x2000 * (i + 1);
			rows[i].nr_partial = rows[i].partial = busted ? 3 : i;
			rows[i].nr_partial -= busted;
			rows[i].nr_slabs = 5;
			rows[i].has_barn = !busted;
			rows[i].nr_full = rows[i].full = 2;
			snprintf(rows[i].name, sizeof(rows[i].name), "cache-%u", i);
		}
		if (on_lists && !busted)
			on_lists(nid, rows);
		return int(count);
	}
	void structs(bool busted, st_node_structs *s)
	{
		*s = {100, 100, 98};
		if (busted)
			s->in_use += watched == ST_WATCH_LEAKED ? 4 * structs_calls : 0;
		if (on_structs && !busted)
			on_structs(structs_calls, *s);
		structs_calls++;
	}
};

} // namespace st::test
