// SPDX-License-Identifier: GPL-2.0
//
// fake_threads - races that only report: handoffs, trials, late vectors, free
// counters, widening, timed loops. Part of fake_kernel; not for tests.
#pragma once
#include "fake_kernel.h"

namespace st::test {

inline int FakeKernel::handoff(const st_handoff_spec &spec, st_handoff_counts *counts)
{
	std::memset(counts, 0xa5, sizeof(*counts));	// a failure leaves what it finds
	if (!enter("handoff"))
		return -12;
	EXPECT_LT(spec.publish, u32(ST_PUBLISHES));
	EXPECT_TRUE(spec.mode == ST_HANDOFF_ENGINE || spec.producer_cpu != spec.consumer_cpu);
	clock += spec.duration_ns;
	*counts = {};
	counts->elapsed_ns = spec.duration_ns;
	if (stopped())
		return 0;
	counts->handoffs = 1000;
	counts->overlaps = spec.producer_cpu == spec.consumer_cpu ? 0 : 10;
	const bool busted = spec.mode == ST_HANDOFF_BUSTED;
	counts->states[busted ? 6 : 7] = 900;
	counts->content[1] = 100;
	counts->after[1] = spec.origin == ST_ORIGIN_KFREE_RCU ? 50 : 0;
	if (spec.freed_early) {
		counts->after[0] = counts->after[1];
		counts->after[1] = 0;
		counts->first_wrong = {0x1000, 5, 5, 5, 1, 1, 2, 2, 7, 1, 1};
	}
	if (busted)
		counts->first_wrong = {0x1000, 5, 0, 5, 1, 1, 2, 2, 6, 1, 0};
	if (on_handoff)
		on_handoff(spec, *counts);
	return 0;
}

inline int FakeKernel::litmus(const st_litmus_spec &spec, st_litmus_counts *counts)
{
	std::memset(counts, 0xa5, sizeof(*counts));
	if (!enter("litmus"))
		return -12;
	EXPECT_NE(spec.writer_cpu, spec.reader_cpu);
	clock += spec.duration_ns;
	*counts = {};
	counts->elapsed_ns = spec.duration_ns;
	if (stopped())
		return 0;
	counts->states[0] = counts->states[3] = 40;
	counts->states[ST_TRIAL_CONTENT] = 20;
	if (on_litmus)
		on_litmus(spec, *counts);
	return 0;
}

inline const st_handoff_ops *FakeKernel::handoff_ops()
{
	static const st_handoff_ops table = {
		[](const st_handoff_spec *spec, st_handoff_counts *counts) {
			return self->handoff(*spec, counts);
		},
		[](const st_litmus_spec *spec, st_litmus_counts *counts) {
			return self->litmus(*spec, counts);
		},
		[](u32 cpu) { return self->cpu_nodes.empty() ? 0 : self->cpu_nodes[cpu]; },
		[](u32 context) { return self->context_lacks[context]; },
	};
	return &table;
}

inline int FakeKernel::late(const st_late_spec &spec, st_late_counts *counts)
{
	std::memset(counts, 0xa5, sizeof(*counts));
	if (!enter("late"))
		return -12;
	EXPECT_NE(spec.writer_cpu, spec.reader_cpu);
	clock += 10000000;
	*counts = {};
	if (stopped())
		return 0;
	EXPECT_TRUE(spec.busted || widening) << "a race that nobody widens";
	counts->rounds = spec.rounds;
	counts->overlaps = 3;
	counts->freed_remotely = spec.rounds;
	counts->outcomes[8 + 4 + ST_FREED_ACROSS] = 3;
	counts->outcomes[4 + ST_FREED_LATER] = spec.rounds - 3;
	if (spec.busted == ST_LATE_STEP) {
		counts->step_wrong = spec.rounds;
		counts->step_expected = counts->step_on_writer = counts->step_later = 16;
	} else if (spec.busted == ST_LATE_UNFILLED) {
		counts->slot_dirty = spec.rounds;
		counts->slot_seen = 0x1234;
	}
	if (on_late)
		on_late(spec, *counts);
	return 0;
}

inline int FakeKernel::counters(const st_counters_spec &spec, st_counters_counts *counts)
{
	std::memset(counts, 0xa5, sizeof(*counts));
	if (!enter("counters"))
		return -12;
	EXPECT_NE(spec.writer_cpu, spec.reader_cpu);
	clock += 10000000;
	*counts = {};
	if (stopped())
		return 0;
	counts->looks = 1000;
	counts->changes = 100;
	if (spec.busted) {
		counts->wrong = 5;
		counts->expected = counts->on_writer = counts->later = 16;
	}
	if (on_counters)
		on_counters(spec, *counts);
	return 0;
}

inline const st_widen_ops *FakeKernel::widen_ops()
{
	static const st_widen_ops table = {
		[](u64) { self->enter("widen_begin"); self->widening++; },
		[] { self->enter("widen_move"); },
		[](st_widen_row *rows, u32 max) {
			u32 n = 0;
			for (const st_widen_row &row : self->widened)
				if (n < max)
					rows[n++] = row;
			return n;
		},
		[] { self->widening--; }};
	return &table;
}

// Every object is seen where it was, but for the one that a control hides.
inline int FakeKernel::drill(const st_audit_drill &drill, st_audit_drilled *drilled)
{
	*drilled = {};
	if (!enter("drill"))
		return -12;
	const u64 seen = drill.objects - (drill.hide != 0);
	drilled->done = drill.objects;
	drilled->held_ns = 5000;
	drilled->pair.freed = seen;
	drilled->pair.other_cpu = drill.alloc_cpu == drill.free_cpu ? 0 : seen;
	drilled->pair.contexts[drill.context] = seen;
	drilled->pair.ages[8] = seen;
	return on_drill ? on_drill(drill, *drilled) : 0;
}

inline const st_audit_ops FakeKernel::kFakeAudit = {
	[](const st_audit_drill *drill, st_audit_drilled *drilled) {
		return self->drill(*drill, drilled);
	},
	[](u32 load, u32, u64 duration_ns, u64 *pairs, u64 *elapsed_ns) {
		*pairs = duration_ns / (100 + load);
		*elapsed_ns = duration_ns;
		return self->enter("loop") ? 0 : -12;
	},
};

inline int FakeKernel::cost(const st_cost_spec &spec, st_cost_counts *counts)
{
	std::memset(counts, 0xa5, sizeof(*counts));
	if (!enter("cost"))
		return -12;
	*counts = {};
	if (stopped())
		return 0;
	std::set<u32> seen;
	counts->operations = spec.operations;
	counts->blocks = spec.blocks;
	for (u32 i = 0; i < spec.variants; i++) {
		const u32 variant = spec.order[i];
		EXPECT_LT(variant, u32(ST_COST_VARIANTS));
		EXPECT_TRUE(seen.insert(variant).second) << "timed twice";
		for (u32 block = 0; block < spec.blocks; block++)
			counts->ns[variant][block] = variant == ST_COST_TWICE ? 20000 : 10000;
	}
	clock += 1000000;
	if (on_cost)
		on_cost(spec, *counts);
	return 0;
}

} // namespace st::test
