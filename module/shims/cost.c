// SPDX-License-Identifier: GPL-2.0
/*
 * cost - times accounted allocations and frees with and without the barriers
 * of the fix that was proposed for 7.0-rc1 and rejected as "not great" for
 * the allocating and freeing path: smp_wmb() between stride and vector where a
 * vector is published, smp_rmb() between vector and stride wherever they are
 * looked up, which is once in each accounted allocation and once in each free.
 *
 * A module cannot put them into SLUB. It does the look-up once more beside the
 * call, with and without them, so that variants differ in the barrier alone.
 * Each variant is a function of its own. What the times mean is core's affair,
 * and the host's.
 */
#include "cost_paths.h"

static void receiver(struct st_job *job)
{
	struct cost *c = job->arg;
	u32 spins = 0;
	u64 n, begin;

	for (n = 0;; n++) {
		struct parcel *parcel = &c->parcels[n % PARCELS];

		/* pairs with the release in remote() */
		while (smp_load_acquire(&c->sent) == n) {
			if (smp_load_acquire(&c->closed))
				return;
			spin(&spins);
		}
		begin = ktime_get_ns();
		opens[parcel->variant](c, parcel);
		c->freeing_ns[parcel->variant][parcel->block] += ktime_get_ns() - begin;
		/* pairs with the acquire in wait_for_room() */
		smp_store_release(&c->freed, n + 1);
	}
}

static int hold(struct cost *c)
{
	u32 i;

	for (i = 0; i < c->spec->batch; i++) {
		c->objects[i] = kmem_cache_alloc(c->cache, st_gfp(true));
		if (!c->objects[i])
			return -ENOMEM;
	}
	return 0;
}

static void let_go(struct cost *c)
{
	u32 i;

	for (i = 0; i < c->spec->batch && c->objects[i]; i++)
		kmem_cache_free(c->cache, c->objects[i]);
}

static void add_freeing(struct cost *c)
{
	u32 i, block;

	/* acquires what receiver() wrote before it freed the last one */
	wait_for_room(c, c->sent, 1);
	for (i = 0; i < ST_COST_VARIANTS; i++)
		for (block = 0; block < c->counts->blocks; block++)
			c->counts->ns[i][block] += c->freeing_ns[i][block];
}

/*
 * Slabs that were there before have a vector by now. Objects of one that has
 * none, allocated without being charged: its like were published meanwhile.
 */
static u32 count_fresh(struct cost *c)
{
	const struct place *place = &c->place;
	u32 i, got, fresh = 0;

	for (got = 0; got < c->spec->batch; got++) {
		void *object = kmem_cache_alloc(c->cache, st_gfp(false));

		if (!object)
			break;
		c->objects[got] = object;
		fresh += !(READ_ONCE(*(const u64 *)((const u8 *)st_slab_of(object) +
						    place->exts_at)) & place->address_mask);
	}
	for (i = 0; i < got; i++)
		kmem_cache_free(c->cache, c->objects[i]);
	return fresh;
}

static void time_block(struct cost *c)
{
	u32 i;

	for (i = 0; i < c->spec->variants; i++) {
		const u32 variant = c->variant = c->spec->order[i];
		const u64 ns = timed[c->spec->path][variant](c);

		c->counts->ns[variant][c->block] = min_t(u64, ns, U32_MAX);
		cond_resched();
	}
}

/*
 * Blocks are short and their variants take turns: what else the machine does
 * falls on few of them, and on all variants alike.
 */
static void timer(struct st_job *job)
{
	struct cost *c = job->arg;
	struct mem_cgroup *old = st_memcg_enter();
	const u32 path = c->spec->path;

	if (path == ST_COST_LOOK_UP)
		c->err = hold(c);
	while (c->block < c->spec->blocks && !c->err && !st_stopping()) {
		time_block(c);
		c->counts->blocks = ++c->block;
	}
	if (path == ST_COST_LOOK_UP)
		let_go(c);
	if (path == ST_COST_REMOTE)
		add_freeing(c);
	if (path == ST_COST_LOCAL && !c->err)
		c->counts->fresh = count_fresh(c);
	st_memcg_leave(old);
	smp_store_release(&c->closed, true);
}

static bool spec_good(const struct st_cost_spec *spec)
{
	u32 i;

	for (i = 0; i < spec->variants && i < ST_COST_VARIANTS; i++)
		if (spec->order[i] >= ST_COST_VARIANTS)
			return false;
	return spec->path < ST_COST_PATHS && spec->variants <= ST_COST_VARIANTS &&
	       spec->batch && spec->batch <= ST_COST_BATCH_MOST && spec->per_slab &&
	       spec->operations && spec->blocks <= ST_COST_BLOCKS_MOST;
}

static int run(const struct st_cost_spec *spec, struct st_cost_counts *counts)
{
	const u32 jobs_count = spec->path == ST_COST_REMOTE ? 2 : 1;
	struct st_job jobs[2] = {};
	struct cost *c;
	int err;

	memset(counts, 0, sizeof(*counts));
	if (!spec_good(spec))
		return -EINVAL;
	c = kvzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	c->spec = spec;
	c->counts = counts;
	c->cache = (struct kmem_cache *)(unsigned long)spec->cache;
	c->publication.left = spec->per_slab;
	c->operations = roundup(spec->operations,
				spec->path == ST_COST_REMOTE ? PARCEL : spec->batch);
	counts->operations = c->operations;
	c->objects = kvcalloc(spec->batch, sizeof(*c->objects), GFP_KERNEL);
	err = c->objects ? st_cost_place(spec->layout, c->cache, &c->place) : -ENOMEM;
	if (!err) {
		jobs[0] = (struct st_job){ .work = timer, .arg = c, .cpu = spec->cpu };
		jobs[1] = (struct st_job){ .work = receiver, .arg = c, .cpu = spec->other_cpu };
		err = st_threads_run(jobs, jobs_count);
	}
	if (!err)
		err = c->err;
	kvfree(c->objects);
	kvfree(c);
	return err;
}

const struct st_cost_ops st_cost_ops = {
	.run = run,
};
