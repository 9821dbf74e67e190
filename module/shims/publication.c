// SPDX-License-Identifier: GPL-2.0
/*
 * publication - a thread that sees the pointer to a cache's structure for a
 * node appear, without any lock, and looks at once whether the structure has
 * been initialised; and probes that hold the publishing CPU where its pointer
 * is there already. Nothing of the kernel is written. On a CPU that keeps the
 * order of stores this shows an order that is wrong in the program, no other.
 *
 * If it is to, the thread then uses a structure that is not initialised as a
 * user of the kernel would. It says so on the console before, because it may
 * not come back: it may die of what it finds, or wait for ever for a lock that
 * nobody holds.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/memory.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/sched/task.h>

#include "compat.h"
#include "fields.h"
#include "publication.h"

#define LATER_MS 10000		/* until it should have been initialised, on a machine that is starved */

static struct {
	struct st_publication_spec spec;
	void *const *slot[ST_PUBLICATION_CACHES]; /* where the caches keep the address */
	const void *last[ST_PUBLICATION_CACHES];
	struct task_struct *task;
	u64 inside_since;		/* ktime */
	u32 meeting;			/* enum st_meeting */
	u32 noting;			/* the observer has seen something, and looks again */
	bool let_go;			/* the control's reader need not wait any more */
	bool listening;
	struct st_publication_counts counts;
} publication;

static bool is_twin(void)
{
	return st_publication_is_twin(&publication.spec);
}

/* Kernels that free structures may have them again at the same place. */
static int memory_event(struct notifier_block *block, unsigned long action, void *arg)
{
	if (action == MEM_OFFLINE)
		st_publishers_forget();
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

/* Waits as for a lock that nobody holds, until it is let go. */
static void meet_twin(void)
{
	while (!READ_ONCE(publication.let_go) && !kthread_should_stop())
		usleep_range(100, 300);
}

/* The host reads the line, which is the last one if nothing comes back. */
static void announce(const struct st_publication_counts *counts)
{
	pr_warn("slubtorture: meets node %d's structure before it is initialised: %s; list_lock %s, nr_partial %s, %s\n",
		publication.spec.nid, counts->reader, counts->lock ? "taken by nobody" : "free",
		!counts->nr_partial ? "0" : counts->nr_partial < 4096 ? "small" : "garbage",
		counts->field == ST_FIELD_NR_SLABS ? "nr_slabs garbage" :
		counts->seen ? "list garbage" : "list null");
}

static void meet(struct st_publication_counts *counts)
{
	strscpy(counts->reader, st_meeter_name(publication.spec.meeter), sizeof(counts->reader));
	if (!is_twin())
		announce(counts);
	WRITE_ONCE(publication.inside_since, ktime_get_mono_fast_ns());
	/* pairs with the acquire in meeting_end() */
	smp_store_release(&publication.meeting, ST_MET_INSIDE);
	if (is_twin())
		meet_twin();
	else
		counts->result = st_meet(&publication.spec, counts->told, sizeof(counts->told));
	counts->inside_us = div_u64(ktime_get_mono_fast_ns() - publication.inside_since,
				    NSEC_PER_USEC);
	smp_store_release(&publication.meeting, ST_MET_BACK);
}

static void note_early(const u8 *structure, u32 field, u64 expected, u64 seen)
{
	const struct st_layout *layout = publication.spec.layout;
	struct st_publication_counts *counts = &publication.counts;

	if (counts->early++) {
		st_publisher_looked();
		return;
	}
	counts->field = field;
	counts->expected = expected;
	counts->seen = seen;
	counts->lock = READ_ONCE(*(const u32 *)(structure + layout->node_list_lock.bit_offset / 8));
	counts->nr_partial = layout->node_nr_partial.bits
			     ? st_field_read(structure, layout->node_nr_partial) : 0;
	if (st_publication_meets(&publication.spec))
		meet(counts);
	WRITE_ONCE(publication.noting, 1);
	smp_wmb();	/* pairs with smp_rmb() in noted() */
	st_publisher_looked();
	counts->later = read_later(structure, field);
	/* pairs with the acquire in noted() */
	smp_store_release(&publication.noting, 0);
}

/* Who was let go on by the observer's first look may be here before the second. */
static void noted(void)
{
	smp_rmb();	/* after the publisher has seen that it was looked at */
	while (smp_load_acquire(&publication.noting) && publication.task &&
	       !READ_ONCE(publication.task->exit_state))
		msleep(1);
}

/* No barrier but the address: what a lockless reader has. */
static void look(const u8 *structure, void *const *slot)
{
	u64 expected[ST_PUBLICATION_FIELDS], seen[ST_PUBLICATION_FIELDS];
	u32 i, wrong = ST_PUBLICATION_FIELDS;

	for (i = ST_PUBLICATION_FIELDS; i-- > 0;)
		if (!right(structure, i, &expected[i], &seen[i]))
			wrong = i;
	/* a look that came too late, and the node has gone meanwhile, is none */
	if (READ_ONCE(*slot) != structure)
		return;
	publication.counts.published++;
	if (wrong < ST_PUBLICATION_FIELDS)
		note_early(structure, wrong, expected[wrong], seen[wrong]);
	else
		st_publisher_looked();
}

static int observe(void *unused)
{
	u32 i;

	while (!kthread_should_stop()) {
		for (i = 0; i < publication.spec.caches; i++) {
			const void *now = READ_ONCE(*publication.slot[i]);

			if (now && now != publication.last[i])
				look(now, publication.slot[i]);
			publication.last[i] = now;
		}
		cpu_relax();
		cond_resched();
	}
	return 0;
}

/* --- for core --- */

static void slots_find(const struct st_publication_spec *spec)
{
	const struct st_layout *layout = spec->layout;
	u32 i;

	for (i = 0; i < spec->caches; i++) {
		publication.slot[i] = is_twin() ? st_publication_twin_slot() :
			(void *const *)((const u8 *)(unsigned long)spec->cache[i] +
					layout->cache_nodes.bit_offset / 8 +
					(size_t)spec->nid * layout->node_step_bytes +
					layout->node_pointer_offset);
		publication.last[i] = READ_ONCE(*publication.slot[i]);
	}
}

/*
 * A reader that spins with interrupts off stops every CPU that waits for its
 * own; one that died keeps what it held. Nothing is taken from under them.
 */
static int abandon(void)
{
	__module_get(THIS_MODULE);
	return -EBUSY;
}

static int end(void)
{
	WRITE_ONCE(publication.let_go, true);
	if (!is_twin() && publication.counts.meeting >= ST_MET_DEAD)
		return abandon();
	if (publication.task) {
		kthread_stop(publication.task);
		put_task_struct(publication.task);
	}
	publication.task = NULL;
	st_publishers_let_go();
	if (publication.listening)
		unregister_memory_notifier(&memory_block);
	publication.listening = false;
	st_meeter_close();
	return 0;
}

static int resources(const struct st_publication_spec *spec, char *reason)
{
	int err = spec->mode == ST_PUBLICATION_MEET ? st_meeter_open(spec, reason) : 0;

	if (err)
		return err;
	err = register_memory_notifier(&memory_block);
	publication.listening = !err;
	return err;
}

static int observer_start(const struct st_publication_spec *spec)
{
	struct task_struct *task = kthread_create_on_node(observe, NULL, NUMA_NO_NODE,
							  "slubtorture/%u", spec->observer_cpu);

	if (IS_ERR(task))
		return PTR_ERR(task);
	/* it may die before it is asked to stop */
	get_task_struct(task);
	publication.task = task;
	kthread_bind(task, spec->observer_cpu);
	wake_up_process(task);
	return 0;
}

static int begin(const struct st_publication_spec *spec, char *reason)
{
	int err;

	memset(&publication, 0, sizeof(publication));
	publication.spec = *spec;
	slots_find(spec);
	strscpy(reason, "memory, a thread or memory events are not to be had", ST_REASON_BYTES);
	err = st_move_to(spec->runner_cpu);
	if (!err)
		err = resources(spec, reason);
	if (!err) {
		st_publishers_hold(&publication.spec, publication.slot);
		err = observer_start(spec);
	}
	if (err)
		end();
	return err;
}

/* What became of the reader; waits while it has time and has not come back. */
static u32 meeting_end(void)
{
	const unsigned long until = jiffies + msecs_to_jiffies(publication.spec.patience_ms);
	u32 now;

	for (;;) {
		/* pairs with the releases in meet() */
		now = smp_load_acquire(&publication.meeting);
		if (now != ST_MET_INSIDE)
			return now;
		if (READ_ONCE(publication.task->exit_state))
			return ST_MET_DEAD;
		if (time_after(jiffies, until))
			return ST_MET_LOST;
		msleep(20);
	}
}

static void counts(struct st_publication_counts *counts)
{
	/* a verdict that was given is not taken back when it comes after all */
	if (publication.counts.meeting < ST_MET_DEAD)
		publication.counts.meeting = meeting_end();
	noted();
	*counts = publication.counts;
	st_publishers_counts(counts);
}

const struct st_publication_ops st_publication_ops = {
	.begin = begin,
	.publish = st_publication_twin_publish,
	.counts = counts,
	.end = end,
};
