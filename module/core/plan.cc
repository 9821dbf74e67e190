// SPDX-License-Identifier: GPL-2.0
//
// plan - see plan.h.
#include "plan.h"

namespace st {
namespace {

constexpr u32 kSides = 2;	// below a power of two, and above it
constexpr u32 kFillBytes = 40 * 1024;	// more than one slab of any small cache
constexpr u32 kFreePointerBytes = 8;	// a constructor moves it behind the object

u64 slot_bytes(const st_cache_spec &spec)
{
	const u64 align = spec.align_bytes > 8 ? spec.align_bytes : 8;
	const u64 bytes = u64(spec.object_bytes) + kFreePointerBytes;
	return (bytes + align - 1) / align * align;
}

} // namespace

u32 objects_for(const st_cache_spec &spec)
{
	const u64 wanted = kFillBytes / slot_bytes(spec);
	if (wanted < 3)
		return 3;
	return wanted < kMaxObjects ? static_cast<u32>(wanted) : kMaxObjects;
}

u64 Random::next()
{
	state_ += 0x9e3779b97f4a7c15ull;
	u64 z = state_;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

CachePlan::CachePlan(Placement wanted, u64 seed, u32 cpus, u64 max_object_bytes)
	: wanted_(wanted), random_(seed), cpus_(cpus ? cpus : 1), max_bytes_(max_object_bytes)
{
}

// side 0: just below the power of two, 1: just above it.
bool CachePlan::shape(u32 power, u32 side, st_cache_spec *spec) const
{
	const u64 at = 1ull << power;
	// A constructor keeps the cache from being merged with another's.
	*spec = st_cache_spec{0, 8, ST_CACHE_CTOR};
	if (wanted_ != Placement::External)
		spec->flags |= ST_CACHE_ACCOUNT;
	u64 below = 8;
	if (wanted_ == Placement::InObject) {
		// Padding up to a large alignment leaves room in each slot.
		if (at < 128)
			return false;
		spec->align_bytes = static_cast<u32>(at);
		below = 64;
	} else if (wanted_ == Placement::Leftover) {
		// with the free pointer still short of the power of two, or
		// objects would fill the slab to its end
		below = 16;
	}
	if (at < below + 8)
		return false;
	spec->object_bytes = static_cast<u32>(side ? at + 8 : at - below);
	return slot_bytes(*spec) <= max_bytes_;
}

bool CachePlan::next(CacheStep *step)
{
	while ((1ull << power_) <= max_bytes_) {
		const bool usable = shape(power_, side_, &step->spec);
		if (++side_ == kSides) {
			side_ = 0;
			power_++;
		}
		if (!usable)
			continue;
		step->objects = objects_for(step->spec);
		step->writer = random_.below(cpus_);
		step->reader = cpus_ > 1 ? (step->writer + 1 + random_.below(cpus_ - 1)) % cpus_
					 : step->writer;
		return true;
	}
	return false;
}

} // namespace st
