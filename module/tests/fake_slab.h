// SPDX-License-Identifier: GPL-2.0
//
// fake_slab - the memory of fake_kernel: a slab with its structure and where
// its extensions really lie, a cache with its slabs, and fields of either.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "kernel_shapes.h"

namespace st::test {

inline u64 address(const void *at) { return reinterpret_cast<u64>(at); }

inline void put(u8 *at, u64 value, size_t bytes) { std::memcpy(at, &value, bytes); }

inline u64 get(u64 structure, st_field field)
{
	u64 word = 0;
	if (!field.bits)
		return 0;
	std::memcpy(&word, reinterpret_cast<const u8 *>(structure) + field.bit_offset / 8,
		    (field.bit_offset % 8 + field.bits + 7) / 8);
	word >>= field.bit_offset % 8;
	return field.bits == 64 ? word : word & ((1ull << field.bits) - 1);
}

struct FakeSlab {
	FakeSlab(u64 cache, u64 align, u64 bytes_, u32 objects_)
		: memory(static_cast<u8 *>(std::aligned_alloc(std::max<u64>(align, 4096), bytes_)),
			 std::free), bytes(bytes_), objects(objects_), used(objects_), cache(cache)
	{
	}
	u8 fields[64] = {};
	std::unique_ptr<u8, void (*)(void *)> memory;
	u64 bytes;
	u32 objects;
	std::vector<u8> vector;		// external
	std::vector<bool> used;
	u64 cache, first = 0, step = 0;	// of the extensions, as they really lie
};

struct FakeCache {
	u8 fields[kNodesAt + kNodes * 16] = {};
	st_cache_spec spec;
	u64 size;
	std::vector<std::unique_ptr<FakeSlab>> slabs;
};

} // namespace st::test
