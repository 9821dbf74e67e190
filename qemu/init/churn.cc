// SPDX-License-Identifier: GPL-2.0
//
// churn - a node's memory goes and comes, by the module and by the barest loop
// over the same files, in turns, so that a slow minute of the host hits both;
// and for long, with counters in between. What any of it means is for the host.
#include "blocks.h"
#include "counters.h"
#include "steps.h"
#include "system.h"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace guest {
namespace {

bool ours(Channel &out, const Config &config)
{
	if (!insert_module(out, config))
		return false;
	follow_verdicts(out, config);
	remove_module(out, config);
	return true;
}

// `@ fact bare-TURN=CYCLES NANOSECONDS`
bool bare(Channel &out, const Config &config, const NodeBlocks &blocks, uint32_t turn)
{
	const uint64_t begin = monotonic_ns();
	const int error = blocks.cycle(config.cycles);
	const uint64_t took = monotonic_ns() - begin;
	out.step("bare", error);
	out.fact("bare-" + std::to_string(turn),
		 std::to_string(config.cycles) + " " + std::to_string(took));
	return !error;
}

// Open files that are never closed: what a leak of one object a cycle looks like.
int leak_files(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			return errno;
	return 0;
}

void allow_files(Channel &out, uint64_t count)
{
	const rlimit limit = {count + 64, count + 64};
	out.step("allow-files", setrlimit(RLIMIT_NOFILE, &limit) ? errno : 0);
}

bool soak_point(Channel &out, const Config &config, uint32_t point)
{
	report_counters(out, "soak-" + std::to_string(point));
	return point == config.points || ours(out, config);
}

bool control_point(Channel &out, const Config &config, const NodeBlocks &blocks, uint32_t point)
{
	report_counters(out, "control-" + std::to_string(point));
	if (point == config.points)
		return true;
	const int unleaked = leak_files(config.leaks);
	const int error = unleaked ? unleaked : blocks.cycle(1);
	out.step("control", error);
	return !error;
}

} // namespace

void compare_churn(Channel &out, const Config &config)
{
	NodeBlocks blocks;
	int error = blocks.open(config.node);
	if (!error)
		error = blocks.cycle(1); // the kernel's own first time
	out.step("blocks", error);
	bool good = !error;
	for (uint32_t turn = 0; turn < config.turns && good; turn++)
		good = turn % 2 ? bare(out, config, blocks, turn) && ours(out, config)
				: ours(out, config) && bare(out, config, blocks, turn);
	out.fact("blocks_after", describe_blocks(config.node));
}

void soak(Channel &out, const Config &config)
{
	NodeBlocks blocks;
	const int error = blocks.open(config.node);
	out.step("blocks", error);
	allow_files(out, uint64_t{config.leaks} * config.points);
	bool good = !error;
	for (uint32_t point = 0; point <= config.points && good; point++)
		good = soak_point(out, config, point);
	for (uint32_t point = 0; point <= config.points && good; point++)
		good = control_point(out, config, blocks, point);
	out.fact("blocks_after", describe_blocks(config.node));
}

} // namespace guest
