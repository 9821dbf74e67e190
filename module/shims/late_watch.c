// SPDX-License-Identifier: GPL-2.0
/*
 * late_watch - the two CPUs that the race of late.c is run against: Z reads the
 * slab's vector and step over and over until the vector is there, Y frees an
 * object of the slab; with two CPUs in all, one thread does both. What they saw
 * is left in the round for the writer to count.
 */
#include <linux/slab.h>

#include "late.h"

static void look(struct st_race *r, const struct st_watcher *w, u64 number, struct st_look *l)
{
	const bool exts_first = r->spec->read_order == ST_EXTS_FIRST;

	if (exts_first)
		l->exts = st_field_read(r->slab, r->layout->exts);
	else
		l->step = st_step(r->layout, r->slab, r->cache_size);
	if (r->spec->barrier)
		smp_rmb();	/* the fix's; its partner is the writer's smp_wmb() */
	if (r->fake)
		st_fake_between(r);
	else if (w->reads)
		st_widen_pause(number);
	if (exts_first)
		l->step = st_step(r->layout, r->slab, r->cache_size);
	else
		l->exts = st_field_read(r->slab, r->layout->exts);
}

static void free_victim(struct st_race *r, bool at_once)
{
	const bool there = st_race_has_vector(r);

	if (r->fake)
		st_fake_free(r);
	else
		kmem_cache_free(r->cache, r->victim);
	if (there)
		r->freed_when = at_once ? ST_FREED_AT_ONCE : ST_FREED_LATER;
	else
		r->freed_when = st_race_has_vector(r) ? ST_FREED_ACROSS : ST_FREED_BEFORE;
	WRITE_ONCE(r->freed, true);
}

/*
 * In a vector that is just published no object has an owner but the one that X
 * allocates, of which is not known yet which it is.
 */
static void read_slots(struct st_race *r)
{
	u64 owner;
	u32 i;

	if (r->seen.step != r->layout->ext_bytes)
		return;
	for (i = 0; i < r->slots && r->dirties < ARRAY_SIZE(r->dirty); i++) {
		owner = st_race_owner(r, i);
		if (owner)
			r->dirty[r->dirties++] = (struct st_dirty){ .index = i, .seen = owner };
	}
}

static void read_again(struct st_race *r)
{
	u32 i;

	r->later_step = st_step(r->layout, r->slab, r->cache_size);
	for (i = 0; i < r->dirties; i++)
		r->dirty[i].later = st_race_owner(r, r->dirty[i].index);
}

static void saw_vector(struct st_race *r, const struct st_look *l, bool appeared)
{
	r->seen = *l;
	r->appeared = appeared || r->fake;
	read_slots(r);
	r->saw = true;
}

/* What Z and Y do between two polls; since: polls since X is going. */
static void between_polls(struct st_race *r, struct st_watcher *w, u64 since)
{
	if (w->reads && since == r->interrupt_at)
		st_widen_interrupt(r->spec->writer_cpu, r->random >> 24);
	if (w->frees && since == r->free_at && !r->freed)
		free_victim(r, true);
}

static void watch(struct st_race *r, struct st_watcher *w)
{
	struct st_look l;
	u64 polls, since = 0;

	for (polls = 0; polls < ST_LATE_POLLS; polls++) {
		look(r, w, polls, &l);
		if (st_vector(r->layout, l.exts)) {
			if (w->reads)
				saw_vector(r, &l, polls > 0);
			break;
		}
		w->looks += w->reads;
		w->right += w->reads && l.step == r->layout->ext_bytes;
		if (polls == 0)
			smp_store_release(&w->ready, true);
		if (polls == 0 && w->frees && r->free_first) {
			WRITE_ONCE(r->freeing, true);
			free_victim(r, true);
		}
		if (READ_ONCE(r->going))
			between_polls(r, w, since++);
		cpu_relax();
	}
	if (w->frees && !r->freed && r->random & 1)
		free_victim(r, true);
}

static void watch_round(struct st_race *r, struct st_watcher *w)
{
	w->looks = w->right = 0;
	watch(r, w);
	smp_store_release(&w->ready, true);
	smp_store_release(&w->looked, true);
	while (!smp_load_acquire(&r->published))
		cpu_relax();
	smp_mb();	/* whatever was only late is here now */
	if (w->reads)
		read_again(r);
	if (w->frees && !r->freed)
		free_victim(r, false);
}

void st_late_watcher(struct st_job *job)
{
	struct st_watcher *w = job->arg;
	struct st_race *r = w->race;
	u32 turn = 1;

	if (w->frees)
		st_widen_enter(ST_RACER_FREER);
	for (;; turn++) {
		while (smp_load_acquire(&r->turn) != turn) {
			if (READ_ONCE(r->over))
				goto out;
			cpu_relax();
			cond_resched();
		}
		watch_round(r, w);
		smp_store_release(&w->done, turn);
	}
out:
	if (w->frees)
		st_widen_leave(ST_RACER_FREER);
}
