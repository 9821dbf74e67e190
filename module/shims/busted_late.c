// SPDX-License-Identifier: GPL-2.0
/*
 * busted_late - the controls of late.c: a slab of our own, plain memory, whose
 * vector and step are published or read in the wrong order, or whose vector is
 * published before it is filled with zeroes. The window is held
 * open until the other side has been in it, so each round shows the bug.
 */
#include <linux/slab.h>

#include "late.h"

#define EXT_BYTES 16
#define OBJECTS 4
#define FREED_INDEX 2
#define DIRTY_INDEX 1
#define DIRT 0xd1d1d1d1ull

struct st_fake_slab {		/* 7.0-rc1's two fields, and the vector */
	u64 exts;
	u32 stride;
	bool between;		/* the reader is between its two reads */
	bool open;		/* both fields are published */
	u64 vector[OBJECTS * EXT_BYTES / sizeof(u64)] __aligned(8);
};

static const struct st_layout fake_layout = {
	.exts = { offsetof(struct st_fake_slab, exts) * 8, 64 },
	.stride = { offsetof(struct st_fake_slab, stride) * 8, 32 },
	.step_origin = ST_STEP_FIELD,
	.ext_bytes = EXT_BYTES,
	.exts_flag_mask = 7,
};

int st_fake_make(struct st_race *r)
{
	r->fake = kzalloc(sizeof(*r->fake), GFP_KERNEL);
	r->layout = &fake_layout;
	return r->fake ? 0 : -ENOMEM;
}

void st_fake_reset(struct st_race *r)
{
	memset(r->fake, 0, sizeof(*r->fake));
	r->slab = r->fake;
	r->mine_index = 0;
	r->slots = OBJECTS;
	r->victim_index = FREED_INDEX;
	r->free_at = r->interrupt_at = U64_MAX;
	r->random |= 1;		/* freed as soon as the vector is seen */
}

static void wait_until_looked(const struct st_race *r)
{
	u32 i;

	for (i = 0; i < r->watchers; i++)
		while (!smp_load_acquire(&r->watcher[i].looked))
			cpu_relax();
}

/* Vector first, as if the stores had lost their order. */
static void publish_early(struct st_race *r)
{
	struct st_fake_slab *fake = r->fake;

	WRITE_ONCE(fake->vector[0], 1);
	WRITE_ONCE(fake->exts, (u64)(unsigned long)fake->vector | 1);
	wait_until_looked(r);
	WRITE_ONCE(fake->stride, EXT_BYTES);
}

/* With what the memory held before, which nobody is charged for. */
static void publish_unfilled(struct st_race *r)
{
	struct st_fake_slab *fake = r->fake;
	u64 *dirty = &fake->vector[DIRTY_INDEX * EXT_BYTES / sizeof(u64)];

	WRITE_ONCE(fake->vector[0], 1);
	WRITE_ONCE(*dirty, DIRT);
	WRITE_ONCE(fake->stride, EXT_BYTES);
	smp_store_release(&fake->exts, (u64)(unsigned long)fake->vector | 1);
	wait_until_looked(r);
	WRITE_ONCE(*dirty, 0);
}

/* In the right order, while the reader has an old step in its hand. */
static void publish_under_reader(struct st_race *r)
{
	struct st_fake_slab *fake = r->fake;

	while (!smp_load_acquire(&fake->between))
		cpu_relax();
	WRITE_ONCE(fake->vector[0], 1);
	WRITE_ONCE(fake->stride, EXT_BYTES);
	smp_store_release(&fake->exts, (u64)(unsigned long)fake->vector | 1);
	/* pairs with the acquire in st_fake_between() */
	smp_store_release(&fake->open, true);
}

bool st_fake_publish(struct st_race *r)
{
	if (r->spec->busted == ST_LATE_UNFILLED)
		publish_unfilled(r);
	else if (r->spec->read_order == ST_EXTS_FIRST)
		publish_early(r);
	else
		publish_under_reader(r);
	return true;
}

void st_fake_between(struct st_race *r)
{
	if (r->spec->read_order == ST_EXTS_FIRST)
		return;
	smp_store_release(&r->fake->between, true);
	while (!smp_load_acquire(&r->fake->open))
		cpu_relax();
}

/* A free that goes by what was seen, and empties the slot it arrives at. */
void st_fake_free(struct st_race *r)
{
	const u64 vector = st_vector(r->layout, r->seen.exts);

	WRITE_ONCE(*(u64 *)(unsigned long)(vector + r->seen.step * FREED_INDEX), 0);
}
