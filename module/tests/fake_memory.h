// SPDX-License-Identifier: GPL-2.0
//
// fake_memory - caches, slabs and objects of fake_kernel, with their extensions
// where a kernel of its shape puts them. Part of fake_kernel; not for tests.
#pragma once
#include "fake_kernel.h"

namespace st::test {

inline int FakeKernel::create(const st_cache_spec &spec, u64 *id)
{
	clock += 5000000;	// what it takes, so that timed sweeps end
	return enter("cache_create") ? make(spec, id) : -12;
}

inline int FakeKernel::make(const st_cache_spec &spec, u64 *id)
{
	auto cache = std::make_unique<FakeCache>();
	const u64 align = std::max<u64>(spec.align_bytes, 8);
	cache->spec = spec;
	cache->size = (spec.object_bytes + 8 + align - 1) / align * align;
	put(cache->fields + kSizeAt, cache->size, 4);
	put(cache->fields + kObjectSizeAt, spec.object_bytes, 4);
	*id = address(cache->fields);
	caches[*id] = std::move(cache);
	return 0;
}

inline void FakeKernel::destroy(u64 id)
{
	enter("cache_destroy");
	ASSERT_TRUE(caches.count(id));
	for (const auto &slab : caches[id]->slabs)
		leaked += u64(std::count(slab->used.begin(), slab->used.end(), true));
	std::erase_if(slab_of, [&](const auto &pair) { return pair.second->cache == id; });
	caches.erase(id);
}

// Slabs without objects go; their memory and fields serve the next ones.
inline void FakeKernel::shrink(u64 id)
{
	enter("cache_shrink");
	FakeCache &cache = *caches.at(id);
	std::erase_if(cache.slabs, [&](const auto &slab) {
		const bool empty = !std::count(slab->used.begin(), slab->used.end(), true);
		if (empty)
			std::erase_if(slab_of, [&](const auto &pair) {
				return pair.second == slab.get();
			});
		if (empty && kept_on_shrink)
			inherited = slab->first;
		return empty;
	});
}

inline u64 FakeKernel::kmalloc_cache(u32 bytes, u32 payer)
{
	const bool account = payer & ST_PAY_GROUP && !(payer & ST_PAY_RECLAIM);
	const u32 size = std::max(8u, std::bit_ceil(bytes));
	const auto [at, made] = kmallocs.try_emplace({size, account}, 0);
	if (made)
		make({size, 8, u32(account ? ST_CACHE_ACCOUNT : 0)}, &at->second);
	return at->second;
}

inline int FakeKernel::kmalloc(u32 bytes, u32 payer, u64 *objects, u32 count)
{
	if (!enter("kmalloc_many"))
		return -12;
	FakeCache &cache = *caches.at(kmalloc_cache(bytes, payer));
	for (u32 i = 0; i < count; i++)
		objects[i] = allocate(cache, payer);
	return int(count);
}

inline int FakeKernel::kfree(const u64 *objects, u32 count)
{
	for (u32 i = 0; i < count; i++)
		free_one(objects[i]);
	return enter("kfree_many") ? 0 : -22;
}

inline FakeSlab *FakeKernel::grow(FakeCache &cache)
{
	const u64 bytes = std::bit_ceil(std::max<u64>(4096, cache.size * 3));
	auto slab = std::make_unique<FakeSlab>(address(cache.fields), cache.spec.align_bytes,
					       bytes, u32(bytes / cache.size));
	put(slab->fields + (shape.page ? kPageCacheAt : kSlabCacheAt), slab->cache, 8);
	put(slab->fields + kCountersAt, u64(slab->objects) << 16, 4);
	if (cache.spec.flags & ST_CACHE_ACCOUNT)
		place(cache, slab.get());
	else if (inherited)
		put(slab->fields + kExtsAt, inherited | 1, 8);
	cache.slabs.push_back(std::move(slab));
	return cache.slabs.back().get();
}

// alloc_slab_obj_exts(): leftover space, else padding, else a vector
inline void FakeKernel::place(const FakeCache &cache, FakeSlab *slab)
{
	const bool young = shape.stride_bits || shape.bits;
	const bool account = cache.spec.flags & ST_CACHE_ACCOUNT;
	const u64 base = address(slab->memory.get()), end = slab->objects * cache.size;
	const u64 used = cache.spec.object_bytes + 8;
	bool inside = false;
	slab->step = ext_bytes();
	if (young && account && slab->bytes - end >= slab->objects * ext_bytes()) {
		slab->first = base + end;
	} else if (young && account && cache.size - used >= ext_bytes() + 7) {
		slab->first = base + (used + 7) / 8 * 8;
		slab->step = cache.size;
		inside = true;
	} else {
		slab->vector.resize(slab->objects * ext_bytes());
		slab->first = address(slab->vector.data());
	}
	for (u32 i = 0; i < slab->objects; i++)
		own(*slab, i, 0);
	put(slab->fields + kExtsAt, slab->first | 1, 8);
	if (shape.stride_bits)	// 16 bits cut it, as they did in 7.0-rc1
		put(slab->fields + kStrideAt, slab->step, shape.stride_bits / 8);
	if (shape.bits)
		slab->fields[kInObjectBit / 8] = u8(inside | 1 << kNeedsObjcgBit % 8);
}

inline void FakeKernel::own(FakeSlab &slab, u32 index, u64 whose)
{
	put(reinterpret_cast<u8 *>(slab.first + slab.step * index), whose, 8);
}

// The first free place of all slabs, oldest first: places are used again.
inline u64 FakeKernel::allocate(FakeCache &cache, u32 payer)
{
	FakeSlab *slab = nullptr;
	u32 i = 0;
	for (const auto &one : cache.slabs) {
		i = u32(std::find(one->used.begin(), one->used.end(), false) -
			one->used.begin());
		if (i == one->objects)
			continue;
		slab = one.get();
		break;
	}
	if (!slab) {
		slab = grow(cache);
		i = 0;
	}
	const bool asked = payer & ST_PAY_GROUP || cache.spec.flags & ST_CACHE_ACCOUNT;
	const bool charged = asked && !(payer & ST_PAY_NOBODY);
	if (charged && !slab->first)
		place(cache, slab);
	slab->used[i] = true;
	if (charged && env.memcg)
		own(*slab, i, address(owner));
	const u64 object = address(slab->memory.get()) + i * cache.size;
	slab_of[object] = slab;
	return object;
}

inline int FakeKernel::alloc(u64 id, u32 payer, u64 *objects, u32 count)
{
	if (!enter("objects_alloc"))
		return -12;
	for (u32 i = 0; i < count; i++)
		objects[i] = allocate(*caches.at(id), payer);
	return int(count);
}

inline void FakeKernel::free_one(u64 object)
{
	FakeSlab &slab = *slab_of.at(object);
	const u32 index = u32((object - address(slab.memory.get())) /
			      caches.at(slab.cache)->size);
	EXPECT_TRUE(slab.used[index]) << "freed twice";
	slab.used[index] = false;
	if (slab.first && !kept_on_free)
		own(slab, index, 0);
}

inline int FakeKernel::free_all(u64, const u64 *objects, u32 count)
{
	const int err = enter("objects_free") ? 0 : -22;	// freed in any case
	for (u32 i = 0; i < count; i++)
		free_one(objects[i]);
	return err;
}

inline bool FakeKernel::readable(const FakeSlab &slab, u64 slot) const
{
	const u64 memory = address(slab.memory.get()), vector = address(slab.vector.data());
	return (slot >= memory && slot + 8 <= memory + slab.bytes) ||
	       (slot >= vector && slot + 8 <= vector + slab.vector.size());
}

// What shims/slab_read.c does, by the same layout.
inline void FakeKernel::view(const st_layout &layout, u32 cpu, u64 object, st_object_view *v)
{
	const FakeSlab &slab = *slab_of.at(object);
	const u64 size = get(slab.cache, layout.cache_size);
	view_slot(layout, cpu, slab, u32((object - address(slab.memory.get())) / size), v);
	v->exts_again = v->step_again = ~0ull;
	if (on_view)
		on_view(*v);
	// a barrier changes nothing, unless the hook says so
	if (v->exts_again == ~0ull)
		v->exts_again = v->exts;
	if (v->step_again == ~0ull)
		v->step_again = v->step_bytes;
}

inline void FakeKernel::view_slot(const st_layout &layout, u32 cpu, const FakeSlab &slab, u32 index,
	       st_object_view *v)
{
	*v = {};
	v->cpu = cpu;
	v->slab = address(slab.fields);
	v->slab_base = address(slab.memory.get());
	v->slab_bytes = slab.bytes;
	v->slab_cache = get(v->slab, layout.slab_cache);
	v->objects = u32(get(v->slab, layout.objects));
	v->cache_size = get(v->slab_cache, layout.cache_size);
	v->cache_object_size = get(v->slab_cache, layout.cache_object_size);
	v->index = index;
	v->object = v->slab_base + index * v->cache_size;
	v->exts = get(v->slab, layout.exts);
	v->step_bytes = layout.ext_bytes;
	if (layout.step_origin == ST_STEP_FIELD)
		v->step_bytes = get(v->slab, layout.stride);
	else if (layout.step_origin == ST_STEP_BITS && get(v->slab, layout.in_object))
		v->step_bytes = v->cache_size;
	if (const u64 first = v->exts & ~layout.exts_flag_mask) {
		v->vector_bytes = slab.vector.size();
		v->slot = first + v->step_bytes * v->index;
		v->slot_readable = readable(slab, v->slot);
		if (v->slot_readable)
			v->slot_objcg = get(v->slot + layout.objcg_offset, st_field{0, 64});
		if (v->slot_objcg == address(owner))
			v->slot_memcg = get(v->slot_objcg, layout.objcg_memcg);
	}
	v->has_owner = !layout.needs_objcg.bits || get(v->slab, layout.needs_objcg);
	v->exts_again = v->exts;
	v->step_again = v->step_bytes;
}

} // namespace st::test
