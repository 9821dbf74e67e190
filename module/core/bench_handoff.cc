// SPDX-License-Identifier: GPL-2.0
//
// bench_handoff - what the engine of handoffs costs, by turns with what it is
// compared to: the barest loop, itself without looking at metadata; and how
// fast and how well its litmus rows overlap.
#include "benchmark.h"
#include "engine.h"

namespace st {
namespace {

constexpr u64 kBenchNs = 300000000;
constexpr u32 kBenchInFlight = 64;	// mailboxes that stay in a CPU's nearest cache

u64 per_second(u64 times, u64 elapsed_ns)
{
	// mathematics in steps: counts of a second or two do not overflow this
	return elapsed_ns ? times * 1000000000ull / elapsed_ns : 0;
}

// Handoffs per second of the pair everybody uses; 0: could not be measured.
u64 engine_rate(const Context &context, u64 cache, u32 mode, u32 sampling, u32 round)
{
	st_handoff_spec spec = spec_for(context, *handoff_pair("handoff-release-acquire"), mode,
					cache);
	st_handoff_counts counts;
	Places(context).choose_two(round / 2, &spec);
	spec.in_flight = kBenchInFlight;
	spec.sampling = sampling;
	spec.duration_ns = kBenchNs;
	if (context.ops.handoffs->run(&spec, &counts))
		return 0;
	return per_second(counts.handoffs, counts.elapsed_ns);
}

// Two ways by turns, each first every other round: rate(cache, which, round) of
// both, then say(row, rates) makes a line of them.
template <typename Rate, typename Say>
void by_turns(const Context &context, const char *name, u32 rounds, Report *report, Rate rate,
	      Say say)
{
	const Cache cache(context.ops, 0);
	if (!context.two_cpus() || !cache)
		return;
	for (u32 round = 0; round < rounds && !context.stopping(); round++) {
		u64 rates[2] = {};
		for (u32 i = 0; i < 2; i++) {
			const u32 which = (round + i) % 2;
			rates[which] = rate(cache.id(), which, round);
		}
		report->bench(name, round, [&](ReportLine &row) { say(row, rates); });
	}
}

} // namespace

void bench_engine(const Context &context, u32 rounds, Report *report)
{
	static_assert(ST_HANDOFF_ENGINE < 2 && ST_HANDOFF_BARE < 2);
	by_turns(context, "engine", rounds, report, [&](u64 cache, u32 mode, u32 round) {
		return engine_rate(context, cache, mode, context.sampling, round);
	}, [](ReportLine &row, const u64 *rates) {
		row.add(" engine_per_s=").add_dec(rates[ST_HANDOFF_ENGINE]);
		row.add(" bare_per_s=").add_dec(rates[ST_HANDOFF_BARE]);
	});
}

void bench_sampling(const Context &context, u32 rounds, Report *report)
{
	by_turns(context, "sampling", rounds, report, [&](u64 cache, u32 on, u32 round) {
		return engine_rate(context, cache, ST_HANDOFF_ENGINE, on ? context.sampling : 0,
				   round);
	}, [&](ReportLine &row, const u64 *rates) {
		row.add(" period=").add_dec(context.sampling);
		row.add(" on_per_s=").add_dec(rates[1]).add(" off_per_s=").add_dec(rates[0]);
	});
}

void bench_mp(const Context &context, u32 rounds, Report *report)
{
	const Cache cache(context.ops, 0);
	if (!context.two_cpus() || !cache)
		return;
	for (u32 round = 0; round < rounds && !context.stopping(); round++) {
		st_litmus_counts counts;
		const st_litmus_spec spec{cache.id(), kBenchNs, ST_PUBLISH_RELEASE,
					  ST_CONSUME_ACQUIRE, 0, context.env.cpu[round % 2],
					  context.env.cpu[1 - round % 2]};
		if (context.ops.handoffs->litmus(&spec, &counts))
			return;
		Histogram trials;
		trials.add(counts);
		const u64 total = trials.total(), overlaps = trials.overlapping_trials();
		const u64 share = total ? overlaps * 10000 / total : 0;
		report->bench("mp", round, [&](ReportLine &row) {
			row.add(" trials_per_s=").add_dec(per_second(total, counts.elapsed_ns));
			row.add(" overlap_share=0.").add(share < 1000 ? "0" : "")
				.add(share < 100 ? "0" : "").add(share < 10 ? "0" : "");
			row.add_dec(share).add(" overlaps=").add_dec(overlaps);
			row.add(" wrong=").add_dec(trials.wrong());
		});
	}
}

} // namespace st
