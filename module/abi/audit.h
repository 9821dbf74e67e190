/* SPDX-License-Identifier: GPL-2.0 */
/*
 * audit - who allocates an object and who frees it, on which CPU, how soon and
 * in which context. Part of abi.h.
 *
 * The kernel side sees the events (tracepoints), core keeps the tables. The
 * two functions that take an event are called in any context, NMI included,
 * with interrupts off on the event's CPU; they neither wait nor allocate. They
 * are called for objects that were chosen by st_audit_chosen() only, so that
 * an event that is not sampled never crosses the boundary.
 */
#ifndef SLUBTORTURE_ABI_AUDIT_H
#define SLUBTORTURE_ABI_AUDIT_H

#include "base.h"

enum st_audit_context {
	ST_AUDIT_TASK,
	ST_AUDIT_SOFTIRQ,
	ST_AUDIT_HARDIRQ,
	ST_AUDIT_NMI,
	ST_AUDIT_CONTEXTS,
};

/* Age b: from 2^(b+ST_AUDIT_AGE_SHIFT) ns to twice that; the first and the
 * last one are open to their sides. */
#define ST_AUDIT_AGES 32
#define ST_AUDIT_AGE_SHIFT 6

#define ST_AUDIT_SAMPLE_MOST 65536
#define ST_AUDIT_SLICE_LEAST_MS 5
#define ST_AUDIT_SLICE_MOST_MS 600000

struct st_audit_event {
	uint64_t object;
	uint64_t site;			/* return address of the caller */
	uint64_t now_ns;		/* one clock for all CPUs */
	uint32_t cpu;
	uint32_t node;			/* of that CPU */
	uint32_t context;		/* enum st_audit_context */
	uint32_t unused;
};

/* Objects freed at one site after having been allocated at another. */
struct st_audit_pair {
	uint64_t alloc_site, free_site;
	uint64_t freed;
	uint64_t other_cpu;		/* freed on another CPU than allocated */
	uint64_t other_node;		/* and that CPU is on another node */
	uint64_t contexts[ST_AUDIT_CONTEXTS]; /* of the free */
	uint64_t ages[ST_AUDIT_AGES];
};

struct st_audit_counts {
	uint64_t allocated;		/* events that were sampled */
	uint64_t freed;
	uint64_t unknown;		/* freed, but not seen allocated */
	uint64_t reused;		/* allocated anew, but not seen freed */
	uint64_t outlived;		/* alive when a window ended */
	uint64_t live;			/* alive now */
	/* lost: */
	uint64_t no_slot;		/* allocated, no room to remember it */
	uint64_t no_pair;		/* freed, no room for its pair of sites */
	uint64_t nested;		/* event inside an event of the same CPU */
};

struct st_audit_settings {
	uint32_t on;
	uint32_t reset;			/* asked for: tables are emptied */
	uint32_t sample;		/* one object in so many, by address */
	uint32_t slice_ms;		/* watched for so long */
	uint32_t every_ms;		/* of every so long; equal: always */
};

struct st_audit_status {
	struct st_audit_settings settings;
	uint64_t windows;		/* times watched since the last reset */
	uint64_t watched_ns;
};

/* By address, so that both events of an object agree; with a salt, another one
 * for each window, since an allocator hands out the same few addresses over
 * and over. Fibonacci hashing: the low bits of addresses are all alike. */
static inline int st_audit_chosen(uint64_t object, uint64_t salt, uint32_t sample)
{
	const uint64_t hash = ((object >> 3) ^ salt) * 0x9e3779b97f4a7c15ull;

	return ((hash >> 32) * sample) >> 32 == 0;
}

/* One case with a known outcome: objects allocated at one site on a CPU, freed
 * at another in a context on another CPU, watched at full sampling. */
struct st_audit_drill {
	uint32_t alloc_cpu, free_cpu;
	uint32_t context;		/* enum st_audit_context, but not NMI */
	uint32_t own_cache;		/* kmem_cache_alloc, not kmalloc */
	uint32_t objects;
	uint32_t hide;			/* control: one free is not recorded */
};

struct st_audit_drilled {
	struct st_audit_pair pair;	/* as counted for the two sites */
	struct st_audit_counts counts;	/* of everything seen meanwhile */
	uint64_t done;			/* objects allocated and freed */
	uint64_t held_ns;		/* each lived at least so long */
	uint32_t other_node;		/* the two CPUs are on two nodes */
	uint32_t unused;
};

enum st_audit_load {
	ST_AUDIT_OFF,			/* no probe */
	ST_AUDIT_EMPTY,			/* probes that return at once */
	ST_AUDIT_DEFAULT,		/* as `on` gives it */
	ST_AUDIT_ALWAYS,		/* default sampling, all the time */
	ST_AUDIT_EXACT,			/* every object, all the time */
	ST_AUDIT_LOADS,
};

struct st_audit_ops {
	/* 0, -ENOSYS: no tracepoints, -EOPNOTSUPP: not in this context */
	int (*drill)(const struct st_audit_drill *drill, struct st_audit_drilled *drilled);
	/* pairs of kmalloc and kfree on the CPU for about duration_ns */
	int (*loop)(uint32_t load, uint32_t cpu, uint64_t duration_ns, uint64_t *pairs,
		    uint64_t *elapsed_ns);
};

#ifdef __cplusplus
extern "C" {
#endif

struct st_audit;			/* the tables */

/* bytes of zeroed memory that the tables take; cpus: 1 + the largest number */
size_t st_audit_bytes(uint32_t cpus);
void st_audit_make(struct st_audit *audit, uint32_t cpus);
void st_audit_allocated(struct st_audit *audit, const struct st_audit_event *event);
void st_audit_freed(struct st_audit *audit, const struct st_audit_event *event);
/* the rest may be called from one thread, the first two while no event comes */
void st_audit_clear(struct st_audit *audit);
void st_audit_window_ends(struct st_audit *audit);
void st_audit_count(const struct st_audit *audit, struct st_audit_counts *counts);
/* the pairs freed most on other CPUs; how many there are */
uint32_t st_audit_top(const struct st_audit *audit, struct st_audit_pair *pairs, uint32_t max);

#define ST_AUDIT_SHOWN 20		/* pairs in the table */
#define ST_AUDIT_RECORDED 128		/* pairs among the records */
typedef void (*st_audit_write)(void *arg, const char *text, size_t bytes);
typedef void (*st_audit_symbol)(uint64_t site, char *text, size_t bytes);
/* room: ST_AUDIT_SHOWN or ST_AUDIT_RECORDED pairs; a call of write() is a line */
void st_audit_show(const struct st_audit *audit, const struct st_audit_status *status,
		   struct st_audit_pair *room, st_audit_symbol symbol, st_audit_write write,
		   void *arg);
void st_audit_records(const struct st_audit *audit, const struct st_audit_status *status,
		      struct st_audit_pair *room, st_audit_symbol symbol, st_audit_write write,
		      void *arg);

void st_audit_defaults(struct st_audit_settings *settings);
/* words of a user; 0, or -EINVAL, the reason, and settings as they were */
int st_audit_command(const char *text, size_t bytes, struct st_audit_settings *settings,
		     char *reason);

#ifdef __cplusplus
}
#endif
#endif
