// SPDX-License-Identifier: GPL-2.0
//
// benchmark - the table of benchmarks and the choice among them. They run
// after the scenarios, in the rounds that the parameter `bench` asks for, and
// give one or more lines `# bench NAME …` a round; they judge nothing, the host
// makes medians and intervals of the lines.
#pragma once
#include "experiment.h"

namespace st {

struct Benchmark {
	const char *name;
	void (*run)(const Context &context, u32 rounds, Report *report);
};

// First glob of the list that chooses no benchmark; empty when all do.
Text unknown_benchmark_in(Text list);
// Those that the list chooses, in the order of the table.
void run_benchmarks(const Context &context, Text list, u32 rounds, Report *report);

// Engine and bare loop, in turns.
void bench_engine(const Context &context, u32 rounds, Report *report);
// Engine with metadata looked at and without, in turns.
void bench_sampling(const Context &context, u32 rounds, Report *report);
// Message passing at full speed: trials, and the share of them that overlapped.
void bench_mp(const Context &context, u32 rounds, Report *report);
// Allocation and free with and without barriers; and the calls alone.
void bench_cost(const Context &context, u32 rounds, Report *report);
void bench_cost_bare(const Context &context, u32 rounds, Report *report);

// Whole-node cycles with nothing beside them: movable; in both zones by turns.
void bench_churn(const Context &context, u32 rounds, Report *report);
void bench_churn_zones(const Context &context, u32 rounds, Report *report);

// kmalloc and kfree in a loop: with no probe, with empty ones, audited.
void bench_audit(const Context &context, u32 rounds, Report *report);

} // namespace st
