// SPDX-License-Identifier: GPL-2.0
/*
 * node_sample - a thread that reads the node and barn pointers of caches for
 * one node over and over, without a lock, as SLUB's own readers do: between
 * the ends of a step as well. A pointer that appears is followed at once, to
 * see whether what it leads to has been initialised. It counts; core judges.
 *
 * Only caches that are never destroyed are looked at: kmem_cache,
 * kmem_cache_node, those of kmalloc(), and two of our own.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/poison.h>
#include <linux/uaccess.h>

#include "fields.h"
#include "racers.h"

#define MOST 128
#define OWN 2
#define WAIT_MS 5000
#define LATER_LOOKS 10000	/* of 100 to 200 us, at a structure that was not whole; a host may be busy */
#define NICE 10			/* as racers have it */

struct watched {
	const u8 *node_at;
	const u8 *barn_at;	/* NULL: no barn, or it is named by the node */
	u64 node, barn;
	char name[ST_NAME_BYTES];
};

static struct {
	struct task_struct *task;
	struct watched *of;
	u32 count;
	const struct st_layout *layout;
	s32 nid;
	bool twins, hot;
	unsigned long rounds;
	/* in struct kmem_cache_node, or in the control's */
	u32 lock_at, partial_at;
	struct kmem_cache *own[OWN];
	struct st_watch_counts counts;
} sample;

static u64 word_at(const void *at)
{
	unsigned long word = 0;

	if (copy_from_kernel_nofault(&word, at, sizeof(word)))
		return 0;
	return word;
}

static u32 half_at(const void *at)
{
	u32 half = 0;

	if (copy_from_kernel_nofault(&half, at, sizeof(half)))
		return ~0u;
	return half;
}

/* Bytes that SLUB and KASAN fill memory with that holds nothing yet. */
static bool filler(u64 word, u32 bytes)
{
	static const u8 known[] = { POISON_INUSE, POISON_FREE, POISON_END, 0xcc };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!memchr_inv(&word, known[i], bytes))
			return true;
	return false;
}

/* A head of a list links to something, if only to itself; 0 links nowhere. */
static bool initialised(u64 node, struct st_watch_sight *sight)
{
	const u8 *at = (const u8 *)(unsigned long)node;
	u32 lock = half_at(at + sample.lock_at);

	sight->lock = lock;
	sight->next = word_at(at + sample.partial_at);
	sight->prev = word_at(at + sample.partial_at + sizeof(void *));
	return sight->next && sight->prev && !(sight->next & (sizeof(void *) - 1)) &&
	       !(sight->prev & (sizeof(void *) - 1)) && !filler(sight->next, sizeof(u64)) &&
	       !filler(sight->prev, sizeof(u64)) && !filler(lock, sizeof(lock));
}

static void name_it(struct st_watch_sight *sight, const struct watched *w, u64 before, u64 after)
{
	strscpy(sight->name, w->name, sizeof(sight->name));
	sight->before = before;
	sight->after = after;
}

static void appeared(const struct watched *w, u64 node)
{
	/*
	 * No barrier before the looks: SLUB's readers follow the pointer by
	 * its dependency alone.
	 */
	struct st_watch_sight sight = {}, later;
	const bool whole = initialised(node, &sight);
	u32 i;

	WRITE_ONCE(sample.counts.appeared, sample.counts.appeared + 1);
	if (whole)
		return;
	name_it(&sight, w, 0, node);
	for (i = 0; i < LATER_LOOKS && !sight.right_later; i++) {
		usleep_range(100, 200);
		sight.right_later = initialised(node, &later);
	}
	if (!sample.counts.raw++)
		sample.counts.first_raw = sight;
}

static void look(struct watched *w)
{
	const u64 node = (unsigned long)READ_ONCE(*(void *const *)w->node_at);
	u64 barn = 0;

	sample.counts.looks++;
	if (node && !w->node) {
		appeared(w, node);
	} else if (node != w->node) {
		if (!sample.counts.gone++)
			name_it(&sample.counts.first_gone, w, w->node, node);
		if (node)
			appeared(w, node);
	}
	w->node = node;
	if (w->barn_at)
		barn = (unsigned long)READ_ONCE(*(void *const *)w->barn_at);
	else if (node && !sample.twins && sample.layout->barn_in_node.bits)
		barn = word_at((const u8 *)(unsigned long)node +
			       sample.layout->barn_in_node.bit_offset / 8);
	if (w->barn && barn != w->barn && !sample.counts.barns_gone++)
		name_it(&sample.counts.first_barn, w, w->barn, barn);
	w->barn = barn;
}

static int watch(void *unused)
{
	u32 i;

	set_user_nice(current, NICE);
	while (!kthread_should_stop()) {
		for (i = 0; i < sample.count; i++)
			look(&sample.of[i]);
		/* pairs with the acquire in st_node_watch_wait() */
		smp_store_release(&sample.rounds, sample.rounds + 1);
		if (!READ_ONCE(sample.hot))
			usleep_range(200, 400);
		else if (sample.rounds % 4)
			cond_resched();
		else
			usleep_range(20, 50);
	}
	return 0;
}

static const char *const own_names[OWN] = { "slubtorture-watch-0", "slubtorture-watch-1" };

static bool stays(const char *name)
{
	return !strcmp(name, "kmem_cache") || !strcmp(name, "kmem_cache_node") ||
	       !strncmp(name, "kmalloc-", strlen("kmalloc-")) ||
	       !strcmp(name, own_names[0]) || !strcmp(name, own_names[1]);
}

static int add_cache(const void *cache, void *unused)
{
	const struct st_layout *layout = sample.layout;
	const char *name = (const char *)(unsigned long)
			   st_field_read(cache, layout->cache_name);
	const u8 *element = (const u8 *)cache + layout->cache_nodes.bit_offset / 8 +
			    (size_t)sample.nid * layout->node_step_bytes;
	struct watched *w = &sample.of[sample.count];

	if (!name || !stays(name))
		return 0;
	if (sample.count == MOST)
		return 1;
	w->node_at = element + layout->node_pointer_offset;
	w->barn_at = layout->barn_pointer_offset < 0 ? NULL
						     : element + layout->barn_pointer_offset;
	w->node = (unsigned long)READ_ONCE(*(void *const *)w->node_at);
	strscpy(w->name, name, sizeof(w->name));
	sample.count++;
	return 0;
}

/* A cache with a constructor is never merged, and so keeps its own name. */
static void constructor(void *object)
{
}

static void own_caches(bool make)
{
	u32 i;

	for (i = 0; i < OWN; i++) {
		if (!make)
			kmem_cache_destroy(sample.own[i]);
		sample.own[i] = make ? kmem_cache_create(own_names[i], 120 + 64 * i, 0, 0,
							 constructor)
				     : NULL;
	}
}

static void add_twins(void)
{
	u32 i;

	for (i = 0; i < ST_TWINS; i++) {
		struct watched *w = &sample.of[sample.count++];

		w->node_at = (const u8 *)st_twin_slot(i);
		w->node = (unsigned long)READ_ONCE(*st_twin_slot(i));
		snprintf(w->name, sizeof(w->name), "busted-%u", i);
	}
	sample.lock_at = offsetof(struct st_twin_node, list_lock);
	sample.partial_at = offsetof(struct st_twin_node, partial);
}

static int choose(u32 watched)
{
	int err;

	if (sample.twins) {
		err = st_twins_start(sample.nid, watched);
		if (!err)
			add_twins();
		return err;
	}
	own_caches(true);
	sample.lock_at = sample.layout->node_list_lock.bit_offset / 8;
	sample.partial_at = sample.layout->node_partial.bit_offset / 8;
	err = st_caches_visit(sample.layout, add_cache, NULL);
	return err < 0 ? err : 0;
}

static void put_all(void)
{
	if (sample.twins)
		st_twins_stop();
	own_caches(false);
	kvfree(sample.of);
	sample.of = NULL;
	sample.task = NULL;
}

int st_node_watch(const struct st_layout *layout, s32 nid, u32 watched)
{
	int err;

	memset(&sample, 0, sizeof(sample));
	sample.layout = layout;
	sample.nid = nid;
	sample.twins = watched != ST_WATCH_CACHES;
	sample.of = kvcalloc(MOST, sizeof(*sample.of), GFP_KERNEL);
	if (!sample.of)
		return -ENOMEM;
	err = choose(watched);
	if (!err) {
		sample.task = kthread_run(watch, NULL, "slubtorture/look");
		if (!IS_ERR(sample.task))
			return 0;
		err = PTR_ERR(sample.task);
	}
	put_all();
	return err;
}

void st_node_watch_hot(bool hot)
{
	WRITE_ONCE(sample.hot, hot);
}

bool st_node_watch_wait(void)
{
	/* the round under way may have passed what has changed just now */
	const unsigned long wanted = smp_load_acquire(&sample.rounds) + 2;
	const unsigned long end = jiffies + msecs_to_jiffies(WAIT_MS);

	while (sample.task && (long)(smp_load_acquire(&sample.rounds) - wanted) < 0) {
		if (time_after(jiffies, end) || st_stopping())
			return false;
		usleep_range(50, 100);
	}
	return true;
}

u64 st_node_watch_appeared(void)
{
	return READ_ONCE(sample.counts.appeared);
}

void st_node_watch_end(struct st_watch_counts *counts)
{
	kthread_stop(sample.task);
	*counts = sample.counts;
	counts->caches = sample.count;
	put_all();
}
