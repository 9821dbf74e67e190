// SPDX-License-Identifier: GPL-2.0
//
// plan - scenario + seed -> steps. Same seed, same plan; nothing here depends
// on time or on what earlier steps found.
#pragma once
#include "observation.h"

namespace st {

// splitmix64 (Steele, Lea, Flood 2014): small, and good enough for schedules.
class Random {
public:
	explicit Random(u64 seed) : state_(seed) {}
	u64 next();
	u32 below(u32 limit) { return limit ? static_cast<u32>(next() % limit) : 0; }

private:
	u64 state_;
};

// One cache to make, fill, look at and take away.
struct CacheStep {
	st_cache_spec spec;
	u32 objects;		// to allocate
	u32 writer, reader;	// places in the environment's list of CPUs
};

constexpr u32 kMaxObjects = 1024;

// How many objects of such a cache to look at: more than a slab of small ones.
u32 objects_for(const st_cache_spec &spec);

// The caches of exts-*: for every power of two up to the largest object, a
// size below and one above it, shaped so that the placement wanted results.
class CachePlan {
public:
	CachePlan(Placement wanted, u64 seed, u32 cpus, u64 max_object_bytes);
	// False when there are no more steps.
	bool next(CacheStep *step);

private:
	bool shape(u32 power, u32 side, st_cache_spec *spec) const;

	Placement wanted_;
	Random random_;
	u32 cpus_;
	u64 max_bytes_;
	u32 power_ = 3, side_ = 0;
};

} // namespace st
