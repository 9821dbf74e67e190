// SPDX-License-Identifier: GPL-2.0
/*
 * racers_use - racers that make, fill and empty caches: for the node whose
 * memory goes and comes, from it alone, into its partial list, through sheaves
 * and by RCU; and one that takes a CPU away. Each has a cache of its own, so
 * that what it leaves on the node can be given back.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "compat.h"
#include "fields.h"
#include "racers.h"

#define GFP (GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY)
#define BATCH 96
#define OBJECT_BYTES 448	/* a slab has 9 of them or more: BATCH fills some */

void st_racer_constructor(void *object)
{
}

static const char *make_cache(struct st_racer_self *racer, const char *name, slab_flags_t flags)
{
	racer->cache = st_cache_create_alone(name, OBJECT_BYTES, 0, flags, st_racer_constructor);
	return racer->cache ? NULL : "its cache could not be made";
}

static void destroy_cache(struct st_racer_self *racer)
{
	kmem_cache_destroy(racer->cache);
	racer->cache = NULL;
}

static void give_back(struct st_racer_self *racer)
{
	kmem_cache_shrink(racer->cache);
}

/* Up to BATCH objects for the node; how many there are. */
static u32 get_batch(struct st_racer_self *racer, struct kmem_cache *s, gfp_t gfp, void **objects)
{
	u32 got, there = 0;

	for (got = 0; got < BATCH; got++) {
		objects[got] = kmem_cache_alloc_node(s, gfp, st_race_nid());
		if (!objects[got])
			break;
		there += page_to_nid(virt_to_page(objects[got])) == st_race_nid();
	}
	ST_RACER_ADD(racer, done, got);
	ST_RACER_ADD(racer, on_node, there);
	if (got < BATCH)
		ST_RACER_ADD(racer, refused, 1);
	return got;
}

/* --- fallback, thisnode --- */

static const char *prepare_fallback(struct st_racer_self *racer)
{
	return make_cache(racer, "slubtorture-fallback", 0);
}

static const char *prepare_thisnode(struct st_racer_self *racer)
{
	return make_cache(racer, "slubtorture-thisnode", 0);
}

static void allocate(struct st_racer_self *racer, gfp_t gfp)
{
	void *objects[BATCH];
	u32 got = get_batch(racer, racer->cache, gfp, objects);

	while (got--)
		kmem_cache_free(racer->cache, objects[got]);
	ST_RACER_ADD(racer, laps, 1);
}

static void allocate_anywhere(struct st_racer_self *racer)
{
	allocate(racer, GFP);
}

static void allocate_there(struct st_racer_self *racer)
{
	allocate(racer, GFP | __GFP_THISNODE);
}

const struct st_racer_self st_racer_fallback = {
	.prepare = prepare_fallback, .lap = allocate_anywhere, .clear = give_back,
	.finish = destroy_cache, .pause_us = 2000,
};
const struct st_racer_self st_racer_thisnode = {
	.prepare = prepare_thisnode, .lap = allocate_there, .clear = give_back,
	.finish = destroy_cache, .pause_us = 2000,
};

/* --- partial: full slabs become partial ones, then empty ones --- */

static const char *prepare_partial(struct st_racer_self *racer)
{
	return make_cache(racer, "slubtorture-partial", 0);
}

static void free_into_partial(struct st_racer_self *racer)
{
	void *objects[BATCH];
	const u32 got = get_batch(racer, racer->cache, GFP, objects);
	u32 i, step;

	/* one of each eight neighbours at a time: many slabs are partial at once */
	for (step = 0; step < 8; step++) {
		for (i = step; i < got; i += 8)
			kmem_cache_free(racer->cache, objects[i]);
		cond_resched();
	}
	ST_RACER_ADD(racer, laps, 1);
}

const struct st_racer_self st_racer_partial = {
	.prepare = prepare_partial, .lap = free_into_partial, .clear = give_back,
	.finish = destroy_cache, .pause_us = 2000,
};

/* --- sheaves --- */

static const char *prepare_sheaves(struct st_racer_self *racer)
{
	const struct st_layout *layout = st_race_layout();

	if (layout->barn_pointer_offset < 0 && !layout->barn_in_node.bits)
		return "this kernel has no sheaves and barns (2d517aa09bbc, 6.18)";
	racer->cache = st_cache_create_sheaves("slubtorture-sheaves", OBJECT_BYTES);
	return racer->cache ? NULL : "its cache could not be made";
}

static void fill_and_flush(struct st_racer_self *racer)
{
	void *objects[BATCH], *far[8];
	u32 i, far_ones = 0;

	if (!kmem_cache_alloc_bulk(racer->cache, GFP, BATCH, objects)) {
		ST_RACER_ADD(racer, refused, 1);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		far[far_ones] = kmem_cache_alloc_node(racer->cache, GFP, st_race_nid());
		if (!far[far_ones])
			continue;
		ST_RACER_ADD(racer, on_node,
			     page_to_nid(virt_to_page(far[far_ones])) == st_race_nid());
		far_ones++;
	}
	kmem_cache_free_bulk(racer->cache, BATCH, objects);
	if (far_ones)
		kmem_cache_free_bulk(racer->cache, far_ones, far);
	ST_RACER_ADD(racer, done, BATCH + far_ones);
	ST_RACER_ADD(racer, laps, 1);
	if (racer->laps % 64 == 0)	/* sheaves and barns are flushed */
		kmem_cache_shrink(racer->cache);
}

const struct st_racer_self st_racer_sheaves = {
	.prepare = prepare_sheaves, .lap = fill_and_flush, .clear = give_back,
	.finish = destroy_cache, .pause_us = 2000,
};

/* --- rcu --- */

#define IN_FLIGHT 4096

static struct kmem_cache *rcu_cache;
static atomic_t in_flight;

static void free_by_rcu(struct rcu_head *head)
{
	kmem_cache_free(rcu_cache, head);
	atomic_dec(&in_flight);
}

static const char *prepare_rcu(struct st_racer_self *racer)
{
	const char *why = make_cache(racer, "slubtorture-rcu", SLAB_TYPESAFE_BY_RCU);

	rcu_cache = racer->cache;
	atomic_set(&in_flight, 0);
	return why;
}

static void free_later(struct st_racer_self *racer)
{
	void *objects[BATCH];
	u32 got;

	if (atomic_read(&in_flight) > IN_FLIGHT)
		return;		/* grace periods do not keep up */
	got = get_batch(racer, racer->cache, GFP, objects);
	atomic_add(got, &in_flight);
	while (got--)
		call_rcu((struct rcu_head *)objects[got], free_by_rcu);
	ST_RACER_ADD(racer, laps, 1);
}

/* Objects, and then the pages of their slabs, wait for a grace period each. */
static void give_back_rcu(struct st_racer_self *racer)
{
	rcu_barrier();
	kmem_cache_shrink(racer->cache);
	rcu_barrier();
}

static void finish_rcu(struct st_racer_self *racer)
{
	rcu_barrier();
	destroy_cache(racer);
}

const struct st_racer_self st_racer_rcu = {
	.prepare = prepare_rcu, .lap = free_later, .clear = give_back_rcu,
	.finish = finish_rcu, .pause_us = 5000,
};

/* --- caches --- */

static void make_and_destroy(struct st_racer_self *racer)
{
	void *objects[BATCH];
	struct kmem_cache *s;
	char name[32];
	u32 got;

	snprintf(name, sizeof(name), "slubtorture-churn-%llu", racer->laps);
	s = st_cache_create_alone(name, 64 + racer->laps % 32 * 64, 0, 0, st_racer_constructor);
	if (!s) {
		ST_RACER_ADD(racer, refused, 1);
		return;
	}
	got = get_batch(racer, s, GFP, objects);
	while (got--)
		kmem_cache_free(s, objects[got]);
	kmem_cache_destroy(s);
	ST_RACER_ADD(racer, laps, 1);
}

/* Nothing lives between two laps; what shared caches keep, racers.c shrinks. */
static void has_nothing(struct st_racer_self *racer)
{
}

const struct st_racer_self st_racer_caches = {
	.lap = make_and_destroy, .clear = has_nothing, .pause_us = 20000,
};

/* --- what shared caches keep on the node: node structures, barns, sheaves --- */

#define SHARED 128

static struct {
	struct kmem_cache *cache[SHARED];
	u32 count;
} shared;

static int add_shared(const void *cache, void *unused)
{
	const char *name = (const char *)(unsigned long)
			   st_field_read(cache, st_race_layout()->cache_name);

	if (name && (!strcmp(name, "kmem_cache_node") || !strncmp(name, "kmalloc-", 8)) &&
	    shared.count < SHARED)
		shared.cache[shared.count++] = (struct kmem_cache *)cache;
	return 0;
}

/* Not under slab_mutex, which shrinking must not be called under; none of
 * these caches is ever destroyed. */
void st_race_shrink_shared(void)
{
	u32 i;

	shared.count = 0;
	st_caches_visit(st_race_layout(), add_shared, NULL);
	for (i = 0; i < shared.count; i++)
		kmem_cache_shrink(shared.cache[i]);
}

/* --- cpus --- */

#ifdef CONFIG_HOTPLUG_CPU
static int taken = -1;		/* CPU that goes and comes */

static const char *prepare_cpus(struct st_racer_self *racer)
{
	taken = cpumask_last(cpu_online_mask);
	if (num_online_cpus() < 2 || !taken)
		return "there is one CPU only";
	return NULL;
}

static void bring_back(struct st_racer_self *racer)
{
	if (taken > 0 && !cpu_online(taken) && add_cpu(taken))
		ST_RACER_ADD(racer, refused, 1);
}

static void take_cpu(struct st_racer_self *racer)
{
	if (remove_cpu(taken)) {
		ST_RACER_ADD(racer, refused, 1);
		return;
	}
	bring_back(racer);
	ST_RACER_ADD(racer, done, 1);
	ST_RACER_ADD(racer, laps, 1);
}

static void finish_cpus(struct st_racer_self *racer)
{
	bring_back(racer);
	if (taken > 0 && !cpu_online(taken))
		pr_err("slubtorture: CPU %d could not be brought back\n", taken);
}

const struct st_racer_self st_racer_cpus = {
	.prepare = prepare_cpus, .lap = take_cpu, .finish = finish_cpus, .pause_us = 150000,
};
#else
static const char *no_cpus(struct st_racer_self *racer)
{
	return "this kernel cannot take CPUs offline (CONFIG_HOTPLUG_CPU)";
}

const struct st_racer_self st_racer_cpus = { .prepare = no_cpus };
#endif
