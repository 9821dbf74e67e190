// SPDX-License-Identifier: GPL-2.0
/*
 * node_lists - walks a cache's partial list and the sheaves of its barn for
 * one node under the locks that SLUB changes them under, and counts; how many
 * node structures SLUB has made, and how many of them caches name. Takes locks
 * of SLUB's, and writes nothing else.
 */
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/mm.h>

#include "fields.h"
#include "racers.h"

#define MOST_LOOKS 500		/* of 1 ms or so; slab_mutex is held meanwhile */
#define MOST_LISTED 100000	/* far more than there are; a list may be a ring without a head */

static const void *at(const void *from, struct st_field field)
{
	return (const u8 *)from + field.bit_offset / 8;
}

static u64 pointer_at(const void *from)
{
	return (unsigned long)READ_ONCE(*(void *const *)from);
}

/* The first slab of kmem_cache_node may lie elsewhere: core/invariant.cc knows. */
static bool stranger(const struct st_layout *layout, const void *slab, const void *cache, s32 nid)
{
	return st_field_read(slab, layout->slab_cache) != (unsigned long)cache ||
	       page_to_nid((const struct page *)slab) != nid;
}

void st_node_list_walk(const struct st_layout *layout, const void *node, const void *cache,
		       s32 nid, struct st_node_lists *row, u64 *free_objects)
{
	const struct list_head *head = at(node, layout->node_partial), *link;
	spinlock_t *lock = (spinlock_t *)at(node, layout->node_list_lock);
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	row->nr_partial = st_field_read(node, layout->node_nr_partial);
	for (link = head->next; link != head && row->partial < MOST_LISTED; link = link->next) {
		const void *slab = (const u8 *)link - layout->slab_link.bit_offset / 8;

		row->partial++;
		row->strangers += cache && stranger(layout, slab, cache, nid);
		*free_objects += st_field_read(slab, layout->objects) -
				 st_field_read(slab, layout->inuse);
	}
	if (layout->node_nr_slabs.bits)
		row->nr_slabs = (s64)st_field_read(node, layout->node_nr_slabs);
	spin_unlock_irqrestore(lock, flags);
}

/*
 * alloc_from_new_slab() of 7.2 and 7.3 puts a slab on the list under the lock and
 * counts it after the lock is let go, so for as long as it is there, preempted or
 * not, more are listed than counted. A count that is wrong stays wrong.
 */
static void walk_settled(const struct st_layout *layout, const void *node, const void *cache,
			 s32 nid, struct st_node_lists *row)
{
	const struct st_node_lists empty = *row;
	u64 free_objects = 0;
	u32 looks;

	for (looks = 0; looks < MOST_LOOKS; looks++) {
		*row = empty;
		st_node_list_walk(layout, node, cache, nid, row, &free_objects);
		if (row->nr_slabs < 0 || (u64)row->nr_slabs >= row->partial)
			break;
		usleep_range(500, 2000);
	}
}

static u64 length(const struct list_head *head)
{
	const struct list_head *link;
	u64 count = 0;

	for (link = head->next; link != head && count < MOST_LISTED; link = link->next)
		count++;
	return count;
}

static void walk_barn(const struct st_layout *layout, const void *barn, struct st_node_lists *row)
{
	spinlock_t *lock = (spinlock_t *)at(barn, layout->barn_lock);
	unsigned long flags;

	row->has_barn = 1;
	spin_lock_irqsave(lock, flags);
	row->nr_full = st_field_read(barn, layout->barn_nr_full);
	row->nr_empty = st_field_read(barn, layout->barn_nr_empty);
	row->full = length(at(barn, layout->barn_full));
	row->empty = length(at(barn, layout->barn_empty));
	spin_unlock_irqrestore(lock, flags);
}

static const u8 *element_of(const struct st_layout *layout, const void *cache, s32 nid)
{
	return (const u8 *)at(cache, layout->cache_nodes) +
	       (size_t)nid * layout->node_step_bytes;
}

static const void *node_of(const struct st_layout *layout, const void *cache, s32 nid)
{
	return (const void *)(unsigned long)
	       pointer_at(element_of(layout, cache, nid) + layout->node_pointer_offset);
}

static u64 barn_of(const struct st_layout *layout, const void *cache, s32 nid)
{
	const void *node = node_of(layout, cache, nid);

	if (layout->barn_pointer_offset >= 0)
		return pointer_at(element_of(layout, cache, nid) + layout->barn_pointer_offset);
	return node && layout->barn_in_node.bits ? st_field_read(node, layout->barn_in_node) : 0;
}

struct listing {
	const struct st_layout *layout;
	struct st_node_lists *rows;
	struct st_node_structs *structs;
	const void *structs_cache;	/* kmem_cache_node */
	u32 count, max;
	s32 nid;
};

static int list_cache(const void *cache, void *arg)
{
	struct listing *listing = arg;
	const struct st_layout *layout = listing->layout;
	const void *node = node_of(layout, cache, listing->nid);
	const u64 barn = barn_of(layout, cache, listing->nid);
	const char *name = (const char *)(unsigned long)
			   st_field_read(cache, layout->cache_name);
	struct st_node_lists *row = &listing->rows[listing->count];
	const struct page *head;

	if (!node)
		return 0;
	if (listing->count++ == listing->max)
		return -ENOSPC;
	memset(row, 0, sizeof(*row));
	strscpy(row->name, name ? name : "?", sizeof(row->name));
	row->cache = (unsigned long)cache;
	row->node = (unsigned long)node;
	row->nr_slabs = -1;
	head = virt_to_head_page(node);
	row->in_own_cache = PageSlab((struct page *)head) &&
			    st_field_read(head, layout->slab_cache) == (unsigned long)cache;
	walk_settled(layout, node, cache, listing->nid, row);
	if (barn && layout->barn_lock.bits)
		walk_barn(layout, (const void *)(unsigned long)barn, row);
	return 0;
}

int st_node_lists(const struct st_layout *layout, s32 nid, u32 busted,
		  struct st_node_lists *rows, u32 max)
{
	struct listing listing = { .layout = layout, .rows = rows, .max = max, .nid = nid };
	int err;

	if (busted)
		return st_twin_lists(rows, max);
	err = st_caches_visit(layout, list_cache, &listing);
	return err ? err : (int)listing.count;
}

static int name_structs(const void *cache, void *arg)
{
	struct listing *listing = arg;
	const char *name = (const char *)(unsigned long)
			   st_field_read(cache, listing->layout->cache_name);
	s32 nid;

	if (name && !strcmp(name, "kmem_cache_node"))
		listing->structs_cache = cache;
	for (nid = 0; nid < nr_node_ids; nid++) {
		listing->structs->named += node_of(listing->layout, cache, nid) != NULL;
		listing->structs->barns += barn_of(listing->layout, cache, nid) != 0;
	}
	return 0;
}

/*
 * Objects in use: all that its slabs have, without the free ones on partial
 * lists. After a shrink no CPU keeps a slab with free objects to itself.
 */
static u64 objects_in_use(const struct st_layout *layout, const void *cache)
{
	u64 total = 0, free_objects = 0;
	s32 nid;

	kmem_cache_shrink((struct kmem_cache *)cache);
	for (nid = 0; nid < nr_node_ids; nid++) {
		const void *node = node_of(layout, cache, nid);
		struct st_node_lists row = {};

		if (!node)
			continue;
		st_node_list_walk(layout, node, cache, nid, &row, &free_objects);
		total += st_field_read(node, layout->node_total_objects);
	}
	return total - free_objects;
}

int st_node_structs(const struct st_layout *layout, u32 busted,
		    struct st_node_structs *structs)
{
	struct listing listing = { .layout = layout, .structs = structs };
	int err;

	memset(structs, 0, sizeof(*structs));
	if (busted) {
		st_twin_structs(structs);
		return 0;
	}
	err = st_caches_visit(layout, name_structs, &listing);
	if (err)
		return err;
	if (!listing.structs_cache)
		return -ENOENT;
	/* kmem_cache_node is never destroyed, so it needs no lock to stay */
	structs->in_use = objects_in_use(layout, listing.structs_cache);
	return 0;
}
