// SPDX-License-Identifier: GPL-2.0
//
// fake_inspect - the inspector's part of fake_kernel: its caches by name, and a
// walk over their slabs, which tests may disturb. Included by fake_ops.h.
#pragma once
#include "fake_kernel.h"

namespace st::test {

inline void FakeKernel::inspected(const FakeCache &cache, u32 number, st_inspected *found)
{
	*found = {};
	found->cache = address(cache.fields);
	found->size = u32(cache.size);
	found->object_size = cache.spec.object_bytes;
	snprintf(found->name, sizeof(found->name), "fake-%u", number);
}

inline int FakeKernel::find_cache(const char *name, u64 wanted, s64 position, st_inspected *found)
{
	u32 number = 0;
	if (!enter("cache_find"))
		return -2;
	for (const auto &[id, cache] : caches) {
		inspected(*cache, number, found);
		if (name ? !strcmp(name, found->name) : wanted ? wanted == id : number == position)
			return 0;
		number++;
	}
	return -2;
}

inline int FakeKernel::walk_next(u32 *walk, const st_layout &layout, const st_inspected &cache,
				 st_slab_view *slab)
{
	if (!enter("walk_next"))
		return -4;
	const auto &slabs = caches.at(cache.cache)->slabs;
	if (*walk == slabs.size())
		return 0;
	const FakeSlab &of = *slabs[(*walk)++];
	*slab = {};
	view_slot(layout, 0, of, 0, &slab->first);
	slab->pfn = *walk;
	slab->inuse = u32(std::count(of.used.begin(), of.used.end(), true));
	return on_slab ? on_slab(*slab) : 1;
}

inline int FakeKernel::slab_objects(u32 walk, const st_layout &layout, const st_inspected &cache,
				    const st_slab_view &slab, u32 first, st_object_view *views,
				    u32 count)
{
	if (!enter("slab_objects"))
		return -11;
	const FakeSlab &of = *caches.at(cache.cache)->slabs[walk - 1];
	EXPECT_EQ(slab.pfn, walk);
	EXPECT_LE(first + count, of.objects);
	for (u32 i = 0; i < count; i++) {
		view_slot(layout, 0, of, first + i, &views[i]);
		if (on_inspected)
			on_inspected(views[i]);
	}
	return int(count);
}

inline const st_inspect_ops *FakeKernel::inspect_ops()
{
	static st_inspect_ops o = {};
	o.cache_find = [](const st_layout *, const char *name, u64 cache, st_inspected *found) {
		return self->find_cache(name, cache, -1, found);
	};
	o.cache_at = [](const st_layout *, u32 position, st_inspected *found) {
		return self->find_cache(nullptr, 0, position, found);
	};
	o.walk_begin = []() -> void * {
		if (!self->enter("walk_begin"))
			return nullptr;
		self->buffers++;
		return new u32(0);
	};
	o.walk_end = [](void *walk) {
		self->buffers--;
		delete static_cast<u32 *>(walk);
	};
	o.walk_next = [](void *walk, const st_layout *layout, const st_inspected *cache,
			 st_slab_view *slab) {
		return self->walk_next(static_cast<u32 *>(walk), *layout, *cache, slab);
	};
	o.slab_objects = [](void *walk, const st_layout *layout, const st_inspected *cache,
			    const st_slab_view *slab, u32 first, st_object_view *views, u32 count) {
		return self->slab_objects(*static_cast<u32 *>(walk), *layout, *cache, *slab, first,
					  views, count);
	};
	o.owner = [](u64 memcg, st_owner *owner) {
		*owner = {};
		owner->inode = 77;
		strcpy(owner->path, memcg == self->env.memcg ? "/guest" : "?");
	};
	return &o;
}

} // namespace st::test
