// SPDX-License-Identifier: GPL-2.0
//
// node_watch - every cache's structures for one node, as they are and as they
// were at the last look. It compares and judges; what happens to the node in
// between is for node_steps and the experiments.
#pragma once
#include "experiment.h"

namespace st {

// What a look found beside what it judged.
struct NodeLook {
	u32 kept = 0;		// structures that are where they were
	u32 replaced = 0;	// others are in their place
	u32 gone = 0;		// there were some, and are none now
	u32 came = 0;		// there were none, and are some now
	u64 slabs = 0;		// on the node, of all caches
};

class Watch {
public:
	// busted: the structures of the control instead
	Watch(const Context &context, s32 nid, bool busted, Tally *tally);

	bool start();
	// Reads all rows anew and compares; event: what happened in between.
	bool look(Text event, bool node_is_offline);
	const NodeLook &found() const { return found_; }	// by the last look

private:
	bool read(Buffer<st_node_row> *rows, u32 *count);
	const st_node_row *find(const st_node_row &row) const;
	void count(const st_node_row *before, const st_node_row &after);
	void describe(Evidence &evidence, Text event, const st_node_row &row, u64 before,
		      u64 after) const;
	void judge(Text event, const st_node_row &before, const st_node_row &after, bool offline);
	void judge_home(Text event, const st_node_row &row, bool offline);

	const Context &context_;
	s32 nid_;
	bool busted_;
	Tally *tally_;
	Buffer<st_node_row> before_, after_;
	u32 before_count_ = 0;
	NodeLook found_;
};

} // namespace st
