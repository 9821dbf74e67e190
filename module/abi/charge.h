/* SPDX-License-Identifier: GPL-2.0 */
/*
 * charge - memory cgroups of our own, the work that is charged to them, and
 * what their counters say. Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_CHARGE_H
#define SLUBTORTURE_ABI_CHARGE_H

#include "base.h"

#define ST_CHARGE_GROUPS 4	/* at most at a time */
#define ST_CHARGE_WORK_GROUPS 2	/* that one piece of work is charged to */
#define ST_CHARGE_CACHES 8
#define ST_CHARGE_KEEP_MOST 256	/* objects of each CPU that stay alive */
/* the group that all others are made in */
#define ST_CHARGE_PARENT 0xffffffffu

/* Whether groups can be made here, and on which CPUs work may be done. */
struct st_charge_target {
	char reason[ST_REASON_BYTES];	/* "" or why not */
	uint32_t cpus;
	uint32_t cpu[ST_MAX_CPUS];
};

/* Bugs that the kernel side imitates for a control. */
enum st_charge_busted {
	ST_CHARGE_SOUND,
	ST_CHARGE_LOSES_UNCHARGE,	/* one object is not freed, and not counted */
	ST_CHARGE_LOSES_REFERENCE,	/* one reference to a group is not put */
};

/*
 * Every CPU allocates and hands what it got to the next, which frees it, all
 * at the same time, until it has made its share or the time is up.
 */
struct st_charge_spec {
	const uint32_t *cpu;		/* cpus of them */
	const uint64_t *cache;		/* caches of them */
	uint32_t cpus;
	uint32_t caches;
	uint32_t group[ST_CHARGE_WORK_GROUPS];
	uint32_t groups;
	uint32_t objects;		/* that each CPU makes and hands on */
	uint32_t keep;			/* that it makes besides, and leaves alive */
	uint32_t busted;		/* enum st_charge_busted */
	uint64_t kill_after_ns;		/* 0: never; then all stop as they stand */
	uint64_t seed;
};

struct st_charge_counts {
	uint64_t allocated;
	uint64_t freed_remotely;	/* on another CPU than the one that allocated */
	uint64_t alive;			/* kept, or on their way when all were stopped */
	uint64_t alive_bytes;		/* least that these must be charged with */
	uint64_t refused;		/* allocations without success */
};

struct st_charge_books {
	uint64_t charged_bytes;		/* the group's own memory.current */
	uint64_t dying;			/* descendants removed and not yet gone */
};

/*
 * Between open() and close(); close() frees what is still alive and removes
 * every group. Functions that can fail return 0 or -errno.
 */
struct st_charge_ops {
	void (*target)(struct st_charge_target *target);
	int (*open)(void);
	int (*close)(void);
	int (*group_make)(uint32_t *group);
	int (*group_remove)(uint32_t group);
	int (*work)(const struct st_charge_spec *spec, struct st_charge_counts *counts);
	/* frees what is alive, each CPU the objects of the one `shift` before it */
	int (*release)(const struct st_charge_spec *spec, uint32_t shift);
	/*
	 * Has the CPUs give back what they hold in stock, waits a few ms for
	 * that and reads. Once everything is freed, charged_bytes gets to 0 and
	 * stays more if as much as one byte was not given back.
	 */
	int (*settle)(uint32_t group, struct st_charge_books *books);
};

#endif
