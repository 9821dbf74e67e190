/* SPDX-License-Identifier: GPL-2.0 */
/*
 * racers.h - what the files behind st_racers_ops share: racers.c runs the
 * threads, racers_read.c and racers_use.c are what they do, node_sample.c looks
 * at pointers meanwhile, node_lists.c walks lists, busted_churn.c has controls.
 */
#ifndef SLUBTORTURE_RACERS_SHIM_H
#define SLUBTORTURE_RACERS_SHIM_H

#include <linux/list.h>
#include <linux/spinlock.h>

#include "shims.h"

/* One racer. Its thread alone writes the counts; anybody reads them. */
struct st_racer_self {
	/* NULL, or why it cannot run here; whatever it needs is there then */
	const char *(*prepare)(struct st_racer_self *racer);
	void (*lap)(struct st_racer_self *racer);
	/* gives back all that may lie on the node; such a racer has to rest */
	void (*clear)(struct st_racer_self *racer);
	void (*finish)(struct st_racer_self *racer);
	u32 pause_us;			/* between laps: the node's cycles need CPUs, too */
	const char *(*in_vain)(const struct st_racer_self *racer); /* why no lap came of it */

	bool by_name;
	struct task_struct *task;
	struct kmem_cache *cache;
	u64 laps, done, on_node, refused;
	char why_not[96];
};

#define ST_RACER_ADD(racer, count, n) WRITE_ONCE((racer)->count, (racer)->count + (n))

/* racers.c */
bool st_race_over(void);
s32 st_race_nid(void);
const struct st_layout *st_race_layout(void);

/* racers_read.c, racers_use.c: by enum st_race_kind */
extern const struct st_racer_self st_racer_attributes, st_racer_slabinfo, st_racer_shrink,
	st_racer_validate, st_racer_caches, st_racer_fallback, st_racer_thisnode,
	st_racer_partial, st_racer_sheaves, st_racer_rcu, st_racer_cpus;
/* racers_use.c: being there is all it does, a cache with one is never merged */
void st_racer_constructor(void *object);
/* racers_use.c: empties SLUB's shared caches of what lies on the node unused */
void st_race_shrink_shared(void);

/* node_sample.c */
int st_node_watch(const struct st_layout *layout, s32 nid, u32 watched);
void st_node_watch_end(struct st_watch_counts *counts);
void st_node_watch_hot(bool hot);	/* a step is under way: look all the time */
/* until every pointer has been looked at once more; false: that took too long */
bool st_node_watch_wait(void);
u64 st_node_watch_appeared(void);	/* pointers that it saw appear */

/* Where a control keeps what the sampler looks at instead of caches. */
struct st_twin_node {
	spinlock_t list_lock;
	unsigned long nr_partial;
	struct list_head partial;
};
#define ST_TWINS 4

/* busted_churn.c */
int st_twins_start(s32 nid, u32 watched);
void st_twins_stop(void);
struct st_twin_node *const *st_twin_slot(u32 i);
void st_twin_structs(struct st_node_structs *structs);
int st_twin_lists(struct st_node_lists *rows, u32 max);

/* node_lists.c */
int st_node_lists(const struct st_layout *layout, s32 nid, u32 busted,
		  struct st_node_lists *rows, u32 max);
int st_node_structs(const struct st_layout *layout, u32 busted,
		    struct st_node_structs *structs);
/* nr_partial and list of one node structure, its lock held meanwhile; without a
 * cache its slabs are a control's, whose owner and node are not looked at */
void st_node_list_walk(const struct st_layout *layout, const void *node, const void *cache,
		       s32 nid, struct st_node_lists *row, u64 *free_objects);

#endif
