/* SPDX-License-Identifier: GPL-2.0 */
/*
 * channel - the one way out of the guest: a serial line or a virtio port of its
 * own, on which every line has left the guest before the next step begins, so
 * that a panic loses nothing that was said before it. Knows no step and judges
 * nothing.
 */
#ifndef GUEST_INIT_CHANNEL_H
#define GUEST_INIT_CHANNEL_H

#include <cstdint>
#include <string_view>

namespace guest {

class Channel {
public:
	/* Opens `device`, raw if it is a tty, waiting a while for it to appear.
	 * Without it, all that is said is lost and the host reports a guest
	 * that gave no verdict. */
	explicit Channel(const char *device);
	~Channel();
	Channel(const Channel &) = delete;
	Channel &operator=(const Channel &) = delete;

	/* `@ step NAME ok`, or `@ step NAME error ERRNO text` when error is not 0. */
	void step(std::string_view name, int error);
	/* `@ fact KEY=VALUE` */
	void fact(std::string_view key, std::string_view value);
	void fact(std::string_view key, uint64_t value);
	/* `@ end STATUS`; nothing is said after it. */
	void end(std::string_view status);

	/* Sends bytes as they are and waits until they have left the guest. */
	void send(std::string_view bytes);

	/* Number of steps that reported an error. */
	[[nodiscard]] int failures() const { return failures_; }

private:
	int fd_;
	int failures_ = 0;
};

} // namespace guest

#endif
