// SPDX-License-Identifier: GPL-2.0
/*
 * audit_drill - objects allocated and freed at known sites, on known CPUs, in
 * known contexts and known numbers, watched by a listener of its own at full
 * sampling; and the loop that the audit's cost is measured with. Whether the
 * counts are right is for core to say.
 */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>

#include "audit.h"

#define OBJECT_BYTES 128
#define LOOP_BATCH 512

struct drill {
	const struct st_audit_drill *what;
	struct st_listener listener;
	struct kmem_cache *cache;	/* NULL: kmalloc */
	void **objects;
	u32 made;
	u64 made_ns, freed_ns;		/* last allocation, first free */
	struct tasklet_struct tasklet;
	struct irq_work irq_work;
	int err;
};

/* The two sites, known by their names. */
static noinline u32 st_audit_drill_alloc(struct drill *d)
{
	u32 i;

	for (i = 0; i < d->what->objects; i++) {
		d->objects[i] = d->cache ? kmem_cache_alloc(d->cache, ST_GFP)
					 : kmalloc(OBJECT_BYTES, ST_GFP);
		if (!d->objects[i])
			break;
	}
	return i;
}

static noinline void st_audit_drill_free(struct drill *d)
{
	u32 i;

	d->freed_ns = ktime_get_mono_fast_ns();
	for (i = 0; i < d->made; i++) {
		if (d->cache)
			kmem_cache_free(d->cache, d->objects[i]);
		else
			kfree(d->objects[i]);
	}
}

static void alloc_job(struct st_job *job)
{
	struct drill *d = job->arg;

	d->made = st_audit_drill_alloc(d);
	d->made_ns = ktime_get_mono_fast_ns();
	if (d->made && d->what->hide)
		WRITE_ONCE(d->listener.hidden, d->objects[d->made / 2]);
}

static void free_in_softirq(struct tasklet_struct *tasklet)
{
	struct drill *d = container_of(tasklet, struct drill, tasklet);

	st_audit_drill_free(d);
}

static void free_in_hardirq(struct irq_work *work)
{
	struct drill *d = container_of(work, struct drill, irq_work);

	st_audit_drill_free(d);
}

static void free_job(struct st_job *job)
{
	struct drill *d = job->arg;

	switch (d->what->context) {
	case ST_AUDIT_SOFTIRQ:
		/* bound to its CPU: the tasklet runs here, at the latest in ksoftirqd */
		tasklet_setup(&d->tasklet, free_in_softirq);
		tasklet_schedule(&d->tasklet);
		while (!READ_ONCE(d->freed_ns))
			usleep_range(50, 100);
		tasklet_kill(&d->tasklet);
		break;
	case ST_AUDIT_HARDIRQ:
		init_irq_work(&d->irq_work, free_in_hardirq);
		irq_work_queue(&d->irq_work);
		irq_work_sync(&d->irq_work);
		break;
	default:
		st_audit_drill_free(d);
	}
}

static bool is_at(u64 site, const char *function)
{
	char text[96];

	st_audit_symbol_text(site, text, sizeof(text));
	return !strncmp(text, function, strlen(function));
}

/* Without symbols the sites cannot be told from others. */
static bool sites_have_names(void)
{
	return is_at((unsigned long)st_audit_drill_free, "st_audit_drill_free");
}

/* A function may hold several calls, so several sites. */
static void add_known(struct st_audit_pair *sum, const struct st_audit_pair *pair)
{
	u32 i;

	if (!is_at(pair->alloc_site, "st_audit_drill_alloc") ||
	    !is_at(pair->free_site, "st_audit_drill_free"))
		return;
	sum->alloc_site = pair->alloc_site;
	sum->free_site = pair->free_site;
	sum->freed += pair->freed;
	sum->other_cpu += pair->other_cpu;
	sum->other_node += pair->other_node;
	for (i = 0; i < ST_AUDIT_CONTEXTS; i++)
		sum->contexts[i] += pair->contexts[i];
	for (i = 0; i < ST_AUDIT_AGES; i++)
		sum->ages[i] += pair->ages[i];
}

static int collect(struct drill *d, struct st_audit_drilled *drilled)
{
	const u32 most = 4096;
	struct st_audit_pair *pairs = kvcalloc(most, sizeof(*pairs), GFP_KERNEL);
	u32 count, i;

	if (!pairs)
		return -ENOMEM;
	count = st_audit_top(d->listener.tables, pairs, most);
	for (i = 0; i < count; i++)
		add_known(&drilled->pair, &pairs[i]);
	kvfree(pairs);
	st_audit_count(d->listener.tables, &drilled->counts);
	drilled->done = d->made;
	drilled->held_ns = d->freed_ns - d->made_ns;
	drilled->other_node = cpu_to_node(d->what->alloc_cpu) != cpu_to_node(d->what->free_cpu);
	return 0;
}

static int allocate_and_free(struct drill *d)
{
	struct st_job alloc = { .work = alloc_job, .arg = d, .cpu = d->what->alloc_cpu };
	struct st_job release = { .work = free_job, .arg = d, .cpu = d->what->free_cpu };
	int err = st_threads_run(&alloc, 1);

	if (!err)
		err = st_threads_run(&release, 1);
	if (err && d->made)
		st_audit_drill_free(d);
	return err;
}

static int drill_watched(struct drill *d, struct st_audit_drilled *drilled)
{
	int err = st_listen(&d->listener);

	if (err)
		return err;
	err = allocate_and_free(d);
	st_listen_no_more(&d->listener);
	return err ? err : collect(d, drilled);
}

static int drill_make(struct drill *d, const struct st_audit_drill *what)
{
	d->what = what;
	d->objects = kvcalloc(what->objects, sizeof(*d->objects), GFP_KERNEL);
	if (!d->objects)
		return -ENOMEM;
	if (what->own_cache) {
		d->cache = kmem_cache_create("slubtorture-audit", OBJECT_BYTES, 0, 0, NULL);
		if (!d->cache)
			return -ENOMEM;
	}
	return st_listener_make(&d->listener, 1);
}

static int st_audit_drill(const struct st_audit_drill *what, struct st_audit_drilled *drilled)
{
	struct drill *d;
	int err;

	/* with a real-time kernel, objects cannot be freed there */
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && what->context == ST_AUDIT_HARDIRQ)
		return -EOPNOTSUPP;
	if (!sites_have_names())
		return -EOPNOTSUPP;
	memset(drilled, 0, sizeof(*drilled));
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	err = drill_make(d, what);
	if (!err)
		err = drill_watched(d, drilled);
	st_listener_free(&d->listener);
	kmem_cache_destroy(d->cache);
	kvfree(d->objects);
	kfree(d);
	return err;
}

/* --- benchmark --- */

struct loop {
	u64 duration_ns;
	u64 pairs, elapsed_ns;
};

static void loop_job(struct st_job *job)
{
	struct loop *loop = job->arg;
	const u64 begin = ktime_get_ns();
	u32 i;

	do {
		for (i = 0; i < LOOP_BATCH; i++) {
			void *object = kmalloc(OBJECT_BYTES, GFP_KERNEL);

			OPTIMIZER_HIDE_VAR(object);
			kfree(object);
		}
		loop->pairs += LOOP_BATCH;
		loop->elapsed_ns = ktime_get_ns() - begin;
		do
			cond_resched();
		while (READ_ONCE(st_patching));	/* counted: it is a cost, too */
	} while (loop->elapsed_ns < loop->duration_ns && !st_stopping());
}

static void empty_alloc(void *data, ST_KMALLOC_PROTO)
{
}

static void empty_free(void *data, unsigned long call_site, const void *ptr)
{
}

static int empty_start(void)
{
	int err = register_trace_kmalloc(empty_alloc, NULL);

	if (err)
		return err;
	err = register_trace_kfree(empty_free, NULL);
	if (err)
		unregister_trace_kmalloc(empty_alloc, NULL);
	return err;
}

static void empty_stop(void)
{
	unregister_trace_kmalloc(empty_alloc, NULL);
	unregister_trace_kfree(empty_free, NULL);
	tracepoint_synchronize_unregister();
}

static void watch_settings(struct st_watch *w, u32 load)
{
	st_audit_defaults(&w->settings);
	w->settings.on = 1;
	if (load != ST_AUDIT_DEFAULT)
		w->settings.slice_ms = w->settings.every_ms;
	if (load == ST_AUDIT_EXACT)
		w->settings.sample = 1;
}

static int loop_watched(struct st_job *job, u32 load)
{
	struct st_watch *w = kzalloc(sizeof(*w), GFP_KERNEL);
	int err;

	if (!w)
		return -ENOMEM;
	watch_settings(w, load);
	err = st_listener_make(&w->listener, w->settings.sample);
	if (!err)
		err = st_watch_start(w);
	if (!err) {
		err = st_threads_run(job, 1);
		st_watch_stop(w);
	}
	st_listener_free(&w->listener);
	kfree(w);
	return err;
}

static int st_audit_loop(u32 load, u32 cpu, u64 duration_ns, u64 *pairs, u64 *elapsed_ns)
{
	struct loop loop = { .duration_ns = duration_ns };
	struct st_job job = { .work = loop_job, .arg = &loop, .cpu = cpu };
	int err;

	if (load == ST_AUDIT_OFF) {
		err = st_threads_run(&job, 1);
	} else if (load == ST_AUDIT_EMPTY) {
		err = empty_start();
		if (!err) {
			err = st_threads_run(&job, 1);
			empty_stop();
		}
	} else {
		err = loop_watched(&job, load);
	}
	*pairs = loop.pairs;
	*elapsed_ns = loop.elapsed_ns;
	return err;
}

const struct st_audit_ops st_audit_ops = {
	.drill = st_audit_drill,
	.loop = st_audit_loop,
};
