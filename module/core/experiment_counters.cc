// SPDX-License-Identifier: GPL-2.0
//
// experiment_counters - exts-counters: the step of a live slab lies in the
// word of its free counters (slab->stride, 7.0 to 7.2; two bits, from 7.3 on)
// and must not change whatever frees do to that word.
#include "experiment.h"

namespace st {
namespace {

constexpr u32 kRounds = 16;

// With a vector outside, in the leftover space, and in the padding, in turns.
constexpr st_cache_spec kSpecs[] = {
	{256, 0, ST_CACHE_CTOR | ST_CACHE_ACCOUNT},
	{264, 8, ST_CACHE_CTOR | ST_CACHE_ACCOUNT},
	{192, 256, ST_CACHE_CTOR | ST_CACHE_ACCOUNT},
};

void judge(const st_counters_counts &counts, Tally *tally)
{
	tally->observed(counts.looks);
	tally->overlapped(counts.changes);
	tally->held(Invariant::StrideStableWhileLive, counts.looks - counts.wrong);
	if (!counts.wrong)
		return;
	const Finding finding{false, Sighting{counts.expected, counts.on_writer, counts.seen,
					      counts.later}};
	tally->ask(Invariant::StrideStableWhileLive, finding, [&](Evidence &e) {
		e.add("step and bits beside the counters: ").add_hex(counts.seen);
		e.add(", in quiet ").add_hex(counts.expected).add(", on the writing CPU ");
		e.add_hex(counts.on_writer).add(", later ").add_hex(counts.later);
	});
	tally->broke(Invariant::StrideStableWhileLive, counts.wrong - 1);
}

// The step, if it is a field or bits, and in the word that has the counters.
bool beside_counters(const st_layout &facts)
{
	const st_field step = facts.step_origin == ST_STEP_BITS ? facts.in_object : facts.stride;
	return (facts.step_origin == ST_STEP_FIELD || facts.step_origin == ST_STEP_BITS) &&
	       step.bit_offset / 64 == facts.objects.bit_offset / 64;
}

bool can_ask(const Context &context, bool busted, Tally *tally)
{
	if (!context.two_cpus())
		tally->skip("two CPUs are needed to look while another frees, and one is online");
	else if (busted)
		return true;
	else if (!context.layout.exts_missing().empty())
		tally->skip(context.layout.exts_missing().text());
	else if (!beside_counters(context.layout.facts()))
		tally->skip("this kernel keeps no step beside the free counters (7.0 and later do)");
	else
		return true;
	return false;
}

void choose_cpus(const Context &context, u64 number, st_counters_spec *spec)
{
	const u32 cpus = context.env.cpus;
	const u32 x = u32(number % cpus), y = (x + 1 + u32(number / cpus) % (cpus - 1)) % cpus;
	spec->writer_cpu = context.env.cpu[x];
	spec->reader_cpu = context.env.cpu[y];
}

bool batch(const Context &context, u64 number, Tally *tally, u64 *freed)
{
	st_counters_spec spec = {};
	st_counters_counts counts;
	if (context.ops.cache_create(&kSpecs[number % (sizeof(kSpecs) / sizeof(kSpecs[0]))],
				     &spec.cache))
		return false;
	spec.layout = &context.layout.facts();
	spec.seed = context.seed + number * 1000003;
	spec.rounds = kRounds;
	choose_cpus(context, number, &spec);
	const int err = context.ops.counters(&spec, &counts);
	context.ops.cache_destroy(spec.cache);
	if (err)
		return false;
	*freed += counts.freed;
	judge(counts, tally);
	return true;
}

void busted(const Context &context, Tally *tally)
{
	st_counters_spec spec = {};
	st_counters_counts counts;
	spec.seed = context.seed;
	spec.rounds = 2;
	spec.busted = 1;
	choose_cpus(context, 0, &spec);
	if (context.ops.counters(&spec, &counts))
		return tally->broken("threads or memory for the looks are not to be had");
	judge(counts, tally);
}

} // namespace

void run_counters(const Context &context, const Scenario &scenario, Tally *tally)
{
	if (!can_ask(context, scenario.busted(), tally))
		return;
	if (scenario.busted())
		return busted(context, tally);
	const u64 end = context.ops.now_ns() + context.duration_ns;
	u64 number = 0, freed = 0;
	while (!context.time_is_up(end, tally->overlaps()) && !context.stopping())
		if (!batch(context, number++, tally, &freed))
			return tally->broken("caches or threads for the looks are not to be had");
	Line<ST_REASON_BYTES> note("changes of the counters between two looks, ");
	tally->note(note.add_dec(freed).add(" objects freed").text());
	if (!tally->overlaps())
		tally->broken("the counters never changed while they were looked at");
}

} // namespace st
