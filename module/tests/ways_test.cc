// SPDX-License-Identifier: GPL-2.0
//
// ways_test - node-partial, node-remove-add, node-unplug-plug on a kernel that is
// made of data: what is done in which order, what must be found and what must be
// left alone, and the time line of it.
#include "../core/timeline.h"
#include "fake_kernel.h"

using namespace st;
using namespace st::test;

namespace {

const char *const kWays[] = {"node-partial", "node-unplug-plug", "node-remove-add"};

std::vector<std::string> events(const FakeKernel &k)
{
	std::vector<std::string> found;
	for (const std::string &line : k.lines)
		if (line.find("    # event ") == 0)
			found.push_back(line);
	return found;
}

u32 count(const std::vector<std::string> &lines, const char *text)
{
	u32 n = 0;
	for (const std::string &line : lines)
		n += line.find(text) != std::string::npos;
	return n;
}

Event numbered(u32 number)
{
	Event event;
	event.at_ns = number * 1000;
	return event;
}

} // namespace

TEST(Ways, KernelThatKeepsPasses)
{
	for (const char *scenario : kWays) {
		SCOPED_TRACE(scenario);
		FakeKernel k(shape_7_1());
		ASSERT_EQ(k.run(scenario), 0);
		EXPECT_EQ(k.field(scenario, "verdict"), "pass");
		EXPECT_EQ(k.field("busted-" + std::string(scenario), "cause"), "lifetime");
		EXPECT_EQ(k.totals.twins_caught, 1u);
		EXPECT_GT(count(events(k), "step=look kept=3 replaced=0 gone=0 came=0"), 1u);
	}
}

TEST(Ways, KernelThatFreesFails)
{
	for (const char *scenario : kWays) {
		SCOPED_TRACE(scenario);
		FakeKernel k(shape_7_1());
		k.on_row = [](st_node_row &row, bool offline, bool) {
			row.node = offline ? 0 : row.node;
		};
		ASSERT_EQ(k.run(scenario), 0);
		EXPECT_EQ(k.field(scenario, "verdict"), "fail");
		EXPECT_EQ(k.field(scenario, "invariant"), "node-pointer-kept");
		EXPECT_EQ(k.field(scenario, "cause"), "lifetime");
		EXPECT_GT(count(events(k), "kept=0 replaced=0 gone=3"), 0u);
	}
}

// Up to 5.11 that was enough, though the node had memory.
TEST(Ways, LastNormalMemoryIsNotTheLast)
{
	FakeKernel k(shape_7_1());
	bool normal_came = false;
	k.on_row = [&](st_node_row &row, bool, bool) {
		const bool normal = k.blocks[0] == ST_BLOCK_KERNEL || k.blocks[1] == ST_BLOCK_KERNEL;
		normal_came = normal_came || normal;
		row.node = normal_came && !normal ? 0 : row.node;
	};
	ASSERT_EQ(k.run("node-partial"), 0);
	EXPECT_EQ(k.field("node-partial", "verdict"), "fail");
	EXPECT_NE(k.field("node-partial", "evidence").find("movable memory stayed"),
		  std::string::npos);
}

TEST(Ways, NormalZoneIsLeftAloneWhereItMustBe)
{
	FakeKernel k(shape_7_1());
	k.movable_only = "kept in the movable zone";
	ASSERT_EQ(k.run("node-partial"), 0);
	EXPECT_EQ(k.field("node-partial", "verdict"), "pass");
	EXPECT_EQ(count(events(k), "online-kernel"), 0u);
	EXPECT_EQ(count(k.lines, "    # kept in the movable zone"), 1u);
}

TEST(Ways, SameSeedSameOrder)
{
	std::vector<std::string> first;
	for (int i = 0; i < 2; i++) {
		FakeKernel k(shape_7_1());
		std::vector<std::string> steps;
		k.on_block = [&](u32 block, u32 state) {
			steps.push_back(std::to_string(block) + ">" + std::to_string(state));
			return 0;
		};
		ASSERT_EQ(k.run("node-remove-add"), 0);
		EXPECT_TRUE(i == 0 || steps == first);
		first = steps;
	}
	EXPECT_GE(first.size(), 8u);
}

TEST(Ways, MemoryIsNotRemovedWithoutLeave)
{
	FakeKernel k(shape_7_1());
	k.no_remove = "remove_memory=1 allows it";
	ASSERT_EQ(k.run("node-remove-add"), 0);
	EXPECT_EQ(k.field("node-remove-add", "verdict"), "skip");
	EXPECT_EQ(k.field("busted-node-remove-add", "verdict"), "skip");
	EXPECT_EQ(k.calls["block_set"], 0u);
}

TEST(Ways, NobodyOutsideIsASkip)
{
	FakeKernel k(shape_7_1());
	k.devices = {};
	ASSERT_EQ(k.run("node-unplug-plug"), 0);
	EXPECT_EQ(k.field("node-unplug-plug", "verdict"), "skip");
	EXPECT_NE(k.field("node-unplug-plug", "reason").find("nobody outside"), std::string::npos);
}

TEST(Ways, EachDimmIsAskedForAndPutBack)
{
	FakeKernel k(shape_7_1());
	k.devices = {"dimm1-0", "dimm1-1"};
	ASSERT_EQ(k.run("node-unplug-plug"), 0);
	EXPECT_EQ(k.field("node-unplug-plug", "verdict"), "pass");
	EXPECT_EQ(count(k.asked_host, "    # host unplug dimm1-0"), 3u);	// and the control
	EXPECT_EQ(count(k.asked_host, "    # host plug dimm1-1"), 3u);
	EXPECT_EQ(k.present().online, 2u);
	EXPECT_EQ(count(events(k), "way=outside step=unplug block="), 6u);
}

TEST(Ways, NodeWithoutMemoryIsLeftWithout)
{
	FakeKernel k(shape_7_1());
	k.blocks[0] = k.blocks[1] = ST_BLOCK_GONE;
	ASSERT_EQ(k.run("node-unplug-plug"), 0);
	EXPECT_EQ(k.field("node-unplug-plug", "verdict"), "pass");
	ASSERT_GE(k.asked_host.size(), 4u);	// what the control asks for comes after them
	for (u32 i = 0; i < 4; i++)
		EXPECT_EQ(k.asked_host[i], i % 2 ? "    # host unplug dimm1"
						: "    # host plug dimm1");
}

// Whoever is away is asked back, wherever the run was stopped.
TEST(Ways, StoppedInTheMiddleIsAskedBack)
{
	for (u64 at = 1; at < 120; at += 7) {
		FakeKernel k(shape_7_1());
		k.devices = {"dimm1-0", "dimm1-1"};
		k.stop_at = at;
		ASSERT_EQ(k.run("node-unplug-plug"), 0);
		for (const char *name : {"dimm1-0", "dimm1-1"}) {
			const std::string plug = std::string("# host plug ") + name;
			const std::string unplug = std::string("# host unplug ") + name;
			EXPECT_EQ(count(k.lines, plug.c_str()), count(k.lines, unplug.c_str())) << at;
		}
	}
}

TEST(Timeline, KeepsTheFirstAndTheLast)
{
	Timeline line;
	for (u32 i = 0; i < 1000; i++)
		line.add(numbered(i));
	EXPECT_EQ(line.count(), 96u);
	EXPECT_EQ(line.left_out(), 1000u - 96u);
	for (u32 i = 0; i < line.count(); i++) {
		const u32 number = i < Timeline::first_part() ? i : 1000 - 96 + i;
		EXPECT_EQ(line.at(i).at_ns, number * 1000u);
	}
}

TEST(Timeline, LeavesNothingOutOfAFew)
{
	Timeline line;
	for (u32 i = 0; i < 96; i++)
		line.add(numbered(i));
	EXPECT_EQ(line.left_out(), 0u);
	EXPECT_EQ(line.at(95).at_ns, 95000u);
}

TEST(Timeline, EventIsTold)
{
	Event event;
	event.at_ns = 5000000;
	event.took_ns = 7000;
	event.way = Way::Sysfs;
	event.step = Step::Offline;
	event.block = 3;
	event.result = -16;
	event.told[ST_NOTICE_GOING_OFFLINE] = 1;
	event.told[ST_NOTICE_CANCEL_OFFLINE] = 2;
	EventLine line;
	describe(event, &line);
	EXPECT_TRUE(line.text() == Text("at_us=5000 took_us=7 way=sysfs step=offline block=3 "
					"result=-16 told=going-offline,cancel-offline:2"));
	Event look;
	look.kept = 2;
	look.slabs = 9;
	line.clear();
	describe(look, &line);
	EXPECT_TRUE(line.text() == Text("at_us=0 took_us=0 way=- step=look kept=2 replaced=0 gone=0 "
					"came=0 slabs=9"));
}

TEST(Timeline, EveryNameIsOne)
{
	for (u32 i = 0; i < ST_NOTICES; i++)
		EXPECT_FALSE(name(st_notice(i)) == Text("?"));
	for (u32 i = 0; i <= u32(Step::Plug); i++)
		EXPECT_FALSE(name(Step(i)) == Text("?"));
}
