// SPDX-License-Identifier: GPL-2.0
/*
 * busted_churn - controls of node-churn: node structures of our own that have
 * a known bug when their node's memory goes and comes. Nothing of SLUB's is
 * touched; the sampler and the walker of lists look at these as at real ones.
 * All of them stay allocated until the end, so that a reader never reads memory
 * that is gone.
 */
#include <linux/delay.h>
#include <linux/memory.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/poison.h>

#include "fields.h"
#include "racers.h"

#define POOL 256
#define WINDOW_MS 2000

static struct {
	struct st_twin_node *pool;	/* each is handed out once */
	u32 used;
	struct st_twin_node *slot[ST_TWINS];
	s32 nid;
	u32 watched;			/* enum st_watched */
	bool listening;
} twins;
static DEFINE_MUTEX(twins_lock);

static void initialise(struct st_twin_node *node)
{
	spin_lock_init(&node->list_lock);
	node->nr_partial = 0;
	INIT_LIST_HEAD(&node->partial);
}

static struct st_twin_node *take(void)
{
	return twins.used < POOL ? &twins.pool[twins.used++] : NULL;
}

static void appear(bool early)
{
	struct st_twin_node *node;
	u32 i, waited;

	for (i = 0; i < ST_TWINS; i++) {
		const u64 seen = st_node_watch_appeared();

		if (twins.slot[i])
			continue;
		node = take();
		if (!node)
			return;
		if (!early)
			initialise(node);
		/* a release would help early nothing: the order itself is wrong */
		smp_store_release(&twins.slot[i], node);
		if (!early)
			continue;
		/* the window: until the sampler has been in it */
		for (waited = 0; st_node_watch_appeared() == seen && waited < WINDOW_MS; waited++)
			usleep_range(1000, 1100);
		initialise(node);
	}
}

static void disappear(void)
{
	u32 i;

	for (i = 0; i < ST_TWINS; i++)
		WRITE_ONCE(twins.slot[i], NULL);
}

static int event(struct notifier_block *block, unsigned long action, void *arg)
{
	const bool has_memory = node_state(twins.nid, N_MEMORY);

	mutex_lock(&twins_lock);
	switch (twins.watched) {
	case ST_WATCH_FREED:
		if (action == MEM_OFFLINE && !has_memory)
			disappear();
		else if (action == MEM_ONLINE && has_memory)
			appear(false);
		break;
	case ST_WATCH_EARLY:
		if (action == MEM_GOING_ONLINE)
			appear(true);
		break;
	case ST_WATCH_LEAKED:
		if (action == MEM_ONLINE)
			take();
		break;
	}
	mutex_unlock(&twins_lock);
	return NOTIFY_OK;
}

static struct notifier_block notifier = { .notifier_call = event };

int st_twins_start(s32 nid, u32 watched)
{
	int err;

	memset(&twins, 0, sizeof(twins));
	twins.nid = nid;
	twins.watched = watched;
	twins.pool = kvmalloc_array(POOL, sizeof(*twins.pool), GFP_KERNEL);
	if (!twins.pool)
		return -ENOMEM;
	memset(twins.pool, POISON_FREE, POOL * sizeof(*twins.pool));
	if (watched != ST_WATCH_EARLY)
		appear(false);
	err = register_memory_notifier(&notifier);
	twins.listening = !err;
	if (err)
		st_twins_stop();
	return err;
}

void st_twins_stop(void)
{
	if (twins.listening)
		unregister_memory_notifier(&notifier);
	twins.listening = false;
	kvfree(twins.pool);
	twins.pool = NULL;
}

struct st_twin_node *const *st_twin_slot(u32 i)
{
	return &twins.slot[i];
}

void st_twin_structs(struct st_node_structs *structs)
{
	u32 i;

	mutex_lock(&twins_lock);
	structs->in_use = twins.used;
	for (i = 0; i < ST_TWINS; i++)
		structs->named += twins.slot[i] != NULL;
	mutex_unlock(&twins_lock);
}

/* A list of three, of which its node has counted two. */
struct twin_slab {
	unsigned long flags;
	void *cache;
	struct list_head link;
	u32 objects, inuse;
};

#define FIELD(type, member) { offsetof(type, member) * 8, \
			      sizeof(((type *)NULL)->member) * 8 }

int st_twin_lists(struct st_node_lists *rows, u32 max)
{
	static const struct st_layout layout = {
		.node_list_lock = FIELD(struct st_twin_node, list_lock),
		.node_nr_partial = FIELD(struct st_twin_node, nr_partial),
		.node_partial = FIELD(struct st_twin_node, partial),
		.slab_link = FIELD(struct twin_slab, link),
		.slab_cache = FIELD(struct twin_slab, cache),
		.objects = FIELD(struct twin_slab, objects),
		.inuse = FIELD(struct twin_slab, inuse),
	};
	struct twin_slab slab[3] = {};
	struct st_twin_node node;
	u64 free_objects = 0;
	u32 i;

	if (!max)
		return 0;
	initialise(&node);
	for (i = 0; i < ARRAY_SIZE(slab); i++)
		list_add(&slab[i].link, &node.partial);
	node.nr_partial = ARRAY_SIZE(slab) - 1;
	memset(&rows[0], 0, sizeof(rows[0]));
	strscpy(rows[0].name, "busted", sizeof(rows[0].name));
	rows[0].nr_slabs = ARRAY_SIZE(slab);
	st_node_list_walk(&layout, &node, NULL, NUMA_NO_NODE, &rows[0], &free_objects);
	return 1;
}
