// SPDX-License-Identifier: GPL-2.0
//
// experiment - see experiment.h. This file: the run as a whole, and what core
// offers to main.c.
#include "benchmark.h"
#include "core.h"
#include "racing.h"

using namespace st;

void st::run_family(const Context &context, const Scenario &scenario, Tally *tally)
{
	switch (scenario.family) {
	case Family::Exts: return run_exts(context, scenario, tally);
	case Family::Sweep: return run_sweep(context, scenario, tally);
	case Family::Kmalloc: return run_kmalloc(context, scenario, tally);
	case Family::BustedExts: return run_busted_exts(context, scenario, tally);
	case Family::Late: return run_late(context, scenario, tally);
	case Family::Counters: return run_counters(context, scenario, tally);
	case Family::Handoff:
	case Family::BustedHandoff: return run_handoff(context, scenario, tally);
	case Family::WrongHandoff: return run_wrong_handoff(context, scenario, tally);
	case Family::Audit: return run_audit(context, scenario, tally);
	case Family::Node: return run_node(context, scenario, tally);
	case Family::Ways: return run_ways(context, scenario, tally);
	case Family::Publication: return run_publication(context, scenario, tally);
	case Family::Window: return run_window(context, scenario, tally);
	case Family::Charge: return run_charge(context, scenario, tally);
	case Family::Price: return run_price(context, scenario, tally);
	case Family::Inspect: return run_inspect(context, scenario, tally);
	case Family::Churn: return run_churn(context, scenario, tally);
	}
}

// Each scenario has its own stream of random numbers, whichever others run.
u64 st::scenario_seed(u64 seed, const Scenario &scenario)
{
	for (const char *c = scenario.name; *c; c++)
		seed = (seed ^ u8(*c)) * 0x100000001b3ull;
	return seed;
}

namespace {

constexpr u32 kMaxSeconds = 86400;
constexpr u32 kMaxBenchRounds = 100;
constexpr u32 kMaxChurnCycles = 1000000;

int refuse(char *reason, const Line<ST_REASON_BYTES> &line)
{
	__builtin_memcpy(reason, line.c_str(), line.text().size() + 1);
	return -22; // -EINVAL
}

u32 count_chosen(const st_request &request)
{
	u32 count = 0;
	for (const Scenario &scenario : scenarios())
		count += chosen(request.scenario, scenario);
	return count;
}

// The time asked for is shared by the timed scenarios that run.
u64 share_ns(const st_request &request)
{
	u32 timed = 0;
	for (const Scenario &scenario : scenarios())
		timed += scenario.timed && chosen(request.scenario, scenario);
	return u64(request.seconds) * 1000000000ull / (timed ? timed : 1);
}

u32 sampling(const st_request &request)
{
	return request.sampling ? request.sampling : kSampling;
}

void count(const Scenario &scenario, const Tally &tally, st_totals *totals)
{
	const Verdict verdict = tally.verdict();
	if (scenario.busted()) {
		if (verdict == Verdict::Skip)
			return;
		totals->twins++;
		if (caught(scenario, tally))
			totals->twins_caught++;
		else
			totals->broken++;
		return;
	}
	totals->pass += verdict == Verdict::Pass;
	totals->fail += verdict == Verdict::Fail;
	totals->skip += verdict == Verdict::Skip;
	totals->broken += verdict == Verdict::Broken;
}

void report_breach(void *arg, Invariant invariant, const InvariantTally &breach)
{
	static_cast<Report *>(arg)->breach(invariant, breach);
}

// Whether the run can go on.
bool run_one(st_core *core, u32 number, const Scenario &scenario, st_totals *totals)
{
	const st_ops &ops = *core->ops;
	Tally &tally = core->fresh_tally();
	const Context context{ops, core->env, core->layout,
			      scenario_seed(core->request.seed, scenario),
			      share_ns(core->request), sampling(core->request),
			      core->request.racers, core->request.churn_cycles};
	core->report->scenario_begin(scenario);
	if (!scenario.busted())
		tally.tell_breaches(report_breach, core->report);
	ops.settle();
	const u64 begin = ops.now_ns();
	run_family(context, scenario, &tally);
	if (!tally.abandoned())
		ops.caches_wait();	// what is left behind is found here, not later
	if (ops.stopping())
		tally.broken("the module was unloaded before the scenario had ended");
	core->report->scenario_end(number, scenario, tally, ops.now_ns() - begin);
	count(scenario, tally, totals);
	if (tally.abandoned())
		core->report->abandoned(scenario);
	ops.settle();
	return !tally.abandoned();
}

void emit_layout(void *arg, const char *text, size_t bytes)
{
	static_cast<Report *>(arg)->layout_line(Text(text, bytes));
}

} // namespace

extern "C" size_t st_core_bytes(void)
{
	return sizeof(st_core);
}

extern "C" int st_core_create(st_core *core, const st_ops *ops, const st_request *request,
			      char *reason)
{
	Line<ST_REASON_BYTES> line;
	if (request->seconds < 1 || request->seconds > kMaxSeconds)
		return refuse(reason, line.add("seconds=").add_dec(request->seconds)
				      .add(" is not in 1 to ").add_dec(kMaxSeconds));
	if (request->bench > kMaxBenchRounds)
		return refuse(reason, line.add("bench=").add_dec(request->bench)
				      .add(" is not in 0 to ").add_dec(kMaxBenchRounds));
	if (request->sampling & (request->sampling - 1))
		return refuse(reason, line.add("sampling=").add_dec(request->sampling)
				      .add(" is not a power of two"));
	const Text unknown = unknown_in(request->scenario);
	if (!unknown.empty())
		return refuse(reason, line.add("scenario=: no scenario matches '")
				      .add(unknown.until(60)).add("'; README.md lists them"));
	const Text racer = unknown_racer_in(racers_asked_for(request->racers));
	if (!racer.empty())
		return refuse(reason, line.add("racers=: no racer matches '")
				      .add(racer.until(60)).add("'; README.md lists them"));
	if (request->churn_cycles > kMaxChurnCycles)
		return refuse(reason, line.add("churn_cycles=").add_dec(request->churn_cycles)
				      .add(" is not in 0 to ").add_dec(kMaxChurnCycles));
	new (core) st_core();
	const Text benchmark = unknown_benchmark_in(request->benchmark);
	if (!benchmark.empty())
		return refuse(reason, line.add("benchmark=: no benchmark matches '")
				      .add(benchmark.until(60)).add("'; README.md lists them"));
	core->ops = ops;
	core->request = *request;
	core->loaded_ns = ops->now_ns();
	core->report = new (core->report_storage) Report(*ops);
	return 0;
}

extern "C" void st_core_learn(st_core *core, const st_environment *env)
{
	core->env = *env;
	core->env.btf = nullptr;	// the caller's; not needed after this
	core->env.btf_bytes = 0;
	const Span<const u8> blob(env->btf, env->btf_bytes);
	if (!env->btf)
		return core->layout.unknown(env->btf_reason);
	const u32 types = Btf::count_types(blob);
	Buffer<u32> index(*core->ops, types ? types : 1);
	if (!index)
		return core->layout.unknown("there is no memory for an index of BTF");
	Btf btf;
	if (const char *wrong = btf.open(blob, index.all()))
		return core->layout.unknown(wrong);
	core->layout.learn(btf, env->codetags);
}

extern "C" void st_core_layout(const st_core *core,
			       void (*write)(void *arg, const char *text, size_t bytes),
			       void *arg)
{
	core->layout.describe(write, arg);
}

extern "C" void st_core_run(st_core *core, st_totals *totals)
{
	u32 number = 0;
	bool good = true;
	core->report->begin(core->env, core->request);
	core->layout.describe(emit_layout, core->report);
	core->report->plan(count_chosen(core->request));
	for (const Scenario &scenario : scenarios()) {
		if (core->ops->stopping() || !good)
			break;
		if (chosen(core->request.scenario, scenario))
			good = run_one(core, ++number, scenario, totals);
	}
	if (good && core->request.bench && !core->ops->stopping()) {
		const Context context{*core->ops, core->env, core->layout, core->request.seed, 0,
				      sampling(core->request)};
		run_benchmarks(context, core->request.benchmark, core->request.bench,
			       core->report);
	}
	core->report->end(*totals);
}
