// SPDX-License-Identifier: GPL-2.0
//
// turns - two modules measured in one guest, by turns, so that a slow minute of
// the host hits both. The other module stays loaded and works whenever its
// file is read; what it prints is sent as a report, and is the host's to read.
#include "kmsg.h"
#include "steps.h"
#include "system.h"

#include <cerrno>
#include <string>

namespace guest {
namespace {

constexpr const char *kOtherFile = "/other.ko";

bool ours(Channel &out, const Config &config)
{
	if (!insert_module(out, config))
		return false;
	follow_verdicts(out, config);
	remove_module(out, config);
	return true;
}

bool others(Channel &out, const Config &config)
{
	const std::string said = read_file(config.other_follow);
	out.step("other", said.empty() ? ENODATA : 0);
	out.send(prefixed("@ report ", said));
	return !said.empty();
}

bool one_turn(Channel &out, const Config &config, uint32_t turn)
{
	if (turn % 2)
		return others(out, config) && ours(out, config);
	return ours(out, config) && others(out, config);
}

} // namespace

void take_turns(Channel &out, const Config &config)
{
	const int error = load_module(kOtherFile, config.other_args);
	out.step("insmod-other", error);
	if (error)
		return;
	for (uint32_t turn = 0; turn < config.turns && one_turn(out, config, turn); turn++)
		;
	out.step("rmmod-other", unload_module(config.other));
}

} // namespace guest
