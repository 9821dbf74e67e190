// SPDX-License-Identifier: GPL-2.0
/*
 * handoff - the engine as a whole: the two threads, or a thread and a timer
 * whose handler frees in interrupts. The loops are in handoff_produce.c and
 * handoff_consume.c.
 */
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/topology.h>

#include "compat.h"
#include "handoff.h"

#define IRQ_PAUSE_NS 100000	/* from one interrupt's end to the next */

static bool whole(struct st_field field, u32 bits)
{
	return field.bits == bits && field.bit_offset % bits == 0;
}

static bool quick_from(const struct st_layout *layout, struct quick *quick)
{
	if (!whole(layout->exts, 64) || !whole(layout->slab_cache, 64))
		return false;
	quick->exts_at = layout->exts.bit_offset / 8;
	quick->cache_at = layout->slab_cache.bit_offset / 8;
	quick->objcg_at = layout->objcg_offset;
	/* a failed allocation (OBJEXTS_ALLOC_FAIL) is flags alone: no address */
	quick->address_mask = ~layout->exts_flag_mask;
	quick->fixed_step = layout->ext_bytes;
	if (layout->step_origin != ST_STEP_FIELD)
		return true;
	quick->fixed_step = 0;
	quick->stride_at = layout->stride.bit_offset / 8;
	return whole(layout->stride, 32) || whole(layout->stride, 16);
}

static void producer(struct st_job *job)
{
	struct channel *ch = job->arg;
	struct mem_cgroup *old = st_memcg_enter();
	const u64 begin = ktime_get_ns();

	st_producer(ch->spec->publish, ch->spec->mode)(ch);
	ch->counts->elapsed_ns = ktime_get_ns() - begin;
	st_produce_rest(ch);
	st_memcg_leave(old);
}

static enum hrtimer_restart drain_in_interrupt(struct hrtimer *timer)
{
	struct channel *ch = container_of(timer, struct channel, timer);

	if (st_drainer(ch->spec->consume, ch->spec->mode, true)(ch)) {
		complete(&ch->drained);
		return HRTIMER_NORESTART;
	}
	/* from now on, not from when it was due: an interrupt that is late must
	 * not be followed by another at once */
	hrtimer_set_expires(timer, ktime_add_ns(ktime_get(), IRQ_PAUSE_NS));
	return HRTIMER_RESTART;
}

/* Pinned: it fires on this thread's CPU, which is the one asked for. */
static void consume_in_interrupts(struct channel *ch)
{
	const enum hrtimer_mode mode = ch->spec->context == ST_FREE_IN_HARDIRQ ?
		HRTIMER_MODE_REL_PINNED_HARD : HRTIMER_MODE_REL_PINNED_SOFT;

	st_hrtimer_setup(&ch->timer, drain_in_interrupt, mode);
	hrtimer_start(&ch->timer, ns_to_ktime(IRQ_PAUSE_NS), mode);
	wait_for_completion(&ch->drained);
	hrtimer_cancel(&ch->timer);
}

static void consumer(struct st_job *job)
{
	struct channel *ch = job->arg;
	const struct st_handoff_spec *spec = ch->spec;

	if (spec->context == ST_FREE_IN_THREAD)
		st_drainer(spec->consume, spec->mode, false)(ch);
	else
		consume_in_interrupts(ch);
	st_drain_rest(ch);
}

static bool sensible(const struct st_handoff_spec *spec)
{
	const u32 most_words = ST_HANDOFF_OBJECT_BYTES / sizeof(u64);

	BUILD_BUG_ON(sizeof(struct rcu_object) > ST_HANDOFF_OBJECT_BYTES);
	BUILD_BUG_ON(ST_TYPE_WORD >= most_words);
	if (spec->publish >= ST_PUBLISHES || spec->consume >= ST_CONSUMES ||
	    spec->mode > ST_HANDOFF_BUSTED || spec->origin >= ST_ORIGINS ||
	    spec->context >= ST_FREE_CONTEXTS || spec->object_bytes < ST_HANDOFF_OBJECT_BYTES ||
	    spec->in_flight > ST_IN_FLIGHT_MOST || !is_power_of_2(spec->in_flight) ||
	    (spec->sampling && !is_power_of_2(spec->sampling)))
		return false;
	/* both sides of a busted engine wait for each other within one handoff */
	return spec->mode == ST_HANDOFF_ENGINE ||
	       (spec->context == ST_FREE_IN_THREAD && spec->producer_cpu != spec->consumer_cpu);
}

static int channel_open(struct channel *ch, const struct st_handoff_spec *spec,
			struct st_handoff_counts *counts)
{
	u32 i;

	for (i = 0; i < ST_IN_FLIGHT_MOST; i++)
		spin_lock_init(&ch->box[i].lock);
	init_completion(&ch->drained);
	ch->spec = spec;
	ch->counts = counts;
	ch->one_cpu = spec->producer_cpu == spec->consumer_cpu;
	ch->cache = (struct kmem_cache *)(unsigned long)spec->cache;
	if (spec->layout && !quick_from(spec->layout, &ch->quick))
		return -EOPNOTSUPP;
	ch->step_most = spec->object_bytes;
	if (!ch->cache)
		return 0;
	ch->step_most = kmem_cache_size(ch->cache);
	if (spec->layout)
		ch->step_most = st_field_read(ch->cache, spec->layout->cache_size);
	ch->per_object = reciprocal_value((u32)ch->step_most);
	return 0;
}

static int run(const struct st_handoff_spec *spec, struct st_handoff_counts *counts)
{
	struct st_job jobs[2];
	struct channel *ch;
	int err;

	if (!sensible(spec))
		return -EINVAL;
	ch = kvzalloc(sizeof(*ch), GFP_KERNEL);
	if (!ch)
		return -ENOMEM;
	memset(counts, 0, sizeof(*counts));
	err = channel_open(ch, spec, counts);
	if (err)
		goto out;
	memset(jobs, 0, sizeof(jobs));
	jobs[0] = (struct st_job){ .work = producer, .arg = ch, .cpu = spec->producer_cpu };
	jobs[1] = (struct st_job){ .work = consumer, .arg = ch, .cpu = spec->consumer_cpu };
	err = st_threads_run(jobs, 2);
out:
	kvfree(ch);
	return err;
}

static s32 cpu_node(u32 cpu)
{
	return cpu_to_node(cpu);
}

/* On PREEMPT_RT SLUB takes sleeping locks: only a thread may free. */
static const char *context_lacks(u32 context)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && context == ST_FREE_IN_HARDIRQ)
		return "PREEMPT_RT frees nothing in hard interrupts";
	return NULL;
}

const struct st_handoff_ops st_handoff_ops = {
	.run = run,
	.litmus = st_litmus,
	.cpu_node = cpu_node,
	.context_lacks = context_lacks,
};
