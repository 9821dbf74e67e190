// SPDX-License-Identifier: GPL-2.0
/*
 * widen_probe - probes on instructions of a kernel function, whose handlers
 * hold a racing thread there. The first instruction of the function and its
 * return always, others as they are drawn. register_kprobe() itself refuses what is not the
 * beginning of an instruction on x86 (can_probe() in
 * arch/x86/kernel/kprobes/core.c) and, by its alignment, on arm64; elsewhere
 * only the first instruction is taken.
 */
#include <linux/delay.h>
#include <linux/kallsyms.h>

#include "compat.h"
#include "widen_probe.h"

#define TRIES 16		/* longest instruction of x86, and one */

struct st_plan st_plans[ST_RACERS];

void st_hold(struct st_holds *holds, u32 us)
{
	atomic64_inc(&holds->held);
	atomic64_add(us, &holds->sum_us);
	/* two CPUs here at once may lose one extreme: good enough to tell */
	if (!READ_ONCE(holds->least_us) || us < READ_ONCE(holds->least_us))
		WRITE_ONCE(holds->least_us, us);
	if (us > READ_ONCE(holds->most_us))
		WRITE_ONCE(holds->most_us, us);
	udelay(us);
}

#ifdef CONFIG_KPROBES

static void hit(struct st_site *site, const struct st_spot *place, struct pt_regs *regs)
{
	u32 i;

	if (site->on_hit) {
		site->on_hit(site, regs);
		return;
	}
	atomic64_inc(&site->holds.hits);
	for (i = 0; i < ST_RACERS; i++)
		if (READ_ONCE(st_plans[i].task) == current && READ_ONCE(st_plans[i].place) == place)
			st_hold(&site->holds, READ_ONCE(st_plans[i].us));
}

static int place_hit(struct kprobe *probe, struct pt_regs *regs)
{
	struct st_spot *place = container_of(probe, struct st_spot, probe);

	hit(place->site, place, regs);
	return 0;
}

/* Its presence keeps the probe from becoming a jump over several instructions. */
static void place_passed(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

#ifdef CONFIG_KRETPROBES

static int returned(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct kretprobe *probe = st_kretprobe_of(instance);
	struct st_site *site = probe ? container_of(probe, struct st_site, back_probe) : NULL;

	if (site)
		hit(site, &site->back, regs);
	return 0;
}

static void back_arm(struct st_site *site)
{
	if (site->back_armed)
		return;
	memset(&site->back_probe, 0, sizeof(site->back_probe));
	site->back_probe.kp.symbol_name = site->name;
	site->back_probe.handler = returned;
	site->back_armed = !register_kretprobe(&site->back_probe);
	site->places_ever += site->back_armed;
}

static void back_disarm(struct st_site *site)
{
	if (site->back_armed)
		unregister_kretprobe(&site->back_probe);
	site->back_armed = false;
}

#else

static void back_arm(struct st_site *site)
{
}

static void back_disarm(struct st_site *site)
{
}

#endif

static int probe_at(struct st_site *site, struct st_spot *place, u32 offset)
{
	int err;

	memset(&place->probe, 0, sizeof(place->probe));
	place->site = site;
	place->probe.symbol_name = site->name;
	place->probe.offset = offset;
	place->probe.pre_handler = place_hit;
	place->probe.post_handler = place_passed;
	err = register_kprobe(&place->probe);
	if (err)
		place->probe.addr = NULL;
	return err;
}

/* "name+0x0/0x1a3": sprint_symbol() tells sizes, and is exported. */
static u32 size_of_function(const void *address)
{
	char text[KSYM_SYMBOL_LEN];
	const char *slash;
	unsigned long size = 0;

	sprint_symbol(text, (unsigned long)address);
	slash = strchr(text, '/');
	if (slash && sscanf(slash, "/0x%lx", &size) != 1)
		size = 0;
	return size < 65536 ? size : 65536;
}

int st_site_find(struct st_site *site)
{
	int err = probe_at(site, &site->places[0], 0);

	if (err)
		return err;
	site->size = size_of_function(site->places[0].probe.addr);
	unregister_kprobe(&site->places[0].probe);
	return 0;
}

/* An instruction at or after a place that is drawn. */
static bool arm_inside(struct st_site *site, u64 (*draw)(void))
{
	const u32 step = IS_ENABLED(CONFIG_ARM64) ? 4 : 1;
	u32 tries, offset;

	if (!(IS_ENABLED(CONFIG_X86_64) || IS_ENABLED(CONFIG_ARM64)) || site->size < 2 * step)
		return false;
	offset = (u32)(draw() % (site->size / step)) * step;
	for (tries = 0; tries < TRIES && offset < site->size; tries++, offset += step) {
		if (!offset || probe_at(site, &site->places[site->armed], offset))
			continue;
		site->armed++;
		site->places_ever++;
		return true;
	}
	return false;
}

void st_site_arm(struct st_site *site, u64 (*draw)(void))
{
	u32 i;

	if (!site->armed && !probe_at(site, &site->places[0], 0)) {
		site->armed = 1;
		site->places_ever++;
		if (!site->on_hit)
			back_arm(site);
	}
	for (i = site->armed; site->armed && i < site->most; i++)
		arm_inside(site, draw);
}

void st_site_disarm(struct st_site *site, u32 kept)
{
	struct kprobe *gone[ST_PLACES];
	u32 i, n = 0;

	for (i = kept; i < site->armed; i++)
		gone[n++] = &site->places[i].probe;
	if (n)
		unregister_kprobes(gone, n);
	if (site->armed > kept)
		site->armed = kept;
	if (!kept)
		back_disarm(site);
}

const char *st_probes_missing(void)
{
	return NULL;
}

#else

int st_site_find(struct st_site *site)
{
	return -EOPNOTSUPP;
}

void st_site_arm(struct st_site *site, u64 (*draw)(void))
{
}

void st_site_disarm(struct st_site *site, u32 kept)
{
}

const char *st_probes_missing(void)
{
	return "this kernel has no kprobes";
}

#endif

