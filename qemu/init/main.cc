// SPDX-License-Identifier: GPL-2.0
//
// init - the guest's only process: mounts, loads a module, carries what it
// says to the host and powers off. It decides nothing about verdicts, and it
// ends in a power-off on every path; a kernel that hangs under it is ended by
// the host's watchdog.
#include "channel.h"
#include "steps.h"
#include "system.h"
#include "text.h"

#include <fcntl.h>
#include <unistd.h>

using namespace guest;

namespace {

void run_module(Channel &out, const Config &config)
{
	if (!insert_module(out, config))
		return;
	follow_verdicts(out, config);
	if (!config.workload.empty())
		run_workload(out, config);
	show_files(out, config);
	remove_module(out, config);
}

void run(Channel &out, const Config &config)
{
	if (!config.problem.empty())
		out.fact("config_problem", config.problem);
	mount_file_systems(out);
	enter_memory_cgroup(out);
	report_facts(out);
	if (config.mode == Mode::Cycles)
		cycle_module(out, config);
	else if (config.mode == Mode::Kunit)
		run_kunit(out, config);
	else if (config.mode == Mode::Turns)
		take_turns(out, config);
	else if (config.mode == Mode::Inspect)
		inspect_cache(out, config);
	else if (config.mode == Mode::Churn)
		compare_churn(out, config);
	else if (config.mode == Mode::Soak)
		soak(out, config);
	else if (config.mode == Mode::Kselftest)
		run_selftest(out, config);
	else if (!config.module.empty())
		run_module(out, config);
	if (config.rescue)
		rescue_shell(out, config);
	out.end(out.failures() ? "errors" : "ok");
}

// Without /dev/null a shell cannot start a job; without a console a stray
// write would go nowhere and fail.
void open_console()
{
	const int fd = open("/dev/console", O_RDWR);
	for (int to = 0; fd >= 0 && to < 3; to++)
		dup2(fd, to);
}

} // namespace

int main()
{
	const int no_devices = mount_at("devtmpfs", "/dev");
	open_console();
	const Config config = parse_config(read_file("/guest.conf"));
	Channel out(config.channel.c_str());
	if (config.mode == Mode::Bare) {
		out.end("ok");
		power_off();
	}
	out.step("mount-devtmpfs", no_devices);
	run(out, config);
	power_off();
}
