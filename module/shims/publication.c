// SPDX-License-Identifier: GPL-2.0
/*
 * publication - a thread that sees the pointer to a cache's structure for a
 * node appear, without any lock, and looks at once whether the structure has
 * been initialised; and probes that hold the publishing CPU where its pointer
 * is there already. Nothing of the kernel is written. On a CPU that keeps the
 * order of stores this shows an order that is wrong in the program, no other.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/memory.h>
#include <linux/notifier.h>

#include "compat.h"
#include "fields.h"
#include "widen_probe.h"
#include "window.h"

#define SITES 3
#define LEAST_MS 5		/* of a hold */
#define MOST_MS 50
#define LATER_MS 500		/* until it should have been initialised */
#define TWIN_BYTES 512

static struct {
	struct st_publication_spec spec;
	void *const *slot;		/* where the cache keeps the address */
	const void *held_for;		/* structure whose publisher was held */
	struct task_struct *task;
	struct file *objects;
	u8 *twin;
	u64 looked;			/* first looks that are done with */
	bool listening;
	struct st_publication_counts counts;
} publication;

static void *twin_slot;
static struct st_site sites[SITES];
static u64 drawn;

static u64 draw(void)
{
	u64 z = drawn += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	return z ^ (z >> 27);
}

/* --- the publishing side --- */

#ifdef CONFIG_KPROBES

static void publisher_hit(struct st_site *site, struct pt_regs *regs)
{
	const void *structure = READ_ONCE(*publication.slot);
	const u64 looked = READ_ONCE(publication.looked), begin = ktime_get_mono_fast_ns();
	const u64 limit = (LEAST_MS + draw() % (MOST_MS - LEAST_MS)) * NSEC_PER_MSEC;
	u64 us;

	if (!structure || structure == publication.held_for ||
	    !st_in_registers(regs, structure))
		return;
	publication.held_for = structure;
	/* until the observer has looked, and asked sysfs if it is to */
	while (READ_ONCE(publication.looked) == looked && ktime_get_mono_fast_ns() - begin < limit)
		cpu_relax();
	us = div_u64(ktime_get_mono_fast_ns() - begin, NSEC_PER_USEC);
	publication.counts.held++;
	if (us > publication.counts.most_us)
		publication.counts.most_us = us;
	strscpy(publication.counts.where, site->name, sizeof(publication.counts.where));
}

#else

static void publisher_hit(struct st_site *site, struct pt_regs *regs)
{
}

#endif

/* Out of line, so that it can be probed after the publication. */
noinline void st_publication_twin_init(u8 *twin)
{
	const struct st_layout *layout = publication.spec.layout;
	u8 *head = twin + layout->node_partial.bit_offset / 8;

	WRITE_ONCE(((u64 *)head)[0], (unsigned long)head);
	WRITE_ONCE(((u64 *)head)[1], (unsigned long)head);
	if (layout->node_nr_slabs.bits)
		WRITE_ONCE(*(u64 *)(twin + layout->node_nr_slabs.bit_offset / 8), 0);
}

static int memory_event(struct notifier_block *block, unsigned long action, void *arg)
{
	const bool twin = publication.spec.mode == ST_PUBLICATION_TWIN;

	if (action == MEM_OFFLINE) {
		publication.held_for = NULL;
		if (twin) {
			WRITE_ONCE(twin_slot, NULL);
			memset(publication.twin, 0x5a, TWIN_BYTES);
		}
	} else if (action == MEM_GOING_ONLINE && twin) {
		WRITE_ONCE(twin_slot, publication.twin);
		st_publication_twin_init(publication.twin);
	}
	return NOTIFY_OK;
}

static struct notifier_block memory_block = { .notifier_call = memory_event, .priority = 1 };

/* --- the observing side --- */

static bool right(const u8 *structure, u32 field, u64 *expected, u64 *seen)
{
	const struct st_layout *layout = publication.spec.layout;
	const u8 *head = structure + layout->node_partial.bit_offset / 8;

	*expected = field == ST_FIELD_NR_SLABS ? 0 : (unsigned long)head;
	if (field == ST_FIELD_NR_SLABS)
		*seen = layout->node_nr_slabs.bits
			? st_field_read(structure, layout->node_nr_slabs) : 0;
	else
		*seen = READ_ONCE(((const u64 *)head)[field == ST_FIELD_PARTIAL_PREV]);
	return *seen == *expected;
}

static u64 read_later(const u8 *structure, u32 field)
{
	const u64 begin = ktime_get_mono_fast_ns();
	u64 expected, seen;

	do {
		smp_mb();	/* what is there by now, whatever was seen before */
		if (right(structure, field, &expected, &seen))
			break;
		usleep_range(100, 300);
	} while (ktime_get_mono_fast_ns() - begin < LATER_MS * NSEC_PER_MSEC);
	return seen;
}

static void note_early(const u8 *structure, u32 field, u64 expected, u64 seen)
{
	struct st_publication_counts *counts = &publication.counts;
	loff_t at = 0;
	ssize_t bytes;

	if (counts->early++) {
		WRITE_ONCE(publication.looked, publication.looked + 1);
		return;
	}
	counts->field = field;
	counts->expected = expected;
	counts->seen = seen;
	if (publication.objects) {
		bytes = kernel_read(publication.objects, counts->told, sizeof(counts->told) - 1, &at);
		counts->told[bytes > 0 ? bytes - 1 : 0] = '\0';
	}
	WRITE_ONCE(publication.looked, publication.looked + 1);
	counts->later = read_later(structure, field);
}

/* No barrier but the address: what a lockless reader has. */
static void look(const u8 *structure)
{
	u64 expected[ST_PUBLICATION_FIELDS], seen[ST_PUBLICATION_FIELDS];
	u32 i, wrong = ST_PUBLICATION_FIELDS;

	for (i = ST_PUBLICATION_FIELDS; i-- > 0;)
		if (!right(structure, i, &expected[i], &seen[i]))
			wrong = i;
	/* a look that came too late, and the node has gone meanwhile, is none */
	if (READ_ONCE(*publication.slot) != structure)
		return;
	publication.counts.published++;
	if (wrong < ST_PUBLICATION_FIELDS)
		note_early(structure, wrong, expected[wrong], seen[wrong]);
	else
		WRITE_ONCE(publication.looked, publication.looked + 1);
}

static int observe(void *unused)
{
	const void *last = READ_ONCE(*publication.slot);

	while (!kthread_should_stop()) {
		const void *now = READ_ONCE(*publication.slot);

		if (now && now != last)
			look(now);
		last = now;
		cpu_relax();
		cond_resched();
	}
	return 0;
}

/* --- for core --- */

static void *const *slot_of(const struct st_publication_spec *spec)
{
	const struct st_layout *layout = spec->layout;

	if (spec->mode == ST_PUBLICATION_TWIN)
		return &twin_slot;
	return (void *const *)((const u8 *)(unsigned long)spec->cache +
			       layout->cache_nodes.bit_offset / 8 +
			       (size_t)spec->nid * layout->node_step_bytes +
			       layout->node_pointer_offset);
}

static void sites_arm(u32 mode)
{
	static const char *const ours[] = { "st_publication_twin_init" };
	/* inlined one into the other, in the compiler's discretion */
	static const char *const kernel[] = { "init_kmem_cache_node",
		"slab_mem_going_online_callback", "slab_memory_callback" };
	const bool twin = mode == ST_PUBLICATION_TWIN;
	const u32 most = twin ? ARRAY_SIZE(ours) : ARRAY_SIZE(kernel);
	u32 i;

	memset(sites, 0, sizeof(sites));
	for (i = 0; i < most; i++) {
		strscpy(sites[i].name, twin ? ours[i] : kernel[i], sizeof(sites[i].name));
		sites[i].most = i ? ST_PLACES : 1;
		sites[i].on_hit = publisher_hit;
		if (st_site_find(&sites[i]))
			sites[i].name[0] = '\0';
		else
			st_site_arm(&sites[i], draw);
	}
}

static void end(void)
{
	u32 i;

	if (publication.task)
		kthread_stop(publication.task);
	publication.task = NULL;
	for (i = 0; i < SITES; i++)
		if (sites[i].name[0])
			st_site_disarm(&sites[i], 0);
	if (publication.listening)
		unregister_memory_notifier(&memory_block);
	publication.listening = false;
	if (publication.objects)
		filp_close(publication.objects, NULL);
	publication.objects = NULL;
	kfree(publication.twin);
	publication.twin = NULL;
}

static int resources(const struct st_publication_spec *spec, char *reason)
{
	if (spec->mode == ST_PUBLICATION_TWIN) {
		publication.twin = kmalloc(TWIN_BYTES, GFP_KERNEL);
		if (!publication.twin)
			return -ENOMEM;
		memset(publication.twin, 0x5a, TWIN_BYTES);
	}
	if (spec->mode == ST_PUBLICATION_MEET) {
		publication.objects = st_window_open(spec->layout, spec->cache, "objects", O_RDONLY);
		if (!publication.objects) {
			strscpy(reason, "sysfs does not show the cache", ST_REASON_BYTES);
			return -EOPNOTSUPP;
		}
	}
	return register_memory_notifier(&memory_block);
}

static int begin(const struct st_publication_spec *spec, char *reason)
{
	int err;

	memset(&publication, 0, sizeof(publication));
	publication.spec = *spec;
	publication.slot = slot_of(spec);
	twin_slot = NULL;
	drawn = spec->seed;
	strscpy(reason, "memory, a thread or memory events are not to be had", ST_REASON_BYTES);
	err = st_move_to(spec->runner_cpu);
	if (!err)
		err = resources(spec, reason);
	if (err) {
		end();
		return err;
	}
	publication.listening = true;
	sites_arm(spec->mode);
	publication.task = kthread_create_on_node(observe, NULL, NUMA_NO_NODE, "slubtorture/%u",
						  spec->observer_cpu);
	if (IS_ERR(publication.task)) {
		err = PTR_ERR(publication.task);
		publication.task = NULL;
		end();
		return err;
	}
	kthread_bind(publication.task, spec->observer_cpu);
	wake_up_process(publication.task);
	return 0;
}

static void counts(struct st_publication_counts *counts)
{
	*counts = publication.counts;
}

const struct st_publication_ops st_publication_ops = {
	.begin = begin,
	.counts = counts,
	.end = end,
};
