// SPDX-License-Identifier: GPL-2.0
//
// fake_window - readers that are held while a node goes, as numbers: each block
// that goes offline finds one. Included by fake_kernel.h, not by tests.
#pragma once
#include <functional>
#include <string>

#include "../core/base.h"

namespace st::test {

struct FakeWindow {
	bool open = false;
	st_window_spec spec = {};
	st_window_counts counts = {};
	int error = 0;			// of begin
	std::function<void(st_window_counts &)> on_departure;

	int begin(const st_window_spec &asked, char *reason)
	{
		spec = asked;
		counts = {};
		if (error)
			snprintf(reason, ST_REASON_BYTES, "no reason to be seen");
		open = !error;
		return error;
	}
	void block_went()
	{
		if (!open)
			return;
		counts.departures++;
		counts.reads += 10;
		counts.hits++;
		counts.held++;
		counts.across++;
		if (spec.reader == ST_WINDOW_TWIN) {
			counts.stale++;
			counts.looked_up = 0x5000;
			snprintf(counts.where, sizeof(counts.where), "st_window_twin_use");
		}
		if (on_departure)
			on_departure(counts);
	}
};

// Each cycle publishes one structure; the control's is early.
struct FakePublication {
	bool open = false;
	st_publication_spec spec = {};
	st_publication_counts counts = {};
	int error = 0;			// of begin
	std::function<void(st_publication_counts &)> on_online;

	int begin(const st_publication_spec &asked, char *reason)
	{
		spec = asked;
		counts = {};
		if (error)
			snprintf(reason, ST_REASON_BYTES, "no reason to be seen");
		open = !error;
		return error;
	}
	void block_came()
	{
		if (!open)
			return;
		counts.published++;
		if (spec.mode == ST_PUBLICATION_TWIN) {
			counts.early++;
			counts.expected = counts.later = 0x6000;
			counts.seen = 0x5a5a5a5a;
		}
		if (on_online)
			on_online(counts);
	}
};

} // namespace st::test
