// SPDX-License-Identifier: GPL-2.0
//
// experiment_sweep - exts-sweep and exts-debug: the lives of as many caches of
// sweep's product as there is time for, the most telling ones always.
// exts-kmalloc: the same for kmalloc()'s own caches.
#include "life.h"
#include "sweep.h"

namespace st {
namespace {

constexpr u64 kAfterBreachNs = 200000000;	// for more evidence, then the verdict
constexpr u32 kDebug = 1;			// the scenario's argument

// Where extensions were seen, and whose.
struct Places {
	u64 objects[kPlaced][2] = {};	// by the allocation's flag, by the cache's
	u32 caches[kPlaced] = {};
	u64 reused = 0;

	void add(const LifeSeen &seen, bool by_flag)
	{
		for (size_t i = 0; i < kPlaced; i++) {
			objects[i][by_flag] += seen.placed[i];
			caches[i] += seen.placed[i] != 0;
		}
		reused += seen.reused;
	}
	bool missing(Placed placed) const { return !caches[size_t(placed)]; }
};

void say_places(const Places &places, Tally *tally)
{
	Line<160> line;
	for (size_t i = 0; i < kPlaced; i++) {
		line.clear();
		line.add(name(static_cast<Placed>(i))).add(": ").add_dec(places.caches[i]);
		line.add(" caches, ").add_dec(places.objects[i][1]).add(" objects by the cache's flag, ");
		line.add_dec(places.objects[i][0]).add(" by __GFP_ACCOUNT");
		tally->remarks().add(line.text());
	}
	line.clear();
	line.add_dec(places.reused).add(" first looks at new slabs in the memory of former ones");
	tally->remarks().add(line.text());
}

// Placements that this kernel cannot have, or that came out otherwise.
void say_impossible(const Context &context, const Places &places, u32 by_gfp, Tally *tally)
{
	Line<200> line;
	if (!context.layout.has_leftover())
		tally->remarks().add("cannot be here: leftover and in-object, kernels before 7.0 keep "
			      "every extension in an external vector");
	else if (!context.env.profiling && by_gfp)
		tally->remarks().add(line.add("cannot be: leftover, in-object or early by __GFP_ACCOUNT "
				       "alone (vector comes after the slab): ")
				      .add_dec(by_gfp).add(" caches").text());
	if (context.env.profiling && places.missing(Placed::ExternalLate))
		tally->remarks().add("cannot be here: external-late, allocation profiling gives every "
			      "slab its vector at once");
}

// Caches or classes that are visited one after the other.
struct Visits {
	const Context &context;
	Workspace work;
	Places places = {};
	u32 seen = 0;

	explicit Visits(const Context &of) : context(of), work(of.ops) {}
	// A whole life; whether it could be looked at.
	bool live_one(const Source &source, const Subject &subject, const LifeSpec &spec,
		      bool by_flag, Tally *tally)
	{
		LifeSeen found;
		const bool was = live(source, subject, spec, &work, &found, tally);
		seen += was;
		places.add(found, by_flag);
		tally->observed(found.objects ? found.observed : 0);
		return was;
	}
};

struct Sweep : Visits {
	bool debug;
	u32 not_had = 0, by_gfp = 0;
	u64 largest_step = 0;
	u32 visited[8] = {};	// by kind of debugging

	Sweep(const Context &of, bool with_debug) : Visits(of), debug(with_debug) {}
	void visit(const CacheCell &cell, const CacheStep &step, Tally *tally);
};

void Sweep::visit(const CacheCell &cell, const CacheStep &step, Tally *tally)
{
	u64 cache;
	const st_environment &env = context.env;
	if (context.ops.cache_create(&step.spec, &cache)) {
		not_had++;
		return;
	}
	const Subject subject{context, context.layout.facts(), cache, env.memcg,
			      step.spec.object_bytes, step.spec.align_bytes,
			      debug ? debug_name(debug, cell.debug) : Text(), true};
	const u32 payer = cell.by_flag ? ST_PAY_CACHE : ST_PAY_GROUP;
	const LifeSpec spec{env.cpu[step.writer], env.cpu[step.reader], step.objects, payer, true,
			    !cell.by_flag && !env.profiling, seen};
	if (live_one(Source(context, cache, step.spec.object_bytes, 0), subject, spec,
		     cell.by_flag, tally)) {
		by_gfp += !cell.by_flag;
		visited[cell.debug]++;
	} else {
		not_had++;
	}
	context.ops.cache_destroy(cache);
}

// A breach is a verdict, and what could still come would not change it; without
// one, all telling cells are visited, however little time there is.
bool enough(const Context &context, const Tally &tally, const SweepPlan &plan, u64 end_ns,
	    u64 *breach_ns)
{
	const u64 now = context.ops.now_ns();
	if (tally.has_breach() && !*breach_ns)
		*breach_ns = now;
	if (*breach_ns)
		return now - *breach_ns >= kAfterBreachNs;
	return now >= end_ns && plan.visited() >= plan.telling();
}

void report_sweep(const Sweep &sweep, const SweepPlan &plan, Tally *tally)
{
	Line<ST_REASON_BYTES> note;
	note.add_dec(sweep.seen).add(" of ").add_dec(plan.cells()).add(" caches");
	if (sweep.not_had)
		note.add(", ").add_dec(sweep.not_had).add(" not to be had");
	note.add(": ");
	for (size_t i = 0; i < kPlaced; i++)
		note.add(i ? ", " : "").add_dec(sweep.places.caches[i]).add(" ")
			.add(name(static_cast<Placed>(i)));
	tally->note(note.text());
	say_places(sweep.places, tally);
	say_impossible(sweep.context, sweep.places, sweep.by_gfp, tally);
	Line<200> line;
	for (u32 kind = 0; sweep.debug && kind < debug_kinds(true); kind++)
		line.add(kind ? ", " : "").add_dec(sweep.visited[kind]).add(" ")
			.add(debug_name(true, kind));
	if (sweep.debug)
		tally->remarks().add(line.text());
	if (plan.visited() < plan.cells()) {
		line.clear();
		line.add_dec(plan.cells() - plan.visited()).add(" caches were not reached in this time");
		tally->remarks().add(line.text());
	}
	if (sweep.debug)
		tally->remarks().add("slub_debug_enabled is on from now until this kernel is booted again "
			      "(5.13 and later)");
}

} // namespace

void run_sweep(const Context &context, const Scenario &scenario, Tally *tally)
{
	const bool debug = scenario.argument == kDebug;
	if (!can_ask_exts(context, tally))
		return;
	if (debug && !context.env.slub_debug)
		return tally->skip("this kernel has no CONFIG_SLUB_DEBUG: red zones, poison and "
				   "owners' records do not exist");
	const SweepLimits limits{context.env.max_object_bytes, context.env.cpus,
				 context.env.slub_debug != 0};
	SweepPlan plan(limits, debug, context.seed);
	Sweep sweep(context, debug);
	if (!sweep.work)
		return tally->broken("there is no memory for the views of objects");
	const u64 end = context.ops.now_ns() + context.duration_ns;
	u64 breach_ns = 0;
	CacheCell cell;
	for (CacheStep step; !context.stopping() && plan.next(&cell, &step);) {
		sweep.visit(cell, step, tally);
		if (enough(context, *tally, plan, end, &breach_ns))
			break;
	}
	if (!tally->observations())
		return tally->broken("no cache could be made, filled and looked at");
	report_sweep(sweep, plan, tally);
}

namespace {

// Sizes that kmalloc() has caches for: powers of two and, between them, 96 and
// 192; a request of one byte more comes from the next one.
constexpr u32 kOddClasses[] = {96, 192};
constexpr s32 kBeside[] = {0, 1, -1};

struct Kind {
	const char *name;
	u32 payer;		// in addition
};
// From 5.14 on (494c1dfe855e) what is asked for with __GFP_ACCOUNT comes from
// accounted caches, unless it is reclaimable; before, from anybody's.
constexpr Kind kKinds[] = {
	{"kmalloc", ST_PAY_GROUP},
	{"reclaimable kmalloc", ST_PAY_RECLAIM},
};
constexpr u32 kMostObjects = 64;
constexpr u32 kManyBytes = 40 * 1024;

struct Classes : Visits {
	Random random;
	u32 turn = 0, largest = 0;

	explicit Classes(const Context &of) : Visits(of), random(of.seed) {}
	void visit(u64 bytes, Tally *tally);
	// Calls visit(bytes) for each class plus or minus so many bytes.
	void visit_all(s32 beside, u64 end_ns, Tally *tally);
};

void Classes::visit(u64 bytes, Tally *tally)
{
	const st_environment &env = context.env;
	if (!bytes || bytes > env.max_kmalloc_bytes)
		return;
	const u32 fill = kManyBytes / u32(bytes) + 3;
	for (const Kind &kind : kKinds) {
		const u32 w = random.below(env.cpus);
		const u32 r = env.cpus > 1 ? (w + 1 + random.below(env.cpus - 1)) % env.cpus : w;
		const Subject subject{context, context.layout.facts(), 0, env.memcg, u32(bytes), 0,
				      kind.name, true};
		const LifeSpec spec{env.cpu[w], env.cpu[r], fill < kMostObjects ? fill : kMostObjects,
				    ST_PAY_GROUP, false, false, turn++};
		live_one(Source(context, 0, u32(bytes), kind.payer), subject, spec, false, tally);
	}
	if (bytes > largest)
		largest = u32(bytes);
}

void Classes::visit_all(s32 beside, u64 end_ns, Tally *tally)
{
	for (u64 bytes = 8; bytes <= context.env.max_kmalloc_bytes; bytes *= 2) {
		if (context.stopping() || (beside && context.ops.now_ns() >= end_ns))
			return;
		visit(u64(s64(bytes) + beside), tally);
		for (u32 odd : kOddClasses)
			if (odd > bytes && odd < 2 * bytes)
				visit(u64(s64(odd) + beside), tally);
	}
}

} // namespace

// Each class once, in any case; then what is just below and just above, as far
// as the time allows.
void run_kmalloc(const Context &context, const Scenario &, Tally *tally)
{
	if (!can_ask_exts(context, tally))
		return;
	Classes classes(context);
	if (!classes.work)
		return tally->broken("there is no memory for the views of objects");
	const u64 end = context.ops.now_ns() + context.duration_ns;
	for (s32 beside : kBeside)
		classes.visit_all(beside, end, tally);
	if (!tally->observations())
		return tally->broken("no objects could be had from kmalloc() and looked at");
	Line<ST_REASON_BYTES> note;
	note.add_dec(classes.seen).add(" sizes and kinds, up to ").add_dec(classes.largest);
	note.add(" bytes");
	for (size_t i = 0; i < kPlaced; i++)
		note.add(i ? ", " : ": ").add_dec(classes.places.caches[i]).add(" ")
			.add(name(static_cast<Placed>(i)));
	tally->note(note.text());
}

} // namespace st
