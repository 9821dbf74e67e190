/* SPDX-License-Identifier: GPL-2.0 */
/*
 * widen_probe.h - probes in one kernel function, and what is counted of them:
 * what widen_probe.c does for widen.c.
 */
#ifndef SLUBTORTURE_WIDEN_PROBE_H
#define SLUBTORTURE_WIDEN_PROBE_H

#include <linux/atomic.h>
#include <linux/kprobes.h>

#include "widen.h"

#define ST_SITES 8
#define ST_PLACES 14		/* probed at a time in one function */
#define ST_SITE_NAME_BYTES 64
#define ST_RACER_EITHER ST_RACERS

struct st_site;
struct st_spot {
#ifdef CONFIG_KPROBES
	struct kprobe probe;
#endif
	struct st_site *site;
};

struct st_holds {
	atomic64_t hits, held, sum_us;
	u64 least_us, most_us;
};

struct pt_regs;

struct st_site {
	char name[ST_SITE_NAME_BYTES];
	u32 racer;		/* who comes by, enum st_racer or EITHER */
	u32 most;		/* places to probe at a time */
	bool wanted, absent;
	bool named;		/* and not only by a glob */
	u32 size;		/* of the function in bytes */
	u32 armed;		/* places[0 .. armed) have their probe */
	u64 places_ever;
	struct st_holds holds;
	struct st_spot places[ST_PLACES];
	struct st_spot back;	/* stands for its return */
	bool back_armed;
	/* instead of the plans below: what a hit is; its return has no probe then */
	void (*on_hit)(struct st_site *site, struct pt_regs *regs);
#ifdef CONFIG_KRETPROBES
	struct kretprobe back_probe;
#endif
};

struct st_plan {		/* of a racer for one round */
	struct task_struct *task;
	struct st_spot *place;
	u32 us;
};
extern struct st_plan st_plans[ST_RACERS];

/* Holds the calling CPU, in any context, and counts it. */
void st_hold(struct st_holds *holds, u32 us);

/* 0 if the kernel has the function and lets it be probed, else -errno. */
int st_site_find(struct st_site *site);
/* Fills the site's places that have no probe; draw() chooses instructions. */
void st_site_arm(struct st_site *site, u64 (*draw)(void));
/* All but the first `kept` places go, with none its return, too; no handler of
 * theirs runs any more. */
void st_site_disarm(struct st_site *site, u32 kept);
const char *st_probes_missing(void);	/* why there are none, or NULL */

#endif
