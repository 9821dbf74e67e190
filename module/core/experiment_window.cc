// SPDX-License-Identifier: GPL-2.0
//
// experiment_window - node-window-*: one kind of reader is held between looking
// a node's structure up and using it, while the node's memory goes, in turns
// the last of its normal zone and all of it. What was looked up must still be
// the cache's when the reader goes on. Where SLUB frees it, a kernel with KASAN
// reports the use, which ends the run; elsewhere the comparison tells.
#include "node_steps.h"

namespace st {
namespace {

constexpr u32 kOneIn = 8;		// of the hits before the last moment
constexpr int kNotHere = -95;		// -EOPNOTSUPP

bool can_ask(const Context &context, const st_hotplug_target &target, bool busted, Tally *tally)
{
	if (!has_target(target, tally))
		return false;
	if (context.two_cpus())
		return knows_nodes(context, busted, tally);
	tally->skip("two CPUs are needed: one reads while the other takes memory away");
	return false;
}

void describe(Evidence &evidence, const Context &context, const st_window_counts &counts, s32 nid)
{
	char before[24], after[24];
	context.ops.pointer_text(counts.looked_up, before, sizeof(before));
	context.ops.pointer_text(counts.now, after, sizeof(after));
	evidence.add("a reader held in ").add(counts.where).add(" had looked up ").add(before);
	evidence.add(" for node ").add_dec(u64(nid)).add("; when it went on, the cache had ");
	evidence.add(after).add(": what it uses next has been freed");
}

// What is new since the last look.
void judge(const Context &context, s32 nid, const st_window_counts &before,
	   const st_window_counts &now, Tally *tally)
{
	const u64 across = now.across - before.across, stale = now.stale - before.stale;
	tally->observed(across);
	tally->overlapped(across);
	tally->held(Invariant::NodeKeptInUse, across - stale);
	if (!stale)
		return;
	tally->ask(Invariant::NodeKeptInUse, node_kept_in_use(now.looked_up, now.now),
		   [&](Evidence &e) { describe(e, context, now, nid); });
	tally->broke(Invariant::NodeKeptInUse, stale - 1);
}

void remark(const Context &context, const st_window_counts &counts, Tally *tally)
{
	Remark line("readers: ");
	line.add_dec(counts.reads).add(" reads, ").add_dec(counts.hits).add(" hits between look-up and use, ");
	tally->remarks().add(line.add_dec(counts.held).add(" held").text());
	Remark gone("departures: ");
	gone.add_dec(counts.departures).add(" blocks went, ").add_dec(counts.met);
	gone.add(" waited for a held reader and found one, ").add_dec(counts.across);
	tally->remarks().add(gone.add(" readers held across").text());
	Buffer<st_widen_row> rows(context.ops, ST_WIDEN_ROWS);
	const u32 count = rows ? context.ops.window->rows(rows.data(), ST_WIDEN_ROWS) : 0;
	for (u32 i = 0; i < count && i < ST_WIDEN_ROWS; i++) {
		Remark row("widened: ");
		row.add(rows[i].name).add(", ").add_dec(rows[i].places).add(" places, ");
		row.add_dec(rows[i].hits).add(" hits, held ").add_dec(rows[i].held).add(" times");
		if (rows[i].held)
			row.add(" for ").add_dec(rows[i].least_us / 1000).add(" to ")
				.add_dec(rows[i].most_us / 1000).add(" ms");
		tally->remarks().add(row.text());
	}
	Remark seed("widened: holds and places are drawn from seed ");
	tally->remarks().add(seed.add_dec(context.seed).text());
}

// A reader that is never held across is kept out, or was never there.
void judge_silence(const st_window_counts &counts, Tally *tally)
{
	if (counts.across || tally->has_breach())
		return;
	Line<ST_REASON_BYTES> why;
	if (counts.held)
		why.add("held ").add_dec(counts.held).add(" times, never until memory had gone: a "
			"lock keeps this reader and departing memory apart");
	else
		why.add("the reader was never seen between look-up and use while memory went, in ")
			.add_dec(counts.departures).add(" departures");
	tally->skip(why.text());
}

// Enough departures to believe that a reader is kept out.
constexpr u64 kInVain = 12;

// Until the time is up, or a reader was caught and is about to use what has been
// freed. Where the kernel itself tells of that, it is let go on.
bool goes_on(const Context &context, u32 done, u64 end, const st_window_counts &counts,
	     const Tally &tally)
{
	if (context.stopping() || (tally.has_breach() && !counts.told_by_kernel))
		return false;
	return done < 2 || context.ops.now_ns() < end || (!counts.across && counts.departures < kInVain);
}

void cycles(const Context &context, const st_hotplug_target &target, Tally *tally)
{
	const st_ops &ops = context.ops;
	const u64 end = ops.now_ns() + context.duration_ns;
	st_window_counts before = {}, now = {};
	for (u32 i = 0; goes_on(context, i, end, now, *tally); i++) {
		const int err = i % 2 ? through_movable_zone(ops, target.blocks)
				      : through_normal_zone(ops, target.blocks - 1);
		ops.window->counts(&now);
		judge(context, target.nid, before, now, tally);
		before = now;
		if (err && !context.stopping()) {
			Line<ST_REASON_BYTES> why("blocks of the node could not be set (errno ");
			tally->skip(why.add_dec(u64(-err)).add(")").text());
			break;
		}
		ops.window->move();
	}
	ops.window->end();
	remark(context, now, tally);
	judge_silence(now, tally);
	Line<ST_REASON_BYTES> note;
	note.add_dec(now.departures).add(" blocks went, readers held across ");
	tally->note(note.add_dec(now.across).add(" times").text());
}

} // namespace

void run_window(const Context &context, const Scenario &scenario, Tally *tally)
{
	st_hotplug_target target;
	context.ops.hotplug_target(&target);
	if (!can_ask(context, target, scenario.busted(), tally))
		return;
	const u32 reader = scenario.argument;
	// only a cache with debugging is validated by later kernels
	const st_cache_spec cache{64, 0, reader == ST_WINDOW_VALIDATE
					 ? u32(ST_CACHE_CTOR) | ST_CACHE_STORE_USER : u32(ST_CACHE_CTOR)};
	st_window_spec spec = {};
	if (context.ops.cache_create(&cache, &spec.cache))
		return tally->broken("a cache is not to be had");
	spec.layout = &context.layout.facts();
	spec.seed = context.seed;
	spec.nid = target.nid;
	spec.reader = reader;
	spec.runner_cpu = context.env.cpu[0];
	spec.reader_cpu = context.env.cpu[1];
	spec.one_in = kOneIn;
	char reason[ST_REASON_BYTES] = "";
	const int err = context.ops.window->begin(&spec, reason);
	if (err == kNotHere)
		tally->skip(reason);
	else if (err)
		tally->broken(reason);
	else
		cycles(context, target, tally);
	context.ops.cache_destroy(spec.cache);
	if (context.ops.blocks_restore())
		tally->broken("a memory block could not be put back as it was found");
}

} // namespace st
