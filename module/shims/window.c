// SPDX-License-Identifier: GPL-2.0
/*
 * window - holds whoever has looked up one cache's structure for a node, and
 * not used it yet, until the node's memory has gone and SLUB has been told.
 *
 * Who has looked it up: a task at a probed instruction of a reader's function
 * with the structure's address in a register. It is held in the probe's
 * handler, with preemption off, for a time that the seed gives, or until SLUB's
 * callback has returned. The departing side waits a little, in a probe of its
 * own, for somebody to be held: else both would have to meet by chance. No data
 * of the kernel is written; all probes go with end().
 */
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/memory.h>
#include <linux/notifier.h>

#include "compat.h"
#include "fields.h"
#include "widen_probe.h"
#include "window.h"

#define LEAST_MS 40		/* of a hold, */
#define MOST_MS 120		/* far below what lockup detectors mind */
#define MEET_MS 60		/* that the departing side waits for one */
#define MEET_ALLOC_MS 400	/* the page allocator reports its failure first */
/*
 * Called by offline_pages() when the block's pages are gone and no other CPU is
 * waited for any more, before the node's states change and before MEM_OFFLINE;
 * mm/memory_hotplug.c, the same from 5.10 to 7.3.
 */
#define LAST_STEP "init_per_zone_wmark_min"

static struct {
	struct st_window_spec spec;
	const void *structure;		/* of the cache for the node, while it goes */
	void *const *slot;		/* where the cache keeps its address */
	struct task_struct *runner;
	u32 phase;			/* enum st_window_phase */
	atomic64_t departures, met;
	atomic_t held_now;
	atomic64_t hits, held, across, stale;
	atomic_t first;			/* the first stale one is being noted */
	u64 looked_up, now;
	char where[64];
	bool listening;
} window;

static struct st_site held_in;
static u64 drawn;

enum st_window_phase st_window_phase(void)
{
	return READ_ONCE(window.phase);
}

u64 st_window_departures(void)
{
	return atomic64_read(&window.departures);
}

static u64 mixed(u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static u64 draw(void)
{
	return mixed(drawn += 0x9e3779b97f4a7c15ull);
}

#ifdef CONFIG_KPROBES

/* --- who is held --- */

static void note_stale(const struct st_site *site, const void *structure, const void *now)
{
	atomic64_inc(&window.stale);
	if (atomic_cmpxchg(&window.first, 0, 1))
		return;
	window.looked_up = (unsigned long)structure;
	window.now = (unsigned long)now;
	strscpy(window.where, site->name, sizeof(window.where));
}

static void count_hold(struct st_holds *holds, u64 us)
{
	atomic64_inc(&holds->held);
	atomic64_add(us, &holds->sum_us);
	if (!READ_ONCE(holds->least_us) || us < READ_ONCE(holds->least_us))
		WRITE_ONCE(holds->least_us, us);
	if (us > READ_ONCE(holds->most_us))
		WRITE_ONCE(holds->most_us, us);
}

/* Until the memory has gone, or will not go, or the time is up. */
static void hold(struct st_site *site, const void *structure, u32 ms)
{
	const u64 gone = st_window_departures(), begin = ktime_get_mono_fast_ns();
	const void *now;

	atomic_inc(&window.held_now);
	while (st_window_departures() == gone && st_window_phase() != ST_WINDOW_QUIET &&
	       ktime_get_mono_fast_ns() - begin < (u64)ms * NSEC_PER_MSEC)
		cpu_relax();
	atomic_dec(&window.held_now);
	atomic64_inc(&window.held);
	count_hold(&site->holds, div_u64(ktime_get_mono_fast_ns() - begin, NSEC_PER_USEC));
	if (st_window_departures() == gone)
		return;
	atomic64_inc(&window.across);
	now = READ_ONCE(*window.slot);
	if (now != structure)
		note_stale(site, structure, now);
}

static void window_hit(struct st_site *site, struct pt_regs *regs)
{
	const void *structure = READ_ONCE(window.structure);
	u64 random;

	if (st_window_phase() == ST_WINDOW_QUIET || !structure || current == window.runner ||
	    !st_in_registers(regs, structure))
		return;
	atomic64_inc(&site->holds.hits);
	random = mixed(window.spec.seed ^ atomic64_inc_return(&window.hits));
	if (st_window_phase() == ST_WINDOW_LAST_MOMENT || !(random % window.spec.one_in))
		hold(site, structure, LEAST_MS + (random >> 32) % (MOST_MS - LEAST_MS));
}

/* --- the departing side --- */

static int last_step(struct kprobe *probe, struct pt_regs *regs)
{
	const u64 patience = window.spec.reader == ST_WINDOW_ALLOC ? MEET_ALLOC_MS : MEET_MS;
	const u64 begin = ktime_get_mono_fast_ns();

	if (current != window.runner || st_window_phase() != ST_WINDOW_GOING)
		return 0;
	WRITE_ONCE(window.phase, ST_WINDOW_LAST_MOMENT);
	while (!atomic_read(&window.held_now) &&
	       ktime_get_mono_fast_ns() - begin < patience * NSEC_PER_MSEC)
		cpu_relax();
	if (atomic_read(&window.held_now))
		atomic64_inc(&window.met);
	return 0;
}

static struct kprobe last_probe;
static bool last_armed;

static void last_arm(void)
{
	memset(&last_probe, 0, sizeof(last_probe));
	last_probe.symbol_name = LAST_STEP;
	last_probe.pre_handler = last_step;
	last_armed = !register_kprobe(&last_probe);
}

static void last_disarm(void)
{
	if (last_armed)
		unregister_kprobe(&last_probe);
	last_armed = false;
}

#else

static void window_hit(struct st_site *site, struct pt_regs *regs)
{
}

static void last_arm(void)
{
}

static void last_disarm(void)
{
}

#endif

/*
 * Right after SLUB's own callback: its priority is 1 from 5.10 to 7.3, and of
 * equals the one that was registered first is called first.
 */
static int memory_event(struct notifier_block *block, unsigned long action, void *arg)
{
	switch (action) {
	case MEM_GOING_OFFLINE:
		WRITE_ONCE(window.structure, READ_ONCE(*window.slot));
		WRITE_ONCE(window.phase, ST_WINDOW_GOING);
		break;
	case MEM_OFFLINE:
		if (window.spec.reader == ST_WINDOW_TWIN)
			WRITE_ONCE(st_window_twin, NULL);
		/* held ones look at the number, then at *slot: both are there by then */
		smp_mb();
		atomic64_inc(&window.departures);
		fallthrough;
	case MEM_CANCEL_OFFLINE:
		WRITE_ONCE(window.phase, ST_WINDOW_QUIET);
		break;
	case MEM_GOING_ONLINE:
		/*
		 * An allocation that goes on now would take a page that must go
		 * again. Others may be waiting for the hotplug lock, held here.
		 */
		if (window.spec.reader == ST_WINDOW_ALLOC) {
			st_window_reader_rest(true);
			st_window_reader_rest(false);
		}
		break;
	case MEM_ONLINE:
		if (window.spec.reader == ST_WINDOW_TWIN)
			WRITE_ONCE(st_window_twin, &st_window_twin);
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block memory_block = { .notifier_call = memory_event, .priority = 1 };

/* --- for core --- */

/*
 * Functions between looking up and using, by reader; the first that a kernel has
 * and lets be probed is taken. Those called with the structure are better than
 * those that look it up: held at their begin, the use is still to come.
 */
static const struct { u32 reader, places; const char *name; } table[] = {
	{ ST_WINDOW_OBJECTS, 1, "count_partial" },
	{ ST_WINDOW_OBJECTS, ST_PLACES, "show_slab_objects" },
	{ ST_WINDOW_PARTIAL, 1, "count_partial" },
	{ ST_WINDOW_PARTIAL, ST_PLACES, "show_slab_objects" },
	{ ST_WINDOW_SLABS, ST_PLACES, "show_slab_objects" },
	{ ST_WINDOW_VALIDATE, 1, "validate_slab_node" },
	{ ST_WINDOW_VALIDATE, ST_PLACES, "validate_slab_cache" },
	{ ST_WINDOW_VALIDATE, ST_PLACES, "validate_store" },
	{ ST_WINDOW_ALLOC, 1, "count_partial_free_approx" },	/* 046f4c69dbd4 (6.10) */
	{ ST_WINDOW_ALLOC, 1, "count_partial" },
	{ ST_WINDOW_ALLOC, ST_PLACES, "slab_out_of_memory" },
	{ ST_WINDOW_SHRINK, ST_PLACES, "__kmem_cache_do_shrink" },	/* 610f9c00ceb9 (5.13) */
	{ ST_WINDOW_SHRINK, ST_PLACES, "__kmem_cache_shrink" },
	{ ST_WINDOW_TWIN, 1, "st_window_twin_use" },
};

/* What the compiler calls a function of which it made a variant. */
static const char *const variants[] = { "", ".isra.0", ".constprop.0", ".part.0",
					".isra.0.constprop.0" };

static bool site_find(const char *name, u32 places)
{
	u32 i;

	memset(&held_in, 0, sizeof(held_in));
	held_in.most = places;
	held_in.on_hit = window_hit;
	for (i = 0; i < ARRAY_SIZE(variants); i++) {
		snprintf(held_in.name, sizeof(held_in.name), "%s%s", name, variants[i]);
		if (!st_site_find(&held_in))
			return true;
	}
	return false;
}

static bool reader_find(u32 reader)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].reader == reader && site_find(table[i].name, table[i].places))
			return true;
	return false;
}

static void *const *slot_of(const struct st_window_spec *spec)
{
	const struct st_layout *layout = spec->layout;

	if (spec->reader == ST_WINDOW_TWIN)
		return &st_window_twin;
	return (void *const *)((const u8 *)(unsigned long)spec->cache +
			       layout->cache_nodes.bit_offset / 8 +
			       (size_t)spec->nid * layout->node_step_bytes +
			       layout->node_pointer_offset);
}

static void end(void)
{
	st_window_reader_stop();
	last_disarm();
	st_site_disarm(&held_in, 0);
	if (window.listening)
		unregister_memory_notifier(&memory_block);
	window.listening = false;
}

static int begin(const struct st_window_spec *spec, char *reason)
{
	int err;

	memset(&window, 0, sizeof(window));
	window.spec = *spec;
	window.slot = slot_of(spec);
	window.runner = current;
	drawn = spec->seed;
	if (st_probes_missing() || !reader_find(spec->reader)) {
		snprintf(reason, ST_REASON_BYTES, "nobody can be held: %s", st_probes_missing() ?:
			 "no function of this reader can be probed here");
		return -EOPNOTSUPP;
	}
	err = st_move_to(spec->runner_cpu);
	if (!err)
		err = register_memory_notifier(&memory_block);
	if (err) {
		snprintf(reason, ST_REASON_BYTES, "memory events cannot be listened to (%d)", err);
		return err;
	}
	window.listening = true;
	err = st_window_reader_start(spec, reason);
	if (err) {
		end();
		return err;
	}
	st_window_reader_rest(true);
	last_arm();
	st_site_arm(&held_in, draw);
	st_window_reader_rest(false);
	return 0;
}

static void move(void)
{
	st_window_reader_rest(true);
	st_site_disarm(&held_in, 1);
	st_site_arm(&held_in, draw);
	st_window_reader_rest(false);
}

static void counts(struct st_window_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	counts->reads = st_window_reads();
	counts->hits = atomic64_read(&window.hits);
	counts->held = atomic64_read(&window.held);
	counts->across = atomic64_read(&window.across);
	counts->stale = atomic64_read(&window.stale);
	counts->departures = st_window_departures();
	counts->met = atomic64_read(&window.met);
	counts->looked_up = window.looked_up;
	counts->now = window.now;
	/* the twin's structure is the module's own: nothing of it is freed */
	counts->told_by_kernel = IS_ENABLED(CONFIG_KASAN) &&
				 window.spec.reader != ST_WINDOW_TWIN;
	strscpy(counts->where, window.where, sizeof(counts->where));
}

static u32 rows(struct st_widen_row *row, u32 max)
{
	const struct st_holds *holds = &held_in.holds;

	if (!max)
		return 0;
	memset(row, 0, sizeof(*row));
	strscpy(row->name, held_in.name, sizeof(row->name));
	row->places = held_in.places_ever;
	row->hits = atomic64_read(&holds->hits);
	row->held = atomic64_read(&holds->held);
	row->sum_us = atomic64_read(&holds->sum_us);
	row->least_us = holds->least_us;
	row->most_us = holds->most_us;
	return 1;
}

const struct st_window_ops st_window_ops = {
	.begin = begin,
	.move = move,
	.counts = counts,
	.rows = rows,
	.end = end,
};
