// SPDX-License-Identifier: GPL-2.0
//
// audit - see audit.h. This file: the tables. What a user reads of them is in
// audit_text.cc.
#include "audit.h"

namespace st {
namespace {

constexpr u64 kMultiplier = 0x9e3779b97f4a7c15ull;

// Readers on other CPUs see a counter's old or new value, never a mix.
void bump(u64 *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

u64 read(const u64 &counter)
{
	return __atomic_load_n(&counter, __ATOMIC_RELAXED);
}

u32 log2_of(u64 value)
{
	return value ? 63 - u32(__builtin_clzll(value)) : 0;
}

} // namespace

u32 age_bucket(u64 age_ns)
{
	const u32 power = log2_of(age_ns);
	if (power < ST_AUDIT_AGE_SHIFT)
		return 0;
	const u32 bucket = power - ST_AUDIT_AGE_SHIFT;
	return bucket < ST_AUDIT_AGES ? bucket : ST_AUDIT_AGES - 1;
}

LiveObjects::Bucket &LiveObjects::bucket_of(u64 object)
{
	// another stretch of the product than st_audit_chosen() takes, or the
	// objects that were chosen would share few buckets
	const u64 hash = ((object >> 3) ^ (object >> 23)) * kMultiplier;
	return buckets_[(hash >> 20) & (kAuditBuckets - 1)];
}

// Acquire pairs with publish(): whoever claims a slot sees what its last owner
// wrote there.
bool LiveObjects::claim(u64 *key, u64 was)
{
	return __atomic_compare_exchange_n(key, &was, kBusy, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

// An object has one owner, so no two CPUs insert or remove the same address at
// once; different objects of a bucket keep apart by claiming slots.
LiveObjects::Kept LiveObjects::insert(u64 object, const Birth &birth)
{
	Bucket &bucket = bucket_of(object);
	for (u32 i = 0; i < kAuditBucket; i++) {
		if (read(bucket.keys[i]) != object || !claim(&bucket.keys[i], object))
			continue;
		bucket.births[i] = birth;
		publish(&bucket.keys[i], object);
		return Kept::Reused;
	}
	for (u32 i = 0; i < kAuditBucket; i++) {
		if (read(bucket.keys[i]) || !claim(&bucket.keys[i], 0))
			continue;
		bucket.births[i] = birth;
		publish(&bucket.keys[i], object);
		return Kept::New;
	}
	return Kept::Full;
}

bool LiveObjects::remove(u64 object, Birth *birth)
{
	Bucket &bucket = bucket_of(object);
	for (u32 i = 0; i < kAuditBucket; i++) {
		if (read(bucket.keys[i]) != object || !claim(&bucket.keys[i], object))
			continue;
		*birth = bucket.births[i];
		publish(&bucket.keys[i], 0);
		return true;
	}
	return false;
}

u64 LiveObjects::clear()
{
	u64 were = 0;
	for (Bucket &bucket : buckets_)
		for (u64 &key : bucket.keys) {
			were += key != 0;
			key = 0;
		}
	return were;
}

u64 LiveObjects::count() const
{
	u64 are = 0;
	for (const Bucket &bucket : buckets_)
		for (const u64 &key : bucket.keys)
			are += read(key) != 0;
	return are;
}

u32 CpuPairs::start(u64 alloc_site, u64 free_site)
{
	return u32(((alloc_site * 31 + free_site) * kMultiplier) >> 40);
}

CpuPairs::Slot *CpuPairs::slot_for(u64 alloc_site, u64 free_site)
{
	const u32 first = start(alloc_site, free_site);
	for (u32 i = 0; i < kAuditProbes; i++) {
		Slot &slot = slots_[(first + i) & (kAuditPairs - 1)];
		if (!slot.used) {
			slot.pair.alloc_site = alloc_site;
			slot.pair.free_site = free_site;
			// pairs with the acquire in at() and find()
			__atomic_store_n(&slot.used, 1, __ATOMIC_RELEASE);
			return &slot;
		}
		if (slot.pair.alloc_site == alloc_site && slot.pair.free_site == free_site)
			return &slot;
	}
	return nullptr;
}

const st_audit_pair *CpuPairs::at(u32 i) const
{
	const Slot &slot = slots_[i & (kAuditPairs - 1)];
	return __atomic_load_n(&slot.used, __ATOMIC_ACQUIRE) ? &slot.pair : nullptr;
}

const st_audit_pair *CpuPairs::find(u64 alloc_site, u64 free_site) const
{
	const u32 first = start(alloc_site, free_site);
	for (u32 i = 0; i < kAuditProbes; i++) {
		const st_audit_pair *pair = at(first + i);
		if (!pair)
			return nullptr;	// slots are never given back one by one
		if (pair->alloc_site == alloc_site && pair->free_site == free_site)
			return pair;
	}
	return nullptr;
}

void CpuPairs::count(const Birth &birth, const st_audit_event &event)
{
	Slot *slot = slot_for(birth.site, event.site);
	if (!slot)
		return bump(&counts.no_pair);
	st_audit_pair &pair = slot->pair;
	// clocks of two CPUs may differ by a little
	const u64 age = event.now_ns > birth.now_ns ? event.now_ns - birth.now_ns : 0;
	bump(&pair.freed);
	if (event.cpu != birth.cpu)
		bump(&pair.other_cpu);
	if (event.node != birth.node)
		bump(&pair.other_node);
	bump(&pair.contexts[event.context < ST_AUDIT_CONTEXTS ? event.context : 0]);
	bump(&pair.ages[age_bucket(age)]);
}

void CpuPairs::clear()
{
	for (Slot &slot : slots_)
		if (slot.used)
			slot = Slot{};
	counts = st_audit_counts{};
}

namespace {

// Between two events of a CPU only an NMI can come; it finds the tables in the
// middle of a change and is counted as lost.
class Inside {
public:
	explicit Inside(CpuPairs &cpu) : cpu_(cpu), entered_(!cpu.inside)
	{
		if (entered_)
			__atomic_store_n(&cpu_.inside, 1u, __ATOMIC_RELAXED);
		else	// atomic, since it interrupts nobody knows what
			__atomic_fetch_add(&cpu_.counts.nested, 1, __ATOMIC_RELAXED);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	}
	~Inside()
	{
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		if (entered_)
			__atomic_store_n(&cpu_.inside, 0u, __ATOMIC_RELAXED);
	}
	Inside(const Inside &) = delete;
	Inside &operator=(const Inside &) = delete;
	explicit operator bool() const { return entered_; }

private:
	CpuPairs &cpu_;
	bool entered_;
};

void add(st_audit_pair *to, const st_audit_pair &from)
{
	to->freed += read(from.freed);
	to->other_cpu += read(from.other_cpu);
	to->other_node += read(from.other_node);
	for (u32 i = 0; i < ST_AUDIT_CONTEXTS; i++)
		to->contexts[i] += read(from.contexts[i]);
	for (u32 i = 0; i < ST_AUDIT_AGES; i++)
		to->ages[i] += read(from.ages[i]);
}

// A pair is met on the first CPU that has it; the others add to it.
bool met_before(const st_audit &audit, u32 cpu, const st_audit_pair &pair)
{
	for (u32 i = 0; i < cpu; i++)
		if (audit.pairs()[i].find(pair.alloc_site, pair.free_site))
			return true;
	return false;
}

void merge(const st_audit &audit, u32 cpu, const st_audit_pair &pair, st_audit_pair *whole)
{
	*whole = st_audit_pair{};
	whole->alloc_site = pair.alloc_site;
	whole->free_site = pair.free_site;
	add(whole, pair);
	for (u32 i = cpu + 1; i < audit.cpus; i++)
		if (const st_audit_pair *more =
			    audit.pairs()[i].find(pair.alloc_site, pair.free_site))
			add(whole, *more);
}

bool ahead(const st_audit_pair &a, const st_audit_pair &b)
{
	return a.other_cpu != b.other_cpu ? a.other_cpu > b.other_cpu : a.freed > b.freed;
}

// Into its place among the first `held`, of which at most `max` are kept.
u32 rank(st_audit_pair *top, u32 held, u32 max, const st_audit_pair &pair)
{
	u32 at = held;
	while (at && ahead(pair, top[at - 1]))
		at--;
	if (at >= max)
		return held;
	if (held < max)
		held++;
	for (u32 i = held - 1; i > at; i--)
		top[i] = top[i - 1];
	top[at] = pair;
	return held;
}

} // namespace
} // namespace st

using namespace st;

extern "C" size_t st_audit_bytes(uint32_t cpus)
{
	return sizeof(st_audit) + cpus * sizeof(CpuPairs);
}

extern "C" void st_audit_make(st_audit *audit, uint32_t cpus)
{
	audit->cpus = cpus;
}

extern "C" void st_audit_allocated(st_audit *audit, const st_audit_event *event)
{
	if (event->cpu >= audit->cpus)
		return;
	CpuPairs &cpu = audit->pairs()[event->cpu];
	const Inside inside(cpu);
	if (!inside)
		return;
	bump(&cpu.counts.allocated);
	switch (audit->live.insert(event->object,
				   Birth{event->site, event->now_ns, event->cpu, event->node})) {
	case LiveObjects::Kept::New:
		break;
	case LiveObjects::Kept::Reused:
		bump(&cpu.counts.reused);
		break;
	case LiveObjects::Kept::Full:
		bump(&cpu.counts.no_slot);
		break;
	}
}

extern "C" void st_audit_freed(st_audit *audit, const st_audit_event *event)
{
	if (event->cpu >= audit->cpus)
		return;
	CpuPairs &cpu = audit->pairs()[event->cpu];
	const Inside inside(cpu);
	Birth birth;
	if (!inside)
		return;
	bump(&cpu.counts.freed);
	if (audit->live.remove(event->object, &birth))
		cpu.count(birth, *event);
	else
		bump(&cpu.counts.unknown);
}

extern "C" void st_audit_clear(st_audit *audit)
{
	audit->live.clear();
	audit->outlived = 0;
	for (u32 i = 0; i < audit->cpus; i++)
		audit->pairs()[i].clear();
}

extern "C" void st_audit_window_ends(st_audit *audit)
{
	audit->outlived += audit->live.clear();
}

extern "C" void st_audit_count(const st_audit *audit, st_audit_counts *counts)
{
	*counts = st_audit_counts{};
	for (u32 i = 0; i < audit->cpus; i++) {
		const st_audit_counts &one = audit->pairs()[i].counts;
		counts->allocated += read(one.allocated);
		counts->freed += read(one.freed);
		counts->unknown += read(one.unknown);
		counts->reused += read(one.reused);
		counts->no_slot += read(one.no_slot);
		counts->no_pair += read(one.no_pair);
		counts->nested += read(one.nested);
	}
	counts->outlived = audit->outlived;
	counts->live = audit->live.count();
}

extern "C" uint32_t st_audit_top(const st_audit *audit, st_audit_pair *pairs, uint32_t max)
{
	u32 held = 0;
	for (u32 cpu = 0; cpu < audit->cpus; cpu++)
		for (u32 i = 0; i < kAuditPairs; i++) {
			const st_audit_pair *pair = audit->pairs()[cpu].at(i);
			if (!pair || met_before(*audit, cpu, *pair))
				continue;
			st_audit_pair whole;
			merge(*audit, cpu, *pair, &whole);
			held = rank(pairs, held, max, whole);
		}
	return held;
}
