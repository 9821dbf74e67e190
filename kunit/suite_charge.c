// SPDX-License-Identifier: GPL-2.0
/*
 * suite_charge - what a cgroup was charged comes back, and it goes: the
 * scenarios charge-* for the few rounds that each has at least. Their controls
 * are in suite_busted; many cycles are for slubtorture.ko.
 */
#include "fixture.h"

static void charge_comes_back(struct kunit *test, const char *scenario)
{
	st_core_ask(stk.core, scenario, 0, &stk.answer);
	STK_EXPECT_PASS(test);
	KUNIT_EXPECT_GT(test, stk.answer.observations, 0);
}

static void charge_balanced(struct kunit *test)
{
	charge_comes_back(test, "charge-balanced");
}

static void charge_dying(struct kunit *test)
{
	charge_comes_back(test, "charge-dying");
}

static void charge_churn(struct kunit *test)
{
	charge_comes_back(test, "charge-churn");
}

static struct kunit_case stk_cases[] = {
	KUNIT_CASE(charge_balanced),
	KUNIT_CASE(charge_dying),
	KUNIT_CASE(charge_churn),
	{}
};

struct kunit_suite stk_charge_suite = {
	.name = STK_SUITE("charge"),
	.suite_init = stk_suite_init,
	.suite_exit = stk_suite_exit,
	.test_cases = stk_cases,
};
