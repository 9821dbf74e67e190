// SPDX-License-Identifier: GPL-2.0
/*
 * slab_read - reads, never judges, what SLUB keeps about an object, and never
 * writes it. Where fields are comes from st_layout; what may lead anywhere
 * (the slot that step and index give) is read with a fault handler.
 */
#include <linux/uaccess.h>

#include "fields.h"
#include "shims.h"

static bool read_word(unsigned long address, unsigned long *word)
{
	return copy_from_kernel_nofault(word, (void *)address, sizeof(*word)) == 0;
}

/* Bytes that an external vector may use: those of the object it lies in. */
static u64 vector_room(const struct st_layout *layout, const struct st_object_view *view)
{
	const unsigned long vector = st_vector(layout, view->exts);
	const struct page *head;
	const void *cache;

	/*
	 * Before 7.0 every vector is an object of its own, even if it lies in
	 * the slab that it describes: 21 of kmalloc-192 in a page need 168 bytes.
	 */
	if (!vector || !virt_addr_valid((void *)vector) ||
	    (layout->step_origin != ST_STEP_ELEMENT_SIZE &&
	     vector - (unsigned long)view->slab_base < view->slab_bytes))
		return 0;
	head = virt_to_head_page((void *)vector);
	if (!PageSlab((struct page *)head))
		return page_size((struct page *)head);
	cache = (const void *)(unsigned long)st_field_read(head, layout->slab_cache);
	return st_field_read(cache, layout->cache_object_size);
}

void st_read_owner(const struct st_layout *layout, struct st_object_view *view)
{
	unsigned long objcg, memcg;

	if (!read_word(view->slot + layout->objcg_offset, &objcg))
		return;
	view->slot_readable = 1;
	view->slot_objcg = objcg;
	if (!objcg || !layout->objcg_memcg.bits)
		return;
	if (read_word(objcg + layout->objcg_memcg.bit_offset / 8, &memcg))
		view->slot_memcg = memcg;
}

void st_view_read(const struct st_layout *layout, const void *slab,
		  unsigned long base, unsigned long bytes, unsigned long object,
		  struct st_object_view *view)
{
	const void *cache;
	u64 vector;

	memset(view, 0, sizeof(*view));
	view->cpu = raw_smp_processor_id();
	view->object = object;
	view->slab = (unsigned long)slab;
	view->slab_base = base;
	view->slab_bytes = bytes;
	view->slab_cache = st_field_read(slab, layout->slab_cache);
	view->objects = st_field_read(slab, layout->objects);
	cache = (const void *)(unsigned long)view->slab_cache;
	view->cache_size = st_field_read(cache, layout->cache_size);
	view->cache_object_size = st_field_read(cache, layout->cache_object_size);
	if (!view->cache_size)
		return;
	view->index = (u32)((object - base) / (unsigned long)view->cache_size);
	view->exts = st_field_read(slab, layout->exts);
	/* pairs with the publication of the vector: step belongs to what was read */
	smp_rmb();
	vector = st_vector(layout, view->exts);
	view->step_bytes = st_step(layout, slab, view->cache_size);
	view->has_owner = !layout->needs_objcg.bits ||
			  st_field_read(slab, layout->needs_objcg);
	/* pairs with nothing: what was only late on this CPU is here after it */
	smp_mb();
	view->exts_again = st_field_read(slab, layout->exts);
	view->step_again = st_step(layout, slab, view->cache_size);
	if (!vector)
		return;
	view->slot = vector + view->step_bytes * view->index;
	st_read_owner(layout, view);
}

int st_objects_view(const struct st_layout *layout, u32 cpu, const u64 *objects,
		    struct st_object_view *views, u32 count)
{
	int err = st_move_to(cpu);
	u32 i;

	if (err)
		return err;
	for (i = 0; i < count; i++) {
		const void *object = (const void *)(unsigned long)objects[i];
		const struct page *head = st_slab_of(object);

		st_view_read(layout, head, (unsigned long)page_address(head),
			     page_size((struct page *)head), objects[i], &views[i]);
		views[i].vector_bytes = vector_room(layout, &views[i]);
	}
	cond_resched();
	return 0;
}
