// SPDX-License-Identifier: GPL-2.0
//
// charge_test - charge-*: what stays charged or stays dying is found, by the
// name it has, and nothing else is; runs that cannot find out say so. Real
// counters and cgroups are left to the guest.
#include "../core/diagnosis.h"
#include "../core/invariant.h"
#include "fake_kernel.h"

using namespace st;
using namespace st::test;

namespace {

constexpr const char *kScenarios[] = {"charge-balanced", "charge-dying", "charge-churn"};

void expect_fail(const FakeKernel &k, const std::string &scenario, const char *invariant)
{
	EXPECT_EQ(k.field(scenario, "verdict"), "fail") << k.record(scenario);
	EXPECT_EQ(k.field(scenario, "invariant"), invariant) << k.record(scenario);
	EXPECT_EQ(k.field(scenario, "cause"), "accounting") << k.record(scenario);
	EXPECT_NE(k.field(scenario, "evidence"), "-");
}

void expect_reason(const FakeKernel &k, const char *verdict, const char *reason)
{
	for (const char *name : kScenarios) {
		EXPECT_EQ(k.field(name, "verdict"), verdict) << k.record(name);
		EXPECT_NE(k.field(name, "reason").find(reason), std::string::npos)
			<< k.record(name);
	}
}

} // namespace

TEST(Charge, InvariantsHoldOrBreakByTheCounter)
{
	const struct { u64 charged, dying, alive; bool reaches, balanced, goes; } cases[] = {
		{0, 0, 0, true, true, true},
		{4096, 0, 4096, true, false, true},
		{4095, 0, 4096, false, false, true},
		{0, 1, 1, false, true, false},
		{8192, 2, 4097, true, false, false}};
	for (const auto &c : cases) {
		const st_charge_books books{c.charged, c.dying};
		EXPECT_EQ(charge_reaches_group(books, c.alive).holds, c.reaches);
		EXPECT_EQ(charge_balanced(books).holds, c.balanced);
		EXPECT_EQ(charge_dying_goes(books).holds, c.goes);
	}
}

// 65536 bytes too many look like a truncation to 16 bits, and are not.
TEST(Charge, CauseIsAccountingWhateverTheValue)
{
	for (u64 charged : {1ull, 4096ull, 65536ull, ~0ull}) {
		const Finding finding = charge_balanced(st_charge_books{charged, 0});
		EXPECT_EQ(diagnose(Invariant::ChargeBalanced, finding.sighting),
			  Cause::Accounting);
		EXPECT_EQ(diagnose(Invariant::ChargeDyingGoes, finding.sighting),
			  Cause::Accounting);
		EXPECT_EQ(diagnose(Invariant::ChargeReachesGroup, finding.sighting),
			  Cause::Accounting);
	}
}

TEST(Charge, WhatStaysChargedIsFound)
{
	for (const char *name : kScenarios) {
		FakeKernel k(shape_7_1());
		k.on_books = [](u32, st_charge_books &b) { b.charged_bytes += 4096; };
		ASSERT_EQ(k.run(name), 0);
		expect_fail(k, name, "charge-balanced");
		EXPECT_NE(k.field(name, "evidence").find("4096 bytes"), std::string::npos);
	}
}

TEST(Charge, WhatStaysDyingIsFound)
{
	for (const char *name : kScenarios) {
		FakeKernel k(shape_7_1());
		// only once it is removed, as a page that pins it would
		k.on_books = [](u32 group, st_charge_books &b) {
			b.dying += group == ST_CHARGE_PARENT;
		};
		ASSERT_EQ(k.run(name), 0);
		expect_fail(k, name, "charge-dying-goes");
	}
}

// One group that owes, among many that do not, is in the parent's counter.
TEST(Charge, OneBadCycleIsFoundAtTheEnd)
{
	FakeKernel k(shape_7_1());
	u64 cycles = 0;
	k.on_charge = [&](const st_charge_spec &spec, st_charge_counts &) {
		cycles += !spec.busted;
	};
	k.on_books = [&](u32, st_charge_books &b) { b.charged_bytes += cycles >= 3 ? 4096 : 0; };
	ASSERT_EQ(k.run("charge-churn"), 0);
	expect_fail(k, "charge-churn", "charge-balanced");
	EXPECT_GT(cycles, 10u);
}

TEST(Charge, ChargesThatReachNobodyAreFound)
{
	FakeKernel k(shape_7_1());
	k.on_books = [](u32, st_charge_books &b) { b.charged_bytes = 0; };
	ASSERT_EQ(k.run("charge-balanced"), 0);
	expect_fail(k, "charge-balanced", "charge-reaches-group");
}

// Counters that come late, but in time, are no breach.
TEST(Charge, PatienceIsBounded)
{
	for (u64 late_ms : {2000u, 60000u}) {
		FakeKernel k(shape_7_1());
		u64 settled = 0;
		k.on_charge = [&](const st_charge_spec &, st_charge_counts &) { settled = 0; };
		k.on_books = [&](u32, st_charge_books &b) {
			b.charged_bytes += ++settled * 12 < late_ms ? 4096 : 0;
		};
		ASSERT_EQ(k.run("charge-dying"), 0);
		EXPECT_EQ(k.field("charge-dying", "verdict"), late_ms < 20000 ? "pass" : "fail")
			<< k.record("charge-dying");
	}
}

TEST(Charge, MachinesWithoutGroupsSkip)
{
	FakeKernel k(shape_7_1());
	k.no_groups = "cgroup2 is not mounted";
	ASSERT_EQ(k.run("charge-*"), 0);
	expect_reason(k, "skip", "cgroup2 is not mounted");
	EXPECT_EQ(k.totals.broken, 0u);
	EXPECT_EQ(k.calls["groups_open"] + k.calls["cache_create"], 0u);

	FakeKernel refused(shape_7_1());
	refused.failing = {"groups_open"};
	refused.open_error = -30;
	ASSERT_EQ(refused.run("charge-*"), 0);
	expect_reason(refused, "skip", "errno 30");

	FakeKernel nobody(shape_7_1());
	nobody.env.memcg = 0;
	strcpy(nobody.env.memcg_reason, "no memory cgroup");
	ASSERT_EQ(nobody.run("charge-*"), 0);
	expect_reason(nobody, "skip", "no memory cgroup");

	FakeKernel single(shape_7_1());
	single.env.cpus = 1;
	ASSERT_EQ(single.run("charge-*"), 0);
	expect_reason(single, "skip", "two CPUs");
}

TEST(Charge, WhatFailsIsNamed)
{
	const struct { const char *operation, *reason; } cases[] = {
		{"groups_open", "no memory for a cgroup"}, {"group_make", "could not be made"},
		{"group_remove", "could not be removed"},  {"groups_close", "could not be removed"},
		{"charge_work", "threads or memory"},	   {"charge_release", "threads that free"},
		{"charge_settle", "could not be read"},	   {"cache_create", "caches"}};
	for (const auto &c : cases) {
		SCOPED_TRACE(c.operation);
		FakeKernel k(shape_7_1());
		k.failing = {c.operation};
		ASSERT_EQ(k.run("charge-*"), 0);
		expect_reason(k, "broken", c.reason);
		EXPECT_EQ(k.totals.fail, 0u);
	}
}

TEST(Charge, WorkThatAllocatesNothingIsBroken)
{
	FakeKernel k(shape_7_1());
	k.on_charge = [](const st_charge_spec &, st_charge_counts &counts) { counts = {}; };
	ASSERT_EQ(k.run("charge-*"), 0);
	expect_reason(k, "broken", "not one object");
}

// Stopped anywhere: no verdict about counters that had no time to settle.
TEST(Charge, MayStopAnywhere)
{
	u64 whole;
	{
		FakeKernel k(shape_7_1());
		ASSERT_EQ(k.run("charge-*"), 0);
		whole = k.all_calls;
	}
	for (u64 stop = 1; stop < whole; stop += 1 + whole / 199) {
		SCOPED_TRACE(stop);
		FakeKernel k(shape_7_1());
		k.stop_at = stop;
		ASSERT_EQ(k.run("charge-*"), 0);
		EXPECT_EQ(k.totals.fail, 0u);
	}
}

TEST(Charge, ChurnIsKilledInTheMiddleAndSharesSlabs)
{
	FakeKernel k(shape_7_1());
	u64 spread = 0;
	k.on_charge = [&](const st_charge_spec &spec, st_charge_counts &) {
		EXPECT_GT(spec.kill_after_ns, 0u);
		EXPECT_EQ(spec.groups, u32(ST_CHARGE_WORK_GROUPS));
		EXPECT_NE(spec.group[0], spec.group[1]);
		EXPECT_GT(spec.caches, 3u);
		spread |= spec.kill_after_ns;
	};
	ASSERT_EQ(k.run("charge-churn"), 0);
	EXPECT_EQ(k.field("charge-churn", "verdict"), "pass") << k.record("charge-churn");
	EXPECT_GT(spread, 0xffffu);
}
