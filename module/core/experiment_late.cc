// SPDX-License-Identifier: GPL-2.0
//
// experiment_late - exts-late: batches of rounds in which a vector appears on
// a live slab while another CPU watches it and frees from the slab.
#include "experiment.h"

namespace st {
namespace {

constexpr u32 kRounds = 32;		// a call, so that slabs are given back
constexpr u32 kSizes[] = {64, 256, 512, 1024};
constexpr u32 kStale = 8;		// batches in vain before it is no accident

void describe_step(Evidence &evidence, u32 bytes, const st_late_counts &counts)
{
	evidence.add("size ").add_dec(bytes).add(": vector seen with step ");
	evidence.add_dec(counts.step_seen).add(", right is ").add_dec(counts.step_expected);
	evidence.add(", on the writing CPU ").add_dec(counts.step_on_writer);
	evidence.add(", later ").add_dec(counts.step_later);
}

void judge(const st_late_counts &counts, u32 bytes, Tally *tally)
{
	tally->observed(counts.rounds);
	tally->overlapped(counts.overlaps);
	const u64 step_right = counts.rounds - counts.step_wrong;
	tally->held(Invariant::ExtsStepMatchesLayout, step_right);
	if (counts.step_wrong) {
		const Finding finding{false, Sighting{counts.step_expected, counts.step_on_writer,
						      counts.step_seen, counts.step_later}};
		tally->ask(Invariant::ExtsStepMatchesLayout, finding,
			   [&](Evidence &e) { describe_step(e, bytes, counts); });
		tally->broke(Invariant::ExtsStepMatchesLayout, counts.step_wrong - 1);
	}
	tally->held(Invariant::ExtsOwnSlot, counts.rounds - counts.slot_dirty);
	if (!counts.slot_dirty)
		return;
	const u64 owner = counts.slot_seen;
	tally->ask(Invariant::ExtsOwnSlot, Finding{false, Sighting{0, owner, owner, owner}},
		   [&](Evidence &e) {
			   e.add("size ").add_dec(bytes)
				   .add(": a new vector names an owner for an object that "
					"nobody was charged for");
		   });
	tally->broke(Invariant::ExtsOwnSlot, counts.slot_dirty - 1);
}

bool can_ask(const Context &context, bool busted, Tally *tally)
{
	if (!context.two_cpus())
		tally->skip("two CPUs are needed to race, and one is online");
	else if (busted)
		return true;
	else if (!context.layout.exts_missing().empty())
		tally->skip(context.layout.exts_missing().text());
	else if (!context.env.memcg)
		tally->skip(context.env.memcg_reason);
	else
		return true;
	return false;
}

struct Batches {
	u32 stale = 0;		// that found no slab without a vector
	u64 freed = 0;		// objects freed by the watching CPU
};

// One cache, one batch. Constructors keep it from being merged.
bool batch(const Context &context, u32 bytes, u64 number, Tally *tally, Batches *done)
{
	const u32 cpus = context.env.cpus;
	const u32 x = u32(number % cpus), y = (x + 1 + u32(number / cpus) % (cpus - 1)) % cpus;
	const st_cache_spec spec{bytes, 0, ST_CACHE_CTOR};
	st_late_spec late = {};
	st_late_counts counts;
	if (context.ops.cache_create(&spec, &late.cache))
		return false;
	late.layout = &context.layout.facts();
	late.seed = context.seed + number * 1000003;
	late.object_bytes = bytes;
	late.rounds = kRounds;
	late.writer_cpu = context.env.cpu[x];
	late.reader_cpu = context.env.cpu[y];
	const int err = context.ops.late(&late, &counts);
	context.ops.cache_destroy(late.cache);
	if (err)
		return false;
	done->stale += counts.no_fresh_slab != 0;
	done->freed += counts.freed_remotely;
	judge(counts, bytes, tally);
	return true;
}

void busted(const Context &context, Tally *tally)
{
	st_late_spec late = {};
	st_late_counts counts;
	late.seed = context.seed;
	late.rounds = kRounds;
	late.busted = 1;
	late.writer_cpu = context.env.cpu[0];
	late.reader_cpu = context.env.cpu[1];
	if (context.ops.late(&late, &counts))
		return tally->broken("threads or memory for the race are not to be had");
	judge(counts, 0, tally);
}

} // namespace

void run_late(const Context &context, const Scenario &scenario, Tally *tally)
{
	if (!can_ask(context, scenario.busted(), tally))
		return;
	if (scenario.busted())
		return busted(context, tally);
	const u64 end = context.ops.now_ns() + context.duration_ns;
	u64 number = 0;
	Batches done;
	while (!context.time_is_up(end, tally->overlaps()) && !context.stopping()) {
		const u32 bytes = kSizes[number % (sizeof(kSizes) / sizeof(kSizes[0]))];
		if (!batch(context, bytes, number++, tally, &done))
			return tally->broken("caches or threads for the race are not to be had");
		if (!tally->observations() && done.stale == kStale)
			return tally->skip("every slab has a vector from its first object on "
					   "(allocation profiling?), so none appears late");
	}
	Line<ST_REASON_BYTES> note;
	tally->note(note.add_dec(done.freed).add(" objects freed meanwhile").text());
	if (!tally->overlaps())
		tally->broken("no vector was watched while it appeared: the CPUs never overlapped");
}

} // namespace st
