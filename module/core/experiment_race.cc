// SPDX-License-Identifier: GPL-2.0
//
// experiment_race - exts-late and exts-late-stride-first: batches of rounds in
// which a vector appears on a live slab while one CPU watches it and another,
// or the same, frees from the slab. Each batch in turn has and lacks the read
// barrier between vector and step.
#include "widening.h"

namespace st {
namespace {

constexpr u32 kRounds = 32;		// a call, so that slabs are given back
constexpr u32 kSizes[] = {64, 256, 512, 1024};
constexpr u32 kUnfilled = ST_READ_ORDERS;	// a control's argument
constexpr u32 kStale = 8;		// batches in vain before it is no accident

// What the rounds of a scenario came to.
struct Outcomes {
	u64 of[2][ST_LATE_OUTCOMES] = {};	// without and with the barrier
	u64 looks = 0, right = 0;		// while there was no vector
	u64 freed = 0, freed_across = 0, freed_at_once = 0;
	u32 stale = 0;				// batches that found no slab without one

	void add(u32 barrier, const st_late_counts &counts)
	{
		for (u32 i = 0; i < ST_LATE_OUTCOMES; i++) {
			of[barrier][i] += counts.outcomes[i];
			freed_across += i % 4 == ST_FREED_ACROSS ? counts.outcomes[i] : 0;
			freed_at_once += i % 4 == ST_FREED_AT_ONCE ? counts.outcomes[i] : 0;
		}
		looks += counts.looks_before;
		right += counts.steps_before;
		freed += counts.freed_remotely;
		stale += counts.no_fresh_slab != 0;
	}
};

void describe_step(Evidence &evidence, u32 bytes, const st_late_counts &counts)
{
	evidence.add("size ").add_dec(bytes).add(": vector seen with step ");
	evidence.add_dec(counts.step_seen).add(", right is ").add_dec(counts.step_expected);
	evidence.add(", on the writing CPU ").add_dec(counts.step_on_writer);
	evidence.add(", later ").add_dec(counts.step_later);
}

void judge_step(const st_late_counts &counts, u32 bytes, Tally *tally)
{
	const u64 step_right = counts.rounds - counts.step_wrong;
	tally->held(Invariant::ExtsStepMatchesLayout, step_right);
	if (!counts.step_wrong)
		return;
	const Finding finding{false, Sighting{counts.step_expected, counts.step_on_writer,
					      counts.step_seen, counts.step_later}};
	tally->ask(Invariant::ExtsStepMatchesLayout, finding,
		   [&](Evidence &e) { describe_step(e, bytes, counts); });
	tally->broke(Invariant::ExtsStepMatchesLayout, counts.step_wrong - 1);
}

void describe_emptied(Evidence &evidence, u32 bytes, const st_late_counts &counts)
{
	evidence.add("size ").add_dec(bytes).add(": object ").add_dec(counts.emptied_index);
	evidence.add(" lost its owner while object ").add_dec(counts.freed_index);
	evidence.add(" was freed; by the step that is object ");
	evidence.add_dec(counts.emptied_on_writer).add(" on the writing CPU, ");
	evidence.add_dec(counts.emptied_later).add(" later; ");
	evidence.add_dec(counts.emptied).add(" such, ").add_dec(counts.emptied_alone);
	evidence.add(" while nothing was published");
}

// A free goes to the slot of its own object, by vector and step. If another
// slot is found emptied, and both CPUs' steps lead to the right one, then what
// the free went by was stale; unless it also happens when nothing is published.
void judge_emptied(const st_late_counts &counts, u32 bytes, Tally *tally)
{
	if (!counts.emptied)
		return;
	const u64 later = counts.emptied_alone ? counts.emptied_index : counts.emptied_later;
	const Finding finding{false, Sighting{counts.freed_index, counts.emptied_on_writer,
					      counts.emptied_index, later}};
	tally->ask(Invariant::ExtsOwnSlot, finding,
		   [&](Evidence &e) { describe_emptied(e, bytes, counts); });
	tally->broke(Invariant::ExtsOwnSlot, counts.emptied - 1);
}

void judge_dirty(const st_late_counts &counts, u32 bytes, Tally *tally)
{
	if (!counts.slot_dirty)
		return;
	const Finding finding{false, Sighting{0, counts.slot_on_writer, counts.slot_seen,
					      counts.slot_later}};
	tally->ask(Invariant::ExtsOwnSlot, finding, [&](Evidence &e) {
		e.add("size ").add_dec(bytes).add(": a new vector names an owner for object ");
		e.add_dec(counts.slot_index).add(", which nobody was charged for, and ");
		e.add(counts.slot_later ? "names one later" : "names none a little later");
	});
	tally->broke(Invariant::ExtsOwnSlot, counts.slot_dirty - 1);
}

void judge(const st_late_counts &counts, u32 bytes, Tally *tally)
{
	tally->observed(counts.rounds);
	tally->overlapped(counts.overlaps);
	judge_step(counts, bytes, tally);
	const u64 broken = counts.slot_dirty + counts.emptied;
	tally->held(Invariant::ExtsOwnSlot, counts.rounds > broken ? counts.rounds - broken : 0);
	judge_emptied(counts, bytes, tally);
	judge_dirty(counts, bytes, tally);
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

// All different where there are three CPUs, other ones each time.
void choose_cpus(const Context &context, u64 number, st_late_spec *late)
{
	const u32 cpus = context.env.cpus;
	const u32 x = u32(number % cpus), y = (x + 1 + u32(number / cpus) % (cpus - 1)) % cpus;
	u32 z = y;
	if (cpus > 2)
		for (z = (y + 1) % cpus; z == x || z == y;)
			z = (z + 1) % cpus;
	late->writer_cpu = context.env.cpu[x];
	late->reader_cpu = context.env.cpu[y];
	late->freer_cpu = context.env.cpu[z];
}

// One cache, one batch. Constructors keep it from being merged.
bool batch(const Context &context, u32 order, u64 number, Tally *tally, Outcomes *outcomes)
{
	const u32 bytes = kSizes[number / 2 % (sizeof(kSizes) / sizeof(kSizes[0]))];
	const st_cache_spec spec{bytes, 0, ST_CACHE_CTOR};
	st_late_spec late = {};
	st_late_counts counts;
	if (context.ops.cache_create(&spec, &late.cache))
		return false;
	late.layout = &context.layout.facts();
	late.seed = context.seed + number * 1000003;
	late.object_bytes = bytes;
	late.rounds = kRounds;
	late.read_order = order;
	late.barrier = number % 2;
	choose_cpus(context, number / 2, &late);
	const int err = context.ops.late(&late, &counts);
	context.ops.cache_destroy(late.cache);
	if (err)
		return false;
	outcomes->add(late.barrier, counts);
	judge(counts, bytes, tally);
	return true;
}

// bug: enum st_late_bug.
void busted(const Context &context, u32 order, u32 bug, Tally *tally)
{
	st_late_spec late = {};
	st_late_counts counts;
	late.seed = context.seed;
	late.rounds = kRounds;
	late.busted = bug;
	late.read_order = order;
	late.writer_cpu = context.env.cpu[0];
	late.reader_cpu = late.freer_cpu = context.env.cpu[1];
	if (context.ops.late(&late, &counts))
		return tally->broken("threads or memory for the race are not to be had");
	judge(counts, 0, tally);
}

// "12 :> vector=0->1; step=right; free=across;", as litmus tools print states.
void histogram(const u64 (&outcomes)[ST_LATE_OUTCOMES], Text order, Text barrier, Tally *tally)
{
	static constexpr const char *kFreed[] = {"before", "across", "at-once", "later"};
	u64 total = 0, wrong = 0, states = 0;
	for (u32 i = 0; i < ST_LATE_OUTCOMES; i++) {
		total += outcomes[i];
		states += outcomes[i] != 0;
		wrong += i & 4 ? 0 : outcomes[i];
	}
	if (!total)
		return;
	Remark head("Histogram of ");
	head.add(order).add(", ").add(barrier).add(" (").add_dec(states).add(" states)");
	tally->remarks().add(head.text());
	for (u32 i = ST_LATE_OUTCOMES; i-- > 0;) {
		if (!outcomes[i])
			continue;
		Remark row;
		row.add_dec(outcomes[i]).add(" :> vector=").add(i & 8 ? "0->1" : "1");
		row.add("; step=").add(i & 4 ? "right" : "wrong");
		row.add("; free=").add(kFreed[i % 4]).add(";");
		tally->remarks().add(row.text());
	}
	Remark tail("Observation exists (vector=1 /\\ step=wrong) ");
	tail.add(!wrong ? "Never " : wrong == total ? "Always " : "Sometimes ");
	tally->remarks().add(tail.add_dec(wrong).add(" ").add_dec(total - wrong).text());
}

void describe(const Outcomes &outcomes, u32 order, const Widening &widening, Tally *tally)
{
	const Text name = order == ST_EXTS_FIRST ? "vector, then step" : "step, then vector";
	histogram(outcomes.of[0], name, "no barrier", tally);
	histogram(outcomes.of[1], name, "smp_rmb", tally);
	Remark before("before the vector: ");
	before.add_dec(outcomes.looks).add(" looks, ").add_dec(outcomes.right);
	tally->remarks().add(before.add(" with the right step").text());
	const u64 held = widening.describe(tally);
	Line<ST_REASON_BYTES> note;
	note.add_dec(outcomes.freed).add(" objects freed meanwhile, ");
	note.add_dec(outcomes.freed_across).add(" across and ");
	note.add_dec(outcomes.freed_at_once).add(" right after the publication; CPUs held up ");
	tally->note(note.add_dec(held).add(" times").text());
}

// A race that was won goes on for so long, to see what else breaks: the rest of
// its time, which it was given in order to be won, would tell nothing new.
constexpr u64 kAfterBreachNs = 3000000000ull;

u64 end_after_breach(const Context &context, u64 end)
{
	const u64 soon = context.ops.now_ns() + kAfterBreachNs;
	return soon < end ? soon : end;
}

} // namespace

void run_late(const Context &context, const Scenario &scenario, Tally *tally)
{
	const bool unfilled = scenario.argument == kUnfilled;
	const u32 order = unfilled ? u32(ST_EXTS_FIRST) : scenario.argument;
	if (!can_ask(context, scenario.busted(), tally))
		return;
	if (scenario.busted())
		return busted(context, order, unfilled ? ST_LATE_UNFILLED : ST_LATE_STEP, tally);
	Widening widening(context);
	u64 end = context.ops.now_ns() + context.duration_ns;
	u64 number = 0;
	Outcomes outcomes;
	while (!context.time_is_up(end, tally->overlaps()) && !context.stopping()) {
		const bool had_breach = tally->has_breach();
		if (!batch(context, order, number++, tally, &outcomes))
			return tally->broken("caches or threads for the race are not to be had");
		if (tally->has_breach() && !had_breach)
			end = end_after_breach(context, end);
		if (!tally->observations() && outcomes.stale == kStale)
			return tally->skip("every slab has a vector from its first object on "
					   "(allocation profiling?), so none appears late");
		widening.batch_done();
	}
	describe(outcomes, order, widening, tally);
	if (!tally->overlaps())
		tally->broken("no vector was watched while it appeared: the CPUs never overlapped");
}

} // namespace st
