// SPDX-License-Identifier: GPL-2.0
/*
 * busted_nodes - a control: per-node structures of our own that are freed when
 * their node's last memory goes, as SLUB did up to 5.11 (undone by
 * 666716fd267d). It listens to the same events, so it shows that the watcher
 * would see them freed, on every kernel.
 */
#include <linux/memory.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/slab.h>

#include "shims.h"

#define TWINS 4

struct twin_node {
	int nid;
	u64 filler[7];
};

static struct twin_node *twin[TWINS];
static int twin_nid;
static DEFINE_MUTEX(twin_lock);

static void twins_free(void)
{
	int i;

	for (i = 0; i < TWINS; i++) {
		kfree(twin[i]);
		twin[i] = NULL;
	}
}

static void twins_alloc(void)
{
	int i;

	for (i = 0; i < TWINS; i++)
		if (!twin[i])
			twin[i] = kzalloc(sizeof(*twin[i]), GFP_KERNEL);
}

static int twin_event(struct notifier_block *block, unsigned long action, void *arg)
{
	mutex_lock(&twin_lock);
	if (action == MEM_OFFLINE && !node_state(twin_nid, N_MEMORY))
		twins_free();
	else if (action == MEM_ONLINE && node_state(twin_nid, N_MEMORY))
		twins_alloc();
	mutex_unlock(&twin_lock);
	return NOTIFY_OK;
}

static struct notifier_block twin_notifier = { .notifier_call = twin_event };

int st_busted_nodes_start(s32 nid)
{
	int err;

	twin_nid = nid;
	mutex_lock(&twin_lock);
	twins_alloc();
	mutex_unlock(&twin_lock);
	err = register_memory_notifier(&twin_notifier);
	if (err)
		twins_free();
	return err;
}

void st_busted_nodes_stop(void)
{
	unregister_memory_notifier(&twin_notifier);
	mutex_lock(&twin_lock);
	twins_free();
	mutex_unlock(&twin_lock);
}

int st_busted_node_rows(struct st_node_row *rows, u32 max)
{
	u32 i;

	mutex_lock(&twin_lock);
	for (i = 0; i < TWINS && i < max; i++) {
		memset(&rows[i], 0, sizeof(rows[i]));
		snprintf(rows[i].name, sizeof(rows[i].name), "busted-%u", i);
		rows[i].cache = (unsigned long)&twin[i];
		rows[i].node = (unsigned long)twin[i];
		rows[i].nr_slabs = -1;
		rows[i].nid = twin_nid;
		rows[i].home = twin[i] ? page_to_nid(virt_to_page(twin[i])) : NUMA_NO_NODE;
	}
	mutex_unlock(&twin_lock);
	return i;
}
