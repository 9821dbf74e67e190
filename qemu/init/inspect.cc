// SPDX-License-Identifier: GPL-2.0
//
// inspect - loads the module, chooses a cache and sends what the module's
// debugfs file `inspect` says of it; and tries whether that file can be opened
// for writing. While the module works, another process reads the file over and
// over, so that slabs, caches and memory go under a reader; it is killed in the
// middle. What any of it means is for the host to say.
#include "kmsg.h"
#include "steps.h"
#include "system.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
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

// Reads the file to its end again and again, one byte into the pipe each time.
pid_t start_reading(const std::string &file, int done)
{
	const pid_t child = fork();
	if (child != 0)
		return child;
	for (;;) {
		std::string text;
		if (read_most(file, &text) || write(done, ".", 1) != 1)
			_exit(1);
	}
}

// How often the file was read to its end; the reader is killed where it is.
uint64_t stop_reading(pid_t reader, int done)
{
	char bytes[512];
	uint64_t count = 0;
	kill(reader, SIGKILL);
	while (waitpid(reader, nullptr, 0) < 0 && errno == EINTR)
		;
	for (ssize_t n; (n = read(done, bytes, sizeof(bytes))) > 0;)
		count += static_cast<uint64_t>(n);
	return count;
}

// The module's work from begin to end, with a reader beside it.
void follow_beside_reader(Channel &out, const Config &config, const std::string &file)
{
	int done[2];
	if (pipe2(done, O_NONBLOCK | O_CLOEXEC) < 0)
		return follow_verdicts(out, config);
	const pid_t reader = start_reading(file, done[1]);
	follow_verdicts(out, config);
	if (reader > 0)
		out.fact("inspect_meanwhile", stop_reading(reader, done[0]));
	close(done[0]);
	close(done[1]);
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
	if (!config.inspect.empty())
		out.step("inspect-choose",
			 write_file("/sys/module/" + config.module + "/parameters/inspect",
				    config.inspect.c_str()));
	follow_beside_reader(out, config, file);
	out.fact("inspect_open_write", static_cast<uint64_t>(open_error(file, O_WRONLY)));
	out.fact("inspect_open_both", static_cast<uint64_t>(open_error(file, O_RDWR)));
	send_text(out, file);
	remove_module(out, config);
}

} // namespace guest
