// SPDX-License-Identifier: GPL-2.0
//
// init - the guest's only needed process. It reads as the list of steps at the
// end of this file: mount, make a memory cgroup, load a module, copy what it
// reports to the verdict channel, unload it, power off. It knows nothing of
// what the module tests. Verdicts go to the second serial port; the console
// belongs to the kernel.
#include "config.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace {

constexpr const char *kConfig = "/guest.conf";
constexpr const char *kChannel = "/dev/ttyS1";
constexpr const char *kGroup = "/sys/fs/cgroup/guest";
constexpr unsigned kUnloadTries = 200;

int channel = -1;

void send(const char *data, size_t bytes)
{
	while (bytes) {
		const ssize_t wrote = write(channel, data, bytes);
		if (wrote < 0 && errno != EINTR)
			return;
		if (wrote > 0) {
			data += wrote;
			bytes -= static_cast<size_t>(wrote);
		}
	}
	// out of the machine before anything else is done: a panic may be next
	tcdrain(channel);
}

__attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
	char line[512];
	va_list args;
	va_start(args, format);
	const int length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	size_t bytes = length < 0 ? 0 : std::min<size_t>(static_cast<size_t>(length), 510);
	line[bytes++] = '\n';
	send(line, bytes);
}

// Reports the step; true when it went well. result: 0, or -1 with errno set.
bool step(const char *name, int result)
{
	const int error = errno;
	if (result >= 0)
		say("@ step %s ok", name);
	else
		say("@ step %s error %d %s", name, error, strerror(error));
	return result >= 0;
}

std::string read_file(const char *path)
{
	std::ifstream file(path);
	return {std::istreambuf_iterator<char>(file), {}};
}

int write_file(const char *path, const std::string &text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	const ssize_t wrote = write(fd, text.data(), text.size());
	const int error = errno;
	close(fd);
	errno = error;
	return wrote < 0 ? -1 : 0;
}

int mount_at(const char *type, const char *at)
{
	mkdir(at, 0755);
	return mount(type, at, type, 0, nullptr);
}

int open_channel()
{
	channel = open(kChannel, O_RDWR | O_NOCTTY | O_CLOEXEC);
	termios raw;
	if (channel < 0 || tcgetattr(channel, &raw))
		return -1;
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	return tcsetattr(channel, TCSANOW, &raw);
}

void mount_all()
{
	step("proc", mount_at("proc", "/proc"));
	step("sysfs", mount_at("sysfs", "/sys"));
	step("debugfs", mount("debugfs", "/sys/kernel/debug", "debugfs", 0, nullptr));
}

// Kernel memory is only accounted in groups below the root.
void enter_cgroup()
{
	if (!step("cgroup2", mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, nullptr)))
		return;
	step("memory-controller", write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory"));
	if (step("cgroup", mkdir(kGroup, 0755)))
		step("enter-cgroup", write_file("/sys/fs/cgroup/guest/cgroup.procs", "0"));
}

// Lines of /proc/meminfo and sums over /proc/slabinfo, as facts of that moment.
void say_counts(const char *when)
{
	std::istringstream meminfo(read_file("/proc/meminfo"));
	for (std::string key; meminfo >> key; meminfo.ignore(256, '\n')) {
		unsigned long kib = 0;
		meminfo >> kib;
		if (key == "SUnreclaim:" || key == "SReclaimable:" || key == "MemFree:" ||
		    key == "Percpu:")
			say("@ fact %s.%s=%lu", when, key.substr(0, key.size() - 1).c_str(), kib);
	}
	std::istringstream slabinfo(read_file("/proc/slabinfo"));
	unsigned long caches = 0;
	for (std::string line; std::getline(slabinfo, line);)
		caches += line[0] != '#' && line.compare(0, 8, "slabinfo") != 0;
	say("@ fact %s.caches=%lu", when, caches);
	say("@ fact %s.modules=%s", when, read_file("/proc/modules").empty() ? "0" : "1");
}

void say_facts()
{
	say("@ fact cmdline=%s", read_file("/proc/cmdline").c_str());
	say("@ fact nodes=%s", read_file("/sys/devices/system/node/has_memory").c_str());
	say("@ fact version=%s", read_file("/proc/version").c_str());
}

int load(const guest::Config &config)
{
	const int fd = open(config.module.c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	const int result = static_cast<int>(syscall(SYS_finit_module, fd, config.args.c_str(), 0));
	const int error = errno;
	close(fd);
	errno = error;
	return result;
}

std::string module_name(const guest::Config &config)
{
	const std::string file = config.module.substr(config.module.rfind('/') + 1);
	return file.substr(0, file.rfind('.'));
}

// O_NONBLOCK as rmmod uses it: an error instead of a wait for users to go.
int unload(const guest::Config &config)
{
	const std::string name = module_name(config);
	for (unsigned i = 0; i < kUnloadTries; i++) {
		if (!syscall(SYS_delete_module, name.c_str(), O_NONBLOCK))
			return 0;
		if (errno != EAGAIN && errno != EBUSY)
			return -1;
		usleep(10000);
	}
	return -1;
}

// Reads on only after all that was read has left the machine.
int follow(const guest::Config &config)
{
	const int fd = open(config.follow.c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	char buffer[4096];
	ssize_t got;
	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		send(buffer, static_cast<size_t>(got));
	const int error = errno;
	close(fd);
	errno = error;
	return got < 0 ? -1 : 0;
}

bool run_once(const guest::Config &config)
{
	if (!step("load", load(config)))
		return false;
	const bool followed = config.follow.empty() || step("follow", follow(config));
	return step("unload", unload(config)) && followed;
}

uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

void drain(const guest::Config &config)
{
	const int fd = open(config.follow.c_str(), O_RDONLY | O_CLOEXEC);
	char buffer[4096];
	while (fd >= 0 && read(fd, buffer, sizeof(buffer)) > 0)
		;
	if (fd >= 0)
		close(fd);
}

// Every second cycle is cut short at a seeded moment.
bool run_cycles(const guest::Config &config)
{
	uint64_t random = config.seed | 1;
	for (unsigned i = 0; i < config.cycles; i++) {
		if (load(config))
			return step("load", -1);
		if (i & 1)
			usleep(static_cast<useconds_t>(next_random(&random) % 150000));
		else
			drain(config);
		if (unload(config))
			return step("unload", -1);
		if (i == 0 || i + 1 == config.cycles) {
			// caches and workqueues of the first load are there to stay
			write_file("/proc/sys/vm/drop_caches", "3");
			sleep(2);
			say_counts(i == 0 ? "first" : "last");
		}
		if ((i + 1) % 10 == 0)
			say("@ cycle %u", i + 1);
	}
	return step("cycles", 0);
}

void rescue()
{
	const pid_t child = fork();
	if (child == 0) {
		setsid();
		const int fd = open("/dev/ttyS0", O_RDWR);
		for (int i = 0; i < 3; i++)
			dup2(fd, i);
		execl("/bin/busybox", "sh", static_cast<char *>(nullptr));
		_exit(127);
	}
	int status = 0;
	waitpid(child, &status, 0);
	step("rescue", WIFEXITED(status) && WEXITSTATUS(status) != 127 ? 0 : -1);
}

[[noreturn]] void power_off()
{
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

} // namespace

int main()
{
	mount_at("devtmpfs", "/dev");
	step("channel", open_channel());
	guest::Config config;
	std::string error;
	if (!guest::parse(read_file(kConfig), &config, &error)) {
		say("@ step config error 22 %s", error.c_str());
		power_off();
	}
	if (config.mode == guest::Mode::bare) {
		say("@ end 0");
		power_off();
	}
	mount_all();
	enter_cgroup();
	say_facts();
	const bool good = config.mode == guest::Mode::cycles ? run_cycles(config)
							     : run_once(config);
	say("@ end %d", good ? 0 : 1);
	if (config.rescue)
		rescue();
	power_off();
}
