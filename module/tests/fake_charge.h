// SPDX-License-Identifier: GPL-2.0
//
// fake_charge - cgroups in plain numbers: what is charged, how many have been
// removed and not gone. Sound until a test or a control makes it lose
// something. Included by fake_kernel, not by tests.
#pragma once
#include <cstring>

#include "../core/base.h"

namespace st::test {

struct FakeGroups {
	bool open = false, made[ST_CHARGE_GROUPS] = {};
	u64 alive = 0, lost = 0;	// bytes
	u32 removed = 0, pinned = 0;	// dying; those of them that never go
	u32 settles_left = 0;		// before counters have caught up

	int make(u32 *group)
	{
		for (u32 i = 0; i < ST_CHARGE_GROUPS; i++) {
			if (made[i])
				continue;
			made[i] = true;
			*group = i;
			return 0;
		}
		return -28;
	}
	int remove(u32 group)
	{
		EXPECT_TRUE(made[group]);
		made[group] = false;
		removed++;
		return 0;
	}
	void work(const st_charge_spec &spec, st_charge_counts *counts)
	{
		EXPECT_EQ(alive, 0u) << "what was alive has not been released";
		*counts = {};
		counts->allocated = spec.cpus * (spec.objects + spec.keep);
		counts->freed_remotely = spec.cpus * spec.objects;
		counts->alive = spec.cpus * spec.keep;
		alive = counts->alive_bytes = counts->alive * 100;
		lost += spec.busted == ST_CHARGE_LOSES_UNCHARGE ? 8 : 0;
		pinned += spec.busted == ST_CHARGE_LOSES_REFERENCE;
		settles_left = 2;
	}
	void settle(st_charge_books *books)
	{
		const bool late = settles_left && settles_left--;
		books->charged_bytes = (alive + lost + (late ? 1 : 0) + 4095) / 4096 * 4096;
		books->dying = late ? removed : pinned;
	}
	// what is lost to a control is given back here, and everything else
	int close()
	{
		int left = 0;
		for (bool one : made)
			left += one;
		*this = {};
		return left;
	}
};

} // namespace st::test
