// SPDX-License-Identifier: GPL-2.0
//
// churn - what node-churn and its controls share.
#pragma once
#include "experiment.h"

namespace st {

// Whether a node's memory can go here, and what of SLUB must be known is.
bool can_ask_churn(const Context &context, const st_hotplug_target &target, Tally *tally);
// busted: enum st_watched
void run_busted_churn(const Context &context, u32 busted, Tally *tally);

} // namespace st
