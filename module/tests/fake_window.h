// SPDX-License-Identifier: GPL-2.0
//
// fake_window - readers that are held while a node goes, as numbers: each block
// that goes offline finds one. Included by fake_kernel.h, not by tests.
#pragma once
#include <functional>
#include <string>

#include "../core/base.h"

namespace st::test {

// What begins with a spec, counts, and ends.
template <typename Spec, typename Counts>
struct FakeSession {
	bool open = false;
	Spec spec = {};
	Counts counts = {};
	int error = 0;			// of begin

	int begin(const Spec &asked, char *reason)
	{
		spec = asked;
		counts = {};
		if (error)
			snprintf(reason, ST_REASON_BYTES, "no reason to be seen");
		open = !error;
		return error;
	}
};

struct FakeWindow : FakeSession<st_window_spec, st_window_counts> {
	std::function<void(st_window_counts &)> on_departure;

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

// Each cycle publishes one structure for each cache; the controls' are early, and
// who meets one never comes back.
struct FakePublication : FakeSession<st_publication_spec, st_publication_counts> {
	std::function<void(st_publication_counts &)> on_online;

	bool is_twin() const { return spec.mode >= ST_PUBLICATION_TWIN; }
	void block_came()
	{
		if (!open || is_twin())
			return;
		counts.published += spec.caches;
		if (on_online)
			on_online(counts);
	}
	void publish()
	{
		EXPECT_TRUE(open && is_twin());
		counts.published++;
		counts.early++;
		counts.expected = counts.later = 0x6000;
		counts.seen = 0x5a5a5a5a;
		if (spec.mode == ST_PUBLICATION_TWIN_MEET)
			counts.meeting = ST_MET_LOST;
	}
	int end()
	{
		open = false;
		lost = !is_twin() && counts.meeting >= ST_MET_DEAD;
		return lost ? -16 : 0;
	}
	bool lost = false;
};

} // namespace st::test
