// SPDX-License-Identifier: GPL-2.0
//
// node_steps - see node_steps.h.
#include "node_steps.h"

namespace st {
namespace {

constexpr int kTries = 5;	// pages in flight make a block busy for a moment

} // namespace

Listening::Listening(const Context &context, Tally *tally)
	: context_(context), tally_(tally), listens_(context.ops.ways->listen() == 0)
{
	if (!listens_)
		tally->broken("the kernel's news of memory could not be listened to");
}

Listening::~Listening()
{
	if (listens_)
		context_.ops.ways->deaf();
}

void Listening::done(Way way, Step step, s32 block, int result, u64 begin_ns)
{
	Event event;
	st_notices notices;
	event.at_ns = begin_ns - tally_->loaded_ns();
	event.took_ns = context_.ops.now_ns() - begin_ns;
	event.way = way;
	event.step = step;
	event.block = block;
	event.result = result;
	context_.ops.ways->heard(&notices);
	for (u32 i = 0; i < ST_NOTICES; i++)
		event.told[i] = notices.count[i];
	tally_->timeline().add(event);
}

void Listening::looked(const NodeLook &found)
{
	Event event;
	event.at_ns = context_.ops.now_ns() - tally_->loaded_ns();
	event.kept = found.kept;
	event.replaced = found.replaced;
	event.gone = found.gone;
	event.came = found.came;
	event.slabs = found.slabs;
	tally_->timeline().add(event);
}

Step step_to(u32 state, bool from_gone)
{
	if (from_gone)
		return Step::Add;
	return state == ST_BLOCK_GONE ? Step::Remove :
	       state == ST_BLOCK_MOVABLE ? Step::OnlineMovable :
	       state == ST_BLOCK_KERNEL ? Step::OnlineKernel : Step::Offline;
}

int set_patiently(const st_ops &ops, u32 block, u32 state, Listening *listening)
{
	int err = kInterrupted;
	for (int i = 0; i < kTries && !ops.stopping(); i++) {
		const u64 begin = listening ? ops.now_ns() : 0;
		err = ops.block_set(block, state);
		if (listening)
			listening->done(Way::Sysfs, step_to(state, false), s32(block), err, begin);
		if (!err || err == kInterrupted)
			break;
	}
	return err;
}

// A node's first memory makes the kernel start kswapd and kcompactd for it. In
// the normal zone their stacks would lie in the very blocks that are to go, so
// block 0 comes as movable first and follows the others into the normal zone.
int online_kernel(const st_ops &ops, u32 blocks, Listening *listening)
{
	int err = blocks > 1 ? set_patiently(ops, 0, ST_BLOCK_MOVABLE, listening) : 0;
	for (u32 block = 1; block < blocks && !err; block++)
		err = set_patiently(ops, block, ST_BLOCK_KERNEL, listening);
	if (!err && blocks > 1)
		err = set_patiently(ops, 0, ST_BLOCK_OFFLINE, listening);
	return err ? err : set_patiently(ops, 0, ST_BLOCK_KERNEL, listening);
}

// With KASAN a block's shadow lies in blocks that came before it, so blocks go
// in the reverse of the order in which online_kernel() brings them.
int offline_all(const st_ops &ops, u32 blocks, Listening *listening)
{
	int err = 0;
	for (u32 i = 0; i < blocks && !err; i++)
		err = set_patiently(ops, i ? blocks - i : 0, ST_BLOCK_OFFLINE, listening);
	return err;
}

int set_all(const st_ops &ops, u32 blocks, u32 state, Listening *listening)
{
	if (state == ST_BLOCK_OFFLINE)
		return offline_all(ops, blocks, listening);
	if (state == ST_BLOCK_KERNEL)
		return online_kernel(ops, blocks, listening);
	int err = 0;
	for (u32 i = 0; i < blocks && !err; i++)
		err = set_patiently(ops, i, state, listening);
	return err;
}

int through_normal_zone(const st_ops &ops, u32 block)
{
	static constexpr u32 kStates[] = {ST_BLOCK_OFFLINE, ST_BLOCK_KERNEL, ST_BLOCK_OFFLINE,
					  ST_BLOCK_MOVABLE};
	int err = 0;
	for (u32 state : kStates)
		err = err ? err : set_patiently(ops, block, state);
	return err;
}

int through_movable_zone(const st_ops &ops, u32 blocks)
{
	const int err = set_all(ops, blocks, ST_BLOCK_OFFLINE);
	return err ? err : set_all(ops, blocks, ST_BLOCK_MOVABLE);
}

bool has_target(const st_hotplug_target &target, Tally *tally)
{
	if (target.nid < 0)
		tally->skip(target.reason);
	return target.nid >= 0;
}

bool knows_nodes(const Context &context, bool busted, Tally *tally)
{
	const Missing &missing = context.layout.nodes_missing();
	if (busted || missing.empty())
		return true;
	tally->skip(missing.text());
	return false;
}

bool can_watch(const Context &context, bool busted, Tally *tally)
{
	if (busted || !context.env.nodes_reason[0])
		return knows_nodes(context, busted, tally);
	tally->skip(context.env.nodes_reason);
	return false;
}

void ask_host(const st_ops &ops, const st_host &host, u32 device, bool plug)
{
	Line<96> line("    # host ");
	line.add(plug ? "plug " : "unplug ").add(host.device[device]);
	ops.emit(line.c_str(), line.text().size());
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

} // namespace st
