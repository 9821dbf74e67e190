// SPDX-License-Identifier: GPL-2.0
//
// timeline - what was done to a node's memory, one event after the other: when,
// by which way, with which result, what the kernel told its listeners and what
// SLUB had made of it. Its size does not depend on how long a run lasts: of many
// events the first and the last are kept.
#pragma once
#include "base.h"

namespace st {

enum class Way : u8 { None, Sysfs, Module, Outside };
enum class Step : u8 { Look, Offline, OnlineMovable, OnlineKernel, Remove, Add, Unplug, Plug };

Text name(Way way);
Text name(Step step);
Text name(st_notice notice);

struct Event {
	u64 at_ns = 0;		// since load, when the step began
	u64 took_ns = 0;
	Way way = Way::None;
	Step step = Step::Look;
	s32 block = -1;		// -1: not one block alone
	s32 result = 0;		// 0, or -errno
	u32 kept = 0, replaced = 0, gone = 0, came = 0;	// structures, of a look
	u64 slabs = 0;		// left on the node, of a look
	u32 told[ST_NOTICES] = {};	// listeners, how often
};

using EventLine = Line<320>;

class Timeline {
public:
	void add(const Event &event);
	u32 count() const { return count_ < kMost ? count_ : kMost; }
	u32 left_out() const { return count_ < kMost ? 0 : count_ - kMost; }
	// From the first to the last; those left out are between these two parts.
	const Event &at(u32 i) const;
	static constexpr u32 first_part() { return kFirst; }

private:
	static const u32 kFirst = 64, kLast = 32, kMost = kFirst + kLast;
	Event events_[kMost];
	u32 count_ = 0;
};

// "at_us=1 took_us=2 way=sysfs step=offline block=3 result=0 told=going-offline,offline"
void describe(const Event &event, EventLine *line);

} // namespace st
