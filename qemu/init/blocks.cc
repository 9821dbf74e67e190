// SPDX-License-Identifier: GPL-2.0
//
// blocks - see blocks.h. The order is the module's own: the last block goes
// right after the first.
#include "blocks.h"

#include "system.h"
#include "text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace guest {
namespace {

constexpr const char *kOffline = "offline", *kOnline = "online_movable";
constexpr int kTries = 5; // pages in flight make a block busy for a moment

std::string node_dir(uint32_t node)
{
	return "/sys/devices/system/node/node" + std::to_string(node);
}

std::vector<unsigned> block_numbers(uint32_t node)
{
	std::vector<unsigned> numbers;
	DIR *dir = opendir(node_dir(node).c_str());
	if (!dir)
		return numbers;
	while (const dirent *entry = readdir(dir))
		if (is_memory_block(entry->d_name))
			numbers.push_back(static_cast<unsigned>(
				*parse_number(entry->d_name + strlen("memory"))));
	closedir(dir);
	std::sort(numbers.begin(), numbers.end());
	return numbers;
}

int set(int fd, const char *word)
{
	const ssize_t bytes = static_cast<ssize_t>(strlen(word));
	for (int i = 0; i < kTries; i++)
		if (pwrite(fd, word, static_cast<size_t>(bytes), 0) == bytes)
			return 0;
	return errno;
}

std::string first_line(const std::string &path)
{
	std::string text = read_file(path);
	text = text.substr(0, text.find('\n'));
	std::replace(text.begin(), text.end(), ' ', ',');
	return text;
}

} // namespace

NodeBlocks::~NodeBlocks()
{
	for (const int fd : states_)
		close(fd);
}

int NodeBlocks::open(uint32_t node)
{
	for (const unsigned number : block_numbers(node)) {
		const std::string path = node_dir(node) + "/memory" + std::to_string(number) + "/state";
		const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			return errno;
		states_.push_back(fd);
	}
	return states_.empty() ? ENODEV : 0;
}

int NodeBlocks::cycle(uint32_t cycles) const
{
	const size_t count = states_.size();
	for (uint32_t i = 0; i < cycles; i++) {
		for (size_t at = 0; at < count; at++)
			if (const int error = set(states_[at ? count - at : 0], kOffline))
				return error;
		for (const int fd : states_)
			if (const int error = set(fd, kOnline))
				return error;
	}
	return 0;
}

std::string describe_blocks(uint32_t node)
{
	std::string text;
	for (const unsigned number : block_numbers(node)) {
		const std::string dir = node_dir(node) + "/memory" + std::to_string(number);
		text.append(text.empty() ? "" : " ").append(std::to_string(number)).append("=");
		text.append(first_line(dir + "/state")).append(":");
		text.append(first_line(dir + "/valid_zones"));
	}
	return text;
}

uint64_t monotonic_ns()
{
	timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

} // namespace guest
