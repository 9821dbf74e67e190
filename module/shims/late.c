// SPDX-License-Identifier: GPL-2.0
/*
 * late - the race of the first seed: the first accounted allocation of a live
 * slab publishes its vector (alloc_slab_obj_exts()) while another CPU reads
 * vector and step of the same slab and frees from it.
 *
 * Each round: CPU X holds two unaccounted objects of a slab that has no
 * vector yet and allocates a third, accounted; CPU Y polls the slab's vector
 * from before that until it appears, and frees one object at a seeded moment.
 * Whether what was seen is right is for core to say.
 */
#include <linux/delay.h>
#include <linux/slab.h>

#include "fields.h"
#include "shims.h"

#define POLLS 200000		/* before Y gives a round up */
#define SKIP 512		/* objects X may pass over to find a fresh slab */

struct busted_slab {		/* the control's slab: 7.0-rc1's two fields */
	u64 exts;
	u32 stride;
};

static const struct st_layout busted_layout = {
	.exts = { offsetof(struct busted_slab, exts) * 8, 64 },
	.stride = { offsetof(struct busted_slab, stride) * 8, 32 },
	.step_origin = ST_STEP_FIELD,
	.ext_bytes = 16,
	.exts_flag_mask = 7,
};

struct race {
	const struct st_late_spec *spec;
	const struct st_layout *layout;
	struct st_late_counts *counts;
	struct kmem_cache *cache;
	u64 cache_size;
	void **keep;		/* X's objects, freed at the end */
	u32 kept, room;
	/* one round; odd turn: Y may look, even: X may go on */
	u32 turn;
	bool over;
	const void *slab;
	void *victim;		/* unaccounted object that Y frees */
	u32 victim_index;
	u64 free_at;		/* poll at which Y frees it */
	bool watching;		/* Y has seen "no vector" in this round */
	u64 seen_exts, seen_step, later_step, slot_objcg;
	u64 writer_step;
	bool saw_appear, seen, freed;
	bool looked;		/* Y will not look at this slab's vector again */
	bool published;		/* X has done its part */
};

static u64 mix(u64 x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	return x ^ (x >> 33);
}

/* --- CPU Y --- */

static void free_victim(struct race *r)
{
	kmem_cache_free(r->cache, r->victim);
	r->freed = true;
}

/* The unaccounted victim must own nothing in a vector that is just published. */
static void read_victim_slot(struct race *r)
{
	u64 slot;

	if (r->spec->busted || r->freed || r->seen_step != r->layout->ext_bytes)
		return;
	slot = st_vector(r->layout, r->seen_exts) + r->seen_step * r->victim_index;
	r->slot_objcg = READ_ONCE(*(u64 *)(unsigned long)(slot + r->layout->objcg_offset));
}

static void watch_round(struct race *r)
{
	u64 polls, exts;

	for (polls = 0; polls < POLLS; polls++) {
		exts = st_field_read(r->slab, r->layout->exts);
		if (st_vector(r->layout, exts)) {
			smp_rmb();	/* vector first, then step: the fix's order */
			r->seen_step = st_step(r->layout, r->slab, r->cache_size);
			r->seen_exts = exts;
			r->saw_appear = polls > 0;
			read_victim_slot(r);
			r->seen = true;
			break;
		}
		if (polls == 0)
			smp_store_release(&r->watching, true);
		if (polls == r->free_at && r->victim)
			free_victim(r);
		cpu_relax();
	}
	smp_store_release(&r->watching, true);
	smp_store_release(&r->looked, true);
	while (!smp_load_acquire(&r->published))
		cpu_relax();
	smp_mb();	/* whatever was only late is here now */
	r->later_step = st_step(r->layout, r->slab, r->cache_size);
	if (r->victim && !r->freed)
		free_victim(r);
}

static void reader(struct st_job *job)
{
	struct race *r = job->arg;
	u32 turn = 1;

	for (;;) {
		while (smp_load_acquire(&r->turn) != turn) {
			if (READ_ONCE(r->over))
				return;
			cpu_relax();
			cond_resched();
		}
		watch_round(r);
		smp_store_release(&r->turn, turn + 1);
		turn += 2;
		/* X has finished its part when the next odd turn comes */
	}
}

/* --- CPU X --- */

static void *keep_new(struct race *r, bool accounted)
{
	void *object;

	if (r->kept == r->room)
		return NULL;
	object = kmem_cache_alloc(r->cache, st_gfp(accounted));
	if (object)
		r->keep[r->kept++] = object;
	return object;
}

/* Two unaccounted objects of one slab that has no vector; the second is Y's. */
static bool find_fresh_slab(struct race *r)
{
	const void *slab, *last = NULL;
	void *object;
	u32 i;

	for (i = 0; i < SKIP; i++) {
		object = keep_new(r, false);
		if (!object)
			return false;
		slab = st_slab_of(object);
		if (slab == last && !st_vector(r->layout, st_field_read(slab, r->layout->exts))) {
			r->slab = slab;
			r->victim = object;
			r->kept--;
			r->victim_index = ((unsigned long)object -
					   (unsigned long)page_address((struct page *)slab)) /
					  (unsigned long)r->cache_size;
			return true;
		}
		last = slab;
	}
	return false;
}

static bool publish_real(struct race *r)
{
	void *object = keep_new(r, true);

	return object && st_slab_of(object) == r->slab;
}

/* The window between the two stores is held open until Y has looked. */
static bool publish_busted(struct race *r, struct busted_slab *fake)
{
	WRITE_ONCE(fake->exts, (u64)(unsigned long)fake | 1);
	while (!smp_load_acquire(&r->looked))
		cpu_relax();
	WRITE_ONCE(fake->stride, 16);
	return true;
}

static void count_round(struct race *r, bool hit)
{
	struct st_late_counts *c = r->counts;

	c->freed_remotely += r->freed && hit;
	if (!hit || !r->seen)
		return;
	c->rounds++;
	c->overlaps += r->saw_appear;
	if (r->slot_objcg && !c->slot_dirty++)
		c->slot_seen = r->slot_objcg;
	if (r->seen_step == r->layout->ext_bytes && r->writer_step == r->layout->ext_bytes)
		return;
	if (c->step_wrong++)
		return;
	c->step_expected = r->layout->ext_bytes;
	c->step_seen = r->seen_step;
	c->step_on_writer = r->writer_step;
	c->step_later = r->later_step;
}

static bool one_round(struct race *r, struct busted_slab *fake, u32 turn)
{
	const u64 random = mix(r->spec->seed + turn);
	u32 delay = random % 64;
	bool hit;

	r->victim = NULL;
	r->seen = r->saw_appear = r->freed = false;
	r->looked = r->published = false;
	r->slot_objcg = 0;
	r->free_at = 1 + (random >> 8) % 200;
	if (fake) {
		memset(fake, 0, sizeof(*fake));
		r->slab = fake;
	} else if (!find_fresh_slab(r)) {
		return false;
	}
	WRITE_ONCE(r->watching, false);
	smp_store_release(&r->turn, turn);
	while (!smp_load_acquire(&r->watching))
		cpu_relax();
	while (delay--)
		cpu_relax();
	hit = fake ? publish_busted(r, fake) : publish_real(r);
	r->writer_step = st_step(r->layout, r->slab, r->cache_size);
	smp_store_release(&r->published, true);
	while (smp_load_acquire(&r->turn) != turn + 1)
		cpu_relax();
	count_round(r, hit);
	return true;
}

static void writer(struct st_job *job)
{
	struct race *r = job->arg;
	struct busted_slab *fake = NULL;
	struct mem_cgroup *old = st_memcg_enter();
	u32 i;

	if (r->spec->busted)
		fake = kzalloc(sizeof(*fake), GFP_KERNEL);
	for (i = 0; i < r->spec->rounds && !st_stopping(); i++) {
		if (r->spec->busted && !fake)
			break;
		if (!one_round(r, fake, 1 + 2 * i)) {
			r->counts->no_fresh_slab = i == 0;
			break;
		}
		cond_resched();
	}
	WRITE_ONCE(r->over, true);
	st_memcg_leave(old);
	for (i = 0; i < r->kept; i++)
		kmem_cache_free(r->cache, r->keep[i]);
	kfree(fake);
	/* slabs with a vector must go, or the next call finds no fresh ones */
	if (r->cache)
		kmem_cache_shrink(r->cache);
}

int st_late(const struct st_late_spec *spec, struct st_late_counts *counts)
{
	struct race *r;
	struct st_job jobs[2];
	int err = -ENOMEM;

	memset(counts, 0, sizeof(*counts));
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	r->spec = spec;
	r->counts = counts;
	r->layout = spec->busted ? &busted_layout : spec->layout;
	r->cache = (struct kmem_cache *)(unsigned long)spec->cache;
	if (r->cache)
		r->cache_size = st_field_read(r->cache, r->layout->cache_size);
	r->room = spec->busted ? 1 : spec->rounds * 40 + SKIP;
	r->keep = kvmalloc_array(r->room, sizeof(*r->keep), GFP_KERNEL);
	if (!r->keep)
		goto out;
	memset(jobs, 0, sizeof(jobs));
	jobs[0] = (struct st_job){ .work = writer, .arg = r, .cpu = spec->writer_cpu };
	jobs[1] = (struct st_job){ .work = reader, .arg = r, .cpu = spec->reader_cpu };
	err = st_threads_run(jobs, 2);
	kvfree(r->keep);
out:
	kfree(r);
	return err;
}
