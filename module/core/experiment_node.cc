// SPDX-License-Identifier: GPL-2.0
//
// experiment_node - node-offline-online: all blocks of a node go and come,
// first in the movable zone, then in the normal zone, which is the one that
// SLUB's callbacks react to up to about 6.16; every cache's structures for
// that node are watched. The control watches its own structures instead.
#include "experiment.h"

namespace st {
namespace {

constexpr u32 kMaxRows = 2048;
constexpr u32 kCycles = 2;		// in each zone; the second is a return
constexpr int kInterrupted = -4;	// -EINTR: nothing was set, the run is stopping
constexpr int kTries = 5;		// pages in flight make a block busy for a moment

class Watch {
public:
	Watch(const Context &context, s32 nid, bool busted, Tally *tally)
		: context_(context), nid_(nid), busted_(busted), tally_(tally),
		  before_(context.ops, kMaxRows), after_(context.ops, kMaxRows)
	{
	}

	bool start()
	{
		if (!before_ || !after_) {
			tally_->broken("there is no memory for the rows of caches");
			return false;
		}
		return read(&before_, &before_count_);
	}

	// Reads all rows anew and compares; event: what happened in between.
	bool look(Text event, bool node_is_offline)
	{
		u32 count;
		if (!read(&after_, &count))
			return false;
		for (u32 i = 0; i < count; i++) {
			if (const st_node_row *row = find(after_[i]))
				judge(event, *row, after_[i], node_is_offline);
			judge_home(event, after_[i], node_is_offline);
		}
		tally_->observed(count);
		for (u32 i = 0; i < count; i++)
			before_[i] = after_[i];
		before_count_ = count;
		return true;
	}

private:
	bool read(Buffer<st_node_row> *rows, u32 *count)
	{
		const int got = busted_
			? context_.ops.busted_node_rows(rows->data(), kMaxRows)
			: context_.ops.node_rows(&context_.layout.facts(), nid_, rows->data(),
						 kMaxRows);
		if (got < 0) {
			tally_->broken("the caches' node structures could not be listed");
			return false;
		}
		*count = u32(got);
		return true;
	}

	const st_node_row *find(const st_node_row &row) const
	{
		for (u32 i = 0; i < before_count_; i++)
			if (before_[i].cache == row.cache && Text(before_[i].name) == row.name)
				return &before_[i];
		return nullptr;
	}

	void describe(Evidence &evidence, Text event, const st_node_row &row, u64 before,
		      u64 after) const
	{
		char old_text[24], new_text[24];
		context_.ops.pointer_text(before, old_text, sizeof(old_text));
		context_.ops.pointer_text(after, new_text, sizeof(new_text));
		evidence.add("cache ").add(row.name).add(" node ").add_dec(u64(nid_)).add(": ");
		evidence.add(old_text).add(" became ").add(new_text).add(" ").add(event);
	}

	void judge(Text event, const st_node_row &before, const st_node_row &after, bool offline)
	{
		tally_->ask(Invariant::NodePointerKept, node_pointer_kept(before, after),
			    [&](Evidence &e) { describe(e, event, after, before.node, after.node); });
		if (before.barn)
			tally_->ask(Invariant::NodeBarnKept, node_barn_kept(before, after),
				    [&](Evidence &e) {
					    describe(e, event, after, before.barn, after.barn);
				    });
		if (offline && after.nr_slabs >= 0)
			tally_->ask(Invariant::OfflineNodeHasNoSlabs,
				    offline_node_has_no_slabs(after), [&](Evidence &e) {
					    e.add("cache ").add(after.name).add(" has ")
						    .add_dec(u64(after.nr_slabs))
						    .add(" slabs on node ").add_dec(u64(nid_))
						    .add(", which is offline");
				    });
	}

	void judge_home(Text event, const st_node_row &row, bool offline)
	{
		if (!offline || !row.node)
			return;
		tally_->ask(Invariant::NodeStructElsewhere, node_struct_elsewhere(row, nid_),
			    [&](Evidence &e) {
				    e.add("cache ").add(row.name)
					    .add(": structure lies in the memory that went ")
					    .add(event);
			    });
	}

	const Context &context_;
	s32 nid_;
	bool busted_;
	Tally *tally_;
	Buffer<st_node_row> before_, after_;
	u32 before_count_ = 0;
};

int set_patiently(const st_ops &ops, u32 block, u32 state)
{
	int err = kInterrupted;
	for (int i = 0; i < kTries && !ops.stopping(); i++) {
		err = ops.block_set(block, state);
		if (!err || err == kInterrupted)
			break;
	}
	return err;
}

// A node's first memory makes the kernel start kswapd and kcompactd for it. In
// the normal zone their stacks would lie in the very blocks that are to go, so
// block 0 comes as movable first and follows the others into the normal zone.
int online_kernel(const st_ops &ops, u32 blocks)
{
	int err = blocks > 1 ? set_patiently(ops, 0, ST_BLOCK_MOVABLE) : 0;
	for (u32 block = 1; block < blocks && !err; block++)
		err = set_patiently(ops, block, ST_BLOCK_KERNEL);
	if (!err && blocks > 1)
		err = set_patiently(ops, 0, ST_BLOCK_OFFLINE);
	return err ? err : set_patiently(ops, 0, ST_BLOCK_KERNEL);
}

// With KASAN a block's shadow lies in blocks that came before it, so blocks go
// in the reverse of the order in which online_kernel() brings them.
int offline_all(const st_ops &ops, u32 blocks)
{
	int err = 0;
	for (u32 i = 0; i < blocks && !err; i++)
		err = set_patiently(ops, i ? blocks - i : 0, ST_BLOCK_OFFLINE);
	return err;
}

int set_all(const st_ops &ops, u32 blocks, u32 state)
{
	if (state == ST_BLOCK_OFFLINE)
		return offline_all(ops, blocks);
	if (state == ST_BLOCK_KERNEL)
		return online_kernel(ops, blocks);
	int err = 0;
	for (u32 i = 0; i < blocks && !err; i++)
		err = set_patiently(ops, i, state);
	return err;
}

Text zone_name(u32 state)
{
	return state == ST_BLOCK_MOVABLE ? "movable" : "normal";
}

void refused(const st_hotplug_target &target, u32 state, u32 zone, int err, Tally *tally)
{
	Line<ST_REASON_BYTES> why;
	why.add("blocks of node ").add_dec(u64(target.nid)).add(" in the ");
	why.add(zone_name(zone)).add(" zone could not be set ");
	why.add(state == ST_BLOCK_OFFLINE ? "offline" : "online").add(" (errno ");
	tally->skip(why.add_dec(u64(-err)).add(")").text());
}

bool step(const Context &context, const st_hotplug_target &target, u32 state, u32 zone,
	  Watch *watch, Tally *tally)
{
	const bool offline = state == ST_BLOCK_OFFLINE;
	if (context.stopping())
		return false;
	if (const int err = set_all(context.ops, target.blocks, state)) {
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
	return watch->look(event.text(), offline);
}

bool cycles(const Context &context, const st_hotplug_target &target, u32 zone, u32 count,
	    Watch *watch, Tally *tally)
{
	for (u32 i = 0; i < count; i++)
		if (!step(context, target, zone, zone, watch, tally) ||
		    !step(context, target, ST_BLOCK_OFFLINE, zone, watch, tally))
			return false;
	return true;
}

bool can_ask(const Context &context, bool busted, const st_hotplug_target &target, Tally *tally)
{
	if (target.nid < 0)
		tally->skip(target.reason);
	else if (!busted && context.env.nodes_reason[0])
		tally->skip(context.env.nodes_reason);
	else if (!busted && !context.layout.nodes_missing().empty())
		tally->skip(context.layout.nodes_missing().text());
	else
		return true;
	return false;
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
	if (!can_ask(context, false, target, tally))
		return;
	if (zone == ST_BLOCK_KERNEL && target.movable_only[0])
		return tally->skip(target.movable_only);
	Watch watch(context, target.nid, false, tally);
	// found online and movable, so that its going is the first half for either zone
	if (watch.start() &&
	    step(context, target, ST_BLOCK_OFFLINE, ST_BLOCK_MOVABLE, &watch, tally) &&
	    step(context, target, zone, zone, &watch, tally) && zone == ST_BLOCK_KERNEL)
		(void)step(context, target, ST_BLOCK_OFFLINE, zone, &watch, tally);
	if (context.ops.blocks_restore())
		tally->broken("a memory block could not be put back as it was found");
	note_target(target, zone == ST_BLOCK_MOVABLE ? "zone movable" : "zone normal", tally);
}

void run_node(const Context &context, const Scenario &scenario, Tally *tally)
{
	const bool busted = scenario.busted();
	st_hotplug_target target;
	context.ops.hotplug_target(&target);
	if (!can_ask(context, busted, target, tally))
		return;
	if (busted && context.ops.busted_nodes_start(target.nid))
		return tally->broken("the control could not listen to memory events");
	Watch watch(context, target.nid, busted, tally);
	if (watch.start()) {
		// found online and movable: the first event is its going
		bool whole = step(context, target, ST_BLOCK_OFFLINE, ST_BLOCK_MOVABLE, &watch,
				  tally);
		if (whole && !busted)
			whole = cycles(context, target, ST_BLOCK_MOVABLE, kCycles - 1, &watch,
				       tally);
		if (whole && !busted && target.movable_only[0])
			tally->skip(target.movable_only);	// half of the question
		else if (whole && !busted)
			(void)cycles(context, target, ST_BLOCK_KERNEL, kCycles, &watch, tally);
	}
	if (busted)
		context.ops.busted_nodes_stop();
	if (context.ops.blocks_restore())
		tally->broken("a memory block could not be put back as it was found");
	note_target(target, "zones movable and normal", tally);
}

} // namespace st
