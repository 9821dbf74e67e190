// SPDX-License-Identifier: GPL-2.0
//
// layout - where obj_exts, its step and the node pointers are in THIS kernel.
// The only place that knows SLUB's structures, version by version; it learns
// every offset from BTF. A fact that cannot be learned is named in a Need, so
// that a scenario can say why it is skipped; nothing is ever guessed.
#pragma once
#include "btf.h"

namespace st {

// Why a group of facts is missing; empty when all of it is known.
using Missing = Line<ST_REASON_BYTES>;

class Layout {
public:
	// codetags: whether 7.3's static key for them is on, -1: unknown.
	void learn(const Btf &btf, s32 codetags);
	// Nothing is known, for this reason.
	void unknown(Text why);

	const st_layout &facts() const { return facts_; }
	// What scenarios need: extensions and their step; node pointers.
	const Missing &exts_missing() const { return exts_missing_; }
	const Missing &nodes_missing() const { return nodes_missing_; }
	// And their lists of slabs and sheaves, with the locks of these.
	const Missing &lists_missing() const { return lists_missing_; }
	// Placements other than an external vector exist (7.0 and later).
	bool has_leftover() const { return facts_.step_origin == ST_STEP_FIELD ||
					   facts_.step_origin == ST_STEP_BITS; }
	// One line a fact, "key=text".
	void describe(void (*write)(void *arg, const char *text, size_t bytes), void *arg) const;

private:
	void learn_slab(const Btf &btf);
	void learn_exts(const Btf &btf);
	void learn_element(const Btf &btf);
	void learn_step(const Btf &btf, u32 ext);
	void learn_cache(const Btf &btf);
	void learn_nodes(const Btf &btf, u32 cache);
	void learn_lists(const Btf &btf, u32 node);
	st_field need(const Btf &btf, u32 structure, Text member, Missing *missing, Text owner);

	st_layout facts_ = {};
	s32 codetags_ = -1;
	Missing exts_missing_, nodes_missing_, lists_missing_;
	const char *slab_name_ = "";
	const char *exts_name_ = "";
	const char *element_name_ = "";
	const char *node_form_ = "";
};

// "field", "bits", "element size", "in-object" or "unknown".
Text step_origin_name(u32 origin);

} // namespace st
