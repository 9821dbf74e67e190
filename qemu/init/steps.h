/* SPDX-License-Identifier: GPL-2.0 */
/*
 * steps - what a guest does, one function a step. A step that fails says so
 * on the channel and the guest goes on: what a missing mount means for a
 * verdict is for the module and the host to say.
 */
#ifndef GUEST_INIT_STEPS_H
#define GUEST_INIT_STEPS_H

#include "channel.h"
#include "text.h"

namespace guest {

void mount_file_systems(Channel &out);

/* Moves init into a memory cgroup, without which a kernel accounts no object. */
void enter_memory_cgroup(Channel &out);

/* Release, CPUs, nodes, memory: what the host cannot know from outside. */
void report_facts(Channel &out);

/* True if the module is in the kernel now. */
[[nodiscard]] bool insert_module(Channel &out, const Config &config);

/* Sends the followed file to the channel until its end. Reads again only when
 * all bytes have left: the writer may take a blocked read for "delivered". */
void follow_verdicts(Channel &out, const Config &config);

/* The user's command, for config.workload_ms at most. */
void run_workload(Channel &out, const Config &config);

/* Sends every file of config.show as `@ report NAME line`. */
void show_files(Channel &out, const Config &config);

void remove_module(Channel &out, const Config &config);

/* Loads and unloads the module config.cycles times, every second time with a
 * removal in mid-run, and reports memory counters along the way. */
void cycle_module(Channel &out, const Config &config);

/* Loads a module of KUnit suites and sends what they say, while they run and
 * once more when they have ended. */
void run_kunit(Channel &out, const Config &config);

/* Two modules in turns: config.module from load to removal, and one reading of
 * the other's file, config.turns times, each beginning every second turn. */
void take_turns(Channel &out, const Config &config);

/* Loads the module, follows it to its end and sends what it shows of the cache
 * config.inspect. */
void inspect_cache(Channel &out, const Config &config);

/* Whole-node cycles in turns: config.module from load to removal, and
 * config.cycles of the barest loop, config.turns times. */
void compare_churn(Channel &out, const Config &config);

/* The module from load to removal config.points times, with counters before,
 * between and after; then the same with config.leaks files left open each time. */
void soak(Channel &out, const Config &config);

/* The kselftest program in every way that it can end. */
void run_selftest(Channel &out, const Config &config);

void rescue_shell(Channel &out, const Config &config);

} // namespace guest

#endif
