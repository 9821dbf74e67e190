// SPDX-License-Identifier: GPL-2.0
//
// workload - runs the user's own command beside the module, for so long at
// most, and sends files of the module to the host. What they say is for the
// host to read.
#include "kmsg.h"
#include "steps.h"
#include "system.h"

#include <cerrno>
#include <csignal>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace guest {
namespace {

constexpr const char *kShell = "/bin/sh";
constexpr unsigned kPollMs = 20;

// A process group of its own, so that all of it can be ended.
pid_t start(const std::string &command)
{
	const pid_t child = fork();
	if (child == 0) {
		setpgid(0, 0);
		setenv("PATH", "/bin", 1);
		execl(kShell, "sh", "-c", command.c_str(), nullptr);
		_exit(127);
	}
	return child;
}

// "exit 0", "signal 9", or "ended after 4000 ms" where its time was up.
std::string wait_for(pid_t child, unsigned most_ms)
{
	int status = 0;
	unsigned waited_ms = 0;
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (waited_ms >= most_ms) {
			kill(-child, SIGKILL);
			while (waitpid(child, &status, 0) < 0 && errno == EINTR)
				;
			return "ended after " + std::to_string(most_ms) + " ms";
		}
		sleep_ms(kPollMs);
		waited_ms += kPollMs;
	}
	kill(-child, SIGKILL);	// what it left behind
	return WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status))
				 : "signal " + std::to_string(WTERMSIG(status));
}

} // namespace

void run_workload(Channel &out, const Config &config)
{
	const pid_t child = start(config.workload);
	out.step("workload", child < 0 ? errno : 0);
	if (child > 0)
		out.fact("workload", wait_for(child, config.workload_ms));
}

void show_files(Channel &out, const Config &config)
{
	std::string_view rest = config.show;
	while (!rest.empty()) {
		const size_t comma = rest.find(',');
		const std::string path(rest.substr(0, comma));
		rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
		const std::string name = path.substr(path.rfind('/') + 1);
		out.step("show-" + name, exists(path) ? 0 : ENOENT);
		out.send(prefixed("@ report " + name + " ", read_file(path)));
	}
}

} // namespace guest
