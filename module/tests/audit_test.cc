// SPDX-License-Identifier: GPL-2.0
//
// audit_test - the audit's tables and words: what goes in comes out, what does
// not fit is counted, threads lose nothing, and wrong words change nothing.
// That probes see every event is for the guest (audit-exact).
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../core/audit.h"

using namespace st;

namespace {

constexpr u64 kBase = 0xffff888000000000ull;

struct Free {
	void operator()(st_audit *audit) const { std::free(audit); }
};

std::unique_ptr<st_audit, Free> make(u32 cpus)
{
	const size_t bytes = (st_audit_bytes(cpus) + 63) / 64 * 64;
	auto *audit = static_cast<st_audit *>(std::aligned_alloc(64, bytes));
	std::memset(static_cast<void *>(audit), 0, bytes);
	st_audit_make(audit, cpus);
	return std::unique_ptr<st_audit, Free>(audit);
}

st_audit_event event(u64 object, u64 site, u64 now_ns, u32 cpu = 0, u32 context = ST_AUDIT_TASK)
{
	return {object, site, now_ns, cpu, cpu / 2, context, 0};
}

st_audit_counts counts_of(const st_audit *audit)
{
	st_audit_counts counts;
	st_audit_count(audit, &counts);
	return counts;
}

std::vector<st_audit_pair> top_of(const st_audit *audit, u32 max = 8)
{
	std::vector<st_audit_pair> pairs(max);
	pairs.resize(st_audit_top(audit, pairs.data(), max));
	return pairs;
}

void hand(st_audit *audit, u64 object, u64 from, u64 to, u32 cpu, u64 age,
	  u32 context = ST_AUDIT_TASK)
{
	const st_audit_event born = event(object, from, 1000);
	const st_audit_event gone = event(object, to, 1000 + age, cpu, context);
	st_audit_allocated(audit, &born);
	st_audit_freed(audit, &gone);
}

void symbol(u64 site, char *text, size_t bytes)
{
	snprintf(text, bytes, "site_%llx+0x1/0x2", static_cast<unsigned long long>(site));
}

void long_symbol(u64, char *text, size_t bytes)
{
	snprintf(text, bytes, "%s", std::string(120, 'n').c_str());
}

void collect(void *arg, const char *text, size_t bytes)
{
	static_cast<std::vector<std::string> *>(arg)->emplace_back(text, bytes);
}

std::vector<std::string> shown(const st_audit *audit, st_audit_symbol name = symbol)
{
	std::vector<std::string> lines;
	std::vector<st_audit_pair> room(ST_AUDIT_SHOWN);
	st_audit_status status = {{1, 0, 16, 20, 1000}, 3, 60000000};
	st_audit_show(audit, &status, room.data(), name, collect, &lines);
	return lines;
}

int say(const char *text, st_audit_settings *settings, std::string *why = nullptr)
{
	char reason[ST_REASON_BYTES] = "";
	const int err = st_audit_command(text, strlen(text), settings, reason);
	if (why)
		*why = reason;
	return err;
}

} // namespace

TEST(Audit, CountsWhereWhenAndInWhichContext)
{
	auto audit = make(4);
	hand(audit.get(), kBase, 0x10, 0x20, 0, 100);
	hand(audit.get(), kBase, 0x10, 0x20, 1, 5000, ST_AUDIT_SOFTIRQ);
	hand(audit.get(), kBase, 0x10, 0x20, 2, 5000, ST_AUDIT_HARDIRQ);
	hand(audit.get(), kBase, 0x10, 0x30, 3, 5000, ST_AUDIT_NMI);
	const auto pairs = top_of(audit.get());
	ASSERT_EQ(pairs.size(), 2u);
	EXPECT_EQ(pairs[0].alloc_site, 0x10u);
	EXPECT_EQ(pairs[0].free_site, 0x20u);
	EXPECT_EQ(pairs[0].freed, 3u);
	EXPECT_EQ(pairs[0].other_cpu, 2u);
	EXPECT_EQ(pairs[0].other_node, 1u);	// CPUs 0 and 1 share a node
	EXPECT_EQ(pairs[0].contexts[ST_AUDIT_TASK], 1u);
	EXPECT_EQ(pairs[0].contexts[ST_AUDIT_SOFTIRQ], 1u);
	EXPECT_EQ(pairs[0].contexts[ST_AUDIT_HARDIRQ], 1u);
	EXPECT_EQ(pairs[0].ages[age_bucket(100)], 1u);
	EXPECT_EQ(pairs[0].ages[age_bucket(5000)], 2u);
	EXPECT_EQ(pairs[1].contexts[ST_AUDIT_NMI], 1u);
	EXPECT_EQ(counts_of(audit.get()).live, 0u);
}

TEST(Audit, ClocksThatDifferMakeNoHugeAge)
{
	auto audit = make(2);
	const st_audit_event born = event(kBase, 1, 2000), gone = event(kBase, 2, 1990, 1);
	st_audit_allocated(audit.get(), &born);
	st_audit_freed(audit.get(), &gone);
	EXPECT_EQ(top_of(audit.get())[0].ages[0], 1u);
}

TEST(Audit, AgesHaveTheirBuckets)
{
	EXPECT_EQ(age_bucket(0), 0u);
	EXPECT_EQ(age_bucket(127), 0u);
	EXPECT_EQ(age_bucket(128), 1u);
	EXPECT_EQ(age_bucket(255), 1u);
	EXPECT_EQ(age_bucket(~0ull), ST_AUDIT_AGES - 1u);
	EXPECT_STREQ(age_text(0).c_str(), "<128 ns");
	EXPECT_STREQ(age_text(10).c_str(), "<131 us");
	EXPECT_STREQ(age_text(ST_AUDIT_AGES - 1).c_str(), ">137 s");
}

TEST(Audit, QuantilesAndPercentages)
{
	st_audit_pair pair = {};
	EXPECT_EQ(age_quantile(pair, 500), ST_AUDIT_AGES - 1u);
	pair.ages[3] = 90;
	pair.ages[7] = 10;
	EXPECT_EQ(age_quantile(pair, 500), 3u);
	EXPECT_EQ(age_quantile(pair, 900), 3u);
	EXPECT_EQ(age_quantile(pair, 901), 7u);
	EXPECT_EQ(percent_of(0, 5), 0u);
	EXPECT_EQ(percent_of(1, 100000), 1u);	// some is not none
	EXPECT_EQ(percent_of(99999, 100000), 99u);
	EXPECT_EQ(percent_of(5, 0), 0u);
}

TEST(Audit, WhatIsNotPairedIsTold)
{
	auto audit = make(1);
	const st_audit_event born = event(kBase, 1, 10), gone = event(kBase + 64, 2, 20);
	st_audit_allocated(audit.get(), &born);
	st_audit_allocated(audit.get(), &born);	// its free was not seen
	st_audit_freed(audit.get(), &gone);	// its allocation was not
	st_audit_counts counts = counts_of(audit.get());
	EXPECT_EQ(counts.allocated, 2u);
	EXPECT_EQ(counts.reused, 1u);
	EXPECT_EQ(counts.unknown, 1u);
	EXPECT_EQ(counts.live, 1u);
	st_audit_window_ends(audit.get());
	counts = counts_of(audit.get());
	EXPECT_EQ(counts.outlived, 1u);
	EXPECT_EQ(counts.live, 0u);
}

// Every object is paired, alive, replaced, outlived or counted as lost.
TEST(Audit, FullTableOfObjectsLosesNothingSilently)
{
	auto audit = make(1);
	const u64 many = 2ull * kAuditBucket * kAuditBuckets;
	for (u64 i = 0; i < many; i++) {
		const st_audit_event born = event(kBase + i * 64, 1, 10);
		st_audit_allocated(audit.get(), &born);
	}
	for (u64 i = 0; i < many; i++) {
		const st_audit_event gone = event(kBase + i * 64, 2, 20);
		st_audit_freed(audit.get(), &gone);
	}
	const st_audit_counts counts = counts_of(audit.get());
	const u64 paired = top_of(audit.get())[0].freed;
	EXPECT_EQ(counts.live, 0u);
	EXPECT_GT(counts.no_slot, 0u);
	EXPECT_EQ(counts.no_slot, counts.unknown);
	EXPECT_EQ(paired + counts.no_slot, many);
	EXPECT_GT(paired, many * 2 / 5);	// most of the table was in use
}

TEST(Audit, FullTableOfPairsLosesNothingSilently)
{
	auto audit = make(1);
	for (u64 i = 0; i < 2 * kAuditPairs; i++)
		hand(audit.get(), kBase, 0x1000 + i, 0x2000, 0, 100);
	const auto pairs = top_of(audit.get(), 2 * kAuditPairs);
	const st_audit_counts counts = counts_of(audit.get());
	EXPECT_GT(counts.no_pair, 0u);
	EXPECT_EQ(pairs.size() + counts.no_pair, 2 * kAuditPairs);
	EXPECT_GE(pairs.size(), kAuditPairs - 8);
}

TEST(Audit, PairsOfSeveralCpusAreOneRow)
{
	auto audit = make(3);
	for (u64 i = 0; i < 300; i++)
		hand(audit.get(), kBase + i * 32, 0x10, 0x20, u32(i % 3), 100);
	hand(audit.get(), kBase, 0x30, 0x40, 0, 100);
	const auto pairs = top_of(audit.get());
	ASSERT_EQ(pairs.size(), 2u);
	EXPECT_EQ(pairs[0].freed, 300u);
	EXPECT_EQ(pairs[0].other_cpu, 200u);
}

TEST(Audit, RanksByOtherCpuAndKeepsTheFirst)
{
	auto audit = make(2);
	for (u64 site = 1; site <= 20; site++)
		for (u64 i = 0; i < site; i++)
			hand(audit.get(), kBase, site, 0x99, site == 7, 100);
	const auto pairs = top_of(audit.get(), 3);
	ASSERT_EQ(pairs.size(), 3u);
	EXPECT_EQ(pairs[0].alloc_site, 7u);
	EXPECT_EQ(pairs[1].alloc_site, 20u);
	EXPECT_EQ(pairs[2].alloc_site, 19u);
}

TEST(Audit, ClearLeavesNothing)
{
	auto audit = make(2);
	hand(audit.get(), kBase, 1, 2, 1, 100);
	const st_audit_event born = event(kBase, 1, 10);
	st_audit_allocated(audit.get(), &born);
	st_audit_clear(audit.get());
	const st_audit_counts counts = counts_of(audit.get()), none = {};
	EXPECT_EQ(std::memcmp(&counts, &none, sizeof(none)), 0);
	EXPECT_TRUE(top_of(audit.get()).empty());
}

TEST(Audit, EventInsideAnEventIsCountedAsLost)
{
	auto audit = make(1);
	audit->pairs()[0].inside = 1;
	hand(audit.get(), kBase, 1, 2, 0, 100);
	audit->pairs()[0].inside = 0;
	hand(audit.get(), kBase, 1, 2, 0, 100);
	EXPECT_EQ(counts_of(audit.get()).nested, 2u);
	EXPECT_EQ(top_of(audit.get())[0].freed, 1u);
}

TEST(Audit, CpuBeyondTheTablesIsLeftAlone)
{
	auto audit = make(1);
	hand(audit.get(), kBase, 1, 2, 7, 100);
	EXPECT_EQ(counts_of(audit.get()).freed, 0u);
}

// Objects of few buckets, handed from threads to threads: each is found.
TEST(Audit, ThreadsLoseNothing)
{
	constexpr u64 kEach = 20000, kInFlight = 64;
	auto audit = make(4);
	const auto work = [&](u32 pair) {
		std::vector<u64> mail(kInFlight);
		const auto produce = [&] {
			for (u64 i = 0; i < kEach; i++) {
				const u64 object = kBase + ((i % kInFlight) * 2 + pair) * 8;
				while (__atomic_load_n(&mail[i % kInFlight], __ATOMIC_ACQUIRE))
					std::this_thread::yield();
				const st_audit_event born = event(object, 1, i, pair * 2);
				st_audit_allocated(audit.get(), &born);
				__atomic_store_n(&mail[i % kInFlight], object, __ATOMIC_RELEASE);
			}
		};
		std::thread other(produce);
		for (u64 i = 0; i < kEach; i++) {
			u64 object;
			while (!(object = __atomic_load_n(&mail[i % kInFlight], __ATOMIC_ACQUIRE)))
				std::this_thread::yield();
			const st_audit_event gone = event(object, 2, i + 10, pair * 2 + 1);
			st_audit_freed(audit.get(), &gone);
			__atomic_store_n(&mail[i % kInFlight], 0, __ATOMIC_RELEASE);
		}
		other.join();
	};
	std::thread first(work, 0), second(work, 1);
	first.join();
	second.join();
	const auto pairs = top_of(audit.get());
	ASSERT_EQ(pairs.size(), 1u);
	EXPECT_EQ(pairs[0].freed, 2 * kEach);
	EXPECT_EQ(pairs[0].other_cpu, 2 * kEach);
	EXPECT_EQ(counts_of(audit.get()).unknown, 0u);
}

TEST(Audit, SamplingIsNearItsShareOfObjectsAndOfWindows)
{
	u32 of_objects = 0, of_windows = 0;
	for (u64 i = 0; i < 160000; i++) {
		EXPECT_TRUE(st_audit_chosen(kBase + i * 64, i, 1));
		of_objects += st_audit_chosen(kBase + i * 64, 12345, 16) != 0;
		of_windows += st_audit_chosen(kBase, i * 1000003, 16) != 0;
	}
	EXPECT_NEAR(of_objects, 10000, 500);
	EXPECT_NEAR(of_windows, 10000, 500);
}

TEST(AuditText, TableFitsTheScreen)
{
	auto audit = make(2);
	EXPECT_EQ(shown(audit.get()).back(), "no object was seen allocated and freed");
	for (u64 i = 0; i < 3000; i++)
		hand(audit.get(), kBase, i % 30, 9, 1, i * 1000000);
	for (CpuPairs *cpu : {&audit->pairs()[0], &audit->pairs()[1]})
		cpu->counts = {999999999999, 999999999999, 999999999999, 999999999999, 0, 0,
			       99999999, 99999999, 99999999};
	for (st_audit_symbol name : {symbol, long_symbol}) {
		const auto lines = shown(audit.get(), name);
		EXPECT_EQ(lines.size(), 8u + 3 * ST_AUDIT_SHOWN);
		for (const std::string &line : lines)
			EXPECT_LE(line.size(), 80u) << line;
	}
}

TEST(AuditText, RowSaysAll)
{
	auto audit = make(4);
	for (u64 i = 0; i < 4; i++)
		hand(audit.get(), kBase, 0x10, 0x20, i < 3 ? 2 : 0, 1000,
		     i ? ST_AUDIT_SOFTIRQ : ST_AUDIT_TASK);
	const auto lines = shown(audit.get());
	EXPECT_EQ(lines[0], "audit on: 1 object in 16, 20 of every 1000 ms; "
			    "so far 3 windows, 60 ms");
	EXPECT_EQ(lines[8], "          4          3  75%          3    <1 us    <1 us"
			    "  25%  75%   0%   0%");
	EXPECT_EQ(lines[9], "  from site_10+0x1/0x2");
	EXPECT_EQ(lines[10], "  to   site_20+0x1/0x2");
}

TEST(AuditText, RecordsAreWhole)
{
	auto audit = make(2);
	hand(audit.get(), kBase, 0x10, 0x20, 1, 130);
	std::vector<std::string> lines;
	std::vector<st_audit_pair> room(ST_AUDIT_RECORDED);
	const st_audit_status status = {{1, 0, 1, 20, 20}, 1, 7};
	st_audit_records(audit.get(), &status, room.data(), symbol, collect, &lines);
	ASSERT_EQ(lines.size(), 2u);
	EXPECT_EQ(lines[0].find("audit on=1 sample=1 slice_ms=20 every_ms=20 windows=1 "
				"watched_ns=7 age_shift=6 pairs=1 allocated=1 freed=1 "), 0u);
	EXPECT_EQ(lines[1].find("pair alloc=\"site_10+0x1/0x2\" free=\"site_20+0x1/0x2\" freed=1 "
				"other_cpu=1 other_node=0 task=1 softirq=0 hardirq=0 nmi=0 "
				"ages=0,1,0,"), 0u) << lines[1];
}

TEST(AuditWords, AreUnderstood)
{
	st_audit_settings s;
	st_audit_defaults(&s);
	EXPECT_EQ(s.on, 0u);
	EXPECT_EQ(say("on\n", &s), 0);
	EXPECT_EQ(s.on, 1u);
	EXPECT_EQ(say("sample=4,slice 10 500 reset", &s), 0);
	EXPECT_EQ(s.sample, 4u);
	EXPECT_EQ(s.slice_ms, 10u);
	EXPECT_EQ(s.every_ms, 500u);
	EXPECT_EQ(s.reset, 1u);
	EXPECT_EQ(say("exact", &s), 0);
	EXPECT_EQ(s.sample, 1u);
	EXPECT_EQ(s.slice_ms, s.every_ms);
	EXPECT_EQ(say("default 0", &s), 0);
	EXPECT_EQ(s.sample, 16u);
	EXPECT_EQ(s.on, 0u);
}

TEST(AuditWords, WrongOnesChangeNothingAndAreNamed)
{
	const struct { const char *text, *why; } cases[] = {
		{"", "nothing was said"}, {" \n", "nothing was said"}, {"maybe", "'maybe' is none of"},
		{"on sample 0", "sample '0'"}, {"sample", "sample ''"},
		{"sample 99999999999999999999", "sample '"}, {"sample -1", "sample '-1'"},
		{"sample 65537", "from 1 to 65536"}, {"slice 10 5", "slice '10 5'"},
		{"slice 1 5", "slice '1 5'"}, {"slice 10", "slice '10 '"},
		{"on exact off\1", "is none of"}};
	for (const auto &c : cases) {
		st_audit_settings s, before;
		std::string why;
		st_audit_defaults(&s);
		before = s;
		EXPECT_EQ(say(c.text, &s, &why), -22) << c.text;
		EXPECT_NE(why.find(c.why), std::string::npos) << why;
		EXPECT_EQ(std::memcmp(&s, &before, sizeof(s)), 0) << c.text;
	}
}
