// SPDX-License-Identifier: GPL-2.0
/*
 * alloc - caches and objects for scenarios. Each cache has a name of its own
 * and is taken away by the scenario that made it.
 */
#include <linux/atomic.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "shims.h"

static atomic_t serial;

/* Being there is all it does: a cache with a constructor is never merged. */
static void constructor(void *object)
{
}

static void constructor_of_type(void *object)
{
	((u64 *)object)[ST_TYPE_WORD] = ST_TYPE_MAGIC;
}

static slab_flags_t slab_flags(u32 flags)
{
	slab_flags_t all = 0;

	if (flags & ST_CACHE_ACCOUNT)
		all |= SLAB_ACCOUNT;
	if (flags & ST_CACHE_RED_ZONE)
		all |= SLAB_RED_ZONE;
	if (flags & ST_CACHE_POISON)
		all |= SLAB_POISON;
	if (flags & ST_CACHE_STORE_USER)
		all |= SLAB_STORE_USER;
	if (flags & ST_CACHE_TYPESAFE)
		all |= SLAB_TYPESAFE_BY_RCU;
	return all;
}

int st_cache_create(const struct st_cache_spec *spec, u64 *cache)
{
	const slab_flags_t flags = slab_flags(spec->flags);
	void (*ctor)(void *) = spec->flags & ST_CACHE_CTOR ? constructor : NULL;
	struct kmem_cache *made;
	char name[32];

	if (spec->flags & ST_CACHE_TYPESAFE)
		ctor = constructor_of_type;
	snprintf(name, sizeof(name), "slubtorture-%u-%u", spec->object_bytes,
		 (unsigned int)atomic_inc_return(&serial));
	if (spec->flags & ST_CACHE_ALONE && !ctor)
		made = st_cache_create_alone(name, spec->object_bytes, spec->align_bytes, flags,
					     constructor);
	else
		made = kmem_cache_create(name, spec->object_bytes, spec->align_bytes, flags,
					 ctor);
	if (!made)
		return -ENOMEM;
	*cache = (unsigned long)made;
	return 0;
}

/*
 * Destroying a cache waits for a grace period (kvfree_rcu_barrier(), 6.12 and
 * later); a sweep over many caches would do nothing but wait. The waits of
 * several overlap here, and st_caches_wait() sees the last one gone.
 */
static struct workqueue_struct *undertaker;

struct burial {
	struct work_struct work;
	struct kmem_cache *cache;
};

int st_alloc_init(void)
{
	undertaker = alloc_workqueue("slubtorture", WQ_UNBOUND, 8);
	return undertaker ? 0 : -ENOMEM;
}

void st_alloc_exit(void)
{
	destroy_workqueue(undertaker);
}

static void bury(struct work_struct *work)
{
	struct burial *burial = container_of(work, struct burial, work);

	kmem_cache_destroy(burial->cache);
	kfree(burial);
}

void st_cache_destroy(u64 cache)
{
	struct burial *burial = kmalloc(sizeof(*burial), GFP_KERNEL);

	if (!burial) {
		kmem_cache_destroy((struct kmem_cache *)(unsigned long)cache);
		return;
	}
	INIT_WORK(&burial->work, bury);
	burial->cache = (struct kmem_cache *)(unsigned long)cache;
	queue_work(undertaker, &burial->work);
}

void st_caches_wait(void)
{
	flush_workqueue(undertaker);
}

static void cache_shrink(u64 cache)
{
	kmem_cache_shrink((struct kmem_cache *)(unsigned long)cache);
}

/* Objects of the cache, or of kmalloc(bytes) if there is none. */
static u32 get_many(struct kmem_cache *s, u32 bytes, u32 payer, u64 *objects, u32 count)
{
	const gfp_t gfp = st_gfp(payer & ST_PAY_GROUP) |
			  (payer & ST_PAY_RECLAIM ? __GFP_RECLAIMABLE : 0);
	struct mem_cgroup *old = NULL;
	void *object;
	u32 got;

	if (!(payer & ST_PAY_NOBODY))
		old = st_memcg_enter();
	for (got = 0; got < count; got++) {
		object = s ? kmem_cache_alloc(s, gfp) : kmalloc(bytes, gfp);
		if (!object)
			break;
		objects[got] = (unsigned long)object;
	}
	if (!(payer & ST_PAY_NOBODY))
		st_memcg_leave(old);
	cond_resched();
	return got;
}

int st_objects_alloc(u64 cache, u32 cpu, int payer, u64 *objects, u32 count)
{
	const int err = st_move_to(cpu);

	return err ? err : get_many((struct kmem_cache *)(unsigned long)cache, 0, payer, objects,
				    count);
}

static int kmalloc_many(u32 bytes, u32 cpu, u32 payer, u64 *objects, u32 count)
{
	const int err = st_move_to(cpu);

	return err ? err : get_many(NULL, bytes, payer, objects, count);
}

static int kfree_many(u32 cpu, const u64 *objects, u32 count)
{
	const int err = st_move_to(cpu);
	u32 i;

	for (i = 0; i < count; i++)	/* as below */
		kfree((void *)(unsigned long)objects[i]);
	cond_resched();
	return err;
}

const struct st_exts_ops st_exts_ops = {
	.cache_shrink = cache_shrink,
	.kmalloc_many = kmalloc_many,
	.kfree_many = kfree_many,
};

int st_objects_free(u64 cache, u32 cpu, const u64 *objects, u32 count)
{
	struct kmem_cache *s = (struct kmem_cache *)(unsigned long)cache;
	int err = st_move_to(cpu);
	u32 i;

	/* freed in any case: a CPU that has gone must not leak objects */
	for (i = 0; i < count; i++)
		if (objects[i])
			kmem_cache_free(s, (void *)(unsigned long)objects[i]);
	cond_resched();
	return err;
}
