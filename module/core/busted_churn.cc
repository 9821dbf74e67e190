// SPDX-License-Identifier: GPL-2.0
//
// busted_churn - the controls of node-churn: node structures of our own, with
// one bug each, watched and judged as SLUB's are; no racers.
#include "churn.h"
#include "node_judge.h"
#include "node_steps.h"

namespace st {
namespace {

void run_busted_lists(const Context &context, Tally *tally)
{
	Buffer<st_node_lists> rows(context.ops, 1);
	if (!rows)
		return tally->broken("there is no memory for the control's list");
	const int got = context.ops.racers->lists(&context.layout.facts(), 0, 1, rows.data(), 1);
	if (got == 1)
		judge_lists(rows.all(), -1, tally);
	else
		tally->broken("the control's list could not be walked");
}

// All blocks go and come once, in the zone they are found in.
bool cycle_once(const Context &context, const st_hotplug_target &target, Tally *tally)
{
	const st_racers_ops &racers = *context.ops.racers;
	const u32 states[] = {ST_BLOCK_OFFLINE, ST_BLOCK_MOVABLE};
	for (u32 state : states) {
		if (context.stopping())
			return false;
		(void)racers.step(0, ST_REFUSE_NOTHING);
		const int err = set_all(context.ops, target.blocks, state);
		(void)racers.step_over();
		if (err && !context.stopping())
			refused(target, state, ST_BLOCK_MOVABLE, err, tally);
		if (err)
			return false;
	}
	return true;
}

void run_busted_watch(const Context &context, const st_hotplug_target &target, u32 watched,
		      Tally *tally)
{
	const st_racers_ops &racers = *context.ops.racers;
	st_node_structs before, after;
	st_watch_counts seen = {};
	if (racers.watch(&context.layout.facts(), target.nid, watched))
		return tally->broken("the control could not listen to memory events");
	const bool counted = !racers.structs(&context.layout.facts(), 1, &before);
	const bool whole = cycle_once(context, target, tally);
	const bool again = !racers.structs(&context.layout.facts(), 1, &after);
	racers.watch_end(&seen);
	if (context.ops.blocks_restore())
		tally->broken("a memory block could not be put back as it was found");
	if (!whole)
		return;
	judge_watch(context, seen, target.nid, tally);
	if (!counted || !again)
		return tally->broken("the control's structures could not be counted");
	if (watched == ST_WATCH_LEAKED)
		judge_structs(before, after, 1, tally);
}

} // namespace

void run_busted_churn(const Context &context, u32 busted, Tally *tally)
{
	if (busted == ST_WATCH_LISTS)
		return run_busted_lists(context, tally);
	st_hotplug_target target;
	context.ops.hotplug_target(&target);
	if (can_ask_churn(context, target, tally))
		run_busted_watch(context, target, busted, tally);
}

} // namespace st
