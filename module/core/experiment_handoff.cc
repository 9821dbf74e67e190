// SPDX-License-Identifier: GPL-2.0
//
// experiment_handoff - handoff-*: objects allocated on one CPU, published with
// one primitive, consumed with its partner, looked at and freed on another
// CPU, for as long as asked; and the benchmark of that engine.
#include "benchmark.h"

namespace st {
namespace {

constexpr u64 kBatchNs = 40000000;
constexpr u64 kBustedNs = 20000000;
constexpr u64 kBenchNs = 300000000;
constexpr u32 kBenchInFlight = 64;	// mailboxes that stay in a CPU's nearest cache
constexpr u32 kObjectBytes = 128;
// Few objects in flight keep both CPUs at the same object, many keep them busy
// when only one of two virtual CPUs has a real one.
constexpr u32 kInFlight[] = {16, 64, ST_IN_FLIGHT_MOST};

void describe(Evidence &evidence, const Context &context, const st_handoff_sample &sample)
{
	char object[24];
	context.ops.pointer_text(sample.object, object, sizeof(object));
	evidence.add("object ").add(object);
	if (!(sample.state & ST_SAW_CONTENT))
		evidence.add(": content ").add_hex(sample.seen).add(", stamped ")
			.add_hex(sample.expected).add(", later ").add_hex(sample.later);
	if (!(sample.state & ST_SAW_METADATA))
		evidence.add(": extension ").add(sample.exts ? "names nobody" : "missing")
			.add(sample.exts_later ? ", vector there later" : ", no vector later");
	if (!(sample.state & ST_SAW_SLAB))
		evidence.add(": slab names another cache").add(
			sample.slab_cache == sample.slab_cache_later ? ", also later"
								     : ", right later");
}

// The side that wrote had it right; what matters is what the reader saw.
Sighting sighting(const st_handoff_sample &s)
{
	if (!(s.state & ST_SAW_CONTENT))
		return Sighting{s.expected, s.later == s.expected ? s.expected : s.later,
				s.seen, s.later};
	if (!(s.state & ST_SAW_METADATA))
		return Sighting{s.exts_later, s.exts_later, s.exts, s.exts_later};
	return Sighting{s.slab_cache_later, s.slab_cache_later, s.slab_cache,
			s.slab_cache_later};
}

void judge(const Context &context, const st_handoff_counts &counts, Tally *tally)
{
	Histogram batch;
	batch.add(counts);
	tally->histogram().add(counts);
	tally->observed(batch.total());
	tally->overlapped(counts.overlaps);
	tally->held(Invariant::FreeSeesAlloc, batch.total() - batch.wrong());
	if (!batch.wrong())
		return;
	tally->ask(Invariant::FreeSeesAlloc, Finding{false, sighting(counts.first_wrong)},
		   [&](Evidence &e) { describe(e, context, counts.first_wrong); });
	tally->broke(Invariant::FreeSeesAlloc, batch.wrong() - 1);
}

// A cache of its own while a scenario lasts.
class Cache {
public:
	Cache(const st_ops &ops, const st_cache_spec &spec)
		: ops_(ops), made_(ops.cache_create(&spec, &id_) == 0)
	{
	}
	~Cache()
	{
		if (made_)
			ops_.cache_destroy(id_);
	}
	Cache(const Cache &) = delete;
	Cache &operator=(const Cache &) = delete;
	explicit operator bool() const { return made_; }
	u64 id() const { return id_; }

private:
	const st_ops &ops_;
	u64 id_ = 0;
	bool made_;
};

st_handoff_spec spec_for(const Context &context, u32 ordering, u32 mode, u64 cache)
{
	st_handoff_spec spec = {};
	const bool layout_known = context.layout.exts_missing().empty();
	spec.layout = layout_known ? &context.layout.facts() : nullptr;
	spec.accounted = layout_known && context.env.memcg != 0;
	spec.cache = cache;
	spec.seed = context.seed;
	spec.ordering = ordering;
	spec.mode = mode;
	spec.object_bytes = kObjectBytes;
	spec.in_flight = ST_IN_FLIGHT_MOST;
	return spec;
}

// Pairs of different CPUs, another one each time.
void choose_cpus(const Context &context, u64 number, st_handoff_spec *spec)
{
	const u32 cpus = context.env.cpus;
	const u32 x = u32(number % cpus), y = (x + 1 + u32(number / cpus) % (cpus - 1)) % cpus;
	spec->producer_cpu = context.env.cpu[x];
	spec->consumer_cpu = context.env.cpu[y];
}

u64 per_second(const st_handoff_counts &counts)
{
	return counts.elapsed_ns ? counts.handoffs * 1000000000ull / counts.elapsed_ns : 0;
}

} // namespace

void run_handoff(const Context &context, const Scenario &scenario, Tally *tally)
{
	if (!context.two_cpus())
		return tally->skip("two CPUs are needed for a handoff, and one is online");
	const bool busted = scenario.busted();
	const Cache cache(context.ops, st_cache_spec{kObjectBytes, 0, ST_CACHE_CTOR});
	if (!cache)
		return tally->broken("a cache for the objects is not to be had");
	st_handoff_spec spec = spec_for(context, scenario.argument,
					busted ? ST_HANDOFF_BUSTED : ST_HANDOFF_ENGINE,
					cache.id());
	const u64 end = context.ops.now_ns() + (busted ? kBustedNs : context.duration_ns);
	for (u64 number = 0; !context.stopping(); number++) {
		if (context.time_is_up(end, tally->overlaps()))
			break;
		st_handoff_counts counts;
		const u64 now = context.ops.now_ns();
		choose_cpus(context, number, &spec);
		spec.seed = context.seed + number * 1000003;
		spec.in_flight = kInFlight[number % 3];
		spec.duration_ns = now < end && end - now < kBatchNs ? end - now : kBatchNs;
		if (context.ops.handoff(&spec, &counts))
			return tally->broken("threads or memory for the handoff are not to be had");
		judge(context, counts, tally);
	}
	if (!spec.layout)
		tally->note(context.layout.exts_missing().text());
	else if (!spec.accounted)
		tally->note(context.env.memcg_reason);
	if (!tally->overlaps())
		tally->broken("no handoff was watched as it happened: the CPUs never overlapped");
}

void bench_engine(const Context &context, u32 rounds, Report *report)
{
	const Cache cache(context.ops, st_cache_spec{kObjectBytes, 0, ST_CACHE_CTOR});
	if (!context.two_cpus() || !cache)
		return;
	for (u32 round = 0; round < rounds && !context.stopping(); round++) {
		u64 rate[2] = {};
		for (u32 i = 0; i < 2; i++) {
			// each goes first every other round
			const u32 mode = (round + i) % 2 ? ST_HANDOFF_BARE : ST_HANDOFF_ENGINE;
			st_handoff_spec spec = spec_for(context, ST_RELEASE_ACQUIRE, mode,
							cache.id());
			st_handoff_counts counts;
			choose_cpus(context, round / 2, &spec);
			spec.in_flight = kBenchInFlight;
			spec.duration_ns = kBenchNs;
			if (context.ops.handoff(&spec, &counts))
				return;
			rate[mode] = per_second(counts);
		}
		const u64 engine = rate[ST_HANDOFF_ENGINE], bare = rate[ST_HANDOFF_BARE];
		report->bench("engine", round, [&](ReportLine &row) {
			row.add(" engine_per_s=").add_dec(engine);
			row.add(" bare_per_s=").add_dec(bare);
		});
	}
}

} // namespace st
