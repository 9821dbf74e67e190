/* SPDX-License-Identifier: GPL-2.0 */
/*
 * system - what the steps ask of the kernel: mounts, files, one module, power.
 * Every call returns 0 or the errno that explains it; none of them reports
 * or decides what to do next.
 */
#ifndef GUEST_INIT_SYSTEM_H
#define GUEST_INIT_SYSTEM_H

#include <string>
#include <sys/types.h>
#include <vector>

namespace guest {

/* Creates `dir` if it is missing and mounts `type` there. */
[[nodiscard]] int mount_at(const char *type, const char *dir);

/* The whole of a small file, or "" if it cannot be read. */
std::string read_file(const std::string &path);
[[nodiscard]] int write_file(const std::string &path, const char *text);
bool exists(const std::string &path);

/* finit_module() and delete_module(); `path` is the .ko file. */
[[nodiscard]] int load_module(const char *path, const std::string &args);
[[nodiscard]] int unload_module(const std::string &name);

/* Blocks of node `node` that can be set offline, by their directory name. */
unsigned count_memory_blocks(unsigned node);
/* Numbers of the nodes that have a directory of their own, in order. */
std::vector<unsigned> node_numbers();
/* Entries of the directory whose names begin with `prefix`. */
unsigned count_entries(const std::string &dir, const std::string &prefix);

void sleep_ms(unsigned ms);

/* Keeps the caller on the first CPU, or lets it go to every one again. */
void run_on_first_cpu(bool only);

/* A shell on the console until it exits; `path` is its program. */
[[nodiscard]] int run_shell(const char *path, const char *console);

[[noreturn]] void power_off();

} // namespace guest

#endif
