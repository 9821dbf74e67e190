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
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/stringify.h>

#include "cost_look_up.h"
#include "shims.h"

#define PARCEL 32		/* objects that pass at once between CPUs */
#define PARCELS 64		/* on their way at most */
#define SPINS 4096		/* of waiting before a short sleep */
#define NAP_US 20

struct parcel {
	void *objects[PARCEL];
	u32 variant, block;
};

struct cost {
	const struct st_cost_spec *spec;
	struct st_cost_counts *counts;
	struct kmem_cache *cache;
	struct place place;
	struct publication publication;
	u64 sum;			/* of what was looked up, so that it is */
	int err;
	u32 operations;			/* of a block, whole batches and parcels */
	u32 variant, block;		/* whose turn it is */
	void **objects;			/* spec->batch */
	struct parcel parcels[PARCELS];	/* remote: a ring, filled and freed in turn */
	u32 freeing_ns[ST_COST_VARIANTS][ST_COST_BLOCKS_MOST];
	u64 sent ____cacheline_aligned_in_smp;	/* parcels so far */
	u64 freed ____cacheline_aligned_in_smp;	/* parcels so far */
	bool closed;			/* nothing more will be sent */
};

/*
 * Waits are not timed. A guest's CPUs may have to share one of the host's, which
 * goes to the other one only if this one sleeps.
 */
static void spin(u32 *spins)
{
	cpu_relax();
	if (unlikely(++*spins % SPINS == 0))
		usleep_range(NAP_US, 2 * NAP_US);
}

static __always_inline void *allocate(struct cost *c, const u32 variant)
{
	void *object = kmem_cache_alloc(c->cache, st_gfp(true));

	if (variant == ST_COST_BARE || unlikely(!object))
		return object;
	st_cost_publish(&c->publication, c->spec->per_slab, variant);
	c->sum += st_cost_look_up(&c->place, object, variant);
	return object;
}

static __always_inline void release(struct cost *c, void *object, const u32 variant)
{
	if (variant != ST_COST_BARE)
		c->sum += st_cost_look_up(&c->place, object, variant);
	kmem_cache_free(c->cache, object);
}

/* --- one CPU --- */

static __always_inline bool pairs(struct cost *c, const u32 variant)
{
	const u32 batch = c->spec->batch;
	u32 i, got;

	for (got = 0; got < batch; got++) {
		c->objects[got] = allocate(c, variant);
		if (unlikely(!c->objects[got]))
			break;
	}
	for (i = 0; i < got; i++)
		release(c, c->objects[i], variant);
	return got == batch;
}

static __always_inline u64 local(struct cost *c, const u32 variant)
{
	const u64 begin = ktime_get_ns();
	u32 done;

	for (done = 0; done < c->operations; done += c->spec->batch)
		if (!pairs(c, variant) || (variant == ST_COST_TWICE && !pairs(c, variant)))
			c->err = -ENOMEM;
	return ktime_get_ns() - begin;
}

static __always_inline u64 look_up(struct cost *c, const u32 variant)
{
	const u32 times = variant == ST_COST_TWICE ? 2 * c->operations : c->operations;
	const u64 begin = ktime_get_ns();
	u32 i;

	for (i = 0; i < times; i++) {
		void *object = READ_ONCE(c->objects[i % c->spec->batch]);

		if (variant == ST_COST_BARE)
			c->sum += (unsigned long)object;
		else
			c->sum += st_cost_look_up(&c->place, object, variant);
	}
	return ktime_get_ns() - begin;
}

/* --- two CPUs --- */

/* Objects of an unfinished parcel are NULL from the first that was not to be had. */
static __always_inline bool fill(struct cost *c, struct parcel *parcel, const u32 variant)
{
	u32 i;

	for (i = 0; i < PARCEL; i++) {
		parcel->objects[i] = allocate(c, variant);
		if (unlikely(!parcel->objects[i]))
			return false;
	}
	return true;
}

/* Until fewer than `most` parcels are on their way. */
static __always_inline void wait_for_room(struct cost *c, u64 sent, u64 most)
{
	u32 spins = 0;

	/* pairs with the release in receiver(): such parcels are done with */
	while (sent - smp_load_acquire(&c->freed) >= most)
		spin(&spins);
}

/* A block's time is that of its parcels on both sides, without the waits. */
static __always_inline u64 remote(struct cost *c, const u32 variant)
{
	const u32 objects = variant == ST_COST_TWICE ? 2 * c->operations : c->operations;
	u64 begin, spent = 0;
	bool whole = true;
	u32 done;

	for (done = 0; whole && done < objects; done += PARCEL) {
		struct parcel *parcel = &c->parcels[c->sent % PARCELS];

		wait_for_room(c, c->sent, PARCELS);
		parcel->variant = c->variant;
		parcel->block = c->block;
		begin = ktime_get_ns();
		whole = fill(c, parcel, variant);
		spent += ktime_get_ns() - begin;
		/* pairs with the acquire in receiver() */
		smp_store_release(&c->sent, c->sent + 1);
	}
	if (!whole)
		c->err = -ENOMEM;
	return spent;
}

static __always_inline void open(struct cost *c, struct parcel *parcel, const u32 variant)
{
	u32 i;

	for (i = 0; i < PARCEL && parcel->objects[i]; i++) {
		/* its own sum: c->sum is the sender's */
		if (variant != ST_COST_BARE)
			(void)st_cost_look_up(&c->place, parcel->objects[i], variant);
		kmem_cache_free(c->cache, parcel->objects[i]);
	}
}

/*
 * One copy of each path for each variant. Where code lies matters more than a
 * barrier: an emulator leaves its straight path where a loop crosses a page. So
 * every copy begins a page of its own, and no two are merged into one for being
 * alike. None serves two variants: what runs twice as often is faster. Each has
 * a section, too: between two in one section the assembler fills up with a jump,
 * of which objtool says that nothing reaches it.
 */
#define COPY noinline __aligned(4096) __section(".text.cost_" __stringify(__COUNTER__))
#define APART(variant) asm volatile("" : : "i" (variant))

#define VARIANT(name, variant)							\
static COPY u64 look_up_##name(struct cost *c)					\
{										\
	APART(variant);								\
	return look_up(c, variant);							\
}										\
static COPY u64 local_##name(struct cost *c)					\
{										\
	APART(variant);								\
	return local(c, variant);							\
}										\
static COPY u64 remote_##name(struct cost *c)					\
{										\
	APART(variant);								\
	return remote(c, variant);							\
}										\
static COPY void open_##name(struct cost *c, struct parcel *parcel)		\
{										\
	APART(variant);								\
	open(c, parcel, variant);						\
}

VARIANT(bare, ST_COST_BARE)
VARIANT(plain, ST_COST_PLAIN)
VARIANT(same, ST_COST_SAME)
VARIANT(wmb_rmb, ST_COST_WMB_RMB)
VARIANT(release_acquire, ST_COST_RELEASE_ACQUIRE)
VARIANT(twice, ST_COST_TWICE)

typedef u64 (*timed_fn)(struct cost *c);
typedef void (*open_fn)(struct cost *c, struct parcel *parcel);

#define ROW(path) {								\
	[ST_COST_BARE] = path##_bare, [ST_COST_PLAIN] = path##_plain,		\
	[ST_COST_SAME] = path##_same,						\
	[ST_COST_WMB_RMB] = path##_wmb_rmb,					\
	[ST_COST_RELEASE_ACQUIRE] = path##_release_acquire,			\
	[ST_COST_TWICE] = path##_twice,						\
}
static const timed_fn timed[ST_COST_PATHS][ST_COST_VARIANTS] = {
	[ST_COST_LOOK_UP] = ROW(look_up),
	[ST_COST_LOCAL] = ROW(local),
	[ST_COST_REMOTE] = ROW(remote),
};
static const open_fn opens[ST_COST_VARIANTS] = ROW(open);

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
