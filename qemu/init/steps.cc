// SPDX-License-Identifier: GPL-2.0
//
// steps - see steps.h. The cycles are in cycles.cc, KUnit in kunit.cc,
// the inspector in inspect.cc.
#include "steps.h"

#include "system.h"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace guest {
namespace {

constexpr const char *kModuleFile = "/module.ko";
constexpr const char *kCgroupRoot = "/sys/fs/cgroup";
constexpr const char *kNodes = "/sys/devices/system/node";

std::string one_line(const std::string &path)
{
	std::string text = read_file(path);
	return text.substr(0, text.find('\n'));
}

void report_memory(Channel &out)
{
	const std::string text = read_file("/proc/meminfo");
	out.fact("mem_total_kb", meminfo_kb(text, "MemTotal").value_or(0));
}

// What the host compares with the nodes that it asked for.
void report_node(Channel &out, unsigned number, uint64_t block_mib)
{
	const std::string name = "node" + std::to_string(number);
	const std::string dir = std::string(kNodes) + "/" + name;
	const uint64_t mib = node_mib(read_file(dir + "/meminfo")).value_or(0);
	std::string text = "cpus=" + one_line(dir + "/cpulist");
	text += " mib=" + std::to_string(mib);
	text += " blocks_mib=" + std::to_string(count_memory_blocks(number) * block_mib);
	text += " block_mib=" + std::to_string(block_mib);
	text += " distance=" + with_commas(one_line(dir + "/distance"));
	out.fact(name, text);
}

void report_nodes(Channel &out)
{
	const std::string nodes(kNodes);
	const std::string online = one_line(nodes + "/online");
	out.fact("nodes", online.empty() ? "0" : online);
	out.fact("nodes_with_memory", one_line(nodes + "/has_memory"));
	out.fact("node1_memory_blocks", count_memory_blocks(1));
	const uint64_t block =
		parse_hex(one_line("/sys/devices/system/memory/block_size_bytes")).value_or(0) >> 20;
	for (const unsigned number : node_numbers())
		report_node(out, number, block);
}

} // namespace

void mount_file_systems(Channel &out)
{
	out.step("mount-proc", mount_at("proc", "/proc"));
	out.step("mount-sysfs", mount_at("sysfs", "/sys"));
	out.step("mount-debugfs", mount_at("debugfs", "/sys/kernel/debug"));
	out.step("mount-cgroup2", mount_at("cgroup2", kCgroupRoot));
}

void enter_memory_cgroup(Channel &out)
{
	const std::string root(kCgroupRoot);
	const bool memory = has_word(read_file(root + "/cgroup.controllers"), "memory");
	out.fact("memory_controller", memory ? "yes" : "no");
	if (!memory)
		return;
	out.step("enable-memory-controller",
		 write_file(root + "/cgroup.subtree_control", "+memory"));
	const std::string group = root + "/guest";
	out.step("make-cgroup", mkdir(group.c_str(), 0755) < 0 ? errno : 0);
	out.step("enter-cgroup", write_file(group + "/cgroup.procs", "0"));
}

void report_facts(Channel &out)
{
	utsname name;
	if (uname(&name) == 0) {
		out.fact("release", name.release);
		out.fact("build", name.version);
		out.fact("arch", name.machine);
	}
	const std::string cpus = one_line("/sys/devices/system/cpu/online");
	out.fact("cpus", cpus);
	out.fact("cpu_count", count_list(cpus).value_or(0));
	out.fact("page_size", static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
	report_nodes(out);
	report_memory(out);
	out.fact("btf", exists("/sys/kernel/btf/vmlinux") ? "yes" : "no");
}

bool insert_module(Channel &out, const Config &config)
{
	const int error = load_module(kModuleFile, config.args);
	out.step("insmod", error);
	return !error;
}

void follow_verdicts(Channel &out, const Config &config)
{
	const int fd = open(config.follow.c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		out.step("follow", errno);
		return;
	}
	char buffer[4096];
	int error = 0;
	for (;;) {
		const ssize_t n = read(fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			error = errno;
		if (n <= 0)
			break;
		out.send({buffer, static_cast<size_t>(n)});
	}
	close(fd);
	out.step("follow", error);
}

void remove_module(Channel &out, const Config &config)
{
	out.step("rmmod", unload_module(config.module));
}

void rescue_shell(Channel &out, const Config &config)
{
	out.fact("rescue_shell", config.console);
	out.step("rescue", run_shell("/bin/sh", config.console.c_str()));
}

} // namespace guest
