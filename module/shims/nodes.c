// SPDX-License-Identifier: GPL-2.0
/*
 * nodes - what every cache keeps for one memory node, read under slab_mutex,
 * which is the lock that SLUB's own hotplug callbacks and cache creation hold
 * while they change it.
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>

#include "fields.h"
#include "shims.h"

static struct list_head *slab_caches;
static struct mutex *slab_mutex;

const char *st_nodes_init(void)
{
	slab_caches = st_symbol("slab_caches");
	slab_mutex = st_symbol("slab_mutex");
	if (!slab_caches || !slab_mutex)
		return "slab_caches and slab_mutex are not to be found "
		       "(CONFIG_KPROBES and CONFIG_KALLSYMS_ALL are needed)";
	return NULL;
}

static const u8 *node_element(const struct st_layout *layout, const void *cache, s32 nid)
{
	return (const u8 *)cache + layout->cache_nodes.bit_offset / 8 +
	       (size_t)nid * layout->node_step_bytes;
}

static u64 pointer_at(const u8 *at)
{
	return (unsigned long)READ_ONCE(*(void *const *)at);
}

/* kmem_cache_node's own structures are objects of kmem_cache_node. */
static bool lies_in_slab_of(const struct st_layout *layout, const void *node, const void *cache)
{
	const struct page *head = virt_to_head_page(node);

	return layout->slab_cache.bits && PageSlab((struct page *)head) &&
	       st_field_read(head, layout->slab_cache) == (unsigned long)cache;
}

void st_node_row(const struct st_layout *layout, const void *cache, s32 nid,
		 struct st_node_row *row)
{
	const u8 *element = node_element(layout, cache, nid);
	const char *name = (const char *)(unsigned long)
			   st_field_read(cache, layout->cache_name);
	const void *node;

	memset(row, 0, sizeof(*row));
	strscpy(row->name, name ? name : "?", sizeof(row->name));
	row->cache = (unsigned long)cache;
	row->node = pointer_at(element + layout->node_pointer_offset);
	row->nr_slabs = -1;
	row->nid = nid;
	row->home = NUMA_NO_NODE;
	if (layout->barn_pointer_offset >= 0)
		row->barn = pointer_at(element + layout->barn_pointer_offset);
	if (!row->node)
		return;
	node = (const void *)(unsigned long)row->node;
	row->home = page_to_nid(virt_to_page(node));
	row->in_own_cache = lies_in_slab_of(layout, node, cache);
	if (layout->node_nr_slabs.bits)
		row->nr_slabs = (s64)st_field_read(node, layout->node_nr_slabs);
	if (layout->barn_in_node.bits)
		row->barn = st_field_read(node, layout->barn_in_node);
}

u32 st_memory_nodes(int normal, u32 *nids, u32 max)
{
	u32 count = 0;
	int nid;

	for_each_node_state(nid, normal ? N_NORMAL_MEMORY : N_MEMORY)
		if (count < max)
			nids[count++] = nid;
	return count;
}

int st_caches_visit(const struct st_layout *layout,
		    int (*visit)(const void *cache, void *arg), void *arg)
{
	const struct list_head *link;
	int result = 0;

	if (!slab_caches || !slab_mutex)
		return -ENOENT;
	mutex_lock(slab_mutex);
	for (link = READ_ONCE(slab_caches->next); link != slab_caches && !result;
	     link = link->next)
		result = visit((const u8 *)link - layout->cache_list.bit_offset / 8, arg);
	mutex_unlock(slab_mutex);
	return result;
}

struct listing {
	const struct st_layout *layout;
	struct st_node_row *rows;
	u32 count, max;
	s32 nid;
};

static int list_row(const void *cache, void *arg)
{
	struct listing *listing = arg;

	if (listing->count == listing->max)
		return -ENOSPC;
	st_node_row(listing->layout, cache, listing->nid, &listing->rows[listing->count++]);
	return 0;
}

int st_node_rows(const struct st_layout *layout, s32 nid, struct st_node_row *rows, u32 max)
{
	struct listing listing = { layout, rows, 0, max, nid };
	int err;

	if (nid < 0 || nid >= nr_node_ids)
		return -EINVAL;
	err = st_caches_visit(layout, list_row, &listing);
	return err ? err : (int)listing.count;
}
