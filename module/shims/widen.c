// SPDX-License-Identifier: GPL-2.0
/*
 * widen - makes the windows of a race wider from outside: probes on
 * instructions of named kernel functions that hold a racing thread there
 * (widen_probe.c), interrupts on its CPU, pauses of the reader. Nothing of the
 * kernel is written but the probes, which go again with end(); delays are far
 * below what lockup detectors mind. What happened is counted for the report.
 */
#include <linux/smp.h>

#include "widen_probe.h"

#define LONGEST_LOG2 10		/* delays of 1 to 1023 us */

/*
 * Each probe costs interrupts of all CPUs when it comes and goes, so there are
 * many only where a vector is published: any two instructions there may have
 * the window between them.
 *
 * Who publishes a late vector, and who frees, by version: the names changed in
 * 5.17 and 6.10. Those that a kernel does not have are said to be absent.
 */
static struct st_site sites[ST_SITES] = {
	{ .name = "alloc_slab_obj_exts", .most = 14, .racer = ST_RACER_WRITER },
	{ .name = "memcg_alloc_slab_cgroups", .most = 14, .racer = ST_RACER_WRITER },
	{ .name = "memcg_alloc_page_obj_cgroups", .most = 14, .racer = ST_RACER_WRITER },
	{ .name = "__memcg_slab_post_alloc_hook", .most = 6, .racer = ST_RACER_WRITER },
	{ .name = "__memcg_slab_free_hook", .most = 4, .racer = ST_RACER_FREER },
	{ .name = "kmem_cache_free", .most = 2, .racer = ST_RACER_FREER },
};
static struct { const char *name; bool wanted; struct st_holds holds; } interrupts = {
	.name = "interrupts",
}, reader = {
	.name = "reader",
};

static bool active;
static u64 state;		/* of the seeded choices */

static u64 draw(void)
{
	u64 z = state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	return z ^ (z >> 27);
}

#define LONGEST_US (1u << LONGEST_LOG2)

/* As likely 1 us as between 512 and 1023 us. */
static u32 delay_of(u64 random)
{
	const u32 scale = 1u << (random % LONGEST_LOG2);

	return scale + (random >> 8) % scale;
}

/* --- what is asked for --- */

static bool matches(const char *glob, const char *text)
{
	for (; *glob && *glob != '*'; glob++, text++)
		if (!*text || (*glob != '?' && *glob != *text))
			return false;
	if (!*glob)
		return !*text;
	for (;; text++) {
		if (matches(glob + 1, text))
			return true;
		if (!*text)
			return false;
	}
}

static bool want_known(const char *glob)
{
	bool any = false;
	u32 i;

	for (i = 0; i < ST_SITES; i++) {
		if (!sites[i].name[0] || !matches(glob, sites[i].name))
			continue;
		any = sites[i].wanted = true;
		sites[i].named |= !strcmp(glob, sites[i].name);
	}
	if (matches(glob, interrupts.name))
		any = interrupts.wanted = true;
	if (matches(glob, reader.name))
		any = reader.wanted = true;
	return any;
}

/* A function of the kernel that the table does not have, by its whole name. */
static int want_function(const char *name, char *reason)
{
	u32 i;
	int err;

	for (i = 0; i < ST_SITES && sites[i].name[0]; i++)
		;
	if (i == ST_SITES) {
		snprintf(reason, ST_REASON_BYTES, "widen=: no room for '%s', too many functions",
			 name);
		return -EINVAL;
	}
	strscpy(sites[i].name, name, sizeof(sites[i].name));
	sites[i].racer = ST_RACER_EITHER;
	sites[i].most = ST_PLACES;
	err = strpbrk(name, "*?") ? -ENOENT : st_site_find(&sites[i]);
	if (!err || (err == -EOPNOTSUPP && st_probes_missing())) {
		sites[i].wanted = sites[i].named = true;
		return 0;
	}
	snprintf(reason, ST_REASON_BYTES,
		 "widen=: '%s' %s; see README.md, or widen=none", name,
		 err == -ENOENT ? "is neither known nor a function of this kernel"
				: "may not be probed in this kernel");
	sites[i].name[0] = '\0';
	return -EINVAL;
}

int st_widen_init(const char *list, char *reason)
{
	char word[ST_SITE_NAME_BYTES];
	int err;

	if (!strcmp(list, "none"))
		return 0;
	for (;;) {
		const size_t bytes = strcspn(list, ",");

		if (!bytes || bytes >= sizeof(word)) {
			snprintf(reason, ST_REASON_BYTES, "widen=: '%.40s' is no name", list);
			return -EINVAL;
		}
		memcpy(word, list, bytes);
		word[bytes] = '\0';
		if (!want_known(word)) {
			err = want_function(word, reason);
			if (err)
				return err;
		}
		if (!list[bytes])
			return 0;
		list += bytes + 1;
	}
}

/* --- for core --- */

static void begin(u64 seed)
{
	u32 i;

	state = seed;
	memset(&interrupts.holds, 0, sizeof(interrupts.holds));
	memset(&reader.holds, 0, sizeof(reader.holds));
	for (i = 0; i < ST_SITES; i++) {
		memset(&sites[i].holds, 0, sizeof(sites[i].holds));
		sites[i].places_ever = 0;
		if (!sites[i].wanted)
			continue;
		sites[i].absent = !sites[i].size && st_site_find(&sites[i]);
		if (!sites[i].absent)
			st_site_arm(&sites[i], draw);
	}
	WRITE_ONCE(active, true);
}

static void move(void)
{
	u32 i;

	for (i = 0; i < ST_SITES; i++) {
		st_site_disarm(&sites[i], 1);
		if (sites[i].wanted && !sites[i].absent)
			st_site_arm(&sites[i], draw);
	}
}

static void nothing(void *unused)
{
}

static void end(void)
{
	u32 i;
	int cpu;

	WRITE_ONCE(active, false);
	for (i = 0; i < ST_RACERS; i++)
		WRITE_ONCE(st_plans[i].place, NULL);
	for (i = 0; i < ST_SITES; i++)
		st_site_disarm(&sites[i], 0);
	/* calls are handled in order: after this one, none of ours is left */
	if (interrupts.wanted)
		for_each_online_cpu(cpu)
			smp_call_function_single(cpu, nothing, NULL, 1);
}

static void row_of(struct st_widen_row *row, const char *name, const struct st_holds *holds,
		   u64 places, const char *why_not)
{
	memset(row, 0, sizeof(*row));
	strscpy(row->name, name, sizeof(row->name));
	strscpy(row->why_not, why_not, sizeof(row->why_not));
	row->places = places;
	row->hits = atomic64_read(&holds->hits);
	row->held = atomic64_read(&holds->held);
	row->sum_us = atomic64_read(&holds->sum_us);
	row->least_us = holds->least_us;
	row->most_us = holds->most_us;
}

static u32 rows(struct st_widen_row *row, u32 max)
{
	u32 i, n = 0;

	for (i = 0; i < ST_SITES && n < max; i++) {
		/* names of other versions are worth no line, unless asked for */
		if (!sites[i].wanted || (sites[i].absent && !sites[i].named))
			continue;
		row_of(&row[n++], sites[i].name, &sites[i].holds, sites[i].places_ever,
		       !sites[i].absent ? "" : st_probes_missing() ? st_probes_missing() :
		       "not a function of this kernel, or not to be probed");
	}
	if (st_probes_missing() && active && n < max)
		row_of(&row[n++], "kernel functions", &interrupts.holds, 0, st_probes_missing());
	if (interrupts.wanted && n < max)
		row_of(&row[n++], interrupts.name, &interrupts.holds, 0, "");
	if (reader.wanted && n < max)
		row_of(&row[n++], reader.name, &reader.holds, 0, "");
	return n;
}

const struct st_widen_ops st_widen_ops = {
	.begin = begin,
	.move = move,
	.rows = rows,
	.end = end,
};

/* --- for the threads of a race --- */

void st_widen_enter(enum st_racer racer)
{
	WRITE_ONCE(st_plans[racer].task, current);
}

void st_widen_leave(enum st_racer racer)
{
	WRITE_ONCE(st_plans[racer].task, NULL);
}

/*
 * Where in the function: half of the time its return for who publishes, so that
 * what it published is there and its caller has not gone on, and its first
 * instruction for who frees, so that what its caller read grows old.
 */
static struct st_spot *choose_in(struct st_site *site, enum st_racer racer)
{
	struct st_spot *often = racer == ST_RACER_WRITER ? &site->back : &site->places[0];

	if (draw() % 2 && (often != &site->back || site->back_armed))
		return often;
	return &site->places[draw() % site->armed];
}

/* A function that the racer comes by, those with many places more often. */
static struct st_spot *choose(enum st_racer racer)
{
	struct st_site *chosen = NULL;
	u32 i, weight = 0;

	for (i = 0; i < ST_SITES; i++) {
		if (!sites[i].armed || (sites[i].racer != ST_RACER_EITHER &&
					sites[i].racer != (u32)racer))
			continue;
		weight += sites[i].most;
		if (draw() % weight < sites[i].most)
			chosen = &sites[i];
	}
	return chosen ? choose_in(chosen, racer) : NULL;
}

void st_widen_plan(u64 random)
{
	u32 i;

	if (!active)
		return;
	state ^= random;
	for (i = 0; i < ST_RACERS; i++) {
		/* a free must often last as long as a whole publication */
		WRITE_ONCE(st_plans[i].us, i == ST_RACER_FREER && draw() % 2
			   ? LONGEST_US / 2 + (u32)(draw() % (LONGEST_US / 2))
			   : delay_of(draw()));
		WRITE_ONCE(st_plans[i].place, draw() % 4 ? choose(i) : NULL);
	}
}

static void interrupted(void *us)
{
	st_hold(&interrupts.holds, (u32)(unsigned long)us);
}

void st_widen_interrupt(u32 cpu, u64 random)
{
	if (!READ_ONCE(active) || !interrupts.wanted)
		return;
	atomic64_inc(&interrupts.holds.hits);
	smp_call_function_single(cpu, interrupted, (void *)(unsigned long)delay_of(random), 0);
}

void st_widen_pause(u64 look)
{
	if (look % 8 != 7 || !READ_ONCE(active) || !reader.wanted)
		return;
	atomic64_inc(&reader.holds.hits);
	st_hold(&reader.holds, delay_of(look >> 3) % 8 + 1);
}
