// SPDX-License-Identifier: GPL-2.0
//
// fake_nodes - nodes whose memory goes and comes, who races with that, and who
// is held in its window. Part of fake_kernel; not for tests.
#pragma once
#include "fake_kernel.h"

namespace st::test {

inline int FakeKernel::rows(bool busted, st_node_row *row, u32 max)
{
	const bool offline = away(blocks[0]) && away(blocks[1]);
	if (!enter(busted ? "busted_node_rows" : "node_rows"))
		return -28;
	for (u32 i = 0; i < 3 && i < max; i++) {
		row[i] = {};
		row[i].cache = 0x1000 * (i + 1);
		const u64 id = i + 1 + (asked_nid > 0 ? 0x100 : 0);
		row[i].node = busted && offline ? 0 : 0x2000 * id;
		row[i].barn = shape.barn == Barn::None ? 0 : 0x3000 * id;
		row[i].nr_slabs = offline ? 0 : 5;
		if (i == 0 && !busted && !caches.empty()) {	// of a real one, if any
			row[i].cache = caches.begin()->first;
			row[i].nr_slabs = asked_nid ? 0 : s64(caches.begin()->second->slabs.size());
		}
		snprintf(row[i].name, sizeof(row[i].name), "cache-%u", i);
		if (on_row && !busted)
			on_row(row[i], offline, normal);
	}
	return 3;
}

inline const st_ways_ops *FakeKernel::ways_ops()
{
	static const st_ways_ops table = {
		[](st_host *host) {
			*host = {};
			host->nid = 1;
			host->devices = self->enter("host") ? u32(self->devices.size()) : 0;
			for (u32 i = 0; i < host->devices; i++)
				strcpy(host->device[i], self->devices[i].c_str());
			strcpy(host->reason, "nobody outside answers");
		},
		[](s32, st_node_blocks *now) { *now = self->present(); },
		[](s32, u32 before, st_node_blocks *now) {
			self->answer_host();
			*now = self->present();
			return self->enter("node_wait") && now->blocks != before ? 0 : -110;
		},
		[](s32) { self->enter("rescan"); },
		[] {
			if (!self->enter("listen"))
				return -12;
			self->listening++;
			return 0;
		},
		[](st_notices *notices) {
			*notices = self->told;
			self->told = {};
		},
		[] { self->listening--; }};
	return &table;
}

inline const st_racers_ops *FakeKernel::racers_ops()
{
	static st_racers_ops o = {};
	o.begin = [](const st_race_spec *spec) {
		if (!self->enter("racers_begin"))
			return -12;
		EXPECT_FALSE(self->races.running);
		self->races.spec = *spec;
		self->races.running = true;
		return 0;
	};
	o.rows = [](st_race_row *rows) { self->races.rows(rows); };
	o.end = [] {
		EXPECT_TRUE(self->races.running);
		self->races.running = false;
	};
	o.step = [](u32 rest, u32 refuse) {
		EXPECT_FALSE(self->races.stepping);
		self->races.stepping = true;
		self->races.refuse = refuse;
		self->races.refused = 0;
		self->races.rests += rest != ST_REST_NOT;
		self->races.steps++;
		return self->enter("racers_step") ? 0 : -62;
	};
	o.step_over = [] {
		self->clock += 1000000;
		self->races.stepping = false;
		self->races.refuse = ST_REFUSE_NOTHING;
		return self->races.refused;
	};
	o.pin = [](s32, u32 *block) {
		if (!self->enter("pin"))
			return -12;
		*block = 1;
		self->races.pinned = true;
		return 0;
	};
	o.unpin = [] { self->races.pinned = false; };
	o.usable = [](s32, u32 slabs) {
		return !self->enter("usable") ? -12 :
			self->races.on_use ? self->races.on_use(slabs) : 0;
	};
	o.kept = [](char *text) { std::strcpy(text, "in use was 1 page"); };
	o.watch = [](const st_layout *, s32, u32 watched) {
		if (!self->enter("watch"))
			return -12;
		EXPECT_FALSE(self->races.watching);
		self->races.watching = true;
		self->races.watched = watched;
		return 0;
	};
	o.watch_end = [](st_watch_counts *counts) {
		EXPECT_TRUE(self->races.watching);
		self->races.watching = false;
		self->races.seen(counts);
	};
	o.lists = [](const st_layout *, s32 nid, u32 busted, st_node_lists *rows, u32 max) {
		return self->enter("lists") ? self->races.lists(nid, busted, rows, max) : -28;
	};
	o.structs = [](const st_layout *, u32 busted, st_node_structs *structs) {
		self->clock += 1000000;
		if (!self->enter("structs"))
			return -2;
		self->races.structs(busted, structs);
		return 0;
	};
	return &o;
}

inline const st_window_ops *FakeKernel::window_ops()
{
	static const st_window_ops table = {
		[](const st_window_spec *spec, char *reason) {
			if (!self->enter("window_begin"))
				return -12;
			EXPECT_NE(spec->reader_cpu, spec->runner_cpu);
			return self->window.begin(*spec, reason);
		},
		[] { EXPECT_TRUE(self->window.open); },
		[](st_window_counts *counts) { *counts = self->window.counts; },
		[](st_widen_row *rows, u32 max) {
			if (!max)
				return 0u;
			rows[0] = {};
			strcpy(rows[0].name, "count_partial");
			rows[0].places = 1;
			rows[0].hits = rows[0].held = self->window.counts.held;
			rows[0].least_us = 40000;
			rows[0].most_us = 90000;
			return 1u;
		},
		[] { self->window.open = false; },
	};
	return &table;
}

inline const st_publication_ops *FakeKernel::publication_ops()
{
	static const st_publication_ops table = {
		[](const st_publication_spec *spec, char *reason) {
			if (!self->enter("publication_begin"))
				return -12;
			EXPECT_NE(spec->observer_cpu, spec->runner_cpu);
			return self->publication.begin(*spec, reason);
		},
		[] { self->publication.publish(); },
		[](st_publication_counts *counts) { *counts = self->publication.counts; },
		[] { return self->publication.end(); },
	};
	return &table;
}

} // namespace st::test
