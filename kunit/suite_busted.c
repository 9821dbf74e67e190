// SPDX-License-Identifier: GPL-2.0
/*
 * suite_busted - every control in the table of scenarios: a deliberate bug, in
 * memory of our own, that core must fail on with the cause that the table
 * names. A case passes when the bug is caught, and fails when it goes
 * unnoticed or is taken for another one.
 */
#include "fixture.h"

struct stk_twin {
	const char *scenario;
	const char *cause;
};

/* Rows that expect a cause, and none of the others. */
#define STK_ROW_None(name)
#define STK_ROW_Truncation(name) { name, "truncation" },
#define STK_ROW_Ordering(name) { name, "ordering" },
#define STK_ROW_Corruption(name) { name, "corruption" },
#define STK_ROW_Lifetime(name) { name, "lifetime" },
#define STK_ROW_Accounting(name) { name, "accounting" },
#define SCENARIO(name, family, argument, timed, cause, question) STK_ROW_##cause(name)
static struct stk_twin stk_twins[] = {
#include "../module/core/scenarios.def"
};
#undef SCENARIO

static void stk_twin_name(struct stk_twin *twin, char *name)
{
	strscpy(name, twin->scenario, KUNIT_PARAM_DESC_SIZE);
}
KUNIT_ARRAY_PARAM(stk_twin, stk_twins, stk_twin_name);

static void busted_is_caught(struct kunit *test)
{
	const struct stk_twin *twin = test->param_value;

	st_core_ask(stk.core, twin->scenario, 0, &stk.answer);
	if (stk.answer.verdict == ST_SKIP)
		kunit_skip(test, "%s", stk.answer.reason);
	KUNIT_EXPECT_EQ_MSG(test, stk.answer.verdict, ST_FAIL, "the bug went unnoticed: %s",
			    stk.answer.reason);
	KUNIT_EXPECT_STREQ_MSG(test, stk.answer.cause, twin->cause, "%s", stk.answer.findings);
	KUNIT_EXPECT_STRNEQ(test, stk.answer.findings, "");
}

/* A scenario without a bug must not be taken for caught. */
static void busted_needs_a_bug(struct kunit *test)
{
	st_core_ask(stk.core, "no-such-scenario", 0, &stk.answer);
	KUNIT_EXPECT_EQ(test, stk.answer.verdict, ST_BROKEN);
	KUNIT_EXPECT_STREQ(test, stk.answer.cause, "none");
	KUNIT_EXPECT_STREQ(test, stk.answer.findings, "");
}

static struct kunit_case stk_cases[] = {
	KUNIT_CASE_PARAM(busted_is_caught, stk_twin_gen_params),
	KUNIT_CASE(busted_needs_a_bug),
	{}
};

struct kunit_suite stk_busted_suite = {
	.name = STK_SUITE("busted"),
	.suite_init = stk_suite_init,
	.suite_exit = stk_suite_exit,
	.exit = stk_case_exit,
	.test_cases = stk_cases,
};
