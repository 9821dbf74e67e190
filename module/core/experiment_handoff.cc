// SPDX-License-Identifier: GPL-2.0
//
// experiment_handoff - handoff-*: objects allocated on one CPU, published and
// consumed as the pair says, looked at and freed by the other side, in every
// cell of the cross that this machine has, and as trials at full speed. Pairs
// that the memory model does not forbid are controls.
#include "engine.h"

namespace st {
namespace {

constexpr u64 kBatchMostNs = 40000000, kBatchLeastNs = 4000000;
constexpr u64 kBustedNs = 20000000;
constexpr u32 kBatches = 18;	// cells that cover all pairs of axes
constexpr u64 kRcuMost = 16384;	// objects that one batch leaves to a grace period
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
	if (sample.freed)
		evidence.add(": not what it was, or its slab's, before the grace period's end");
}

// The side that wrote had it right; what matters is what the reader saw.
Sighting sighting(const st_handoff_sample &s)
{
	if (!(s.state & ST_SAW_CONTENT))
		return Sighting{s.expected, s.later == s.expected ? s.expected : s.later,
				s.seen, s.later};
	if (!(s.state & ST_SAW_METADATA)) {
		Sighting seen{s.exts_later, s.exts_later, s.exts, s.exts_later};
		seen.owner = true;
		return seen;
	}
	return Sighting{s.slab_cache_later, s.slab_cache_later, s.slab_cache,
			s.slab_cache_later};
}

// One finding with the evidence, and as many more as were counted.
template <typename Describe>
void judge_counts(Tally *tally, Invariant invariant, u64 good, u64 bad,
		  const Sighting &sighting, Describe describe)
{
	tally->held(invariant, good);
	if (!bad)
		return;
	tally->ask(invariant, Finding{false, sighting}, describe);
	tally->broke(invariant, bad - 1);
}

void judge(const Context &context, const st_handoff_counts &counts, Tally *tally)
{
	Histogram batch;
	batch.add(counts);
	tally->histogram().add(counts);
	tally->observed(batch.total());
	tally->overlapped(counts.overlaps);
	const auto describe_it = [&](Evidence &e) { describe(e, context, counts.first_wrong); };
	judge_counts(tally, Invariant::FreeSeesAlloc, batch.total() - batch.wrong(), batch.wrong(),
		     sighting(counts.first_wrong), describe_it);
	judge_counts(tally, Invariant::KeptUnderRcu, counts.after[1], counts.after[0],
		     sighting(counts.first_wrong), describe_it);
}

void judge(const st_litmus_counts &counts, Tally *tally)
{
	Histogram rows;
	rows.add(counts);
	tally->histogram().add(counts);
	tally->observed(rows.total());
	tally->overlapped(rows.overlapping_trials());
	const Sighting sighting{counts.expected, counts.expected, counts.seen, counts.later};
	judge_counts(tally, Invariant::FreeSeesAlloc, rows.total() - rows.wrong(), rows.wrong(),
		     sighting, [&](Evidence &e) {
			     e.add("pointer seen, content of round ").add_dec(counts.seen);
			     e.add(" where round ").add_dec(counts.expected);
			     e.add(" was written, later ").add_dec(counts.later);
		     });
}

const char *cell_lacks(const Context &context, const Places &places, const Cell &cell)
{
	st_handoff_spec spec = {};
	if (const char *why = context.ops.handoffs->context_lacks(cell.context))
		return why;
	if (cell.origin == ST_ORIGIN_BULK && cell.context == ST_FREE_IN_HARDIRQ)
		return "kmem_cache_free_bulk() wants interrupts enabled";
	if (!places.choose(cell.place, 0, &spec))
		return cell.place == ST_PLACE_OTHER_NODE ?
			"one node has CPUs, no other has memory that slabs may use" :
			"no two CPUs of one node";
	if (spec.nid >= 0 && cell.origin == ST_ORIGIN_BULK)
		return "kmem_cache_alloc_bulk() takes no node, and the other has no CPU";
	return nullptr;
}

bool ask_engine(const Context &context, const st_handoff_spec &spec, Tally *tally)
{
	st_handoff_counts counts;
	if (context.ops.handoffs->run(&spec, &counts)) {
		tally->broken("threads or memory for the handoff are not to be had");
		return false;
	}
	judge(context, counts, tally);
	return true;
}

// Trials at full speed; late: the writer publishes before it writes.
bool ask_rows(const Context &context, const st_handoff_spec &like, bool late, u64 duration_ns,
	      Tally *tally)
{
	st_litmus_counts counts;
	const st_litmus_spec spec{like.cache, duration_ns, like.publish, like.consume, late,
				  like.producer_cpu, like.consumer_cpu};
	if (context.ops.handoffs->litmus(&spec, &counts)) {
		tally->broken("threads or memory for the trials are not to be had");
		return false;
	}
	judge(counts, tally);
	return true;
}

u64 clamp(u64 value, u64 least, u64 most)
{
	return value < least ? least : value > most ? most : value;
}

// One cell: where, of what, and how long.
void fit_cell(const Cell &cell, const Places &places, u64 number, u64 type_safe_cache,
	      st_handoff_spec *spec)
{
	places.choose(cell.place, number, spec);
	spec->origin = cell.origin;
	spec->context = cell.context;
	spec->accounted = spec->accounted && cell.origin != ST_ORIGIN_CACHE;
	spec->in_flight = kInFlight[number % 3];
	if (cell.origin == ST_ORIGIN_TYPESAFE)
		spec->cache = type_safe_cache;
	if (cell.origin == ST_ORIGIN_KFREE_RCU)
		spec->most = kRcuMost;
}

// All cells by turns, each time with trials at full speed before them.
void ask_cells(const Context &context, const st_handoff_spec &like, u64 type_safe_cache,
	       const Places &places, Tally *tally)
{
	const u64 end = context.ops.now_ns() + context.duration_ns;
	const u64 batch = clamp(context.duration_ns / (kBatches + kBatches / 3), kBatchLeastNs,
				kBatchMostNs);
	CrossPlan plan(context.seed, tally->coverage().possible());
	for (u64 number = 0; !context.stopping(); number++) {
		if (context.time_is_up(end, tally->overlaps()))
			return;
		st_handoff_spec spec = like;
		spec.seed = context.seed + number * 1000003;
		spec.duration_ns = batch;
		if (number % 4 == 0) {
			places.choose_two(number, &spec);
			if (!ask_rows(context, spec, false, batch, tally))
				return;
			continue;
		}
		const Cell cell = plan.next();
		fit_cell(cell, places, number, type_safe_cache, &spec);
		if (!ask_engine(context, spec, tally))
			return;
		tally->coverage().tried(cell);
	}
}

void note(const Context &context, const st_handoff_spec &spec, Tally *tally)
{
	Line<ST_REASON_BYTES> text;
	text.add_dec(count(tally->coverage().tried())).add(" of ");
	text.add_dec(count(tally->coverage().possible())).add(" cells");
	if (!spec.layout)
		text.add("; ").add(context.layout.exts_missing().text());
	else if (!context.env.memcg)
		text.add("; ").add(context.env.memcg_reason);
	tally->note(text.text());
}

void run_right(const Context &context, const Pair &pair, u64 cache, Tally *tally)
{
	const Cache type_safe(context.ops, ST_CACHE_TYPESAFE);
	if (!type_safe)
		return tally->broken("a type-safe cache for the objects is not to be had");
	const Places places(context);
	for (u32 number = 0; number < kCells; number++)
		if (const char *why = cell_lacks(context, places, cell_at(number)))
			tally->coverage().lacks(cell_at(number), why);
	const st_handoff_spec spec = spec_for(context, pair, ST_HANDOFF_ENGINE, cache);
	ask_cells(context, spec, type_safe.id(), places, tally);
	note(context, spec, tally);
}

// Wrong in program order: by the engine, which holds the window open, and in
// trials, which hit it or do not.
void run_plainly_wrong(const Context &context, const Pair &pair, u64 cache, Tally *tally)
{
	const Places places(context);
	st_handoff_spec spec = spec_for(context, pair, ST_HANDOFF_BUSTED, cache);
	spec.duration_ns = kBustedNs;
	spec.sampling = 1;
	places.choose_two(0, &spec);
	if (ask_engine(context, spec, tally))
		ask_rows(context, spec, pair.consume != ST_CONSUME_EARLY, kBustedNs / 2, tally);
}

// What RCU must keep is gone while it is read: imitated on the object's own
// bytes, which are the module's until it has been looked at.
void run_freed(const Context &context, const Pair &pair, Tally *tally)
{
	const Places places(context);
	st_handoff_spec spec = spec_for(context, pair, ST_HANDOFF_ENGINE, 0);
	spec.duration_ns = kBustedNs;
	spec.sampling = 1;
	spec.origin = ST_ORIGIN_KFREE_RCU;
	spec.most = kRcuMost;
	spec.freed_early = 1;
	places.choose_two(0, &spec);
	(void)ask_engine(context, spec, tally);
}

} // namespace

void run_handoff(const Context &context, const Scenario &scenario, Tally *tally)
{
	const Pair *pair = handoff_pair(scenario.name);
	if (!pair)
		return tally->broken("handoffs.def has no such pair");
	if (!context.two_cpus())
		return tally->skip("two CPUs are needed for a handoff, and one is online");
	const Cache cache(context.ops, 0);
	if (!cache)
		return tally->broken("a cache for the objects is not to be had");
	if (scenario.argument)
		run_freed(context, *pair, tally);
	else if (scenario.busted())
		run_plainly_wrong(context, *pair, cache.id(), tally);
	else
		run_right(context, *pair, cache.id(), tally);
	if (!tally->overlaps() && !tally->has_breach())
		tally->broken("no handoff was watched as it happened: the CPUs never overlapped");
}

// A pair that the model allows to go wrong; whether it does is the CPU's, or
// the compiler's, affair, and not seeing it proves nothing.
void run_wrong_handoff(const Context &context, const Scenario &scenario, Tally *tally)
{
	const Pair *pair = handoff_pair(scenario.name);
	if (!pair)
		return tally->broken("handoffs.def has no such pair");
	if (!context.two_cpus())
		return tally->skip("two CPUs are needed for a handoff, and one is online");
	const Cache cache(context.ops, 0);
	if (!cache)
		return tally->broken("a cache for the objects is not to be had");
	const Places places(context);
	const u64 end = context.ops.now_ns() + clamp(context.duration_ns / 4, kBustedNs,
						     context.duration_ns);
	for (u64 number = 0; !context.stopping(); number++) {
		st_handoff_spec spec = spec_for(context, *pair, ST_HANDOFF_ENGINE, cache.id());
		spec.seed += number * 1000003;
		spec.duration_ns = kBustedNs / 2;
		spec.in_flight = kInFlight[number % 3];
		places.choose_two(number, &spec);
		if (context.time_is_up(end, tally->overlaps()))
			break;
		const bool asked = number % 2 ? ask_engine(context, spec, tally) :
			ask_rows(context, spec, false, kBustedNs / 2, tally);
		if (!asked)
			return;
	}
	if (tally->has_breach())
		return;
	if (!tally->overlaps())
		return tally->broken("no handoff was watched as it happened: the CPUs never "
				     "overlapped");
	Line<ST_REASON_BYTES> reason;
	reason.add(pair->model == Model::racy ? "data race in the model" : "allowed by the model");
	tally->skip(reason.add(", not shown by this CPU in ").add_dec(tally->overlaps())
			    .add(" overlaps").text());
}

} // namespace st
