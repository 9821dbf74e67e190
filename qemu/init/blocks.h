/* SPDX-License-Identifier: GPL-2.0 */
/*
 * blocks - the memory blocks of a node by their state files in sysfs, which stay
 * open: as bare a way to take a node's memory away as there is.
 */
#ifndef GUEST_INIT_BLOCKS_H
#define GUEST_INIT_BLOCKS_H

#include <cstdint>
#include <string>
#include <vector>

namespace guest {

class NodeBlocks {
public:
	NodeBlocks() = default;
	~NodeBlocks();
	NodeBlocks(const NodeBlocks &) = delete;
	NodeBlocks &operator=(const NodeBlocks &) = delete;

	/* 0, or the errno that explains why there are none. */
	[[nodiscard]] int open(uint32_t node);
	/* `cycles` times: every block offline, then every block online and movable.
	 * 0, or the errno of the first write that stayed refused. */
	[[nodiscard]] int cycle(uint32_t cycles) const;

private:
	std::vector<int> states_;
};

/* "8=online:Movable 9=offline:Movable,Normal", in the order of their numbers. */
std::string describe_blocks(uint32_t node);

uint64_t monotonic_ns();

} // namespace guest

#endif
