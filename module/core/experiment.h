// SPDX-License-Identifier: GPL-2.0
//
// experiment - one run from scenario to report. experiment*.cc are the only
// files of core that call the kernel side, through abi.h; one file a family.
#pragma once
#include "layout.h"
#include "plan.h"
#include "report.h"
#include "scenario.h"
#include "tally.h"

namespace st {

// Not a member: static constexpr members are inline variables, of which gcc
// warns where the kernel's flags leave it without weak symbols.
constexpr u64 kPatienceNs = 30000000000ull;
// Handoffs for each whose metadata and slab are looked at, too.
constexpr u32 kSampling = 16;

// What a family's function works with.
struct Context {
	const st_ops &ops;
	const st_environment &env;
	const Layout &layout;
	u64 seed;		// of this scenario
	u64 duration_ns;	// for timed ones
	u32 sampling = kSampling;
	const char *racers = nullptr;	// as asked for; null: all
	u32 churn_cycles = 0;		// as asked for; 0: what the time allows

	bool stopping() const { return ops.stopping() != 0; }
	// A timed scenario ends with its time, but not before the CPUs have
	// overlapped at all: on a busy host that may take a while, up to kPatience.
	bool time_is_up(u64 end_ns, u64 overlaps) const
	{
		const u64 now = ops.now_ns();
		return now >= end_ns && (overlaps || now - end_ns >= kPatienceNs);
	}
	bool two_cpus() const { return env.cpus >= 2; }
};

// By the scenario's family, one of the functions below.
void run_family(const Context &context, const Scenario &scenario, Tally *tally);
u64 scenario_seed(u64 seed, const Scenario &scenario);

void run_exts(const Context &context, const Scenario &scenario, Tally *tally);
void run_sweep(const Context &context, const Scenario &scenario, Tally *tally);
void run_kmalloc(const Context &context, const Scenario &scenario, Tally *tally);
void run_busted_exts(const Context &context, const Scenario &scenario, Tally *tally);
void run_late(const Context &context, const Scenario &scenario, Tally *tally);
void run_counters(const Context &context, const Scenario &scenario, Tally *tally);
void run_handoff(const Context &context, const Scenario &scenario, Tally *tally);
void run_wrong_handoff(const Context &context, const Scenario &scenario, Tally *tally);
void run_audit(const Context &context, const Scenario &scenario, Tally *tally);
void run_node(const Context &context, const Scenario &scenario, Tally *tally);
void run_ways(const Context &context, const Scenario &scenario, Tally *tally);
void run_publication(const Context &context, const Scenario &scenario, Tally *tally);
void run_window(const Context &context, const Scenario &scenario, Tally *tally);
void run_charge(const Context &context, const Scenario &scenario, Tally *tally);
void run_price(const Context &context, const Scenario &scenario, Tally *tally);
void run_inspect(const Context &context, const Scenario &scenario, Tally *tally);
void run_churn(const Context &context, const Scenario &scenario, Tally *tally);

// Whether anything about extensions can be asked here; says why not.
bool can_ask_exts(const Context &context, Tally *tally);

// Parts of the above that can be asked alone: one cache, one cycle of the
// node's memory through one zone (enum st_block_state), node structures as
// they stand, their counts of slabs, the type of the stride.
void ask_cache(const Context &context, const st_cache_spec &spec, Placement wanted,
	       Tally *tally);
void ask_node_cycle(const Context &context, u32 zone, Tally *tally);
void ask_nodes(const Context &context, Tally *tally);
void ask_node_counts(const Context &context, Tally *tally);
void ask_stride(const Context &context, Tally *tally);

} // namespace st
