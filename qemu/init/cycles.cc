// SPDX-License-Identifier: GPL-2.0
//
// cycles - loads and unloads the module over and over. Even cycles run to
// their end; odd ones are removed in mid-run after a seeded delay, half of
// those with a reader still on the followed file. Memory counters are taken
// after settling, and the node's memory blocks are compared with those found;
// whether all returned is for the host to judge.
#include "blocks.h"
#include "counters.h"
#include "steps.h"
#include "system.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace guest {
namespace {

constexpr const char *kModuleFile = "/module.ko";
constexpr const char *kCgroupRoot = "/sys/fs/cgroup"; // the module is loaded one below
constexpr size_t kGrownCaches = 8;

// Reads the followed file to its end; true if its last line was whole.
bool drain(const std::string &path, std::string *last_line)
{
	char buffer[4096];
	const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	std::string tail;
	for (;;) {
		const ssize_t n = read(fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		tail.append(buffer, static_cast<size_t>(n));
		const size_t keep = 512;
		if (tail.size() > keep)
			tail.erase(0, tail.size() - keep);
	}
	close(fd);
	if (tail.empty() || tail.back() != '\n')
		return false;
	tail.pop_back();
	*last_line = tail.substr(tail.rfind('\n') + 1);
	return true;
}

pid_t start_reader(const std::string &path)
{
	const pid_t child = fork();
	if (child == 0) {
		std::string ignored;
		drain(path, &ignored);
		_exit(0);
	}
	return child;
}

void stop_reader(pid_t reader)
{
	if (reader <= 0)
		return;
	kill(reader, SIGKILL);
	while (waitpid(reader, nullptr, 0) < 0 && errno == EINTR)
		;
}

// A whole run: loaded, read to its end, removed. Returns the first errno.
int whole_cycle(const Config &config, std::string *last_line)
{
	int error = load_module(kModuleFile, config.args);
	if (error)
		return error;
	if (!drain(config.follow, last_line))
		error = EIO;
	const int gone = unload_module(config.module);
	return gone ? gone : error;
}

// A load that is removed while it works.
int cut_cycle(const Config &config, unsigned delay_ms, bool with_reader)
{
	const int error = load_module(kModuleFile, config.cut_args);
	if (error)
		return error;
	const pid_t reader = with_reader ? start_reader(config.follow) : 0;
	sleep_ms(delay_ms);
	stop_reader(reader);
	return unload_module(config.module);
}

int one_cycle(Channel &out, const Config &config, uint32_t number, uint64_t *random)
{
	const bool cut = number % 2;
	const unsigned delay_ms = static_cast<unsigned>(next_random(random) % (config.cut_max_ms + 1));
	std::string last_line;
	const int error = cut ? cut_cycle(config, delay_ms, number % 4 == 3)
			      : whole_cycle(config, &last_line);
	const std::string name = "cycle-" + std::to_string(number) + (cut ? "-cut" : "-whole");
	out.step(name, error);
	if (!cut)
		out.fact(name, last_line);
	return error;
}

} // namespace

void cycle_module(Channel &out, const Config &config)
{
	uint64_t random = config.seed;
	// The first cycles fill stocks that the kernel keeps for good; a leak
	// shows as growth from "warm" on, in proportion to the cycles.
	const uint32_t warm = config.cycles / 10 + 1;
	std::string warm_slabs = report_counters(out, "before");
	const std::string found = describe_blocks(config.node);
	bool as_found = true;
	out.fact("blocks", found);
	for (uint32_t i = 0; i < config.cycles; i++) {
		if (i == warm)
			warm_slabs = report_counters(out, "warm");
		if (i == config.cycles / 2 && i > warm)
			report_counters(out, "middle");
		if (one_cycle(out, config, i, &random) == EBUSY)
			break; // it is still loaded: nothing after this means anything
		const std::string now = describe_blocks(config.node);
		if (as_found && now != found)
			out.fact("blocks_moved", "cycle " + std::to_string(i) + " left " + now);
		as_found = now == found;
	}
	const std::string slabs = report_counters(out, "after");
	out.fact("grown", cache_growth(warm_slabs, slabs, kGrownCaches));
	out.fact("cgroups_left", count_entries(kCgroupRoot, config.module));
}

} // namespace guest
