// SPDX-License-Identifier: GPL-2.0
/*
 * suite_handoff - the handoff engine in short bursts, one for each ordering in
 * the table of scenarios: it must run, the CPUs must overlap, and no handoff
 * may end in a wrong state. How long it takes to trust a pass is for the
 * scenarios of slubtorture.ko.
 */
#include "fixture.h"

#define STK_BURST_NS (40 * NSEC_PER_MSEC)

struct stk_ordering {
	const char *scenario;
};

/* Rows of the family Handoff, and none of the others. */
#define STK_ROW_Handoff(name) { name },
#define STK_ROW_BustedHandoff(name)
#define STK_ROW_WrongHandoff(name)
#define STK_ROW_Exts(name)
#define STK_ROW_BustedExts(name)
#define STK_ROW_Sweep(name)
#define STK_ROW_Kmalloc(name)
#define STK_ROW_Late(name)
#define STK_ROW_Counters(name)
#define STK_ROW_Node(name)
#define STK_ROW_Ways(name)
#define STK_ROW_Churn(name)
#define STK_ROW_Charge(name)
#define STK_ROW_Audit(name)
#define STK_ROW_Inspect(name)
#define STK_ROW_Price(name)
#define STK_ROW_Window(name)
#define STK_ROW_Publication(name)
#define SCENARIO(name, family, argument, timed, cause, question) STK_ROW_##family(name)
static struct stk_ordering stk_orderings[] = {
#include "../module/core/scenarios.def"
};
#undef SCENARIO

static void stk_ordering_name(struct stk_ordering *ordering, char *name)
{
	strscpy(name, ordering->scenario, KUNIT_PARAM_DESC_SIZE);
}
KUNIT_ARRAY_PARAM(stk_ordering, stk_orderings, stk_ordering_name);

static void handoff_burst(struct kunit *test)
{
	const struct stk_ordering *ordering = test->param_value;

	st_core_ask(stk.core, ordering->scenario, STK_BURST_NS, &stk.answer);
	STK_EXPECT_PASS(test);
	KUNIT_EXPECT_GT(test, stk.answer.observations, 0);
	KUNIT_EXPECT_GT(test, stk.answer.overlaps, 0);
	kunit_info(test, "%llu handoffs, %llu overlaps\n", stk.answer.observations,
		   stk.answer.overlaps);
}

static struct kunit_case stk_cases[] = {
	KUNIT_CASE_PARAM(handoff_burst, stk_ordering_gen_params),
	{}
};

struct kunit_suite stk_handoff_suite = {
	.name = STK_SUITE("handoff"),
	.suite_init = stk_suite_init,
	.suite_exit = stk_suite_exit,
	.test_cases = stk_cases,
};
