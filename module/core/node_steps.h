// SPDX-License-Identifier: GPL-2.0
//
// node_steps - how a node's memory goes and comes: which block when, and how
// often one that is busy is tried again. What is watched meanwhile is for
// others.
#pragma once
#include "experiment.h"
#include "node_watch.h"

namespace st {

// Nothing was set, because the run is stopping: -EINTR.
constexpr int kInterrupted = -4;

// Hears what the kernel tells of memory while it lives; events of steps are kept
// on the tally's time line.
class Listening {
public:
	Listening(const Context &context, Tally *tally);
	~Listening();
	Listening(const Listening &) = delete;
	Listening &operator=(const Listening &) = delete;

	explicit operator bool() const { return listens_; }
	// begin_ns: when the step began
	void done(Way way, Step step, s32 block, int result, u64 begin_ns);
	void looked(const NodeLook &found);

private:
	const Context &context_;
	Tally *tally_;
	bool listens_;
};

// The way and the step that setting a block to a state is.
Step step_to(u32 state, bool from_gone);

// One block; tried again while pages in flight make it busy for a moment. Each
// try is an event where somebody listens.
int set_patiently(const st_ops &ops, u32 block, u32 state, Listening *listening = nullptr);
// All blocks, in an order in which each can go; state is enum st_block_state.
int offline_all(const st_ops &ops, u32 blocks, Listening *listening = nullptr);
int online_kernel(const st_ops &ops, u32 blocks, Listening *listening = nullptr);
int set_all(const st_ops &ops, u32 blocks, u32 state, Listening *listening = nullptr);

// One block, found movable, goes, comes in the normal zone, goes and comes back;
// the others stay. Up to about 6.16 SLUB reacts to the last normal memory; with
// KASAN the block's shadow then comes from another node, and the block can go.
int through_normal_zone(const st_ops &ops, u32 block);
// All blocks go and come as movable, which is what later kernels react to.
int through_movable_zone(const st_ops &ops, u32 blocks);

// Whether a scenario about a node can be asked here; each says why not, as a
// skip. A control has structures of its own, which need not be found.
bool has_target(const st_hotplug_target &target, Tally *tally);
bool knows_nodes(const Context &context, bool busted, Tally *tally);
// the same, and every cache can be listed
bool can_watch(const Context &context, bool busted, Tally *tally);

// Asks somebody outside, who reads the report, to plug a device in or to unplug it.
void ask_host(const st_ops &ops, const st_host &host, u32 device, bool plug);

Text zone_name(u32 state);
// A skip that names the node, what it was asked to do and why it was not done.
void refused(const st_hotplug_target &target, u32 state, u32 zone, int err, Tally *tally);

} // namespace st
