// SPDX-License-Identifier: GPL-2.0
//
// Host tests of text.cc: every form the configuration and the kernel's files
// take, and the malformed ones that must not be taken for something.
#include "../text.h"

#include <gtest/gtest.h>

namespace guest {
namespace {

TEST(Config, ReadsEveryKey)
{
	const Config c = parse_config("mode=cycles\nmodule=thing\nfollow=/sys/x\n"
				      "args=seed=4 scenario=\"a,b\"\ncut_args=seed=5\n"
				      "workload=a b; c=d\nworkload_ms=30\nshow=/x/a,/x/b\n"
				      "cycles=7\ncut_max_ms=20\nseed=9\nrescue=1\n"
				      "other=litmus000\nother_follow=/proc/litmus\n"
				      "other_args=nruns=3\nturns=6\n"
				      "channel=/dev/hvc1\nconsole=/dev/hvc0\n");
	EXPECT_EQ(c.mode, Mode::Cycles);
	EXPECT_EQ(c.module, "thing");
	EXPECT_EQ(c.follow, "/sys/x");
	EXPECT_EQ(c.args, "seed=4 scenario=\"a,b\"");
	EXPECT_EQ(c.cut_args, "seed=5");
	EXPECT_EQ(c.other, "litmus000");
	EXPECT_EQ(c.other_follow, "/proc/litmus");
	EXPECT_EQ(c.other_args, "nruns=3");
	EXPECT_EQ(c.turns, 6u);
	EXPECT_EQ(c.workload, "a b; c=d");
	EXPECT_EQ(c.workload_ms, 30u);
	EXPECT_EQ(c.show, "/x/a,/x/b");
	EXPECT_EQ(c.cycles, 7u);
	EXPECT_EQ(c.cut_max_ms, 20u);
	EXPECT_EQ(c.seed, 9u);
	EXPECT_TRUE(c.rescue);
	EXPECT_EQ(c.channel, "/dev/hvc1");
	EXPECT_EQ(c.console, "/dev/hvc0");
	EXPECT_TRUE(c.problem.empty());
}

TEST(Config, KnowsEveryMode)
{
	EXPECT_EQ(parse_config("mode=run").mode, Mode::Run);
	EXPECT_EQ(parse_config("mode=kunit").mode, Mode::Kunit);
	EXPECT_EQ(parse_config("mode=turns").mode, Mode::Turns);
	EXPECT_EQ(parse_config("mode=churn").mode, Mode::Churn);
	EXPECT_EQ(parse_config("mode=kselftest").mode, Mode::Kselftest);
	const Config soak = parse_config("mode=soak\nnode=2\npoints=5\nleaks=7\nseconds=3\n");
	EXPECT_EQ(soak.mode, Mode::Soak);
	EXPECT_EQ(soak.node + soak.points + soak.leaks + soak.seconds, 17u);
	EXPECT_EQ(parse_config("points=-1").problem, "points=-1");
	const Config inspect = parse_config("mode=inspect\ninspect=kmalloc-64\n");
	EXPECT_EQ(inspect.mode, Mode::Inspect);
	EXPECT_EQ(inspect.inspect, "kmalloc-64");
	EXPECT_EQ(parse_config("mode=kunitx").problem, "mode=kunitx");
}

TEST(Config, IsSilentAboutWhatIsAbsent)
{
	const Config c = parse_config("\n# a comment\r\n  mode = bare \r\n");
	EXPECT_EQ(c.mode, Mode::Bare);
	EXPECT_FALSE(c.rescue);
	EXPECT_EQ(c.channel, "/dev/ttyS1");
	EXPECT_EQ(c.console, "/dev/ttyS0");
	EXPECT_TRUE(c.problem.empty());
}

TEST(Config, CutArgsDefaultToArgs)
{
	EXPECT_EQ(parse_config("args=seconds=1\n").cut_args, "seconds=1");
}

TEST(Config, NamesTheFirstLineItCannotRead)
{
	EXPECT_EQ(parse_config("mode=run\nspeed=3\nmode=fly\n").problem, "speed=3");
	EXPECT_EQ(parse_config("cycles=-1").problem, "cycles=-1");
	EXPECT_EQ(parse_config("cycles=4294967296").problem, "cycles=4294967296");
	EXPECT_EQ(parse_config("rescue=yes").problem, "rescue=yes");
}

TEST(Number, TakesWholeDecimalsOnly)
{
	EXPECT_EQ(parse_number("18446744073709551615"), ~uint64_t{0});
	for (const char *bad : {"", "12x", " 1", "-1", "0x10", "18446744073709551616"})
		EXPECT_FALSE(parse_number(bad)) << bad;
}

TEST(List, CountsMembers)
{
	EXPECT_EQ(count_list("0-3,8,10-11\n"), 7u);
	EXPECT_EQ(count_list("0"), 1u);
	EXPECT_EQ(count_list("\n"), 0u);
}

TEST(List, RefusesMalformedOnes)
{
	for (const char *bad : {"3-1", "a", "1-", "-1", "1,,2", "1-2-3"})
		EXPECT_FALSE(count_list(bad)) << bad;
}

TEST(Meminfo, FindsTheNamedLineOnly)
{
	const char *text = "MemTotal:       997000 kB\nSUnreclaim:      4812 kB\n";
	EXPECT_EQ(meminfo_kb(text, "SUnreclaim"), 4812u);
	EXPECT_FALSE(meminfo_kb(text, "Unreclaim"));
	EXPECT_FALSE(meminfo_kb("SUnreclaim: many kB", "SUnreclaim"));
}

TEST(Slabinfo, AddsUpCachesAndSkipsTitles)
{
	const SlabTotals t = slab_totals(
		"slabinfo - version: 2.1\n"
		"# name            <active_objs> <num_objs> <objsize>\n"
		"kmalloc-64  120 128 64 64 1 : tunables 0 0 0 : slabdata 2 2 0\n"
		"dentry       10  21 192 21 1 : tunables 0 0 0 : slabdata 1 1 0\n");
	EXPECT_EQ(t.caches, 2u);
	EXPECT_EQ(t.active_objects, 130u);
	EXPECT_EQ(t.slabs, 3u);
}

TEST(Slabinfo, EmptyIsZero)
{
	EXPECT_EQ(slab_totals("").caches, 0u);
}

TEST(Slabinfo, NamesWhatGrewMost)
{
	const char *before = "a 10 20 8\nb 5 5 8\nc 7 7 8\n";
	const char *after = "a 12 20 8\nb 25 30 8\nc 3 7 8\nnew 1 1 8\n";
	EXPECT_EQ(cache_growth(before, after, 2), "b:+20 a:+2");
	EXPECT_EQ(cache_growth(before, after, 9), "b:+20 a:+2 new:+1");
	EXPECT_EQ(cache_growth(before, before, 9), "");
}

TEST(Slabinfo, KeepsTheLowestLineOfEachCache)
{
	const char *first = "slabinfo - version: 2.1\na 10 20 8\nb 65 70 8\ngone 9 9 8\n";
	const char *second = "slabinfo - version: 2.1\na 12 20 8\nb 5 70 8\nnew 1 1 8\n";
	EXPECT_EQ(lowest_slabinfo(first, second),
		  "slabinfo - version: 2.1\na 10 20 8\nb 5 70 8\nnew 1 1 8\n");
	EXPECT_EQ(lowest_slabinfo("", second), second);
}

std::string looked(uint64_t objects)
{
	return "slabinfo - version: 2.1\na " + std::to_string(objects) + " 9999 8\n";
}

TEST(Looks, AreSettledWhenNothingWentForFive)
{
	Looks looks;
	for (const uint64_t objects : {5000, 4000, 3000, 3000, 3000, 3001, 3000}) {
		looks.take(looked(objects));
		EXPECT_FALSE(looks.settled());
	}
	looks.take(looked(2999)); // less than a thousandth: no fall
	EXPECT_TRUE(looks.settled());
	EXPECT_EQ(looks.lowest(), looked(2999));
}

TEST(Looks, ForgetWhatWasAwayForOneOfThem)
{
	Looks looks;
	size_t taken = 0;
	for (const uint64_t objects : {2647, 2387, 2647, 2648, 2647, 2647, 2647, 2647}) {
		if (looks.settled())
			break;
		looks.take(looked(objects));
		taken++;
	}
	EXPECT_EQ(taken, 7u);
	EXPECT_EQ(looks.lowest(), looked(2647));
}

TEST(MemoryBlock, IsNotEveryNameThatBeginsSo)
{
	EXPECT_TRUE(is_memory_block("memory12"));
	EXPECT_FALSE(is_memory_block("memory_failure"));
	EXPECT_FALSE(is_memory_block("memory"));
	EXPECT_FALSE(is_memory_block("memory1x"));
}

TEST(Words, AreWhole)
{
	EXPECT_TRUE(has_word("cpuset cpu memory pids\n", "memory"));
	EXPECT_FALSE(has_word("memory_other\n", "memory"));
	EXPECT_FALSE(has_word("", "memory"));
}

TEST(Random, RepeatsFromItsSeed)
{
	uint64_t a = 5, b = 5, zero = 0;
	EXPECT_EQ(next_random(&a), next_random(&b));
	EXPECT_NE(next_random(&a), next_random(&a));
	EXPECT_NE(next_random(&zero), 0u);
}

TEST(Text, NodeIsTold)
{
	EXPECT_EQ(node_mib("Node 1 MemTotal:         524288 kB\nNode 1 MemFree: 7 kB\n"), 512u);
	EXPECT_FALSE(node_mib("Node 1 MemFree:         524288 kB\n"));
	EXPECT_FALSE(node_mib("Node 1 MemTotal: many kB\n"));
	EXPECT_FALSE(node_mib(""));
	EXPECT_EQ(with_commas(" 10 20 "), "10,20");
	EXPECT_EQ(with_commas(""), "");
	EXPECT_EQ(parse_hex("8000000"), 128u << 20);
	EXPECT_FALSE(parse_hex("0x80"));
	EXPECT_FALSE(parse_hex(""));
	EXPECT_EQ(node_number("node12"), 12u);
	EXPECT_FALSE(node_number("node"));
	EXPECT_FALSE(node_number("nodes1"));
	EXPECT_FALSE(node_number("has_cpu"));
}

} // namespace
} // namespace guest
