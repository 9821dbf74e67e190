// SPDX-License-Identifier: GPL-2.0
//
// channel - see channel.h. Writes are whole lines in one write(), so a line of
// init never lands inside one that it forwards.
#include "channel.h"

#include "system.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <termios.h>
#include <unistd.h>

namespace guest {
namespace {

constexpr unsigned kPollMs = 10;
constexpr unsigned kPatienceMs = 20000; // an emulated CPU on a busy host

// A serial port is there before init begins. A virtio port is announced by the
// host after its driver has started, which may be later than that.
int open_when_there(const char *device)
{
	for (unsigned waited = 0;; waited += kPollMs) {
		const int fd = open(device, O_RDWR | O_NOCTTY | O_CLOEXEC);
		const bool missing = fd < 0 && (errno == ENOENT || errno == ENXIO);
		if (!missing || waited >= kPatienceMs)
			return fd;
		sleep_ms(kPollMs);
	}
}

} // namespace

Channel::Channel(const char *device)
	: fd_(open_when_there(device))
{
	termios tty;
	if (fd_ < 0 || tcgetattr(fd_, &tty) < 0)
		return;
	cfmakeraw(&tty);
	cfsetspeed(&tty, B115200);
	tcsetattr(fd_, TCSANOW, &tty);
}

Channel::~Channel()
{
	if (fd_ >= 0)
		close(fd_);
}

void Channel::send(std::string_view bytes)
{
	while (fd_ >= 0 && !bytes.empty()) {
		const ssize_t n = write(fd_, bytes.data(), bytes.size());
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		bytes.remove_prefix(static_cast<size_t>(n));
	}
	// A write to a virtio port returns when the host has taken it, and the
	// port refuses this.
	if (fd_ >= 0)
		tcdrain(fd_);
}

void Channel::step(std::string_view name, int error)
{
	std::string line("@ step ");
	line.append(name);
	if (error) {
		failures_++;
		line.append(" error ").append(std::to_string(error));
		line.append(" ").append(strerror(error)).append("\n");
	} else {
		line.append(" ok\n");
	}
	send(line);
}

void Channel::fact(std::string_view key, std::string_view value)
{
	std::string line("@ fact ");
	line.append(key).append("=").append(value).append("\n");
	send(line);
}

void Channel::fact(std::string_view key, uint64_t value)
{
	fact(key, std::to_string(value));
}

void Channel::end(std::string_view status)
{
	std::string line("@ end ");
	line.append(status).append("\n");
	send(line);
}

} // namespace guest
