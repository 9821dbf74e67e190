// SPDX-License-Identifier: GPL-2.0
//
// inspect - loads the module, chooses a cache and sends what the module's
// debugfs file `inspect` says of it; and tries whether that file can be opened
// for writing. What any of it means is for the host to say.
#include "kmsg.h"
#include "steps.h"
#include "system.h"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace guest {
namespace {

// The channel is a serial line: more than this takes minutes.
constexpr size_t kMostBytes = 1 << 20;

// The whole file, or its beginning; 0 or the errno of the first failure.
int read_most(const std::string &path, std::string *text)
{
	char buffer[4096];
	const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	ssize_t n = 1;
	while (text->size() < kMostBytes && (n = read(fd, buffer, sizeof(buffer))) > 0)
		text->append(buffer, static_cast<size_t>(n));
	const int error = n < 0 ? errno : 0;
	close(fd);
	return error;
}

// 0: it could be opened, which it must not.
int open_error(const std::string &path, int flags)
{
	const int fd = open(path.c_str(), flags | O_CLOEXEC);
	const int error = fd < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return error;
}

void send_text(Channel &out, const std::string &file)
{
	std::string first, second;
	out.step("inspect", read_most(file, &first));
	out.send(prefixed("@ report ", first));
	if (first.size() >= kMostBytes)
		out.fact("inspect_cut", kMostBytes);
	const int error = read_most(file, &second);
	out.fact("inspect_again", error ? "unread" : first == second ? "same" : "other");
}

} // namespace

void inspect_cache(Channel &out, const Config &config)
{
	const std::string file = "/sys/kernel/debug/" + config.module + "/inspect";
	if (!insert_module(out, config))
		return;
	follow_verdicts(out, config);
	if (!config.inspect.empty())
		out.step("inspect-choose",
			 write_file("/sys/module/" + config.module + "/parameters/inspect",
				    config.inspect.c_str()));
	out.fact("inspect_open_write", static_cast<uint64_t>(open_error(file, O_WRONLY)));
	out.fact("inspect_open_both", static_cast<uint64_t>(open_error(file, O_RDWR)));
	send_text(out, file);
	remove_module(out, config);
}

} // namespace guest
