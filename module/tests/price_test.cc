// SPDX-License-Identifier: GPL-2.0
//
// price_test - node-price and the benchmarks of whole-node cycles over a fake
// kernel: what is kept is summed and told, what is paid twice is found, and
// trouble is neither. Sizes and times of real kernels are the guest's affair.
#include "../core/diagnosis.h"
#include "../core/invariant.h"
#include "../core/price_table.h"
#include "fake_kernel.h"

using namespace st;
using namespace st::test;

namespace {

std::vector<std::string> bench_lines(const FakeKernel &k, const std::string &name)
{
	std::vector<std::string> found;
	for (const std::string &line : k.lines)
		if (line.rfind("# bench " + name + " ", 0) == 0)
			found.push_back(line);
	return found;
}

st_price_row price(const char *name, u32 node, u32 barn, s64 slabs = 0, bool own = false)
{
	st_price_row row = {};
	snprintf(row.row.name, sizeof(row.row.name), "%s", name);
	row.row.nr_slabs = slabs;
	row.row.in_own_cache = own;
	row.node_bytes = node;
	row.barn_bytes = barn;
	row.slab_bytes = 4096;
	return row;
}

} // namespace

TEST(Price, WhatIsKeptIsSummedAndTold)
{
	FakeKernel k(shape_7_1());
	ASSERT_EQ(k.run("node-price"), 0);
	EXPECT_EQ(k.field("node-price", "verdict"), "pass") << k.record("node-price");
	EXPECT_EQ(k.field("busted-node-price", "verdict"), "fail");
	EXPECT_EQ(k.field("busted-node-price", "cause"), "accounting");
	EXPECT_NE(k.field("node-price", "note").find("3 caches keep 960 bytes of 256 MiB"),
		  std::string::npos) << k.record("node-price");
	const std::string table = k.said("    # | ", 8);
	const std::string gap(22, ' ');
	for (const std::string &line : std::vector<std::string>{
				 "cache-0" + gap + "      64        256",
				 "all 3 caches" + gap + "192        768",
				 "960 bytes are kept for a node of 256 MiB: 3 bytes for each million",
				 "movable memory goes", "normal memory comes", "normal memory goes",
				 "movable memory comes"})
		EXPECT_NE(table.find(line), std::string::npos) << line << "\n" << table;
	EXPECT_EQ(k.price_busted_stops, 1u);
}

TEST(Price, KernelsThatKeepNothingCostNothing)
{
	FakeKernel k(shape_5_10());
	u64 made = 0;
	k.on_price = [&](st_price_row &price, bool offline) {
		price.row.node += 64 * ++made;	// another one each time
		if (offline)
			price.row.node = price.node_bytes = 0;
	};
	ASSERT_EQ(k.run("node-price"), 0);
	EXPECT_EQ(k.field("node-price", "verdict"), "pass") << k.record("node-price");
	EXPECT_NE(k.field("node-price", "note").find("0 caches keep 0 bytes"), std::string::npos);
}

TEST(Price, WhatIsMadeAnewIsAccounting)
{
	for (const bool barn : {false, true}) {
		FakeKernel k(shape_7_1());
		k.on_price = [&](st_price_row &price, bool offline) {
			if (!offline && price.row.cache == 0x2000)
				(barn ? price.row.barn : price.row.node) += 0x40;
		};
		ASSERT_EQ(k.run("node-price"), 0);
		EXPECT_EQ(k.field("node-price", "verdict"), "fail") << k.record("node-price");
		EXPECT_EQ(k.field("node-price", "invariant"), "node-paid-once");
		EXPECT_EQ(k.field("node-price", "cause"), "accounting");
		EXPECT_NE(k.field("node-price", "evidence").find(
				  barn ? "cache cache-1 kept barn" : "cache cache-1 kept structure"),
			  std::string::npos) << k.record("node-price");
	}
}

TEST(Price, WithoutAProbeTimesAreUnknownAndSaidToBe)
{
	FakeKernel k(shape_7_1());
	k.failing = {"time_begin"};
	ASSERT_EQ(k.run("node-price"), 0);
	EXPECT_EQ(k.field("node-price", "verdict"), "pass");
	EXPECT_NE(k.field("node-price", "note").find("unknown time"), std::string::npos);
	EXPECT_NE(k.said("    # | ", 8).find("        -"), std::string::npos) << k.said("    # | ", 8);
}

TEST(Price, StoppedRunsPutEverythingBack)
{
	for (u64 stop = 1; stop < 80; stop += 3) {
		FakeKernel k(shape_7_1());
		k.stop_at = stop;
		ASSERT_EQ(k.run("node-price"), 0);
		EXPECT_NE(k.field("node-price", "verdict"), "fail") << stop;
		EXPECT_FALSE(k.timing);
	}
}

TEST(Price, OnlyWhatWasKeptCanBePaidTwice)
{
	const struct { u64 node[2], barn[2]; bool holds; } cases[] = {
		{{0x10, 0x10}, {0x20, 0x20}, true},	// kept and used again
		{{0, 0x10}, {0, 0x20}, true},		// nothing was kept
		{{0x10, 0}, {0x20, 0}, true},		// gone later: another promise
		{{0x10, 0x30}, {0, 0}, false},
		{{0x10, 0x10}, {0x20, 0x40}, false},
	};
	for (const auto &c : cases) {
		st_node_row gone = {}, back = {};
		gone.node = c.node[0];
		back.node = c.node[1];
		gone.barn = c.barn[0];
		back.barn = c.barn[1];
		EXPECT_EQ(node_paid_once(gone, back).holds, c.holds);
		EXPECT_TRUE(c.holds || diagnose(Invariant::NodePaidOnce,
						node_paid_once(gone, back).sighting) ==
					       Cause::Accounting);
	}
}

TEST(Price, SlabsThatStayAreCounted)
{
	const st_price_row rows[] = {price("a", 64, 0), price("kmem_cache_node", 64, 0, 1, true),
				     price("b", 0, 0, 2), price("c", 0, 0)};
	const Kept kept = sum_kept(Span<const st_price_row>(rows));
	EXPECT_EQ(kept.caches, 3u);
	EXPECT_EQ(kept.node_bytes, 128u);
	EXPECT_EQ(kept.slabs, 3u);
	EXPECT_EQ(kept.slab_bytes, 4096u);
}

TEST(Price, DearestCachesComeFirstAndTheRestInOneLine)
{
	std::vector<st_price_row> rows;
	for (u32 i = 0; i < 12; i++)
		rows.push_back(price(("cache-" + std::to_string(i)).c_str(), 64, i == 7 ? 512 : i));
	Remarks remarks;
	tell_caches(Span<const st_price_row>(rows.data(), rows.size()), 1 << 30, &remarks);
	ASSERT_EQ(remarks.count(), 1u + 8 + 1 + 1 + 1);
	EXPECT_EQ(std::string(remarks.at(1).data()).find("| cache-7 "), 0u);
	EXPECT_EQ(std::string(remarks.at(2).data()).find("| cache-11 "), 0u);
	EXPECT_EQ(std::string(remarks.at(9).data()).find("| 4 other caches "), 0u);
	EXPECT_EQ(std::string(remarks.at(10).data()).find("| all 12 caches "), 0u);
	for (u32 i = 0; i < remarks.count(); i++)
		EXPECT_LE(remarks.at(i).size(), 80u);
}

TEST(Price, SharesAreRoundedAndNeverDivideByNothing)
{
	EXPECT_EQ(basis_points(1, 0), 0u);
	EXPECT_EQ(basis_points(1, 3), 3333u);
	EXPECT_EQ(basis_points(2, 3), 6667u);
	EXPECT_EQ(basis_points(5, 5), 10000u);
}

TEST(Churn, RoundsAreTimedAndCounted)
{
	FakeKernel k(shape_7_1());
	ASSERT_EQ(k.run("none", 1, 3, "churn*"), 0);
	for (const char *name : {"churn", "churn-zones"}) {
		ASSERT_EQ(bench_lines(k, name).size(), 3u);
		for (const std::string &line : bench_lines(k, name)) {
			EXPECT_NE(line.find(" cycles=8 ns="), std::string::npos) << line;
			EXPECT_NE(line.find(" replaced=0"), std::string::npos) << line;
		}
	}
	EXPECT_EQ(k.calls["blocks_restore"], 2u);
}

TEST(Churn, ReplacedStructuresAreCounted)
{
	FakeKernel k(shape_7_1());
	k.on_price = [](st_price_row &price, bool offline) { price.row.node += !offline; };
	ASSERT_EQ(k.run("none", 1, 1, "churn"), 0);
	ASSERT_EQ(bench_lines(k, "churn").size(), 1u);
	EXPECT_EQ(bench_lines(k, "churn")[0].find(" replaced=0"), std::string::npos);
}

TEST(Churn, TroubleIsTold)
{
	FakeKernel busy(shape_7_1());
	busy.failing = {"block_set"};
	ASSERT_EQ(busy.run("none", 1, 2, "churn"), 0);
	ASSERT_EQ(bench_lines(busy, "churn").size(), 1u);
	EXPECT_NE(bench_lines(busy, "churn")[0].find("errno 16"), std::string::npos);

	FakeKernel alone(shape_7_1());
	alone.failing = {"hotplug_target"};
	ASSERT_EQ(alone.run("none", 1, 2, "churn"), 0);
	ASSERT_EQ(bench_lines(alone, "churn").size(), 1u);
	EXPECT_NE(bench_lines(alone, "churn")[0].find("skip=\"no node"), std::string::npos);
}
