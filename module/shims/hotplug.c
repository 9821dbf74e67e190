// SPDX-License-Identifier: GPL-2.0
/*
 * hotplug - takes a node's memory away block by block and brings it back, by
 * the interface that an administrator uses, the state files in sysfs, or by
 * the one that drivers use. The way to these files is found at load, by a task
 * that is sure to see /sys, and every block is put back as it was found.
 */
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memory.h>
#include <linux/mmzone.h>
#include <linux/namei.h>
#include <linux/nodemask.h>
#include <linux/topology.h>

#include "compat.h"
#include "shims.h"

#define MAX_BLOCKS 64
#define SYSTEM "/sys/devices/system"

struct block {
	struct file *state;	/* NULL: ST_BLOCK_GONE */
	unsigned long pfn;
	u32 found, now;		/* enum st_block_state */
};

static struct {
	struct block block[MAX_BLOCKS];
	struct st_hotplug_target target;
	unsigned long pages;	/* in a block */
	struct path system;	/* where the nodes are */
	bool movable, remove;	/* what the user allows */
} plug;

int st_hotplug_limits(const char *zone, bool remove, char *reason)
{
	plug.movable = !strcmp(zone, "movable");
	plug.remove = remove;
	if (!*zone || plug.movable)
		return 0;
	snprintf(reason, ST_REASON_BYTES, "hotplug_zone=%.40s: it can be movable, or nothing",
		 zone);
	return -EINVAL;
}

static struct file *open_state(int nid, unsigned long id)
{
	struct path path;
	struct file *file;
	char name[64];
	int err;

	snprintf(name, sizeof(name), "node/node%d/memory%lu/state", nid, id);
	err = vfs_path_lookup(plug.system.dentry, plug.system.mnt, name, 0, &path);
	if (err)
		return ERR_PTR(err);
	file = dentry_open(&path, O_RDWR, current_cred());
	path_put(&path);
	return file;
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
		if (plug.block[i].state)
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

/* What of the target may not be done to it, and why. */
static void set_limits(void)
{
	/*
	 * Measured with 7.2 and KASAN: block 0 then never leaves the normal
	 * zone again, offline_pages() loops until it is interrupted.
	 */
	if (IS_ENABLED(CONFIG_KASAN))
		strscpy(plug.target.movable_only,
			"kept in the movable zone; in the normal zone the shadow that KASAN keeps on the node cannot leave it",
			sizeof(plug.target.movable_only));
	if (plug.movable)
		strscpy(plug.target.movable_only,
			"kept in the movable zone, as hotplug_zone=movable says",
			sizeof(plug.target.movable_only));
	/*
	 * The blocks that come back are not the firmware's any more. It does not
	 * offline them when it ejects their DIMM, and __remove_memory() of
	 * mm/memory_hotplug.c has a BUG() for memory that is online.
	 */
	if (!plug.remove)
		strscpy(plug.target.no_remove,
			"a DIMM whose memory came back by add_memory() must not be ejected while the kernel runs; remove_memory=1 allows it",
			sizeof(plug.target.no_remove));
}

void st_hotplug_init(int wanted)
{
	const char *why = "there is no node without CPUs whose memory could go";
	int nid, at = -1;

	plug.target.nid = -1;
	if (!IS_ENABLED(CONFIG_MEMORY_HOTREMOVE) || !IS_ENABLED(CONFIG_NUMA)) {
		strscpy(plug.target.reason, "this kernel has no memory hot-remove or no NUMA",
			sizeof(plug.target.reason));
		return;
	}
	plug.pages = memory_block_size_bytes() / PAGE_SIZE;
	set_limits();
	if (kern_path(SYSTEM, LOOKUP_DIRECTORY, &plug.system)) {
		strscpy(plug.target.reason, SYSTEM " is not to be found",
			sizeof(plug.target.reason));
		return;
	}
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

int st_block_index(unsigned long pfn)
{
	u32 i;

	for (i = 0; i < plug.target.blocks; i++)
		if (pfn - plug.block[i].pfn < plug.pages)
			return i;
	return -ENOENT;
}

/* Those that must go for this state; of an offline block nobody has a page. */
static unsigned long pages_to_go(const struct block *block, u32 state)
{
	return state == ST_BLOCK_OFFLINE && block->now != ST_BLOCK_OFFLINE ? plug.pages : 0;
}

static int write_state(struct block *block, u32 state)
{
	static const char *const words[] = {
		[ST_BLOCK_OFFLINE] = "offline",
		[ST_BLOCK_MOVABLE] = "online_movable",
		[ST_BLOCK_KERNEL] = "online_kernel",
	};
	loff_t at = 0;
	ssize_t wrote;

	st_patience_begin(block->pfn, pages_to_go(block, state));
	wrote = kernel_write(block->state, words[state], strlen(words[state]), &at);
	st_patience_end(wrote < 0);
	if (wrote < 0)
		return wrote;
	block->now = state;
	return 0;
}

static u64 first_byte(const struct block *block)
{
	return (u64)block->pfn << PAGE_SHIFT;
}

/* A block that is refused is as it was: what the kernel had set offline it has
 * set online again. */
static int remove_block(struct block *block)
{
	int err;

	if (plug.target.no_remove[0])
		return -EPERM;
	st_patience_begin(block->pfn, 0);
	err = st_memory_remove(plug.target.nid, first_byte(block), memory_block_size_bytes());
	st_patience_end(err);
	if (err) {
		block->now = read_state(block);
		return err;
	}
	filp_close(block->state, NULL);
	block->state = NULL;
	block->now = ST_BLOCK_GONE;
	return 0;
}

/* The kernel's policy decides whether it comes online, and to which zone. */
static int add_block(struct block *block)
{
	struct file *state;
	int err;

	err = st_memory_add(plug.target.nid, first_byte(block), memory_block_size_bytes());
	if (err)
		return err;
	state = open_state(plug.target.nid, block->pfn / plug.pages);
	if (IS_ERR(state))
		return PTR_ERR(state);
	block->state = state;
	block->now = read_state(block);
	return 0;
}

int st_block_set(u32 index, u32 state)
{
	struct block *block = &plug.block[index];
	int err = 0;

	if (index >= plug.target.blocks || state > ST_BLOCK_GONE)
		return -EINVAL;
	if (block->now == state)
		return 0;
	if (state == ST_BLOCK_GONE)
		return remove_block(block);
	if (block->now == ST_BLOCK_GONE) {
		err = add_block(block);
		if (!err && block->now != state && block->now != ST_BLOCK_OFFLINE)
			err = write_state(block, ST_BLOCK_OFFLINE);
		if (err || block->now == state)
			return err;
	}
	return write_state(block, state);
}

/* To another zone a block only goes by way of offline. */
static int restore(u32 index)
{
	struct block *block = &plug.block[index];
	int err = 0;

	if (block->now == block->found)
		return 0;
	if (block->now != ST_BLOCK_OFFLINE && block->now != ST_BLOCK_GONE)
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

void st_hotplug_rescan(s32 nid)
{
	const char *why = "all its memory was unplugged";

	close_blocks();
	if (node_online(nid))
		why = open_blocks(nid);
	plug.target.nid = why ? NUMA_NO_NODE : nid;
	if (!why)
		return;
	close_blocks();
	snprintf(plug.target.reason, sizeof(plug.target.reason), "node %d: %s", nid, why);
}

void st_node_blocks(s32 nid, struct st_node_blocks *now)
{
	unsigned long id, last;

	memset(now, 0, sizeof(*now));
	if (!plug.system.dentry || !node_online(nid))
		return;
	last = (node_end_pfn(nid) + plug.pages - 1) / plug.pages;
	for (id = node_start_pfn(nid) / plug.pages; id < last; id++) {
		struct block block = { .state = open_state(nid, id), .pfn = id * plug.pages };

		if (IS_ERR(block.state))
			continue;
		now->blocks++;
		now->online += read_state(&block) != ST_BLOCK_OFFLINE;
		filp_close(block.state, NULL);
	}
}

void st_hotplug_exit(void)
{
	int err = st_blocks_restore();

	if (err)
		pr_err("slubtorture: node %d: a memory block could not be put back as found (%d)\n",
		       plug.target.nid, err);
	close_blocks();
	if (plug.system.dentry)
		path_put(&plug.system);
	memset(&plug.system, 0, sizeof(plug.system));
}
