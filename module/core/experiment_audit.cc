// SPDX-License-Identifier: GPL-2.0
//
// experiment_audit - audit-exact: objects in known numbers, at known sites, on
// known CPUs and in known contexts; does the audit count each of them, once,
// where it belongs? And what listening costs a loop of kmalloc and kfree.
#include "audit.h"
#include "benchmark.h"

namespace st {
namespace {

constexpr u32 kObjects = 1000;
constexpr u64 kBenchNs = 500000000;	// a load that does not change with time
constexpr u64 kSlicedNs = 10000000000;	// several slices of one that does
constexpr const char *kLoads[] = {" off_per_s=", " empty_per_s=", " default_per_s=",
				  " always_per_s=", " exact_per_s="};
static_assert(sizeof(kLoads) / sizeof(kLoads[0]) == ST_AUDIT_LOADS);
constexpr const char *kContexts[] = {"a task", "softirq", "hardirq"};

struct Count {
	const char *what;
	u64 expected, counted;
};

void describe(Evidence &evidence, const st_audit_drill &drill, const Count &count)
{
	evidence.add(drill.own_cache ? "kmem_cache_alloc" : "kmalloc").add(" on CPU ");
	evidence.add_dec(drill.alloc_cpu).add(", freed on CPU ").add_dec(drill.free_cpu);
	evidence.add(" in ").add(kContexts[drill.context]).add(": ").add(count.what).add(": ");
	evidence.add_dec(count.counted).add(" counted, ").add_dec(count.expected).add(" done");
}

u64 younger_than(const st_audit_pair &pair, u64 age_ns)
{
	u64 sum = 0;
	for (u32 bucket = 0; bucket < age_bucket(age_ns); bucket++)
		sum += pair.ages[bucket];
	return sum;
}

void judge(const st_audit_drill &drill, const st_audit_drilled &d, Tally *tally)
{
	u64 ages = 0;
	for (u64 count : d.pair.ages)
		ages += count;
	u64 in_context = d.pair.contexts[drill.context], in_any = 0;
	for (u64 count : d.pair.contexts)
		in_any += count;
	const Count counts[] = {
		{"objects freed", d.done, d.pair.freed},
		{"on another CPU", drill.alloc_cpu == drill.free_cpu ? 0 : d.done,
		 d.pair.other_cpu},
		{"on another node", d.other_node ? d.done : 0, d.pair.other_node},
		{"in this context", d.done, in_context},
		{"in another context", 0, in_any - in_context},
		{"with an age", d.done, ages},
		{"younger than they were", 0, younger_than(d.pair, d.held_ns)},
	};
	for (const Count &count : counts)
		tally->ask(Invariant::AuditCountsExact,
			   Finding{count.counted == count.expected,
				   Sighting{count.expected, count.counted, count.counted,
					    count.counted}},
			   [&](Evidence &e) { describe(e, drill, count); });
	tally->observed(d.done);
}

// False: the scenario cannot go on.
bool one(const Context &context, const st_audit_drill &drill, Tally *tally)
{
	st_audit_drilled drilled;
	const int err = context.ops.audit->drill(&drill, &drilled);
	if (err == -95)	// -EOPNOTSUPP: this case cannot be made here
		return true;
	if (err == -38)	// -ENOSYS
		tally->skip("this kernel has no tracepoints (CONFIG_TRACEPOINTS)");
	else if (err)
		tally->broken("threads, memory or tracepoints for the audit are not to be had");
	else if (drilled.counts.no_slot + drilled.counts.no_pair + drilled.counts.nested)
		tally->broken("events were lost for want of room, so no count can be exact");
	else if (drilled.done != drill.objects)
		tally->broken("memory for the objects is not to be had");
	else
		judge(drill, drilled, tally);
	return !err && tally->reason().empty();
}

u64 rate(u64 pairs, u64 elapsed_ns)
{
	// a loop of an hour is far from the end of 64 bits
	return elapsed_ns ? pairs * 1000000ull / (elapsed_ns / 1000 ? elapsed_ns / 1000 : 1) : 0;
}

} // namespace

void run_audit(const Context &context, const Scenario &scenario, Tally *tally)
{
	if (!context.two_cpus())
		return tally->skip("two CPUs are needed for frees on another one");
	const u32 first = context.env.cpu[0], last = context.env.cpu[context.env.cpus - 1];
	for (u32 number = 0; number < 4 * ST_AUDIT_NMI && !context.stopping(); number++) {
		st_audit_drill drill = {};
		drill.alloc_cpu = number & 2 ? last : first;
		drill.free_cpu = number & 1 ? drill.alloc_cpu : first + last - drill.alloc_cpu;
		drill.context = number / 4;
		drill.own_cache = (number ^ (number >> 1) ^ number / 4) & 1;
		drill.objects = kObjects;
		drill.hide = scenario.busted();
		if (!one(context, drill, tally) || scenario.busted())
			return;
	}
	if (!tally->observations())
		tally->skip("this kernel's symbols do not name functions (CONFIG_KALLSYMS)");
}

void bench_audit(const Context &context, u32 rounds, Report *report)
{
	for (u32 round = 0; round < rounds && !context.stopping(); round++) {
		u64 rates[ST_AUDIT_LOADS] = {};
		for (u32 i = 0; i < ST_AUDIT_LOADS; i++) {
			// each goes first once in a while
			const u32 load = (round + i) % ST_AUDIT_LOADS;
			const bool sliced = load == ST_AUDIT_OFF || load == ST_AUDIT_DEFAULT;
			u64 pairs = 0, elapsed_ns = 0;
			if (context.ops.audit->loop(load, context.env.cpu[0],
						    sliced ? kSlicedNs : kBenchNs, &pairs,
						    &elapsed_ns))
				return;
			rates[load] = rate(pairs, elapsed_ns);
		}
		report->bench("audit", round, [&](auto &row) {
			for (u32 load = 0; load < ST_AUDIT_LOADS; load++)
				row.add(kLoads[load]).add_dec(rates[load]);
		});
	}
}

} // namespace st
