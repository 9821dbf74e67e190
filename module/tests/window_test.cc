// SPDX-License-Identifier: GPL-2.0
//
// window_test - readers that are held while a node goes: what they had looked
// up stays, or is found gone; those that cannot be held are no pass.
#include "../core/scenario.h"
#include "fake_kernel.h"

using namespace st;
using namespace st::test;

TEST(Window, ReadersThatKeepWhatTheyLookedUpPass)
{
	FakeKernel k(shape_7_1());
	ASSERT_EQ(k.run("node-window-*"), 0);
	for (const Scenario &s : scenarios())
		if (s.family == Family::Window && !s.busted()) {
			EXPECT_EQ(k.field(s.name, "verdict"), "pass") << k.record(s.name);
			EXPECT_NE(k.field(s.name, "observations"), "0");
		}
	EXPECT_EQ(k.field("busted-node-window-objects", "cause"), "lifetime");
	EXPECT_EQ(k.field("busted-node-window-objects", "invariant"), "node-kept-in-use");
	EXPECT_EQ(k.totals.twins_caught, 6u);
}

TEST(Window, WhatIsFreedUnderAReaderIsLifetime)
{
	FakeKernel k(shape_6_10());
	k.window.on_departure = [](st_window_counts &counts) {
		counts.stale++;
		counts.looked_up = 0x4000;
		counts.now = 0;
		strcpy(counts.where, "count_partial");
	};
	ASSERT_EQ(k.run("node-window-validate"), 0);
	EXPECT_EQ(k.field("node-window-validate", "verdict"), "fail");
	EXPECT_EQ(k.field("node-window-validate", "invariant"), "node-kept-in-use");
	EXPECT_EQ(k.field("node-window-validate", "cause"), "lifetime");
	EXPECT_NE(k.field("node-window-validate", "evidence").find("held in count_partial"),
		  std::string::npos);
	// it does not go on: the reader is about to use what has been freed
	EXPECT_LE(k.window.counts.departures, 2u);
}

TEST(Window, AReaderThatALockKeepsOutIsASkip)
{
	FakeKernel k(shape_6_10());
	k.window.on_departure = [](st_window_counts &counts) { counts.across = 0; };
	ASSERT_EQ(k.run("node-window-shrink"), 0);
	EXPECT_EQ(k.field("node-window-shrink", "verdict"), "skip");
	EXPECT_NE(k.field("node-window-shrink", "reason").find("a lock keeps"), std::string::npos);
}

TEST(Window, AReaderThatIsNeverThereIsASkip)
{
	FakeKernel k(shape_6_10());
	k.window.on_departure = [](st_window_counts &counts) { counts.across = counts.held = 0; };
	ASSERT_EQ(k.run("node-window-alloc"), 0);
	EXPECT_EQ(k.field("node-window-alloc", "verdict"), "skip");
	EXPECT_NE(k.field("node-window-alloc", "reason").find("never seen"), std::string::npos);
}

TEST(Window, WhatCannotBeAskedSaysWhy)
{
	FakeKernel absent(shape_7_1());
	absent.window.error = -95;
	ASSERT_EQ(absent.run("node-window-slabs"), 0);
	EXPECT_EQ(absent.field("node-window-slabs", "verdict"), "skip");
	EXPECT_EQ(absent.field("node-window-slabs", "reason"), "no reason to be seen");

	FakeKernel lacking(shape_7_1());
	lacking.window.error = -12;
	ASSERT_EQ(lacking.run("node-window-slabs"), 0);
	EXPECT_EQ(lacking.field("node-window-slabs", "verdict"), "broken");

	FakeKernel alone(shape_7_1());
	alone.env.cpus = 1;
	ASSERT_EQ(alone.run("node-window-slabs"), 0);
	EXPECT_EQ(alone.field("node-window-slabs", "verdict"), "skip");

	FakeKernel busy(shape_7_1());
	busy.on_block = [](u32, u32 state) { return state == ST_BLOCK_KERNEL ? -16 : 0; };
	ASSERT_EQ(busy.run("node-window-slabs"), 0);
	EXPECT_NE(busy.field("node-window-slabs", "verdict"), "broken");
}

TEST(Window, WhatWasWidenedIsSaid)
{
	FakeKernel k(shape_7_1());
	ASSERT_EQ(k.run("node-window-objects"), 0);
	const std::string all = k.said();
	for (const char *said : {"# readers: ", " hits between look-up and use, ",
				 "# widened: count_partial, 1 places, ", " times for 40 to 90 ms\n",
				 "# widened: holds and places are drawn from seed "})
		EXPECT_NE(all.find(said), std::string::npos) << said << "\n" << all;
}
