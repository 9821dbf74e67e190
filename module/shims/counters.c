// SPDX-License-Identifier: GPL-2.0
/*
 * counters - the step of a live slab lies in the word of its free counters:
 * slab->stride from 7.0 to 7.2, the bits obj_exts_in_object and
 * obj_exts_needs_objcg from 7.3. Frees and allocations change that word by
 * cmpxchg; a reader, who holds no lock, must find the step unchanged.
 *
 * CPU X allocates and frees in turns, CPU Z looks and frees a part. Each slab
 * that is looked at is kept alive by an object of X's.
 */
#include <linux/slab.h>

#include "fields.h"
#include "late.h"
#include "shims.h"

#define OBJECTS 768		/* a round; more than sheaves of one CPU hold */
#define SLABS 8			/* looked at */
#define FREED_BY_READER 8	/* every so manieth object */
#define EXT_BYTES 16

struct watched {
	const void *slab;
	void *anchor;		/* X's, keeps the slab */
	u64 step;		/* in quiet */
	u64 word;		/* as last looked at */
};

struct fake_word {		/* the control's slab */
	u64 counters __aligned(8);
};

/* One object in use, and the step in bits 32 to 63 as BTF counts them. */
static u64 fake_counters(u32 step)
{
	const union {
		u32 half[2];
		u64 word;
	} fake = { .half = { 1, step } };

	return fake.word;
}

static const struct st_layout fake_layout = {
	.objects = { 16, 15 },
	.stride = { 32, 32 },
	.step_origin = ST_STEP_FIELD,
};

struct beside {
	const struct st_counters_spec *spec;
	const struct st_layout *layout;
	struct st_counters_counts *counts;
	struct kmem_cache *cache;
	u64 cache_size;
	struct fake_word *fake;
	struct watched watched[SLABS];
	u32 slabs;
	void *objects[OBJECTS];
	u32 filled;		/* objects of this round that are there */
	const struct watched *first_wrong;
	u32 turn;		/* Z works while it is odd */
	bool over, quit;
	bool looked;		/* control: since the word went wrong */
};

/* Step and bits as one value; each field as the kernel itself would read it. */
static u64 step_of(const struct beside *b, const void *slab)
{
	u64 step = st_step(b->layout, slab, b->cache_size);

	if (b->layout->needs_objcg.bits)
		step = step << 1 | st_field_read(slab, b->layout->needs_objcg);
	return step;
}

static u64 word_of(const struct beside *b, const void *slab)
{
	return READ_ONCE(*(const u64 *)((const u8 *)slab + b->layout->objects.bit_offset / 64 * 8));
}

/* --- CPU Z --- */

static void look_at(struct beside *b, struct watched *w)
{
	struct st_counters_counts *c = b->counts;
	const u64 step = step_of(b, w->slab);
	const u64 word = word_of(b, w->slab);

	c->looks++;
	c->changes += word != w->word;
	w->word = word;
	if (step != w->step && !c->wrong++) {
		c->expected = w->step;
		c->seen = step;
		b->first_wrong = w;
	}
	smp_store_release(&b->looked, true);
}

static void look_and_free(struct beside *b)
{
	u32 i, at = 0;

	while (!READ_ONCE(b->quit)) {
		for (i = 0; i < b->slabs; i++)
			look_at(b, &b->watched[i]);
		for (i = 0; i < 4 && at < b->filled; i++, at += FREED_BY_READER) {
			kmem_cache_free(b->cache, b->objects[at]);
			b->counts->freed++;
		}
		cond_resched();
	}
	for (; at < b->filled; at += FREED_BY_READER) {
		kmem_cache_free(b->cache, b->objects[at]);
		b->counts->freed++;
	}
	smp_mb();	/* whatever was only late is here now */
	if (b->first_wrong)
		b->counts->later = step_of(b, b->first_wrong->slab);
}

static void reader(struct st_job *job)
{
	struct beside *b = job->arg;
	u32 turn = 1;

	for (;; turn += 2) {
		while (smp_load_acquire(&b->turn) != turn) {
			if (READ_ONCE(b->over))
				return;
			cpu_relax();
			cond_resched();
		}
		look_and_free(b);
		smp_store_release(&b->turn, turn + 1);
	}
}

/* --- CPU X --- */

static void fill(struct beside *b)
{
	for (b->filled = 0; b->filled < OBJECTS; b->filled++) {
		b->objects[b->filled] = kmem_cache_alloc(b->cache, ST_GFP);
		if (!b->objects[b->filled])
			break;
	}
}

static bool is_watched(const struct beside *b, const void *slab)
{
	u32 i;

	for (i = 0; i < b->slabs; i++)
		if (b->watched[i].slab == slab)
			return true;
	return false;
}

/* One object of each of some slabs stays; the slab is looked at. */
static void choose_slabs(struct beside *b)
{
	void *object;
	u32 i;

	fill(b);
	for (i = 0; i < b->filled; i++) {
		object = b->objects[i];
		if (b->slabs < SLABS && !is_watched(b, st_slab_of(object)))
			b->watched[b->slabs++] = (struct watched){
				.slab = st_slab_of(object),
				.anchor = object,
			};
		else
			kmem_cache_free(b->cache, object);
	}
	for (i = 0; i < b->slabs; i++)
		b->watched[i].step = step_of(b, b->watched[i].slab);
}

/* Allocations and frees of X while Z looks; the rest of what Z leaves. */
static void churn_real(struct beside *b, u64 random)
{
	u32 i;

	for (i = 0; i < b->filled; i++)
		if (i % FREED_BY_READER) {
			kmem_cache_free(b->cache, b->objects[i]);
			b->counts->freed++;
		}
	/* sheaves keep what is freed; now it goes back to its slabs */
	if (random % 4 == 0)
		kmem_cache_shrink(b->cache);
}

/* A free that writes the whole word, and mends the step when it is too late. */
static void churn_fake(struct beside *b)
{
	const u64 right = READ_ONCE(b->fake->counters);

	WRITE_ONCE(b->looked, false);
	WRITE_ONCE(b->fake->counters, fake_counters(0));
	while (!smp_load_acquire(&b->looked))
		cpu_relax();
	WRITE_ONCE(b->looked, false);
	while (!smp_load_acquire(&b->looked))
		cpu_relax();
	WRITE_ONCE(b->fake->counters, right);
}

static void one_round(struct beside *b, u32 turn, u64 random)
{
	u32 i;

	if (!b->fake)
		fill(b);
	for (i = 0; i < b->slabs; i++)
		b->watched[i].word = word_of(b, b->watched[i].slab);
	WRITE_ONCE(b->quit, false);
	smp_store_release(&b->turn, turn);
	if (b->fake)
		churn_fake(b);
	else
		churn_real(b, random);
	smp_store_release(&b->quit, true);
	while (smp_load_acquire(&b->turn) != turn + 1) {
		cpu_relax();
		cond_resched();
	}
	if (b->first_wrong)
		b->counts->on_writer = step_of(b, b->first_wrong->slab);
}

static void writer(struct st_job *job)
{
	struct beside *b = job->arg;
	struct mem_cgroup *old = st_memcg_enter();
	u32 i;

	if (b->fake) {
		b->fake->counters = fake_counters(EXT_BYTES);
		b->watched[0] = (struct watched){ .slab = b->fake, .step = EXT_BYTES };
		b->slabs = 1;
	} else {
		choose_slabs(b);
	}
	for (i = 0; i < b->spec->rounds && b->slabs && !st_stopping(); i++) {
		one_round(b, 1 + 2 * i, st_mix(b->spec->seed + i));
		cond_resched();
	}
	WRITE_ONCE(b->over, true);
	st_memcg_leave(old);
	for (i = 0; !b->fake && i < b->slabs; i++)
		kmem_cache_free(b->cache, b->watched[i].anchor);
}

int st_counters(const struct st_counters_spec *spec, struct st_counters_counts *counts)
{
	struct st_job jobs[2] = {};
	struct beside *b;
	int err = -ENOMEM;

	memset(counts, 0, sizeof(*counts));
	b = kvzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	b->spec = spec;
	b->counts = counts;
	b->layout = spec->busted ? &fake_layout : spec->layout;
	b->cache = (struct kmem_cache *)(unsigned long)spec->cache;
	if (spec->busted)
		b->fake = kzalloc(sizeof(*b->fake), GFP_KERNEL);
	if (spec->busted && !b->fake)
		goto out;
	if (b->cache)
		b->cache_size = st_field_read(b->cache, b->layout->cache_size);
	jobs[0] = (struct st_job){ .work = writer, .arg = b, .cpu = spec->writer_cpu };
	jobs[1] = (struct st_job){ .work = reader, .arg = b, .cpu = spec->reader_cpu };
	err = st_threads_run(jobs, 2);
	kfree(b->fake);
out:
	kvfree(b);
	return err;
}
