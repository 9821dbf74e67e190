/* SPDX-License-Identifier: GPL-2.0 */
/*
 * counters - what the kernel has in use, taken when it has settled: slab objects,
 * memory, open files. Whether they returned is for the host to judge.
 */
#ifndef GUEST_INIT_COUNTERS_H
#define GUEST_INIT_COUNTERS_H

#include "channel.h"

#include <string>

namespace guest {

/* Sends them as facts `WHEN.NAME`; returns the /proc/slabinfo they were made of. */
std::string report_counters(Channel &out, const std::string &when);

} // namespace guest

#endif
