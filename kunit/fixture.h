/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fixture - what the suites share: core, created once, with what it learned
 * about the running kernel; and how an answer of core becomes a result of
 * KUnit. It knows no suite by name and asks nothing itself.
 */
#ifndef SLUBTORTURE_KUNIT_FIXTURE_H
#define SLUBTORTURE_KUNIT_FIXTURE_H

#include <kunit/test.h>

#include "../module/shims/shims.h"

/* The one place for the subsystem's name in front of a suite's. */
#define STK_SUITE(name) "slubtorture-" name

/* Speed attributes came with 6.8; before, no test is called slow. */
#ifndef KUNIT_CASE_SLOW
#define KUNIT_CASE_SLOW KUNIT_CASE
#endif

struct stk {
	struct st_core *core;
	u64 seed;
	struct st_environment env;
	const struct st_layout *layout;
	const char *exts_missing, *nodes_missing;	/* "", or why */
	struct st_answer answer;	/* cases run one at a time */
};

extern struct stk stk;

/* For a suite's suite_init, suite_exit and exit. */
int stk_suite_init(struct kunit_suite *suite);
void stk_suite_exit(struct kunit_suite *suite);
void stk_case_exit(struct kunit *test);

/*
 * Skips with core's reason, or returns what there is to complain of: findings,
 * or why nothing could be found out. NULL: stk.answer is a pass.
 */
const char *stk_complaint(struct kunit *test);

/* A macro, so that KUnit names the line of the case. */
#define STK_EXPECT_PASS(test) do {				\
	const char *complaint = stk_complaint(test);		\
								\
	if (complaint)						\
		KUNIT_FAIL(test, "%s", complaint);		\
} while (0)

extern struct kunit_suite stk_layout_suite, stk_metadata_suite, stk_nodes_suite,
	stk_handoff_suite, stk_judgement_suite, stk_busted_suite, stk_charge_suite;

#endif
