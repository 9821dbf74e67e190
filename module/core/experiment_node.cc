// SPDX-License-Identifier: GPL-2.0
//
// experiment_node - node-offline-online: all blocks of a node go and come,
// first in the movable zone, then in the normal zone, which is the one that
// SLUB's callbacks react to up to about 6.16; every cache's structures for
// that node are watched. The control watches its own structures instead.
#include "node_steps.h"
#include "node_watch.h"

namespace st {
namespace {

constexpr u32 kCycles = 2;		// in each zone; the second is a return

// A node that is watched, and what is told of it meanwhile.
struct Watched {
	Watched(const Context &context, s32 nid, bool busted, Tally *tally)
		: listening(context, tally), watch(context, nid, busted, tally)
	{
	}
	bool start() { return listening && watch.start(); }
	bool look(Text event, bool offline)
	{
		if (!watch.look(event, offline))
			return false;
		listening.looked(watch.found());
		return true;
	}

	Listening listening;
	Watch watch;
};

bool step(const Context &context, const st_hotplug_target &target, u32 state, u32 zone,
	  Watched *watched, Tally *tally)
{
	const bool offline = state == ST_BLOCK_OFFLINE;
	if (context.stopping())
		return false;
	if (const int err = set_all(context.ops, target.blocks, state,
				    &watched->listening)) {
		if (context.stopping())
			return false;
		refused(target, state, zone, err, tally);
		return false;
	}
	Line<64> event("when its last ");
	if (offline)
		event.add(zone_name(zone)).add(" memory went offline");
	else
		(event.clear(), event.add("when ").add(zone_name(zone)).add(" memory came online"));
	return watched->look(event.text(), offline);
}

bool cycles(const Context &context, const st_hotplug_target &target, u32 zone, u32 count,
	    Watched *watched, Tally *tally)
{
	for (u32 i = 0; i < count; i++)
		if (!step(context, target, zone, zone, watched, tally) ||
		    !step(context, target, ST_BLOCK_OFFLINE, zone, watched, tally))
			return false;
	return true;
}

void note_target(const st_hotplug_target &target, Text zones, Tally *tally)
{
	Line<ST_REASON_BYTES> note;
	note.add("node ").add_dec(u64(target.nid)).add(", ").add_dec(target.blocks);
	tally->note(note.add(" blocks, ").add(zones).text());
}

} // namespace

void ask_node_cycle(const Context &context, u32 zone, Tally *tally)
{
	st_hotplug_target target;
	context.ops.hotplug_target(&target);
	if (!has_target(target, tally) || !can_watch(context, false, tally))
		return;
	if (zone == ST_BLOCK_KERNEL && target.movable_only[0])
		return tally->skip(target.movable_only);
	Watched watched(context, target.nid, false, tally);
	// found online and movable, so that its going is the first half for either zone
	if (watched.start() &&
	    step(context, target, ST_BLOCK_OFFLINE, ST_BLOCK_MOVABLE, &watched, tally) &&
	    step(context, target, zone, zone, &watched, tally) && zone == ST_BLOCK_KERNEL)
		(void)step(context, target, ST_BLOCK_OFFLINE, zone, &watched, tally);
	if (context.ops.blocks_restore())
		tally->broken("a memory block could not be put back as it was found");
	note_target(target, zone == ST_BLOCK_MOVABLE ? "zone movable" : "zone normal", tally);
}

void run_node(const Context &context, const Scenario &scenario, Tally *tally)
{
	const bool busted = scenario.busted();
	st_hotplug_target target;
	context.ops.hotplug_target(&target);
	if (!has_target(target, tally) || !can_watch(context, busted, tally))
		return;
	if (busted && context.ops.busted_nodes_start(target.nid))
		return tally->broken("the control could not listen to memory events");
	Watched watched(context, target.nid, busted, tally);
	if (watched.start()) {
		// found online and movable: the first event is its going
		bool whole = step(context, target, ST_BLOCK_OFFLINE, ST_BLOCK_MOVABLE, &watched,
				  tally);
		if (whole && !busted)
			whole = cycles(context, target, ST_BLOCK_MOVABLE, kCycles - 1, &watched,
				       tally);
		if (whole && !busted && target.movable_only[0])
			tally->skip(target.movable_only);	// half of the question
		else if (whole && !busted)
			(void)cycles(context, target, ST_BLOCK_KERNEL, kCycles, &watched, tally);
	}
	if (busted)
		context.ops.busted_nodes_stop();
	if (context.ops.blocks_restore())
		tally->broken("a memory block could not be put back as it was found");
	note_target(target, "zones movable and normal", tally);
}

} // namespace st
