// SPDX-License-Identifier: GPL-2.0
//
// fake_price - what structures for a node cost in the fake kernel, and a clock
// for SLUB's callback. Included by fake_kernel's operations, not by tests.
#pragma once
#include "fake_kernel.h"

namespace st::test {

inline int FakeKernel::price_rows(bool busted, s32 nid, st_price_row *prices, u32 max)
{
	st_node_row plain[3];
	if (!enter("price_rows"))
		return -28;
	asked_nid = nid;
	const bool offline = !blocks[0] && !blocks[1];
	price_returns += price_was_offline && !offline;
	price_was_offline = offline;
	const int count = rows(false, plain, max < 3 ? max : 3);
	for (int i = 0; i < count; i++) {
		prices[i] = {plain[i], 64, plain[i].barn ? 256u : 0, 4096};
		if (!prices[i].row.node)
			prices[i].node_bytes = 0;
		if (busted)
			prices[i].row.node += 64 * price_returns;
		if (on_price)
			on_price(prices[i], offline);
	}
	return count;
}

inline const st_price_ops *FakeKernel::price_ops()
{
	static const st_price_ops table = {
		[]() -> u64 { return 128 << 20; },
		[](const st_layout *, s32 nid, u32 busted, st_price_row *rows, u32 max) {
			return self->price_rows(busted, nid, rows, max);
		},
		[] {
			if (!self->enter("time_begin"))
				return -95;
			EXPECT_FALSE(self->timing) << "timed twice";
			self->timing = true;
			return 0;
		},
		[](st_price_time *time) {
			EXPECT_TRUE(self->timing);
			*time = {self->price_calls, 1000};
		},
		[] { self->timing = false; },
		[](s32) { return self->enter("price_busted_start") ? 0 : -12; },
		[] { self->price_busted_stops++; },
	};
	return &table;
}

} // namespace st::test
