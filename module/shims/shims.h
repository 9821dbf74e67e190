/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shims.h - what the C files of the kernel side share with each other and
 * with main.c. Core never sees it; the table that core is given is st_ops in
 * ops.c. One file for each thing that only the kernel can do.
 */
#ifndef SLUBTORTURE_SHIMS_H
#define SLUBTORTURE_SHIMS_H

#include <linux/completion.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../abi.h"

/* emit.c: the KTAP stream that debugfs shows */
int st_emit_init(void);
void st_emit_exit(void);
void st_emit(const char *text, size_t bytes);
void st_emit_finish(void);	/* no more text will come */
void st_emit_settle(void);	/* until a follower has read it all */
extern const struct file_operations st_emit_fops;

/* threads.c: work on CPUs that are named */
bool st_stopping(void);
void st_stop(void);

struct st_crew;
struct st_job {
	void (*work)(struct st_job *job);
	void *arg;
	u32 cpu;
	/* private to threads.c */
	struct st_crew *crew;
	struct task_struct *task;
	struct completion done;
};
/*
 * Runs all jobs at once, each in a kernel thread bound to its CPU; they leave
 * a common start line together. 0, or -errno and no job has run.
 */
int st_threads_run(struct st_job *jobs, u32 count);
/* For a thread that is done: kthread_stop() needs one that has not left yet. */
void st_thread_wait_for_stop(void);
/* Moves the calling kernel thread to the CPU. */
int st_move_to(u32 cpu);

/* memcg.c: who pays for accounted allocations */
void st_memcg_init(void);
void st_memcg_exit(void);
u64 st_memcg(void);		/* 0: none, see st_memcg_reason() */
const char *st_memcg_reason(void);
/* Between the two, __GFP_ACCOUNT allocations of this thread are charged. */
struct mem_cgroup *st_memcg_enter(void);
/* The same for a group that the caller holds. */
struct mem_cgroup *st_memcg_enter_as(struct mem_cgroup *memcg);
void st_memcg_leave(struct mem_cgroup *old);

/* symbols.c: addresses of data that is not exported */
void *st_symbol(const char *name);	/* NULL: not to be had */

/* alloc.c */
int st_alloc_init(void);
void st_alloc_exit(void);
void st_caches_wait(void);	/* every cache given up so far is gone */
int st_cache_create(const struct st_cache_spec *spec, u64 *cache);
void st_cache_destroy(u64 cache);
int st_objects_alloc(u64 cache, u32 cpu, int payer, u64 *objects, u32 count);
int st_objects_free(u64 cache, u32 cpu, const u64 *objects, u32 count);
extern const struct st_exts_ops st_exts_ops;
/* no failure messages, no retries that could wake the OOM killer */
#define ST_GFP (GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY)
static inline gfp_t st_gfp(bool accounted)
{
	return accounted ? ST_GFP | __GFP_ACCOUNT : ST_GFP;
}

/* slab_read.c */
int st_objects_view(const struct st_layout *layout, u32 cpu, const u64 *objects,
		    struct st_object_view *views, u32 count);
/* What lies at view->slot, for slot_objcg, slot_memcg and slot_readable. */
void st_read_owner(const struct st_layout *layout, struct st_object_view *view);
/* One view of an object in a slab whose structure, memory and cache are given. */
void st_view_read(const struct st_layout *layout, const void *slab,
		  unsigned long base, unsigned long bytes, unsigned long object,
		  struct st_object_view *view);

/* busted.c, busted_nodes.c: controls */
int st_busted_views(u32 kind, u32 cpu, struct st_layout *layout,
		    struct st_object_view *views, u32 max);
int st_busted_nodes_start(s32 nid);
int st_busted_node_rows(struct st_node_row *rows, u32 max);
void st_busted_nodes_stop(void);

/* handoff.c, litmus.c, late.c, counters.c */
extern const struct st_handoff_ops st_handoff_ops;
int st_litmus(const struct st_litmus_spec *spec, struct st_litmus_counts *counts);
/* what the constructor of a type-safe cache writes, and no life of an object changes */
#define ST_TYPE_WORD 5
#define ST_TYPE_MAGIC 0x736c7562746f7274ull
int st_late(const struct st_late_spec *spec, struct st_late_counts *counts);
int st_counters(const struct st_counters_spec *spec, struct st_counters_counts *counts);

/* widen.c; list: names and globs, or "none". 0, or -EINVAL with the reason */
int st_widen_init(const char *list, char *reason);
extern const struct st_widen_ops st_widen_ops;

/* inspect.c: reads; inspect_file.c: its file and parameters; samples to look at */
extern const struct st_inspect_ops st_inspect_ops;
struct dentry;
void st_inspect_file_init(const struct st_core *core, struct dentry *dir);
void st_inspect_file_exit(void);	/* after the file is gone */
int st_sample_init(void);
void st_sample_exit(void);
/* audit.c: off unless words of st_audit_command() say otherwise; audit_drill.c */
struct dentry;
int st_audit_init(struct dentry *dir, const char *words);
void st_audit_exit(void);
extern const struct st_audit_ops st_audit_ops;

/* nodes.c, hotplug.c */
/* Under slab_mutex, to the first that returns other than 0, which is returned. */
int st_caches_visit(const struct st_layout *layout,
		    int (*visit)(const void *cache, void *arg), void *arg);
/* What one cache keeps for nid; under slab_mutex. */
void st_node_row(const struct st_layout *layout, const void *cache, s32 nid,
		 struct st_node_row *row);
const char *st_nodes_init(void);	/* why caches cannot be listed, or NULL */
int st_node_rows(const struct st_layout *layout, s32 nid, struct st_node_row *rows,
		 u32 max);
u32 st_memory_nodes(int normal, u32 *nids, u32 max);
/* What the user allows, before st_hotplug_init(): the only zone, or ""; whether
 * blocks may be removed. 0, or -EINVAL with the reason. */
int st_hotplug_limits(const char *zone, bool remove, char *reason);
void st_hotplug_init(int wanted_nid);	/* in a task that sees /sys */
void st_hotplug_exit(void);		/* puts every block back as found */
void st_hotplug_target(struct st_hotplug_target *target);
int st_block_set(u32 block, u32 state);
int st_block_index(unsigned long pfn);	/* of the block with that page, or -ENOENT */
int st_blocks_restore(void);
/* patience.c: begins and ends a call that may wait for memory for ever */
/* Around a wait for memory, `pages` from `pfn` on if it is to go, else 0. */
void st_patience_begin(unsigned long pfn, unsigned long pages);
void st_patience_end(bool failed);
void st_patience_kept(char *text);	/* ST_REASON_BYTES: what kept the last that did not go */
void st_hotplug_rescan(s32 nid);
void st_node_blocks(s32 nid, struct st_node_blocks *now);

/* ways.c; devices: names that a host answers to, by commas, or "" */
int st_host_init(const char *devices, int wanted_nid, char *reason);
extern const struct st_ways_ops st_ways_ops;

/* charge_groups.c, charge.c: cgroups of our own and work in them */
void st_charge_init(void);	/* in a task that sees /sys, after st_memcg_init() */
void st_charge_exit(void);	/* frees what is alive, removes every group */
struct mem_cgroup *st_group_memcg(u32 group);	/* NULL: there is no such group */
void st_charge_target(struct st_charge_target *target);
int st_groups_open(void);
int st_groups_close(void);
int st_group_make(u32 *group);
int st_group_remove(u32 group);
void st_group_lose_reference(u32 group);	/* control; close puts it back */
int st_group_settle(u32 group, struct st_charge_books *books);
extern const struct st_charge_ops st_charge_ops;
/* cost.c */
extern const struct st_cost_ops st_cost_ops;
/* price.c */
extern const struct st_price_ops st_price_ops;

/* racers.c, racers_read.c */
extern const struct st_racers_ops st_racers_ops;
void st_racers_files_init(void);	/* in a task that sees /sys and /proc */
void st_racers_files_exit(void);
/* window.c; init in a task that sees /sys */
void st_window_init(void);
void st_window_exit(void);
extern const struct st_window_ops st_window_ops;
extern const struct st_publication_ops st_publication_ops;	/* publication.c */

/* environment.c: in a task that sees /sys */
int st_environment(struct st_environment *env);
void st_environment_put(struct st_environment *env);

extern const struct st_ops st_ops;

#endif
