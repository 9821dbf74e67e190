// SPDX-License-Identifier: GPL-2.0
/*
 * hotplug - takes a node's memory away block by block and brings it back, by
 * the interface that an administrator uses: the state files in sysfs. They
 * are opened at load, by a task that is sure to see /sys, and every block is
 * put back as it was found.
 */
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memory.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "shims.h"

#define MAX_BLOCKS 64
#define PATIENCE_MS 15000

struct block {
	struct file *state;
	unsigned long pfn;
	u32 found, now;		/* enum st_block_state */
};

static struct {
	struct block block[MAX_BLOCKS];
	struct st_hotplug_target target;
	unsigned long pages;	/* in a block */
} plug;

static struct file *open_state(int nid, unsigned long id)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/memory%lu/state",
		 nid, id);
	return filp_open(path, O_RDWR, 0);
}

static u32 read_state(const struct block *block)
{
	char text[16] = {};
	loff_t at = 0;

	if (kernel_read(block->state, text, sizeof(text) - 1, &at) < 7 ||
	    strncmp(text, "online", 6))
		return ST_BLOCK_OFFLINE;
	return page_zonenum(pfn_to_page(block->pfn)) == ZONE_MOVABLE ? ST_BLOCK_MOVABLE
								     : ST_BLOCK_KERNEL;
}

static void close_blocks(void)
{
	u32 i;

	for (i = 0; i < plug.target.blocks; i++)
		filp_close(plug.block[i].state, NULL);
	plug.target.blocks = 0;
}

/* Opens the blocks of the node; all of them must be online and movable. */
static const char *open_blocks(int nid)
{
	unsigned long first = node_start_pfn(nid) / plug.pages;
	unsigned long last = (node_end_pfn(nid) + plug.pages - 1) / plug.pages;
	unsigned long id;

	for (id = first; id < last; id++) {
		struct file *state = open_state(nid, id);
		struct block *block;

		if (IS_ERR(state))
			continue;	/* a hole, or another node's block */
		if (plug.target.blocks == MAX_BLOCKS) {
			filp_close(state, NULL);
			return "it has more blocks than the module handles (64)";
		}
		block = &plug.block[plug.target.blocks];
		block->state = state;
		block->pfn = id * plug.pages;
		block->found = block->now = read_state(block);
		plug.target.blocks++;
		if (block->found != ST_BLOCK_MOVABLE)
			return "not all of its blocks are online in the movable zone";
	}
	return plug.target.blocks ? NULL : "it has no memory block in /sys/devices/system/node";
}

/* Only a node without CPUs is taken unasked: nobody's local memory goes. */
static bool candidate(int nid, int wanted)
{
	if (wanted >= 0)
		return nid == wanted;
	return node_state(nid, N_MEMORY) && cpumask_empty(cpumask_of_node(nid));
}

void st_hotplug_init(int wanted)
{
	const char *why = "there is no node without CPUs whose memory could go";
	int nid, at = -1;

	memset(&plug, 0, sizeof(plug));
	plug.target.nid = -1;
	if (!IS_ENABLED(CONFIG_MEMORY_HOTREMOVE) || !IS_ENABLED(CONFIG_NUMA)) {
		strscpy(plug.target.reason, "this kernel has no memory hot-remove or no NUMA",
			sizeof(plug.target.reason));
		return;
	}
	plug.pages = memory_block_size_bytes() / PAGE_SIZE;
	/*
	 * Measured with 7.2 and KASAN: block 0 then never leaves the normal
	 * zone again, offline_pages() loops until it is interrupted.
	 */
	if (IS_ENABLED(CONFIG_KASAN))
		strscpy(plug.target.movable_only,
			"kept in the movable zone; in the normal zone the shadow that KASAN keeps on the node cannot leave it",
			sizeof(plug.target.movable_only));
	for_each_online_node(nid) {
		if (!candidate(nid, wanted))
			continue;
		at = nid;
		why = open_blocks(nid);
		if (!why) {
			plug.target.nid = nid;
			return;
		}
		close_blocks();
	}
	if (at >= 0)
		snprintf(plug.target.reason, sizeof(plug.target.reason), "node %d: %s", at, why);
	else if (wanted >= 0)
		snprintf(plug.target.reason, sizeof(plug.target.reason),
			 "node %d is not online", wanted);
	else
		strscpy(plug.target.reason, why, sizeof(plug.target.reason));
}

void st_hotplug_target(struct st_hotplug_target *target)
{
	*target = plug.target;
}

/*
 * offline_pages() tries for as long as pages come and go and gives up only for
 * a signal. The run's thread sends itself one in the end, so that a block that
 * never becomes free is refused (-EINTR) like one that is busy.
 */
static struct task_struct *patient;
static DEFINE_MUTEX(patient_lock);

static void lose_patience(struct work_struct *work)
{
	mutex_lock(&patient_lock);
	if (patient)
		send_sig(SIGINT, patient, 1);
	mutex_unlock(&patient_lock);
}
static DECLARE_DELAYED_WORK(patience, lose_patience);

static void watch_me(bool begin)
{
	/* a user's task (rmmod) has its user, who can interrupt it */
	if (!(current->flags & PF_KTHREAD))
		return;
	mutex_lock(&patient_lock);
	patient = begin ? current : NULL;
	mutex_unlock(&patient_lock);
	if (begin) {
		allow_signal(SIGINT);
		schedule_delayed_work(&patience, msecs_to_jiffies(PATIENCE_MS));
	} else {
		cancel_delayed_work_sync(&patience);
		flush_signals(current);
	}
}

int st_block_set(u32 index, u32 state)
{
	static const char *const words[] = {
		[ST_BLOCK_OFFLINE] = "offline",
		[ST_BLOCK_MOVABLE] = "online_movable",
		[ST_BLOCK_KERNEL] = "online_kernel",
	};
	struct block *block = &plug.block[index];
	loff_t at = 0;
	ssize_t wrote;

	if (index >= plug.target.blocks || state > ST_BLOCK_KERNEL)
		return -EINVAL;
	if (block->now == state)
		return 0;
	watch_me(true);
	wrote = kernel_write(block->state, words[state], strlen(words[state]), &at);
	watch_me(false);
	if (wrote < 0)
		return wrote;
	block->now = state;
	return 0;
}

/* To another zone a block only goes by way of offline. */
static int restore(u32 index)
{
	struct block *block = &plug.block[index];
	int err = 0;

	if (block->now == block->found)
		return 0;
	if (block->now != ST_BLOCK_OFFLINE)
		err = st_block_set(index, ST_BLOCK_OFFLINE);
	return err ? err : st_block_set(index, block->found);
}

int st_blocks_restore(void)
{
	const u32 blocks = plug.target.blocks;
	int err, first_err = 0;
	u32 i, at;

	/* block 0 came last to the normal zone, see core/experiment_node.cc */
	for (i = 0; i < blocks; i++) {
		at = i ? blocks - i : 0;
		if (plug.block[at].now == ST_BLOCK_KERNEL &&
		    plug.block[at].found != ST_BLOCK_KERNEL)
			st_block_set(at, ST_BLOCK_OFFLINE);
	}
	for (i = 0; i < blocks; i++) {
		err = restore(i);
		first_err = first_err ? first_err : err;
	}
	return first_err;
}

void st_hotplug_exit(void)
{
	int err = st_blocks_restore();

	if (err)
		pr_err("slubtorture: node %d: a memory block could not be put back as found (%d)\n",
		       plug.target.nid, err);
	close_blocks();
}
