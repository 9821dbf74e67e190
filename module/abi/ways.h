/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ways - how a node's memory goes and comes beside the state files in sysfs: by
 * the kernel's API (ST_BLOCK_GONE of nodes.h) and from outside, by whoever runs
 * the machine; and what the kernel tells its listeners meanwhile. Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_WAYS_H
#define SLUBTORTURE_ABI_WAYS_H

#include "base.h"

#define ST_HOST_DEVICES 4

/* What somebody outside unplugs and plugs in when he is asked, or why nothing. */
struct st_host {
	int32_t nid;			/* of the memory on these devices */
	uint32_t devices;
	char device[ST_HOST_DEVICES][ST_NAME_BYTES];
	char reason[ST_REASON_BYTES];	/* why there are none */
};

/* Blocks of a node that are there, and how many of them are online. */
struct st_node_blocks {
	uint32_t blocks, online;
};

/* What the kernel tells listeners, in the order in which it can happen. */
enum st_notice {
	ST_NOTICE_GOING_ONLINE,
	ST_NOTICE_CANCEL_ONLINE,
	ST_NOTICE_ONLINE,
	ST_NOTICE_GOING_OFFLINE,
	ST_NOTICE_CANCEL_OFFLINE,
	ST_NOTICE_OFFLINE,
	/* of a node's first and last memory, where there are such notifiers */
	ST_NOTICE_ADDING_FIRST,
	ST_NOTICE_CANCEL_ADDING_FIRST,
	ST_NOTICE_ADDED_FIRST,
	ST_NOTICE_REMOVING_LAST,
	ST_NOTICE_CANCEL_REMOVING_LAST,
	ST_NOTICE_REMOVED_LAST,
	ST_NOTICES,
};

struct st_notices {
	uint32_t count[ST_NOTICES];
};

/* Functions that can fail return 0 or -errno. */
struct st_ways_ops {
	void (*host)(struct st_host *host);
	void (*node_blocks)(int32_t nid, struct st_node_blocks *now);
	/* until the node has another number of blocks than before, all of them
	 * online, and keeps it for a moment; -ETIMEDOUT, -EINTR */
	int (*node_wait)(int32_t nid, uint32_t before, struct st_node_blocks *now);
	/* the target's blocks as they are now; none of them may be away */
	void (*rescan)(int32_t nid);

	int (*listen)(void);
	void (*heard)(struct st_notices *notices);	/* since the last call */
	void (*deaf)(void);
};

#endif
