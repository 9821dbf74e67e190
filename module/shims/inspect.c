// SPDX-License-Identifier: GPL-2.0
/*
 * inspect - finds the slabs of a cache and reads them, and writes nothing.
 *
 * SLUB has no list of full slabs, so every page that is online is looked at: a
 * page that heads a slab names its cache. struct page is read in place, in
 * batches: a memory notifier, there for the walk only, lets a block go offline
 * between two batches, and struct page goes after that (mm/memory_hotplug.c,
 * offline_pages() then arch_remove_memory()). What an extension leads to is
 * read with a fault handler. Slabs come and go meanwhile; one that changed
 * under the reader is told as such.
 */
#include <linux/kernfs.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "fields.h"
#include "shims.h"

#define BATCH_PAGES 4096
#define CGROUP_LEVELS 64
#define CGROUP_NAME_BYTES 256

struct walk {
	struct notifier_block block;
	struct mutex lock;	/* held while struct pages are looked at */
	int nid;
	unsigned long pfn, end;
};

struct search {
	const struct st_layout *layout;
	const char *name;
	u64 cache;
	u32 position;
	struct st_inspected *found;
};

static void read_cache(const struct st_layout *layout, const void *cache, const char *name,
		       struct st_inspected *found)
{
	memset(found, 0, sizeof(*found));
	found->cache = (unsigned long)cache;
	found->size = st_field_read(cache, layout->cache_size);
	found->object_size = st_field_read(cache, layout->cache_object_size);
	if (layout->cache_red_left.bits)
		found->red_left_pad = st_field_read(cache, layout->cache_red_left);
	strscpy(found->name, name ? name : "?", sizeof(found->name));
}

static int visit(const void *cache, void *arg)
{
	struct search *search = arg;
	const char *name = (const char *)(unsigned long)
			   st_field_read(cache, search->layout->cache_name);

	if (search->name ? !name || strcmp(name, search->name) :
	    search->cache ? search->cache != (unsigned long)cache : search->position-- != 0)
		return 0;
	read_cache(search->layout, cache, name, search->found);
	return 1;
}

static int find(const struct search *search)
{
	struct search own = *search;
	int found = st_caches_visit(own.layout, visit, &own);

	return found < 0 ? found : found ? 0 : -ENOENT;
}

static int cache_find(const struct st_layout *layout, const char *name, u64 cache,
		      struct st_inspected *found)
{
	if (!name && !cache)
		return -ENOENT;
	return find(&(struct search){ layout, name, cache, 0, found });
}

static int cache_at(const struct st_layout *layout, u32 position, struct st_inspected *found)
{
	return find(&(struct search){ layout, NULL, 0, position, found });
}

/* Whatever batch began while the block was online ends before this returns. */
static int block_changes(struct notifier_block *block, unsigned long action, void *unused)
{
	struct walk *walk = container_of(block, struct walk, block);

	if (action == MEM_OFFLINE) {
		mutex_lock(&walk->lock);
		mutex_unlock(&walk->lock);
	}
	return NOTIFY_OK;
}

static void walk_node(struct walk *walk, int nid)
{
	walk->nid = nid;
	if (nid >= MAX_NUMNODES)
		return;
	walk->pfn = node_start_pfn(nid);
	walk->end = node_end_pfn(nid);
}

static void *walk_begin(void)
{
	struct walk *walk = kzalloc(sizeof(*walk), GFP_KERNEL);

	if (!walk)
		return NULL;
	mutex_init(&walk->lock);
	walk->block.notifier_call = block_changes;
	if (register_memory_notifier(&walk->block)) {
		kfree(walk);
		return NULL;
	}
	walk_node(walk, first_online_node);
	return walk;
}

static void walk_end(void *arg)
{
	struct walk *walk = arg;

	unregister_memory_notifier(&walk->block);
	kfree(walk);
}

/*
 * A page of this node that heads a slab, or NULL. A tail is asked first: up to
 * 6.x PageSlab() of a tail answers for its head.
 */
static struct page *slab_head(const struct walk *walk, unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || PageTail(page) || !PageSlab(page) || page_to_nid(page) != walk->nid)
		return NULL;
	return page;
}

/* Where nothing is online, memory comes in pieces of this size at least. */
static unsigned long step_over(const struct walk *walk)
{
#ifdef PAGES_PER_SUBSECTION
	if (IS_ALIGNED(walk->pfn, PAGES_PER_SUBSECTION) && !pfn_to_online_page(walk->pfn))
		return PAGES_PER_SUBSECTION;
#endif
	return 1;
}

static bool belongs(const struct st_layout *layout, const void *page,
		    const struct st_inspected *cache)
{
	return st_field_read(page, layout->slab_cache) == cache->cache;
}

/* The slab's own fields; false: it was not the same slab all the time. */
static bool read_slab(const struct walk *walk, const struct st_layout *layout,
		      const struct st_inspected *cache, struct page *page,
		      struct st_slab_view *slab)
{
	struct st_object_view *first = &slab->first;

	memset(slab, 0, sizeof(*slab));
	slab->pfn = page_to_pfn(page);
	slab->nid = walk->nid;
	first->cpu = raw_smp_processor_id();
	first->slab = (unsigned long)page;
	first->slab_base = (unsigned long)page_address(page);
	first->slab_bytes = page_size(page);
	first->object = first->slab_base + cache->red_left_pad;
	first->slab_cache = st_field_read(page, layout->slab_cache);
	first->cache_size = cache->size;
	first->cache_object_size = cache->object_size;
	first->objects = st_field_read(page, layout->objects);
	slab->inuse = layout->inuse.bits ? st_field_read(page, layout->inuse) : ST_INUSE_UNKNOWN;
	if (layout->exts.bits)
		first->exts = st_field_read(page, layout->exts);
	/* pairs with the publication of the vector: step belongs to what was read */
	smp_rmb();
	first->step_bytes = st_step(layout, page, cache->size);
	first->slot = st_vector(layout, first->exts);
	/* and what follows was read after all of it */
	smp_rmb();
	return first->objects && slab_head(walk, slab->pfn) == page &&
	       belongs(layout, page, cache) &&
	       (!layout->exts.bits || st_field_read(page, layout->exts) == first->exts);
}

/* As walk_next(), over at most one batch; 2: there is more to look at. */
static int walk_batch(struct walk *walk, const struct st_layout *layout,
		      const struct st_inspected *cache, struct st_slab_view *slab)
{
	u32 i;

	for (i = 0; i < BATCH_PAGES; i++) {
		struct page *page;

		while (walk->nid < MAX_NUMNODES && walk->pfn >= walk->end)
			walk_node(walk, next_online_node(walk->nid));
		if (walk->nid >= MAX_NUMNODES)
			return 0;
		page = slab_head(walk, walk->pfn);
		if (!page) {
			walk->pfn += step_over(walk);
			continue;
		}
		walk->pfn++;
		if (belongs(layout, page, cache))
			return read_slab(walk, layout, cache, page, slab) ? 1 : -EAGAIN;
	}
	return 2;
}

static int walk_next(void *arg, const struct st_layout *layout,
		     const struct st_inspected *cache, struct st_slab_view *slab)
{
	struct walk *walk = arg;
	int found;

	do {
		if (signal_pending(current) || st_stopping())
			return -EINTR;
		mutex_lock(&walk->lock);
		found = walk_batch(walk, layout, cache, slab);
		mutex_unlock(&walk->lock);
		cond_resched();
	} while (found == 2);
	return found;
}

static int slab_objects(void *arg, const struct st_layout *layout,
			const struct st_inspected *cache, const struct st_slab_view *slab,
			u32 first, struct st_object_view *views, u32 count)
{
	struct walk *walk = arg;
	struct st_slab_view now;
	struct page *page;
	u32 i = 0;

	mutex_lock(&walk->lock);
	for (; i < count && first + i < slab->first.objects; i++) {
		struct st_object_view *view = &views[i];

		*view = slab->first;
		view->index = first + i;
		view->object += (u64)view->index * cache->size;
		if (!view->slot)
			continue;
		view->slot += view->step_bytes * view->index;
		st_read_owner(layout, view);
	}
	/* read of this slab, if it has been there all the time */
	page = slab_head(walk, slab->pfn);
	if (!page || !read_slab(walk, layout, cache, page, &now) ||
	    now.first.exts != slab->first.exts)
		i = 0;
	mutex_unlock(&walk->lock);
	cond_resched();
	return i ? (int)i : -EAGAIN;
}

#ifdef CONFIG_MEMCG
/* The pointer or number that lies at a place which may be gone; 0 then. */
static u64 peek(const void *at)
{
	u64 value;

	return copy_from_kernel_nofault(&value, at, sizeof(value)) ? 0 : value;
}

#define PEEK(pointer, member) \
	((typeof((pointer)->member))(unsigned long)peek(&(pointer)->member))

static u32 peek_name(const char *name, char *to)
{
	u32 n = 0;

	while (n < CGROUP_NAME_BYTES && !copy_from_kernel_nofault(&to[n], name + n, 1) && to[n]) {
		if (to[n] <= ' ' || to[n] > '~')
			to[n] = '?';
		n++;
	}
	return n;
}

/* Puts "/name" in front of what begins at path[at]; the new beginning. */
static u32 prepend(char *path, u32 at, const char *name, u32 bytes)
{
	while (bytes && at)
		path[--at] = name[--bytes];
	if (bytes || !at)
		return 0;
	path[--at] = '/';
	return at;
}

/*
 * Names from the group up to the root, whose own is empty. Every step is a
 * guarded read: a broken extension may lead anywhere, a group may die.
 */
static void owner_path(const struct kernfs_node *node, struct st_owner *owner)
{
	char name[CGROUP_NAME_BYTES], path[ST_OWNER_PATH_BYTES];
	u32 at = sizeof(path) - 1, bytes, level;

	path[at] = 0;
	for (level = 0; level < CGROUP_LEVELS && node && at; level++) {
		bytes = peek_name((const char *)(unsigned long)peek(&node->name), name);
		node = (const struct kernfs_node *)(unsigned long)peek(&st_kernfs_parent(node));
		if (bytes)
			at = prepend(path, at, name, bytes);
	}
	if (!path[at])
		path[--at] = '/';
	if (!at)
		memcpy(path, "...", 3);
	strscpy(owner->path, path + at, sizeof(owner->path));
}

static void read_group(u64 memcg, struct st_owner *owner)
{
	const struct mem_cgroup *group = (const struct mem_cgroup *)(unsigned long)memcg;
	const struct cgroup *cgroup = PEEK(group, css.cgroup);
	const struct kernfs_node *node = cgroup ? PEEK(cgroup, kn) : NULL;

	if (!node)
		return;
	owner->inode = peek(&node->id);
	owner_path(node, owner);
}
#else
static void read_group(u64 memcg, struct st_owner *owner) { }
#endif

static void read_owner_group(u64 memcg, struct st_owner *owner)
{
	memset(owner, 0, sizeof(*owner));
	strscpy(owner->path, "?", sizeof(owner->path));
	read_group(memcg, owner);
}

const struct st_inspect_ops st_inspect_ops = {
	.cache_find = cache_find,
	.cache_at = cache_at,
	.walk_begin = walk_begin,
	.walk_end = walk_end,
	.walk_next = walk_next,
	.slab_objects = slab_objects,
	.owner = read_owner_group,
};
