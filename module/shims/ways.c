// SPDX-License-Identifier: GPL-2.0
/*
 * ways - memory that goes and comes from outside, waited for and counted, and
 * what the kernel tells its listeners meanwhile. Who is asked is core's affair,
 * and how: by a line of the report, which somebody outside reads.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/string.h>

#include "compat.h"
#include "shims.h"

#define POLL_MS 20
#define STEADY 15		/* looks with the same answer; virtio-mem goes block by block */
#define PATIENCE_MS 30000	/* an emulated machine on a busy host */

static struct st_host host;

int st_host_init(const char *devices, int wanted_nid, char *reason)
{
	const char *at = devices;

	memset(&host, 0, sizeof(host));
	host.nid = wanted_nid;
	if (*devices == '!') {
		snprintf(host.reason, sizeof(host.reason),
			 "memory cannot come from outside: this kernel was built without %.40s",
			 devices + 1);
		return 0;
	}
	while (*at) {
		const size_t bytes = strcspn(at, ",");

		if (!bytes || bytes >= ST_NAME_BYTES || host.devices == ST_HOST_DEVICES) {
			snprintf(reason, ST_REASON_BYTES,
				 "host=%.40s: up to %d names of devices, separated by commas",
				 devices, ST_HOST_DEVICES);
			return -EINVAL;
		}
		memcpy(host.device[host.devices++], at, bytes);
		at += bytes + (at[bytes] == ',');
	}
	if (!host.devices)
		strscpy(host.reason,
			"nobody outside answers: host= names no device that can be unplugged",
			sizeof(host.reason));
	return 0;
}

static void get_host(struct st_host *to)
{
	struct st_hotplug_target target;

	*to = host;
	st_hotplug_target(&target);
	if (to->nid < 0)
		to->nid = target.nid;
	if (!to->reason[0] && to->nid < 0)
		strscpy(to->reason, target.reason, sizeof(to->reason));
}

static bool same(const struct st_node_blocks *a, const struct st_node_blocks *b)
{
	return a->blocks == b->blocks && a->online == b->online;
}

/* A DIMM's blocks come one after the other and go together. */
static int node_wait(s32 nid, u32 before, struct st_node_blocks *now)
{
	const unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);
	struct st_node_blocks last = {};
	u32 steady = 0;

	while (time_before(jiffies, end)) {
		if (st_stopping())
			return -EINTR;
		st_node_blocks(nid, now);
		steady = same(now, &last) ? steady + 1 : 0;
		last = *now;
		if (now->blocks != before && now->online == now->blocks && steady >= STEADY)
			return 0;
		msleep(POLL_MS);
	}
	return -ETIMEDOUT;
}

/* Counted by whoever brings the news, read by the run's thread. */
static atomic_t heard[ST_NOTICES];

static void count(const unsigned long *actions, u32 first, u32 many, unsigned long action)
{
	u32 i;

	for (i = 0; i < many; i++)
		if (actions[i] == action)
			atomic_inc(&heard[first + i]);
}

static int memory_event(struct notifier_block *block, unsigned long action, void *arg)
{
	static const unsigned long actions[] = {
		MEM_GOING_ONLINE, MEM_CANCEL_ONLINE, MEM_ONLINE,
		MEM_GOING_OFFLINE, MEM_CANCEL_OFFLINE, MEM_OFFLINE,
	};

	count(actions, ST_NOTICE_GOING_ONLINE, ARRAY_SIZE(actions), action);
	return NOTIFY_OK;
}

static struct notifier_block memory_listener = { .notifier_call = memory_event };

#ifdef ST_NODE_NOTIFIER
static int node_event(struct notifier_block *block, unsigned long action, void *arg)
{
	static const unsigned long actions[] = {
		NODE_ADDING_FIRST_MEMORY, NODE_CANCEL_ADDING_FIRST_MEMORY,
		NODE_ADDED_FIRST_MEMORY, NODE_REMOVING_LAST_MEMORY,
		NODE_CANCEL_REMOVING_LAST_MEMORY, NODE_REMOVED_LAST_MEMORY,
	};

	count(actions, ST_NOTICE_ADDING_FIRST, ARRAY_SIZE(actions), action);
	return NOTIFY_OK;
}

static struct notifier_block node_listener = { .notifier_call = node_event };
#endif

static void get_heard(struct st_notices *notices)
{
	u32 i;

	for (i = 0; i < ST_NOTICES; i++)
		notices->count[i] = atomic_xchg(&heard[i], 0);
}

static int start_listening(void)
{
	struct st_notices old;
	int err = register_memory_notifier(&memory_listener);

	if (err)
		return err;
#ifdef ST_NODE_NOTIFIER
	err = register_node_notifier(&node_listener);
	if (err)
		unregister_memory_notifier(&memory_listener);
#endif
	get_heard(&old);
	return err;
}

static void stop_listening(void)
{
#ifdef ST_NODE_NOTIFIER
	unregister_node_notifier(&node_listener);
#endif
	unregister_memory_notifier(&memory_listener);
}

const struct st_ways_ops st_ways_ops = {
	.host = get_host,
	.node_blocks = st_node_blocks,
	.node_wait = node_wait,
	.rescan = st_hotplug_rescan,
	.listen = start_listening,
	.heard = get_heard,
	.deaf = stop_listening,
};
