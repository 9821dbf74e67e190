// SPDX-License-Identifier: GPL-2.0
//
// cost_test - the benchmarks of what barriers cost, over a fake kernel: which
// cells there are in which kernel, what a round's line says, that order is
// seeded and that trouble is told. Statistics are the host's.
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

u32 count(const std::vector<std::string> &lines, const std::string &text)
{
	u32 n = 0;
	for (const std::string &line : lines)
		n += line.find(text) != std::string::npos;
	return n;
}

bool young(const Shape &s) { return s.stride_bits || s.bits; }

} // namespace

TEST(Cost, EveryCellHasALineARound)
{
	for (const Shape &shape : all_shapes()) {
		SCOPED_TRACE(shape.name);
		FakeKernel k(shape, shape.codetag ? 1 : -1);
		ASSERT_EQ(k.run("exts-external", 1, 3, "cost"), 0);
		const auto lines = bench_lines(k, "cost");
		for (const char *path : {"look-up", "local", "remote"})
			for (const char *kind : {"external", "late", "leftover", "in-object"}) {
				const bool inner = kind[0] == 'l' ? kind[1] == 'e' : kind[0] == 'i';
				EXPECT_EQ(count(lines, std::string(" placement=") + kind + " path=" +
						path + " "), inner && !young(shape) ? 0u : 3u)
					<< kind << " " << path;
			}
		EXPECT_EQ(count(lines, "skip="), young(shape) ? 0u : 2u);
		EXPECT_EQ(count(lines, "skip=\"kernels before 7.0"), young(shape) ? 0u : 2u);
	}
}

TEST(Cost, LineHasPicosecondsOfEveryVariant)
{
	FakeKernel k(shape_7_1());
	k.on_cost = [](const st_cost_spec &spec, st_cost_counts &counts) {
		counts.operations = 3;
		counts.blocks = 5;
		for (u32 i = 0; i < spec.variants; i++) {
			const u32 ns[] = {900000, 101 * (i + 1), 1, 100 * (i + 1), 90000};
			std::copy(ns, ns + 5, counts.ns[i]);
		}
	};
	ASSERT_EQ(k.run("exts-external", 1, 1, "cost"), 0);
	EXPECT_EQ(count(bench_lines(k, "cost"),
			" bare=33333 plain=66666 same=100000 wmb-rmb=133333 "
			"release-acquire=166666 twice=200000"), 12u);
}

TEST(Cost, OrderIsSeededAndChanges)
{
	std::vector<std::vector<u32>> first, second;
	for (auto *orders : {&first, &second}) {
		FakeKernel k(shape_7_1());
		k.on_cost = [&](const st_cost_spec &spec, st_cost_counts &) {
			EXPECT_EQ(spec.variants, u32(ST_COST_VARIANTS));
			orders->emplace_back(spec.order, spec.order + spec.variants);
			orders->back().push_back(spec.path);
			orders->back().push_back(u32(spec.cache));
		};
		ASSERT_EQ(k.run("exts-external", 1, 4, "cost"), 0);
	}
	EXPECT_EQ(first.size(), 5u * 12);	// a round to warm up
	EXPECT_GT(std::set<std::vector<u32>>(first.begin(), first.end()).size(), 30u);
	for (size_t i = 0; i < first.size(); i++)
		EXPECT_TRUE(std::equal(first[i].begin(), first[i].end() - 1, second[i].begin()));
}

TEST(Cost, SpecsFitTheirCell)
{
	FakeKernel k(shape_7_1());
	u32 late = 0;
	k.on_cost = [&](const st_cost_spec &spec, st_cost_counts &) {
		EXPECT_NE(spec.cpu, spec.other_cpu);
		EXPECT_GT(spec.per_slab, 0u);
		EXPECT_LE(spec.batch, u32(ST_COST_BATCH_MOST));
		EXPECT_TRUE(spec.layout);
		late += spec.batch > 300 && spec.path != ST_COST_LOOK_UP;
	};
	ASSERT_EQ(k.run("exts-external", 1, 2, "cost"), 0);
	EXPECT_EQ(late, 3u * 2);
}

TEST(Cost, CallsAloneHaveOneVariantAndNoLookUp)
{
	FakeKernel k(shape_7_1());
	k.on_cost = [](const st_cost_spec &spec, st_cost_counts &) {
		EXPECT_EQ(spec.variants, 1u);
		EXPECT_EQ(spec.order[0], u32(ST_COST_BARE));
		EXPECT_NE(spec.path, u32(ST_COST_LOOK_UP));
	};
	ASSERT_EQ(k.run("exts-external", 1, 3, "cost-bare"), 0);
	EXPECT_EQ(bench_lines(k, "cost-bare").size(), 3u * 8);
}

TEST(Cost, OneCpuHasNoRemoteFrees)
{
	FakeKernel k(shape_7_1());
	k.env.cpus = 1;
	ASSERT_EQ(k.run("exts-external", 1, 2, "cost"), 0);
	const auto lines = bench_lines(k, "cost");
	EXPECT_EQ(count(lines, " path=remote"), 0u);
	EXPECT_EQ(count(lines, " path=local"), 2u * 4);
}

TEST(Cost, TroubleIsTold)
{
	FakeKernel unpaid(shape_7_1());
	unpaid.env.memcg = 0;
	strcpy(unpaid.env.memcg_reason, "no memory cgroup");
	ASSERT_EQ(unpaid.run("exts-external", 1, 2, "cost"), 0);
	EXPECT_EQ(count(bench_lines(unpaid, "cost"), "placement=* skip=\"no memory cgroup\""), 1u);

	FakeKernel failing(shape_7_1());
	failing.failing.insert("cost");
	ASSERT_EQ(failing.run("exts-external", 1, 2, "cost"), 0);
	EXPECT_EQ(count(bench_lines(failing, "cost"), "skip=\"threads or memory"), 1u);
	EXPECT_EQ(bench_lines(failing, "cost").size(), 1u);
}
