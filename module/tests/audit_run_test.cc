// SPDX-License-Identifier: GPL-2.0
//
// audit_run_test - audit-exact over a fake kernel: right counts pass, each kind
// of wrong one fails, and what cannot be asked is no pass. The tables have
// tests of their own in audit_test.
#include "../core/audit.h"
#include "fake_kernel.h"

using namespace st;
using namespace st::test;

TEST(AuditRun, AsksEveryContextOnBothSides)
{
	FakeKernel k(shape_7_1());
	std::set<std::string> asked;
	k.on_drill = [&](const st_audit_drill &d, st_audit_drilled &) {
		if (!d.hide)
			asked.insert(std::to_string(d.context) + (d.own_cache ? "c" : "m") +
				     (d.alloc_cpu == d.free_cpu ? "=" : "!"));
		return 0;
	};
	ASSERT_EQ(k.run("audit-exact"), 0);
	EXPECT_EQ(asked.size(), 12u);
	EXPECT_EQ(k.field("audit-exact", "verdict"), "pass") << k.record("audit-exact");
	EXPECT_EQ(k.field("audit-exact", "observations"), "12000");
	EXPECT_EQ(k.field("busted-audit-exact", "cause"), "accounting");
}

TEST(AuditRun, EveryWrongCountIsFound)
{
	const std::function<void(st_audit_drilled &)> bugs[] = {
		[](st_audit_drilled &d) { d.pair.freed--; },
		[](st_audit_drilled &d) { d.pair.freed++; },
		[](st_audit_drilled &d) { d.pair.other_cpu++; },
		[](st_audit_drilled &d) { d.pair.other_node++; },
		[](st_audit_drilled &d) { d.pair.contexts[ST_AUDIT_NMI]++; },
		[](st_audit_drilled &d) { d.pair.ages[9]++; },
		[](st_audit_drilled &d) { d.pair.ages[8]--, d.pair.ages[2]++; },
	};
	for (const auto &bug : bugs) {
		FakeKernel k(shape_7_1());
		k.on_drill = [&](const st_audit_drill &, st_audit_drilled &d) { return bug(d), 0; };
		ASSERT_EQ(k.run("audit-exact"), 0);
		EXPECT_EQ(k.field("audit-exact", "verdict"), "fail");
		EXPECT_EQ(k.field("audit-exact", "invariant"), "audit-counts-exact");
		EXPECT_EQ(k.field("audit-exact", "cause"), "accounting");
	}
}

TEST(AuditRun, WhatCannotBeAskedIsNoPass)
{
	const struct { int err; u64 lost, missing; const char *verdict; } cases[] = {
		{-38, 0, 0, "skip"}, {-95, 0, 0, "skip"}, {-12, 0, 0, "broken"},
		{0, 1, 0, "broken"}, {0, 0, 1, "broken"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.on_drill = [&](const st_audit_drill &, st_audit_drilled &d) {
			d.counts.no_slot = c.lost;
			d.done -= c.missing;
			return c.err;
		};
		ASSERT_EQ(k.run("audit-exact"), 0);
		EXPECT_EQ(k.field("audit-exact", "verdict"), c.verdict) << k.record("audit-exact");
	}
}
