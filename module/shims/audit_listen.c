// SPDX-License-Identifier: GPL-2.0
/*
 * audit_listen - listeners to the allocator's tracepoints: they choose objects
 * by address and hand the events of those to core's tables, all the time or in
 * slices of it. Bulk frees and kfree_rcu() pass no tracepoint; their objects
 * show as allocated anew without a free. What is counted how is core's affair.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>

#include "audit.h"

/* --- probes: any context; 7.x calls them with preemption on --- */

static u32 context_now(void)
{
	if (in_nmi())
		return ST_AUDIT_NMI;
	if (st_in_hardirq())
		return ST_AUDIT_HARDIRQ;
	return in_serving_softirq() ? ST_AUDIT_SOFTIRQ : ST_AUDIT_TASK;
}

static noinline void record(struct st_listener *l, unsigned long site, const void *object,
			    void (*to)(struct st_audit *, const struct st_audit_event *))
{
	struct st_audit_event event = {
		.object = (unsigned long)object,
		.site = site,
		.context = context_now(),
	};
	unsigned long flags;

	if (unlikely(READ_ONCE(l->hidden) == object) && to == st_audit_freed)
		return;
	/* one event at a time on a CPU, but for NMIs, which core counts */
	raw_local_irq_save(flags);
	event.cpu = raw_smp_processor_id();
	event.node = cpu_to_node(event.cpu);
	event.now_ns = ktime_get_mono_fast_ns();
	to(l->tables, &event);
	raw_local_irq_restore(flags);
}

static __always_inline void take(void *data, unsigned long site, const void *object,
				 void (*to)(struct st_audit *, const struct st_audit_event *))
{
	struct st_listener *l = data;

	if (likely(!st_audit_chosen((unsigned long)object, l->salt, l->sample)) ||
	    ZERO_OR_NULL_PTR(object))
		return;
	record(l, site, object, to);
}

static void on_kmalloc(void *data, ST_KMALLOC_PROTO)
{
	take(data, call_site, ptr, st_audit_allocated);
}

static void on_cache_alloc(void *data, ST_CACHE_ALLOC_PROTO)
{
	take(data, call_site, ptr, st_audit_allocated);
}

static void on_kfree(void *data, unsigned long call_site, const void *ptr)
{
	take(data, call_site, ptr, st_audit_freed);
}

static void on_cache_free(void *data, ST_CACHE_FREE_PROTO)
{
	take(data, call_site, ptr, st_audit_freed);
}

#ifdef ST_NODE_TRACEPOINTS
static void on_kmalloc_node(void *data, ST_KMALLOC_NODE_PROTO)
{
	take(data, call_site, ptr, st_audit_allocated);
}

static void on_cache_alloc_node(void *data, ST_CACHE_ALLOC_NODE_PROTO)
{
	take(data, call_site, ptr, st_audit_allocated);
}
#endif

/* Each tracepoint has functions of its own, which check the type of a probe. */
#define EAR(name, probe)							\
static int join_##name(struct st_listener *l)					\
{										\
	return register_trace_##name(probe, l);					\
}										\
static void leave_##name(struct st_listener *l)				\
{										\
	unregister_trace_##name(probe, l);					\
}

EAR(kfree, on_kfree)
EAR(kmem_cache_free, on_cache_free)
EAR(kmalloc, on_kmalloc)
EAR(kmem_cache_alloc, on_cache_alloc)
#ifdef ST_NODE_TRACEPOINTS
EAR(kmalloc_node, on_kmalloc_node)
EAR(kmem_cache_alloc_node, on_cache_alloc_node)
#endif

/*
 * Frees are heard first and left last, so that whatever is seen allocated is
 * seen freed, too.
 */
static const struct {
	int (*join)(struct st_listener *l);
	void (*leave)(struct st_listener *l);
} ears[] = {
	{ join_kfree, leave_kfree },
	{ join_kmem_cache_free, leave_kmem_cache_free },
	{ join_kmalloc, leave_kmalloc },
	{ join_kmem_cache_alloc, leave_kmem_cache_alloc },
#ifdef ST_NODE_TRACEPOINTS
	{ join_kmalloc_node, leave_kmalloc_node },
	{ join_kmem_cache_alloc_node, leave_kmem_cache_alloc_node },
#endif
};

/*
 * Switching a tracepoint patches code by way of a breakpoint. QEMU's emulation
 * (7.2.22) goes on running breakpoints that are gone when another CPU was just
 * translating that code, and the guest dies of "Oops: int3". Loops of our own
 * that do nothing but allocate keep away meanwhile.
 */
bool st_patching;

static void patch_begin(void)
{
	WRITE_ONCE(st_patching, true);
	usleep_range(1000, 2000);	/* a batch of such a loop is shorter */
}

static void patch_end(void)
{
	WRITE_ONCE(st_patching, false);
}

static void leave(struct st_listener *l)
{
	while (l->joined)
		ears[--l->joined].leave(l);
	/* no probe is running any more when this returns */
	tracepoint_synchronize_unregister();
}

int st_listen(struct st_listener *l)
{
	int err = 0;

	l->salt = get_random_u64();
	patch_begin();
	while (l->joined < ARRAY_SIZE(ears) && !err) {
		err = ears[l->joined].join(l);
		l->joined += !err;
	}
	l->since_ns = ktime_get_ns();
	if (err)
		leave(l);
	patch_end();
	return err;
}

void st_listen_no_more(struct st_listener *l)
{
	patch_begin();
	leave(l);
	patch_end();
	l->windows++;
	l->watched_ns += ktime_get_ns() - l->since_ns;
}

int st_listener_make(struct st_listener *l, u32 sample)
{
	memset(l, 0, sizeof(*l));
	l->sample = sample;
	l->tables = vzalloc(st_audit_bytes(nr_cpu_ids));
	if (!l->tables)
		return -ENOMEM;
	st_audit_make(l->tables, nr_cpu_ids);
	return 0;
}

void st_listener_free(struct st_listener *l)
{
	vfree(l->tables);
	l->tables = NULL;
}

/* --- slices of time --- */

/* True: the slicing thread is to end. */
static bool sleep_ms_or_stop(u32 ms)
{
	set_current_state(TASK_INTERRUPTIBLE);
	if (!kthread_should_stop())
		schedule_timeout(msecs_to_jiffies(ms));
	__set_current_state(TASK_RUNNING);
	return kthread_should_stop();
}

/*
 * A slice takes longer than asked for: tracepoints are switched, which costs
 * more than the slice where the code of an emulated guest is patched, and
 * whoever ends it must be scheduled. The pause grows with all of it, so that
 * the share of time, and with it the cost, stays.
 */
static u32 pause_ms(const struct st_audit_settings *s, u64 disturbed_ns)
{
	const u64 ms = max_t(u64, div_u64(disturbed_ns, NSEC_PER_MSEC), s->slice_ms);
	const u64 pause = div_u64(ms * (s->every_ms - s->slice_ms), s->slice_ms);

	return min_t(u64, pause, ST_AUDIT_SLICE_MOST_MS);
}

/* Begins in a slice, which st_watch_start() has opened. */
static int watch_in_slices(void *arg)
{
	struct st_watch *w = arg;
	bool stop = false, listening = true;

	while (!stop) {
		if (listening) {
			stop = sleep_ms_or_stop(w->settings.slice_ms);
			st_listen_no_more(&w->listener);
			/* frees will be missed until the next slice */
			st_audit_window_ends(w->listener.tables);
		}
		if (!stop)
			stop = sleep_ms_or_stop(pause_ms(&w->settings,
							 ktime_get_ns() - w->begin_ns));
		w->begin_ns = ktime_get_ns();
		listening = !stop && !st_listen(&w->listener);
	}
	return 0;
}

int st_watch_start(struct st_watch *w)
{
	struct task_struct *task;
	int err;

	w->listener.sample = w->settings.sample;
	w->begin_ns = ktime_get_ns();
	/* whether there are tracepoints at all is known at once */
	err = st_listen(&w->listener);
	if (err || w->settings.slice_ms == w->settings.every_ms)
		return err;
	task = kthread_create(watch_in_slices, w, "slubtorture/audit");
	if (IS_ERR(task)) {
		st_listen_no_more(&w->listener);
		return PTR_ERR(task);
	}
	w->task = task;
	wake_up_process(task);
	return 0;
}

void st_watch_stop(struct st_watch *w)
{
	if (w->task)
		kthread_stop(w->task);
	/* open all the time, or by a thread that was stopped before it ran */
	if (w->listener.joined)
		st_listen_no_more(&w->listener);
	w->task = NULL;
}
