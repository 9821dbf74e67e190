// SPDX-License-Identifier: GPL-2.0
//
// audit - the tables behind the audit: which objects are alive and where they
// came from (one table for all CPUs), and how often which pair of sites was
// seen (one table for each CPU). Memory is fixed. In C++ and not beside the
// probes, so that the very code is tested on the host; the probes come here
// once for each sampled event and not at all for the others.
//
// Atomics are the compiler's: core has no kernel headers. Each says what it
// pairs with.
#pragma once
#include "base.h"

namespace st {

constexpr u32 kAuditBucket = 16;	// objects: keys of a bucket, 2 cache lines
constexpr u32 kAuditBuckets = 8192;	// a power of two
constexpr u32 kAuditPairs = 1024;	// for each CPU, a power of two
constexpr u32 kAuditProbes = 64;	// slots looked at for a pair

// Where an object came from.
struct Birth {
	u64 site;
	u64 now_ns;
	u32 cpu, node;
};

// Objects that are alive, by address. A key is 0 (free), kBusy (its slot is
// being written or read by whoever made it so) or the address.
class LiveObjects {
public:
	enum class Kept { New, Reused, Full };
	Kept insert(u64 object, const Birth &birth);
	bool remove(u64 object, Birth *birth);
	// nobody inserts or removes during these
	u64 clear();	// how many there were
	u64 count() const;

private:
	static constexpr u64 kBusy = 1;	// no object lies at an odd address
	struct Bucket {
		alignas(64) u64 keys[kAuditBucket];
		Birth births[kAuditBucket];
	};
	Bucket &bucket_of(u64 object);
	bool claim(u64 *key, u64 was);
	static void publish(u64 *key, u64 is) { __atomic_store_n(key, is, __ATOMIC_RELEASE); }

	Bucket buckets_[kAuditBuckets];
};

// What one CPU has seen. Only that CPU writes, with interrupts off; others may
// read at any time, and then miss what is being counted at that moment.
class CpuPairs {
public:
	void count(const Birth &birth, const st_audit_event &event);
	const st_audit_pair *find(u64 alloc_site, u64 free_site) const;
	const st_audit_pair *at(u32 i) const;
	void clear();

	st_audit_counts counts = {};
	u32 inside = 0;		// an event of this CPU is being recorded

private:
	struct Slot {
		u64 used;	// 0, or 1 when the sites stand
		st_audit_pair pair;
	};
	Slot *slot_for(u64 alloc_site, u64 free_site);
	static u32 start(u64 alloc_site, u64 free_site);

	Slot slots_[kAuditPairs];
};

u32 age_bucket(u64 age_ns);
// whole percent, rounded down, except that what is not nothing is not 0
u32 percent_of(u64 part, u64 whole);
// Bucket by whose end so many per mille of the objects had been freed.
u32 age_quantile(const st_audit_pair &pair, u32 per_mille);
// Its upper end, "<131 us"; of the last one its lower, ">137 s".
Line<16> age_text(u32 bucket);

} // namespace st

// Tables of all CPUs behind the one of objects, in one piece of memory.
struct st_audit {
	st::LiveObjects live;
	st::u64 outlived;	// of windows that have ended
	st::u32 cpus;
	st::CpuPairs *pairs() { return reinterpret_cast<st::CpuPairs *>(this + 1); }
	const st::CpuPairs *pairs() const
	{
		return reinterpret_cast<const st::CpuPairs *>(this + 1);
	}
};
