// SPDX-License-Identifier: GPL-2.0
//
// benchmark - see benchmark.h. A new benchmark is a row here, its function in
// the experiment_*.cc that it belongs to, and a file of scripts/benches.
#include "benchmark.h"

namespace st {
namespace {

constexpr Benchmark kBenchmarks[] = {
	{"engine", bench_engine},
	{"sampling", bench_sampling},
	{"mp", bench_mp},
	{"audit", bench_audit},
	{"cost", bench_cost},
	{"cost-bare", bench_cost_bare},
	{"churn", bench_churn},
	{"churn-zones", bench_churn_zones},
};

bool wanted(Text list, const Benchmark &benchmark)
{
	return any_glob(list, [&](Text glob) { return glob_match(glob, benchmark.name); });
}

} // namespace

Text unknown_benchmark_in(Text list)
{
	Text unknown;
	any_glob(list, [&](Text glob) {
		for (const Benchmark &benchmark : kBenchmarks)
			if (glob_match(glob, benchmark.name))
				return false;
		unknown = glob.empty() ? Text("(empty)") : glob;
		return true;
	});
	return unknown;
}

void run_benchmarks(const Context &context, Text list, u32 rounds, Report *report)
{
	for (const Benchmark &benchmark : kBenchmarks)
		if (wanted(list, benchmark) && !context.stopping())
			benchmark.run(context, rounds, report);
}

} // namespace st
