// SPDX-License-Identifier: GPL-2.0
//
// kselftest - runs the kselftest program on real memory blocks: to its end, ended
// by each signal that users send, and for a node that is not there. How the
// blocks are afterwards is looked at by itself; judging is for the host.
#include "blocks.h"
#include "kmsg.h"
#include "steps.h"
#include "system.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace guest {
namespace {

constexpr const char *kProgram = "/selftest";
constexpr const char *kOutput = "/selftest.out";
constexpr unsigned kPollMs = 2;

pid_t start(const std::vector<std::string> &words)
{
	const pid_t child = fork();
	if (child != 0)
		return child;
	const int fd = open(kOutput, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	std::vector<char *> argv;
	for (const std::string &word : words)
		argv.push_back(const_cast<char *>(word.c_str()));
	argv.push_back(nullptr);
	dup2(fd, 1);
	dup2(fd, 2);
	execv(kProgram, argv.data());
	_exit(127);
}

std::string wait_for(pid_t child)
{
	int status = 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status))
				 : "signal " + std::to_string(WTERMSIG(status));
}

// Until a block is away, or it takes too long: a signal is to come in the middle.
std::string wait_for_offline(const Config &config)
{
	std::string blocks = describe_blocks(config.node);
	for (unsigned waited = 0; waited < config.workload_ms; waited += kPollMs) {
		if (blocks.find("=offline") != std::string::npos)
			break;
		sleep_ms(kPollMs);
		blocks = describe_blocks(config.node);
	}
	return blocks;
}

// `number` 0: it ends by itself.
void one(Channel &out, const Config &config, const std::string &name, uint32_t node,
	 const std::string &seconds, int number)
{
	const pid_t child = start({kProgram, "--seconds", seconds, "--churn", std::to_string(node)});
	out.step("selftest-" + name, child < 0 ? errno : 0);
	if (child < 0)
		return;
	if (number) {
		out.fact("selftest-" + name + "-then", wait_for_offline(config));
		kill(child, number);
	}
	const uint64_t begin = monotonic_ns();
	out.fact("selftest-" + name, wait_for(child));
	if (number)
		out.fact("selftest-" + name + "-ms", (monotonic_ns() - begin) / 1000000);
	out.send(prefixed("@ report " + name + " ", read_file(kOutput)));
	out.fact("selftest-" + name + "-blocks", describe_blocks(config.node));
}

} // namespace

void run_selftest(Channel &out, const Config &config)
{
	out.fact("selftest-before-blocks", describe_blocks(config.node));
	one(out, config, "whole", config.node, std::to_string(config.seconds), 0);
	one(out, config, "int", config.node, "86400", SIGINT);
	one(out, config, "term", config.node, "86400", SIGTERM);
	one(out, config, "hup", config.node, "86400", SIGHUP);
	one(out, config, "absent", 1000, "1", 0);
}

} // namespace guest
