// SPDX-License-Identifier: GPL-2.0
//
// node_steps - how a node's memory goes and comes: which block when, and how
// often one that is busy is tried again. What is watched meanwhile is for
// others.
#pragma once
#include "experiment.h"

namespace st {

// Nothing was set, because the run is stopping: -EINTR.
constexpr int kInterrupted = -4;

// One block; tried again while pages in flight make it busy for a moment.
int set_patiently(const st_ops &ops, u32 block, u32 state);
// All blocks, in an order in which each can go; state is enum st_block_state.
int offline_all(const st_ops &ops, u32 blocks);
int online_kernel(const st_ops &ops, u32 blocks);
int set_all(const st_ops &ops, u32 blocks, u32 state);

Text zone_name(u32 state);
// A skip that names the node, what it was asked to do and why it was not done.
void refused(const st_hotplug_target &target, u32 state, u32 zone, int err, Tally *tally);

} // namespace st
