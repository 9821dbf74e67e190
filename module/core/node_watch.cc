// SPDX-License-Identifier: GPL-2.0
//
// node_watch - see node_watch.h.
#include "node_watch.h"

namespace st {
namespace {

constexpr u32 kMaxRows = 2048;

} // namespace

Watch::Watch(const Context &context, s32 nid, bool busted, Tally *tally)
	: context_(context), nid_(nid), busted_(busted), tally_(tally),
	  before_(context.ops, kMaxRows), after_(context.ops, kMaxRows)
{
}

bool Watch::start()
{
	if (!before_ || !after_) {
		tally_->broken("there is no memory for the rows of caches");
		return false;
	}
	return read(&before_, &before_count_);
}

bool Watch::look(Text event, bool node_is_offline)
{
	u32 rows;
	if (!read(&after_, &rows))
		return false;
	found_ = {};
	for (u32 i = 0; i < rows; i++) {
		const st_node_row *row = find(after_[i]);
		count(row, after_[i]);
		if (row)
			judge(event, *row, after_[i], node_is_offline);
		judge_home(event, after_[i], node_is_offline);
	}
	tally_->observed(rows);
	for (u32 i = 0; i < rows; i++)
		before_[i] = after_[i];
	before_count_ = rows;
	return true;
}

bool Watch::read(Buffer<st_node_row> *rows, u32 *count)
{
	const int got = busted_
		? context_.ops.busted_node_rows(rows->data(), kMaxRows)
		: context_.ops.node_rows(&context_.layout.facts(), nid_, rows->data(),
					 kMaxRows);
	if (got < 0) {
		tally_->broken("the caches' node structures could not be listed");
		return false;
	}
	*count = u32(got);
	return true;
}

const st_node_row *Watch::find(const st_node_row &row) const
{
	for (u32 i = 0; i < before_count_; i++)
		if (before_[i].cache == row.cache && Text(before_[i].name) == row.name)
			return &before_[i];
	return nullptr;
}

void Watch::count(const st_node_row *before, const st_node_row &after)
{
	const u64 was = before ? before->node : 0;
	found_.slabs += after.nr_slabs > 0 ? u64(after.nr_slabs) : 0;
	found_.kept += was && was == after.node;
	found_.replaced += was && after.node && was != after.node;
	found_.gone += was && !after.node;
	found_.came += !was && after.node;
}

void Watch::describe(Evidence &evidence, Text event, const st_node_row &row, u64 before,
	      u64 after) const
{
	char old_text[24], new_text[24];
	context_.ops.pointer_text(before, old_text, sizeof(old_text));
	context_.ops.pointer_text(after, new_text, sizeof(new_text));
	evidence.add("cache ").add(row.name).add(" node ").add_dec(u64(nid_)).add(": ");
	evidence.add(old_text).add(" became ").add(new_text).add(" ").add(event);
}

void Watch::judge(Text event, const st_node_row &before, const st_node_row &after, bool offline)
{
	tally_->ask(Invariant::NodePointerKept, node_pointer_kept(before, after),
		    [&](Evidence &e) { describe(e, event, after, before.node, after.node); });
	if (before.barn)
		tally_->ask(Invariant::NodeBarnKept, node_barn_kept(before, after),
			    [&](Evidence &e) {
				    describe(e, event, after, before.barn, after.barn);
			    });
	if (offline && after.nr_slabs >= 0)
		tally_->ask(Invariant::OfflineNodeHasNoSlabs,
			    offline_node_has_no_slabs(after), [&](Evidence &e) {
				    e.add("cache ").add(after.name).add(" has ")
					    .add_dec(u64(after.nr_slabs))
					    .add(" slabs on node ").add_dec(u64(nid_))
					    .add(", which is offline");
			    });
}

void Watch::judge_home(Text event, const st_node_row &row, bool offline)
{
	if (!offline || !row.node)
		return;
	tally_->ask(Invariant::NodeStructElsewhere, node_struct_elsewhere(row, nid_),
		    [&](Evidence &e) {
			    e.add("cache ").add(row.name)
				    .add(": structure lies in the memory that went ")
				    .add(event);
		    });
}

} // namespace st
