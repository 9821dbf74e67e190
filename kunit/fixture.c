// SPDX-License-Identifier: GPL-2.0
/*
 * fixture - see fixture.h. Core is created when the first suite begins: that
 * is in the task that loads the module, which sees /sys and is in the memory
 * cgroup that pays. It goes with the module.
 */
#include <linux/module.h>

#include "fixture.h"

static ulong seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "same seed, same plan (default: 1)");
static int hotplug_node = -1;
module_param(hotplug_node, int, 0444);
MODULE_PARM_DESC(hotplug_node,
		 "node that may lose its memory for a while (default: -1, one without CPUs)");

struct stk stk;
static bool is_open;

/* A question emits nothing; core's table of functions wants these all the same. */
void st_emit(const char *text, size_t bytes) { }
void st_emit_settle(void) { }

static int core_make(void)
{
	const struct st_request request = { .scenario = "*", .seconds = 1, .seed = seed,
		.benchmark = "*" };
	char reason[ST_REASON_BYTES] = "";
	int err;

	stk.seed = seed;
	stk.core = kvzalloc(st_core_bytes(), GFP_KERNEL);
	if (!stk.core)
		return -ENOMEM;
	err = st_core_create(stk.core, &st_ops, &request, reason);
	if (err) {
		pr_err("slubtorture_kunit: %s\n", reason);
		kvfree(stk.core);
	}
	return err;
}

int stk_suite_init(struct kunit_suite *suite)
{
	int err;

	if (is_open)
		return 0;
	err = core_make();
	if (err)
		return err;
	err = st_alloc_init();
	if (err) {
		kvfree(stk.core);
		return err;
	}
	st_memcg_init();
	st_charge_init();
	st_hotplug_init(hotplug_node);
	st_environment(&stk.env);
	st_core_learn(stk.core, &stk.env);
	st_environment_put(&stk.env);
	stk.layout = st_core_facts(stk.core, &stk.exts_missing, &stk.nodes_missing);
	is_open = true;
	return 0;
}

void stk_suite_exit(struct kunit_suite *suite)
{
	if (is_open)
		st_caches_wait();
}

/* Runs after failure, abort and skip, too. */
void stk_case_exit(struct kunit *test)
{
	if (is_open && st_blocks_restore())
		kunit_err(test, "a memory block could not be put back as it was found\n");
}

static void __exit stk_exit(void)
{
	if (!is_open)
		return;
	st_stop();
	st_hotplug_exit();
	st_charge_exit();
	st_memcg_exit();
	st_alloc_exit();
	kvfree(stk.core);
}
module_exit(stk_exit);

const char *stk_complaint(struct kunit *test)
{
	const struct st_answer *answer = &stk.answer;

	switch (answer->verdict) {
	case ST_PASS:
		if (answer->note[0])
			kunit_info(test, "%llu observations, %s\n", answer->observations,
				   answer->note);
		return NULL;
	case ST_SKIP:
		kunit_skip(test, "%s", answer->reason);
	case ST_FAIL:
		return answer->findings;
	default:
		kunit_err(test, "%s\n", answer->reason);
		return "    nothing could be found out, for the reason given above";
	}
}

kunit_test_suites(&stk_layout_suite, &stk_judgement_suite, &stk_busted_suite,
		  &stk_metadata_suite, &stk_handoff_suite, &stk_nodes_suite, &stk_charge_suite);

MODULE_DESCRIPTION("KUnit suites that examine the running kernel's SLUB");
MODULE_LICENSE("GPL");
