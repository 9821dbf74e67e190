// SPDX-License-Identifier: GPL-2.0
//
// system - see system.h. Thin over the system calls; the only file here that
// opens files other than the verdict channel.
#include "system.h"

#include "text.h"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ctime>
#include <unistd.h>

namespace guest {

int mount_at(const char *type, const char *dir)
{
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return errno;
	return mount(type, dir, type, 0, nullptr) < 0 ? errno : 0;
}

std::string read_file(const std::string &path)
{
	std::string text;
	char buffer[4096];
	const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return text;
	for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0;)
		text.append(buffer, static_cast<size_t>(n));
	close(fd);
	return text;
}

int write_file(const std::string &path, const char *text)
{
	const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	const std::string bytes(text);
	const int error = write(fd, bytes.data(), bytes.size()) < 0 ? errno : 0;
	close(fd);
	return error;
}

bool exists(const std::string &path)
{
	return access(path.c_str(), F_OK) == 0;
}

int load_module(const char *path, const std::string &args)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	const long failed = syscall(SYS_finit_module, fd, args.c_str(), 0);
	const int error = failed ? errno : 0;
	close(fd);
	return error;
}

int unload_module(const std::string &name)
{
	return syscall(SYS_delete_module, name.c_str(), O_NONBLOCK) ? errno : 0;
}

unsigned count_memory_blocks(unsigned node)
{
	const std::string path = "/sys/devices/system/node/node" + std::to_string(node);
	DIR *dir = opendir(path.c_str());
	unsigned blocks = 0;
	if (!dir)
		return 0;
	while (const dirent *entry = readdir(dir))
		blocks += is_memory_block(entry->d_name);
	closedir(dir);
	return blocks;
}

std::vector<unsigned> node_numbers()
{
	DIR *dir = opendir("/sys/devices/system/node");
	std::vector<unsigned> numbers;
	if (!dir)
		return numbers;
	while (const dirent *entry = readdir(dir))
		if (const auto number = node_number(entry->d_name))
			numbers.push_back(static_cast<unsigned>(*number));
	closedir(dir);
	std::sort(numbers.begin(), numbers.end());
	return numbers;
}

unsigned count_entries(const std::string &path, const std::string &prefix)
{
	DIR *dir = opendir(path.c_str());
	unsigned entries = 0;
	if (!dir)
		return 0;
	while (const dirent *entry = readdir(dir))
		entries += std::string(entry->d_name).rfind(prefix, 0) == 0;
	closedir(dir);
	return entries;
}

void sleep_ms(unsigned ms)
{
	timespec left = {ms / 1000, static_cast<long>(ms % 1000) * 1000000};
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

void run_on_first_cpu(bool only)
{
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	for (int cpu = 0; cpu < (only ? 1 : CPU_SETSIZE); cpu++)
		CPU_SET(cpu, &cpus);
	(void)sched_setaffinity(0, sizeof(cpus), &cpus);
}

int run_shell(const char *path, const char *console)
{
	const pid_t child = fork();
	if (child < 0)
		return errno;
	if (child == 0) {
		setsid();
		const int fd = open(console, O_RDWR);
		ioctl(fd, TIOCSCTTY, 0);
		for (int to = 0; to < 3; to++)
			dup2(fd, to);
		execl(path, "sh", "-i", nullptr);
		_exit(127);
	}
	while (waitpid(child, nullptr, 0) < 0 && errno == EINTR)
		;
	return 0;
}

void power_off()
{
	sync();
	reboot(RB_POWER_OFF);
	// A machine without power control: a reset ends it too, since the host
	// runs it with -no-reboot.
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

} // namespace guest
