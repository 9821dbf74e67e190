// SPDX-License-Identifier: GPL-2.0
/*
 * slubtorture - does SLUB keep its promises on this kernel?
 *
 * main.c holds what only a module's C side can: parameters, debugfs files,
 * load and unload. It knows no scenario by name and judges nothing.
 */
#include <linux/debugfs.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/seq_file.h>

#include "shims/shims.h"

static char *scenario = ST_DEFAULT_SCENARIOS;
module_param(scenario, charp, 0444);
MODULE_PARM_DESC(scenario, "globs of scenario names, separated by commas (default: "
		 ST_DEFAULT_SCENARIOS ")");
static uint seconds = 4;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "time that the timed scenarios share, 1 to 86400 (default: 4)");
static ulong seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "same seed, same plan (default: random; the report tells it)");
static uint bench;
module_param(bench, uint, 0444);
MODULE_PARM_DESC(bench, "rounds of each benchmark after the scenarios (default: 0)");
static char *benchmark = "*";
module_param(benchmark, charp, 0444);
MODULE_PARM_DESC(benchmark, "globs of benchmark names, separated by commas (default: *)");
static uint sampling;
module_param(sampling, uint, 0444);
MODULE_PARM_DESC(sampling, "handoffs for each one whose metadata and slab are looked at, too; "
		 "a power of two (default: 16)");
static int hotplug_node = -1;
module_param(hotplug_node, int, 0444);
MODULE_PARM_DESC(hotplug_node,
		 "node that may lose its memory for a while (default: -1, one without CPUs)");
static char *racers = "*";
module_param(racers, charp, 0444);
MODULE_PARM_DESC(racers,
		 "what runs beside node-churn, by names or globs, or none (default: *, all)");
static uint churn_cycles;
module_param(churn_cycles, uint, 0444);
MODULE_PARM_DESC(churn_cycles,
		 "whole-node cycles of node-churn (default: 0, as many as its time allows)");
static char *widen = "*";
module_param(widen, charp, 0444);
MODULE_PARM_DESC(widen,
		 "what holds racing threads up: kernel functions, reader, interrupts, by names or globs, or none (default: *)");

static char *hotplug_zone = "";
module_param(hotplug_zone, charp, 0444);
MODULE_PARM_DESC(hotplug_zone,
		 "movable: that node's memory only ever comes to the movable zone (default: any)");
static bool may_remove;
module_param_named(remove_memory, may_remove, bool, 0444);
MODULE_PARM_DESC(remove_memory,
		 "that node's memory may be removed and added by the kernel's API; a DIMM that it is on must not be ejected later (default: no)");
static char *host = "";
module_param(host, charp, 0444);
MODULE_PARM_DESC(host,
		 "names of that node's DIMMs, separated by commas, which somebody who reads the report unplugs and plugs in when it asks for it (default: none)");

static char *audit = "";
module_param(audit, charp, 0444);
MODULE_PARM_DESC(audit, "words for audit_control, separated by commas, such as 1 or exact,on");

static struct {
	struct st_core *core;
	struct st_environment env;
	struct task_struct *runner;
	struct dentry *dir;
} torture;

static void write_seq(void *arg, const char *text, size_t bytes)
{
	seq_write(arg, text, bytes);
	seq_putc(arg, '\n');
}

static int layout_show(struct seq_file *seq, void *unused)
{
	st_core_layout(torture.core, write_seq, seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(layout);

static int run(void *unused)
{
	struct st_totals totals = {};

	st_core_run(torture.core, &totals);
	st_emit_finish();
	st_thread_wait_for_stop();
	return 0;
}

static int core_make(void)
{
	const struct st_request request = {
		.scenario = scenario,
		.seconds = seconds,
		.seed = seed ? seed : get_random_u32() | 1,
		.bench = bench,
		.benchmark = benchmark,
		.sampling = sampling,
		.racers = racers,
		.churn_cycles = churn_cycles,
	};
	char reason[ST_REASON_BYTES] = "";
	int err;

	torture.core = kvzalloc(st_core_bytes(), GFP_KERNEL);
	if (!torture.core)
		return -ENOMEM;
	err = st_core_create(torture.core, &st_ops, &request, reason);
	if (!err)
		err = st_widen_init(widen, reason);
	if (!err)
		err = st_hotplug_limits(hotplug_zone, may_remove, reason);
	if (!err)
		err = st_host_init(host, hotplug_node, reason);
	if (err)
		pr_err("slubtorture: %s\n", reason);
	return err;
}

static int __init slubtorture_init(void)
{
	int err = core_make();

	if (err)
		goto free_core;
	err = st_emit_init();
	if (err)
		goto free_core;
	err = st_alloc_init();
	if (err)
		goto free_emit;
	/* this task sees /sys and is in the group that will pay */
	st_memcg_init();
	st_charge_init();
	st_hotplug_init(hotplug_node);
	st_racers_files_init();
	st_window_init();
	st_environment(&torture.env);
	st_core_learn(torture.core, &torture.env);
	st_environment_put(&torture.env);
	torture.dir = debugfs_create_dir("slubtorture", NULL);
	debugfs_create_file("ktap", 0400, torture.dir, NULL, &st_emit_fops);
	debugfs_create_file("layout", 0400, torture.dir, NULL, &layout_fops);
	st_inspect_file_init(torture.core, torture.dir);
	err = st_audit_init(torture.dir, audit);
	if (err)
		goto no_audit;
	torture.runner = kthread_run(run, NULL, "slubtorture");
	if (!IS_ERR(torture.runner))
		return 0;
	err = PTR_ERR(torture.runner);
no_audit:
	debugfs_remove_recursive(torture.dir);
	st_inspect_file_exit();
	st_audit_exit();
	st_racers_files_exit();
	st_window_exit();
	st_hotplug_exit();
	st_charge_exit();
	st_memcg_exit();
	st_alloc_exit();
free_emit:
	st_emit_exit();
free_core:
	kvfree(torture.core);
	return err;
}

static void __exit slubtorture_exit(void)
{
	st_stop();
	kthread_stop(torture.runner);
	debugfs_remove_recursive(torture.dir);
	st_inspect_file_exit();
	st_audit_exit();
	st_racers_files_exit();
	st_window_exit();
	st_hotplug_exit();
	st_charge_exit();
	st_memcg_exit();
	st_alloc_exit();
	st_emit_exit();
	kvfree(torture.core);
}

module_init(slubtorture_init);
module_exit(slubtorture_exit);
MODULE_DESCRIPTION("Tests of the promises that SLUB makes across CPUs and memory nodes");
MODULE_AUTHOR("The slubtorture developers");
MODULE_LICENSE("GPL");
