// SPDX-License-Identifier: GPL-2.0
/*
 * ops - the table of functions that core is given, and the few entries that
 * are too small for a file of their own.
 */
#include <linux/ktime.h>
#include <linux/mm.h>

#include "shims.h"

static void mark(const char *text)
{
	pr_notice("slubtorture: %s\n", text);
}

static int stopping(void)
{
	return st_stopping();
}

static u64 now_ns(void)
{
	return ktime_get_ns();
}

/* Hashed, as every %p: the report may be mailed. */
static void pointer_text(u64 pointer, char *text, size_t bytes)
{
	snprintf(text, bytes, "%p", (void *)(unsigned long)pointer);
}

static void *buffer_get(size_t bytes)
{
	return kvzalloc(bytes, GFP_KERNEL);
}

static void buffer_put(void *buffer)
{
	kvfree(buffer);
}

const struct st_ops st_ops = {
	.emit = st_emit,
	.mark = mark,
	.settle = st_emit_settle,
	.stopping = stopping,
	.now_ns = now_ns,
	.pointer_text = pointer_text,
	.buffer_get = buffer_get,
	.buffer_put = buffer_put,
	.cache_create = st_cache_create,
	.cache_destroy = st_cache_destroy,
	.caches_wait = st_caches_wait,
	.objects_alloc = st_objects_alloc,
	.objects_free = st_objects_free,
	.objects_view = st_objects_view,
	.exts = &st_exts_ops,
	.busted_views = st_busted_views,
	.handoffs = &st_handoff_ops,
	.late = st_late,
	.counters = st_counters,
	.widen = &st_widen_ops,
	.audit = &st_audit_ops,
	.hotplug_target = st_hotplug_target,
	.block_set = st_block_set,
	.blocks_restore = st_blocks_restore,
	.ways = &st_ways_ops,
	.node_rows = st_node_rows,
	.memory_nodes = st_memory_nodes,
	.busted_nodes_start = st_busted_nodes_start,
	.busted_node_rows = st_busted_node_rows,
	.busted_nodes_stop = st_busted_nodes_stop,
	.charge = &st_charge_ops,
	.inspect = &st_inspect_ops,
	.cost = &st_cost_ops,
	.racers = &st_racers_ops,
	.price = &st_price_ops,
	.window = &st_window_ops,
	.publication = &st_publication_ops,
};
