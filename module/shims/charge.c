// SPDX-License-Identifier: GPL-2.0
/*
 * charge - work that is charged to groups of ours: every CPU allocates in many
 * ways and hands what it got to the next one, which frees it, all at once.
 * Stopped in the middle ("killed"), they leave what is on its way, for
 * another CPU to free when the group has gone. What the counters must say then
 * is for core.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "shims.h"

#define RING 64			/* parcels on their way to one CPU */
#define PLACES (RING + ST_CHARGE_KEEP_MOST)
#define BULK 8
#define LOOKS 16		/* parcels between two looks at the clock */
#define REFUSED_MOST 64		/* then a CPU gives up */
#define LOST_BYTES 8

/* from kmalloc(), by pages: behind its caches; from a cache alone, or in bulk */
enum kind { KMALLOC, LARGE, CACHE, IN_BULK };

struct parcel {
	void *object;		/* NULL: the place is free */
	u32 bytes;		/* least that it is charged with */
	u8 kind, cache;
};

/* Objects of one cache that are to be freed together. */
struct sack {
	void *object[BULK];
	u32 count;
	u8 cache;
};

/* One CPU's part. The ring is its own way to the next: one writer, one reader. */
struct hand {
	struct crew *crew;
	struct hand *before;	/* whose ring it empties */
	u64 random;
	u32 put, taken;		/* places: of its own ring, of the one before */
	bool done;		/* puts no more */
	struct st_charge_counts counts;
	struct parcel parcel[PLACES];	/* the ring's, then what it keeps */
	struct sack sack;
};

struct crew {
	const struct st_charge_spec *spec;
	struct mem_cgroup *memcg[ST_CHARGE_WORK_GROUPS];
	u64 kill_at;
};

/* Hands with what they left alive, from work() to release() or close(). */
static struct {
	struct hand *hand;
	u32 hands;
	u64 cache[ST_CHARGE_CACHES];
	void *lost;		/* a control's object */
} left;

static u64 next_random(struct hand *h)
{
	h->random += 0x9e3779b97f4a7c15ull;
	return (h->random ^ (h->random >> 31)) * 0xbf58476d1ce4e5b9ull >> 16;
}

static struct kmem_cache *cache_at(u32 at)
{
	return (struct kmem_cache *)(unsigned long)left.cache[at];
}

static bool killed(const struct hand *h)
{
	const struct crew *c = h->crew;

	return st_stopping() || (c->spec->kill_after_ns && ktime_get_ns() >= c->kill_at);
}

static void empty_sack(struct sack *sack)
{
	if (sack->count)
		kmem_cache_free_bulk(cache_at(sack->cache), sack->count, sack->object);
	sack->count = 0;
}

static void free_parcel(struct sack *sack, const struct parcel *p)
{
	switch (p->kind) {
	case CACHE:
		kmem_cache_free(cache_at(p->cache), p->object);
		return;
	case IN_BULK:
		if (sack->count == BULK || sack->cache != p->cache)
			empty_sack(sack);
		sack->cache = p->cache;
		sack->object[sack->count++] = p->object;
		return;
	default:
		kfree(p->object);
	}
}

/* The next parcel of the CPU before, if one has come. */
static bool take(struct hand *h)
{
	struct parcel *place = &h->before->parcel[h->taken % RING];
	struct parcel p;

	/* pairs with the release in put(): the parcel is whole */
	if (!smp_load_acquire(&place->object))
		return false;
	p = *place;
	/* pairs with the acquire in put(): the place has been read */
	smp_store_release(&place->object, NULL);
	h->taken++;
	free_parcel(&h->sack, &p);
	h->counts.freed_remotely++;
	return true;
}

static bool put(struct hand *h, const struct parcel *p)
{
	struct parcel *place = &h->parcel[h->put % RING];

	/* pairs with the release in take() */
	while (smp_load_acquire(&place->object)) {
		if (!take(h)) {
			cpu_relax();
			cond_resched();
		}
		if (killed(h))
			return false;
	}
	place->bytes = p->bytes;
	place->kind = p->kind;
	place->cache = p->cache;
	/* pairs with the acquire in take() */
	smp_store_release(&place->object, p->object);
	h->put++;
	return true;
}

static void make_bulk(struct hand *h, struct parcel *p, u32 *count)
{
	void *objects[BULK];
	struct kmem_cache *s = cache_at(p[0].cache);
	u32 i;

	/* all or none; how many up to 7.1, whether from then on */
	*count = kmem_cache_alloc_bulk(s, st_gfp(true), BULK, objects) ? BULK : 0;
	for (i = 0; i < *count; i++) {
		p[i] = p[0];
		p[i].object = objects[i];
	}
}

/* Some parcels charged to one of the groups; how many. */
static u32 make(struct hand *h, struct parcel *p)
{
	const struct st_charge_spec *spec = h->crew->spec;
	const u64 random = next_random(h);
	const u32 way = random % 16;
	struct mem_cgroup *old;
	u32 count = 1;

	p->cache = spec->caches ? (random >> 8) % spec->caches : 0;
	if (way < 8 || !spec->caches) {
		p->kind = way ? KMALLOC : LARGE;
		p->bytes = way ? 8 + (random >> 16) % 2000 : KMALLOC_MAX_CACHE_SIZE + 1;
	} else {
		p->kind = way < 13 ? CACHE : IN_BULK;
		p->bytes = kmem_cache_size(cache_at(p->cache));
	}
	old = st_memcg_enter_as(h->crew->memcg[(random >> 40) % spec->groups]);
	if (p->kind == IN_BULK)
		make_bulk(h, p, &count);
	else if (p->kind == CACHE)
		p->object = kmem_cache_alloc(cache_at(p->cache), st_gfp(true));
	else
		p->object = kmalloc(p->bytes, st_gfp(true));
	st_memcg_leave(old);
	if (p->kind != IN_BULK && !p->object)
		count = 0;
	h->counts.refused += !count;
	h->counts.allocated += count;
	return count;
}

/* What cannot be handed on any more is freed where it was made. */
static void hand_on(struct hand *h, const struct parcel *p, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (!put(h, &p[i]))
			free_parcel(&h->sack, &p[i]);
}

static void make_keep(struct hand *h)
{
	struct parcel p[BULK];
	u32 kept = 0, count, i;

	while (kept < h->crew->spec->keep && h->counts.refused < REFUSED_MOST) {
		count = make(h, p);
		for (i = 0; i < count; i++) {
			if (kept < h->crew->spec->keep)
				h->parcel[RING + kept++] = p[i];
			else
				free_parcel(&h->sack, &p[i]);
		}
	}
}

static void worker(struct st_job *job)
{
	struct hand *h = job->arg;
	const struct st_charge_spec *spec = h->crew->spec;
	struct parcel p[BULK];
	u32 round = 0;
	bool dead = false;

	make_keep(h);
	while (!dead && h->counts.allocated < spec->objects + spec->keep &&
	       h->counts.refused < REFUSED_MOST) {
		hand_on(h, p, make(h, p));
		take(h);
		if (++round % LOOKS == 0) {
			dead = killed(h);
			cond_resched();
		}
	}
	/* pairs with the acquire below, in the next CPU */
	smp_store_release(&h->done, true);
	/* killed: what is on its way stays on its way */
	while (!dead && !killed(h)) {
		bool last = smp_load_acquire(&h->before->done);

		if (!take(h) && last)
			break;
		cond_resched();
	}
	empty_sack(&h->sack);
}

static void sum_up(struct st_charge_counts *counts)
{
	const struct hand *h;
	const struct parcel *p;

	for (h = left.hand; h < left.hand + left.hands; h++) {
		counts->allocated += h->counts.allocated;
		counts->freed_remotely += h->counts.freed_remotely;
		counts->refused += h->counts.refused;
		for (p = h->parcel; p < h->parcel + PLACES; p++) {
			counts->alive += p->object != NULL;
			counts->alive_bytes += p->object ? p->bytes : 0;
		}
	}
}

/* What a control does wrong; it is put right when the groups are closed. */
static void go_wrong(const struct st_charge_spec *spec, struct crew *crew)
{
	struct mem_cgroup *old;

	if (spec->busted == ST_CHARGE_LOSES_REFERENCE)
		st_group_lose_reference(spec->group[0]);
	if (spec->busted != ST_CHARGE_LOSES_UNCHARGE || left.lost)
		return;
	old = st_memcg_enter_as(crew->memcg[0]);
	left.lost = kmalloc(LOST_BYTES, st_gfp(true));
	st_memcg_leave(old);
}

static int muster(const struct st_charge_spec *spec, struct crew *crew, struct st_job *jobs)
{
	u32 i;

	for (i = 0; i < spec->groups; i++) {
		crew->memcg[i] = st_group_memcg(spec->group[i]);
		if (!crew->memcg[i])
			return -EINVAL;
	}
	left.hand = kvcalloc(spec->cpus, sizeof(*left.hand), GFP_KERNEL);
	if (!left.hand)
		return -ENOMEM;
	left.hands = spec->cpus;
	memcpy(left.cache, spec->cache, spec->caches * sizeof(*spec->cache));
	for (i = 0; i < spec->cpus; i++) {
		struct hand *h = &left.hand[i];

		h->crew = crew;
		h->before = &left.hand[(i + spec->cpus - 1) % spec->cpus];
		h->random = spec->seed + i * 1000003ull;
		jobs[i] = (struct st_job){ .work = worker, .arg = h, .cpu = spec->cpu[i] };
	}
	return 0;
}

static void forget_hands(void)
{
	kvfree(left.hand);
	left.hand = NULL;
	left.hands = 0;
}

static int work(const struct st_charge_spec *spec, struct st_charge_counts *counts)
{
	struct crew crew = { .spec = spec };
	struct st_job *jobs;
	int err;

	memset(counts, 0, sizeof(*counts));
	if (left.hand || spec->cpus < 2 || spec->cpus > ST_MAX_CPUS || !spec->groups ||
	    spec->groups > ST_CHARGE_WORK_GROUPS || spec->caches > ST_CHARGE_CACHES ||
	    spec->keep > ST_CHARGE_KEEP_MOST)
		return -EINVAL;
	jobs = kcalloc(spec->cpus, sizeof(*jobs), GFP_KERNEL);
	if (!jobs)
		return -ENOMEM;
	err = muster(spec, &crew, jobs);
	if (!err) {
		crew.kill_at = ktime_get_ns() + spec->kill_after_ns;
		go_wrong(spec, &crew);
		err = st_threads_run(jobs, spec->cpus);
	}
	kfree(jobs);
	if (err)
		forget_hands();
	else
		sum_up(counts);
	return err;
}

/* Everything that a hand has left, by whatever CPU runs this. */
static void free_left(struct hand *of)
{
	struct sack sack = {};
	u32 i;

	for (i = 0; i < PLACES; i++)
		if (of->parcel[i].object)
			free_parcel(&sack, &of->parcel[i]);
	empty_sack(&sack);
}

static void freer(struct st_job *job)
{
	free_left(job->arg);
}

static int release(const struct st_charge_spec *spec, u32 shift)
{
	const u32 hands = left.hands;
	struct st_job *jobs = kcalloc(spec->cpus, sizeof(*jobs), GFP_KERNEL);
	int err = -ENOMEM;
	u32 i;

	if (jobs && hands == spec->cpus) {
		for (i = 0; i < hands; i++)
			jobs[i] = (struct st_job){ .work = freer, .cpu = spec->cpu[i],
						   .arg = &left.hand[(i + shift) % hands] };
		err = st_threads_run(jobs, hands);
	}
	/* freed in any case: without threads, here */
	for (i = 0; err && i < hands; i++)
		free_left(&left.hand[i]);
	kfree(jobs);
	forget_hands();
	return err;
}

static int close(void)
{
	u32 i;

	for (i = 0; i < left.hands; i++)
		free_left(&left.hand[i]);
	forget_hands();
	kfree(left.lost);
	left.lost = NULL;
	return st_groups_close();
}

const struct st_charge_ops st_charge_ops = {
	.target = st_charge_target,
	.open = st_groups_open,
	.close = close,
	.group_make = st_group_make,
	.group_remove = st_group_remove,
	.work = work,
	.release = release,
	.settle = st_group_settle,
};
