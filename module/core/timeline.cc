// SPDX-License-Identifier: GPL-2.0
//
// timeline - see timeline.h.
#include "timeline.h"

namespace st {

Text name(Way way)
{
	switch (way) {
	case Way::None: return "-";
	case Way::Sysfs: return "sysfs";
	case Way::Module: return "module";
	case Way::Outside: return "outside";
	}
	return "?";
}

Text name(Step step)
{
	switch (step) {
	case Step::Look: return "look";
	case Step::Offline: return "offline";
	case Step::OnlineMovable: return "online-movable";
	case Step::OnlineKernel: return "online-kernel";
	case Step::Remove: return "remove";
	case Step::Add: return "add";
	case Step::Unplug: return "unplug";
	case Step::Plug: return "plug";
	}
	return "?";
}

Text name(st_notice notice)
{
	switch (notice) {
	case ST_NOTICE_GOING_ONLINE: return "going-online";
	case ST_NOTICE_CANCEL_ONLINE: return "cancel-online";
	case ST_NOTICE_ONLINE: return "online";
	case ST_NOTICE_GOING_OFFLINE: return "going-offline";
	case ST_NOTICE_CANCEL_OFFLINE: return "cancel-offline";
	case ST_NOTICE_OFFLINE: return "offline";
	case ST_NOTICE_ADDING_FIRST: return "adding-first";
	case ST_NOTICE_CANCEL_ADDING_FIRST: return "cancel-adding-first";
	case ST_NOTICE_ADDED_FIRST: return "added-first";
	case ST_NOTICE_REMOVING_LAST: return "removing-last";
	case ST_NOTICE_CANCEL_REMOVING_LAST: return "cancel-removing-last";
	case ST_NOTICE_REMOVED_LAST: return "removed-last";
	case ST_NOTICES: break;
	}
	return "?";
}

void Timeline::add(const Event &event)
{
	const u32 at = count_ < kMost ? count_ : kFirst + (count_ - kFirst) % kLast;
	events_[at] = event;
	count_++;
}

const Event &Timeline::at(u32 i) const
{
	if (count_ <= kMost || i < kFirst)
		return events_[i];
	return events_[kFirst + (count_ - kFirst + i - kFirst) % kLast];
}

namespace {

void add_signed(EventLine *line, s32 value)
{
	if (value < 0)
		line->add("-");
	line->add_dec(value < 0 ? u64(-s64(value)) : u64(value));
}

void add_told(EventLine *line, const Event &event)
{
	Text before = " told=";
	for (u32 i = 0; i < ST_NOTICES; i++) {
		if (!event.told[i])
			continue;
		line->add(before).add(name(st_notice(i)));
		if (event.told[i] > 1)
			line->add(":").add_dec(event.told[i]);
		before = ",";
	}
}

} // namespace

void describe(const Event &event, EventLine *line)
{
	line->add("at_us=").add_dec(event.at_ns / 1000);
	line->add(" took_us=").add_dec(event.took_ns / 1000);
	line->add(" way=").add(name(event.way)).add(" step=").add(name(event.step));
	if (event.step == Step::Look) {
		line->add(" kept=").add_dec(event.kept).add(" replaced=").add_dec(event.replaced);
		line->add(" gone=").add_dec(event.gone).add(" came=").add_dec(event.came);
		line->add(" slabs=").add_dec(event.slabs);
		return;
	}
	if (event.block >= 0)
		line->add(" block=").add_dec(u64(event.block));
	line->add(" result=");
	add_signed(line, event.result);
	add_told(line, event);
}

} // namespace st
