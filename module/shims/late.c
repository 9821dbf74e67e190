// SPDX-License-Identifier: GPL-2.0
/*
 * late - the race of the first seed: the first accounted allocation of a live
 * slab publishes its vector (alloc_slab_obj_exts()) while another CPU reads
 * vector and step of the same slab and one, the same or a third, frees from it.
 *
 * Each round: CPU X holds unaccounted objects of a slab that has no vector yet
 * and allocates another one, accounted; CPU Z polls the slab's vector from
 * before that until it appears; CPU Y frees one of the objects at a seeded
 * moment: late_watch.c. Whether what was seen is right is for core to say.
 */
#include <linux/slab.h>

#include "late.h"

#define SKIP 512		/* objects X may pass over to find a fresh slab */
#define SLAB_MOST 72		/* objects to get for a round, about */

/* --- CPU X --- */

static void *keep_new(struct st_race *r, bool accounted)
{
	void *object;

	if (r->kept == r->room)
		return NULL;
	object = kmem_cache_alloc(r->cache, st_gfp(accounted));
	if (object)
		r->keep[r->kept++] = object;
	return object;
}

static u32 index_of(const struct st_race *r, const void *slab, const void *object)
{
	return ((unsigned long)object - (unsigned long)page_address((struct page *)slab)) /
	       (unsigned long)r->cache_size;
}

/* Takes the object out of what X keeps. */
static void unkeep(struct st_race *r, const void *object)
{
	u32 i = r->kept;

	while (i--)
		if (r->keep[i] == object) {
			r->keep[i] = r->keep[--r->kept];
			return;
		}
}

/*
 * Three objects of one slab without a vector: one that X keeps, one for Y to
 * free, and the slab's first, for X to free and to get again as the accounted
 * one: where a step is 0, every slot is the first object's. Two will do when
 * the first is not to be had.
 */
static bool find_fresh_slab(struct st_race *r)
{
	void *object, *first = NULL, *other = NULL;
	const void *slab = NULL;
	u32 i, of_slab = 0;

	for (i = 0; i < SKIP; i++) {
		object = keep_new(r, false);
		if (!object)
			return false;
		if (st_slab_of(object) != slab) {
			slab = st_slab_of(object);
			first = other = NULL;
			of_slab = 0;
		}
		if (st_vector(r->layout, st_field_read(slab, r->layout->exts)))
			continue;
		of_slab++;
		if (!index_of(r, slab, object))
			first = object;
		else
			other = object;
		if (other && of_slab >= 2 && ((first && of_slab >= 3) || i + 1 == SKIP))
			break;
	}
	if (i == SKIP)
		return false;
	r->slab = slab;
	r->slots = st_field_read(slab, r->layout->objects);
	r->victim = other;
	r->victim_index = index_of(r, slab, other);
	unkeep(r, other);
	if (first) {
		unkeep(r, first);
		kmem_cache_free(r->cache, first);
	}
	return true;
}

static bool publish(struct st_race *r)
{
	void *object = keep_new(r, true);

	if (!object || st_slab_of(object) != r->slab)
		return false;
	r->mine_index = index_of(r, r->slab, object);
	return st_race_has_vector(r);
}

/* At most one a round: X's own object is not among them. */
static void count_dirty(struct st_race *r)
{
	const struct st_dirty *dirty = r->dirty;
	struct st_late_counts *c = r->counts;

	if (r->dirties && dirty->index == r->mine_index)
		dirty++;
	if (dirty == r->dirty + r->dirties || c->slot_dirty++)
		return;
	c->slot_index = dirty->index;
	c->slot_seen = dirty->seen;
	c->slot_later = dirty->later;
	c->slot_on_writer = st_race_owner(r, dirty->index);
}

static void count_step(struct st_race *r)
{
	struct st_late_counts *c = r->counts;
	const bool right = r->seen.step == r->layout->ext_bytes;

	c->outcomes[r->appeared * 8 + right * 4 + r->freed_when]++;
	if (right && r->writer_step == r->layout->ext_bytes)
		return;
	if (c->step_wrong++)
		return;
	c->step_expected = r->layout->ext_bytes;
	c->step_seen = r->seen.step;
	c->step_on_writer = r->writer_step;
	c->step_later = r->later_step;
}

/* X's own object lost its owner, and it is X alone who may free it. */
static void count_emptied(struct st_race *r)
{
	struct st_late_counts *c = r->counts;

	c->emptied_alone += r->freed_when == ST_FREED_BEFORE || r->freed_when == ST_FREED_LATER;
	if (c->emptied++)
		return;
	c->emptied_index = r->mine_index;
	c->freed_index = r->victim_index;
	/* which slot is the freed object's, by either CPU's step */
	c->emptied_on_writer = r->writer_step * r->victim_index / r->layout->ext_bytes;
	c->emptied_later = r->later_step * r->victim_index / r->layout->ext_bytes;
}

static void count_round(struct st_race *r, bool hit)
{
	struct st_late_counts *c = r->counts;
	u32 i;

	for (i = 0; i < r->watchers; i++) {
		c->looks_before += r->watcher[i].looks;
		c->steps_before += r->watcher[i].right;
	}
	c->freed_remotely += hit;
	if (!hit || !r->saw)
		return;
	c->rounds++;
	c->overlaps += r->appeared;
	count_dirty(r);
	count_step(r);
	if (!st_race_owner(r, r->mine_index))
		count_emptied(r);
}

static void round_reset(struct st_race *r, u32 turn)
{
	u32 i;

	r->random = st_mix(r->spec->seed + turn);
	r->victim = NULL;
	r->saw = r->appeared = r->freed = r->freeing = r->going = r->published = false;
	r->free_first = !r->fake && r->random & 4;
	r->dirties = 0;
	/* as likely among the first polls as among the last */
	r->free_at = (r->random >> 8) % (1u << ((r->random >> 4) % 5));
	r->interrupt_at = r->random & 2 ? (r->random >> 20) % 64 : ST_LATE_POLLS;
	for (i = 0; i < r->watchers; i++)
		r->watcher[i].ready = r->watcher[i].looked = false;
}

static void wait_ready(struct st_race *r)
{
	u32 i;

	for (i = 0; i < r->watchers; i++)
		while (!smp_load_acquire(&r->watcher[i].ready))
			cpu_relax();
}

static bool one_round(struct st_race *r, u32 turn)
{
	u32 i, delay;
	bool hit;

	round_reset(r, turn);
	if (r->fake)
		st_fake_reset(r);
	else if (!find_fresh_slab(r))
		return false;
	st_widen_plan(r->random);
	smp_store_release(&r->turn, turn);
	if (r->fake) {
		hit = st_fake_publish(r);
	} else {
		wait_ready(r);
		while (r->free_first && !READ_ONCE(r->freeing))
			cpu_relax();
		WRITE_ONCE(r->going, true);
		for (delay = r->free_first ? 0 : r->random % 64; delay; delay--)
			cpu_relax();
		hit = publish(r);
	}
	r->writer_step = st_step(r->layout, r->slab, r->cache_size);
	smp_store_release(&r->published, true);
	for (i = 0; i < r->watchers; i++)
		while (smp_load_acquire(&r->watcher[i].done) != turn)
			cpu_relax();
	count_round(r, hit);
	return true;
}

static void writer(struct st_job *job)
{
	struct st_race *r = job->arg;
	struct mem_cgroup *old = st_memcg_enter();
	u32 i;

	st_widen_enter(ST_RACER_WRITER);
	for (i = 0; i < r->spec->rounds && !st_stopping(); i++) {
		if (!one_round(r, i + 1)) {
			r->counts->no_fresh_slab = i == 0;
			break;
		}
		cond_resched();
	}
	WRITE_ONCE(r->over, true);
	st_widen_leave(ST_RACER_WRITER);
	st_memcg_leave(old);
	for (i = 0; i < r->kept; i++)
		kmem_cache_free(r->cache, r->keep[i]);
	/* slabs with a vector must go, or the next call finds no fresh ones */
	if (r->cache)
		kmem_cache_shrink(r->cache);
}

static int race(struct st_race *r)
{
	const struct st_late_spec *spec = r->spec;
	struct st_job jobs[3] = {};
	u32 i;

	r->watchers = spec->freer_cpu == spec->reader_cpu ? 1 : 2;
	r->watcher[0].reads = true;
	r->watcher[r->watchers - 1].frees = true;
	jobs[0] = (struct st_job){ .work = writer, .arg = r, .cpu = spec->writer_cpu };
	for (i = 0; i < r->watchers; i++) {
		r->watcher[i].race = r;
		jobs[1 + i] = (struct st_job){
			.work = st_late_watcher,
			.arg = &r->watcher[i],
			.cpu = i ? spec->freer_cpu : spec->reader_cpu,
		};
	}
	return st_threads_run(jobs, 1 + r->watchers);
}

int st_late(const struct st_late_spec *spec, struct st_late_counts *counts)
{
	struct st_race *r;
	int err = -ENOMEM;

	memset(counts, 0, sizeof(*counts));
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	r->spec = spec;
	r->counts = counts;
	r->layout = spec->layout;
	r->cache = (struct kmem_cache *)(unsigned long)spec->cache;
	r->room = spec->busted ? 1 : spec->rounds * SLAB_MOST + SKIP;
	r->keep = kvmalloc_array(r->room, sizeof(*r->keep), GFP_KERNEL);
	if (!r->keep || (spec->busted && st_fake_make(r)))
		goto out;
	if (r->cache)
		r->cache_size = st_field_read(r->cache, r->layout->cache_size);
	err = race(r);
out:
	kfree(r->fake);
	kvfree(r->keep);
	kfree(r);
	return err;
}
