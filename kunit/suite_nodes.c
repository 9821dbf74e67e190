// SPDX-License-Identifier: GPL-2.0
/*
 * suite_nodes - the node structures of every cache of the running kernel, as
 * they stand and while a node's memory goes and comes once. Slabs with bugs in
 * them are suite_busted's, synthetic rows suite_judgement's.
 */
#include "fixture.h"

static void nodes_have_structures(struct kunit *test)
{
	st_core_ask_nodes(stk.core, &stk.answer);
	STK_EXPECT_PASS(test);
}

static void nodes_count_slabs(struct kunit *test)
{
	st_core_ask_node_counts(stk.core, &stk.answer);
	STK_EXPECT_PASS(test);
}

static void nodes_keep_structures_movable(struct kunit *test)
{
	st_core_ask_node_cycle(stk.core, ST_BLOCK_MOVABLE, &stk.answer);
	STK_EXPECT_PASS(test);
}

/* Up to about 6.16 SLUB looked at a node's last normal memory only. */
static void nodes_keep_structures_normal(struct kunit *test)
{
	st_core_ask_node_cycle(stk.core, ST_BLOCK_KERNEL, &stk.answer);
	STK_EXPECT_PASS(test);
}

static struct kunit_case stk_cases[] = {
	KUNIT_CASE(nodes_have_structures),
	KUNIT_CASE(nodes_count_slabs),
	KUNIT_CASE_SLOW(nodes_keep_structures_movable),
	KUNIT_CASE_SLOW(nodes_keep_structures_normal),
	{}
};

struct kunit_suite stk_nodes_suite = {
	.name = STK_SUITE("nodes"),
	.suite_init = stk_suite_init,
	.suite_exit = stk_suite_exit,
	.exit = stk_case_exit,
	.test_cases = stk_cases,
};
