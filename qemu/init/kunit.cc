// SPDX-License-Identifier: GPL-2.0
//
// kunit - loads a module of KUnit suites, which run while it is being loaded,
// and sends on the kernel's log meanwhile; then what KUnit keeps of each suite
// in debugfs. A crash thus leaves the log up to it. Counts no result.
#include "kmsg.h"
#include "steps.h"
#include "system.h"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <set>
#include <string>
#include <sys/klog.h>
#include <sys/wait.h>
#include <unistd.h>

namespace guest {
namespace {

constexpr const char *kModuleFile = "/module.ko";
constexpr const char *kSuites = "/sys/kernel/debug/kunit";
constexpr int kSetConsoleLevel = 8; // of syslog(2)
constexpr int kShowInfo = 7;
constexpr int kPollMs = 20;

// What came after it was opened; the reader that falls behind is told so. KUnit
// leaves the line of a result open, so it is there with the message after it.
class KernelLog {
public:
	KernelLog()
		: fd_(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC))
	{
		error_ = fd_ < 0 ? errno : 0;
		if (fd_ >= 0)
			lseek(fd_, 0, SEEK_END);
	}
	~KernelLog()
	{
		if (fd_ >= 0)
			close(fd_);
	}
	KernelLog(const KernelLog &) = delete;
	KernelLog &operator=(const KernelLog &) = delete;

	void wait() const
	{
		pollfd file = {fd_, POLLIN, 0};
		poll(&file, 1, kPollMs);
	}

	// All that there is now, one read() a record.
	std::string take()
	{
		char record[16384]; // more than the kernel's longest
		std::string lines;
		while (fd_ >= 0) {
			const ssize_t n = read(fd_, record, sizeof(record));
			if (n > 0)
				lines.append(log_lines({record, static_cast<size_t>(n)}));
			else if (n < 0 && errno == EPIPE)
				gaps_++; // overwritten before it was read
			else if (n == 0 || errno != EINTR)
				break;
		}
		return lines;
	}

	[[nodiscard]] int error() const { return error_; }
	[[nodiscard]] uint64_t gaps() const { return gaps_; }

private:
	int fd_;
	int error_;
	uint64_t gaps_ = 0;
};

std::set<std::string> suites()
{
	std::set<std::string> names;
	DIR *dir = opendir(kSuites);
	if (!dir)
		return names;
	while (const dirent *entry = readdir(dir))
		if (entry->d_name[0] != '.')
			names.insert(entry->d_name);
	closedir(dir);
	return names;
}

// init_module() returns when the last suite has ended, hence the child.
pid_t start_loading(const Config &config)
{
	const pid_t child = fork();
	if (child == 0)
		_exit(load_module(kModuleFile, config.args));
	return child;
}

// The errno of the load; a loader that the kernel has killed crashed.
int loaded(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : EFAULT;
}

int load_and_follow(Channel &out, const Config &config, KernelLog *log)
{
	int status = 0;
	const pid_t loader = start_loading(config);
	if (loader < 0)
		return errno;
	for (bool running = true; running;) {
		log->wait();
		running = waitpid(loader, &status, WNOHANG) == 0;
		out.send(log->take());
	}
	return loaded(status);
}

void report(Channel &out, const std::set<std::string> &before)
{
	for (const std::string &suite : suites())
		if (!before.contains(suite))
			out.send(prefixed("@ report ", read_file(std::string(kSuites) + "/" +
								 suite + "/results")));
}

} // namespace

void run_kunit(Channel &out, const Config &config)
{
	const std::set<std::string> before = suites();
	KernelLog log;
	out.step("kmsg", log.error());
	// From here on the console has what KUnit prints, and nothing of the boot.
	klogctl(kSetConsoleLevel, nullptr, kShowInfo);
	const int error = load_and_follow(out, config, &log);
	out.step("insmod", error);
	if (log.gaps())
		out.fact("log_gaps", log.gaps());
	report(out, before);
	if (!error)
		remove_module(out, config);
}

} // namespace guest
