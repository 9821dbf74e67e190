// SPDX-License-Identifier: GPL-2.0
//
// invariant - (expected, observed) -> holds or broken, with evidence. Pure
// functions over values; none of them reads memory or keeps state.
#pragma once
#include "observation.h"
#include "verdict.h"

namespace st {

using Evidence = Line<288>;

struct Finding {
	bool holds = true;
	Sighting sighting;
};

Finding slab_owns_object(const st_object_view &view, u64 cache);
Finding exts_step_matches(const st_object_view &on_writer, const st_object_view &on_reader,
			  const st_layout &layout);
// Offsets from where the vector, the slab or the object begins.
Finding exts_in_bounds(const st_object_view &view, const st_layout &layout);
Finding exts_aligned(const st_object_view &view);
Finding exts_vector_long_enough(const st_object_view &view, const st_layout &layout);
// Two objects, of one slab or of two.
Finding exts_own_slot(const st_object_view &a, const st_object_view &b, const st_layout &layout);
// The slot of one, the body of another or of the same.
Finding exts_outside_objects(const st_object_view &slot_of, const st_object_view &body_of,
			     const st_layout &layout);
// memcg 0: any non-null owner is right.
Finding exts_names_memcg(const st_object_view &on_writer, const st_object_view &on_reader,
			 u64 memcg);
Finding exts_cleared(const st_object_view &after_free);
// A live object that nobody was charged for.
Finding exts_names_nobody(const st_object_view &view);
// The first look at a slab that the cache got anew, from one that had lived in
// the same memory, or nothing, if that is not known.
Finding exts_not_inherited(const st_object_view &view, const st_layout &layout);
// The same object seen by two CPUs, or before and after, while its slab lives.
Finding stride_stable(const st_object_view &before, const st_object_view &after);
// Before and after, of an object that was kept meanwhile.
Finding exts_owner_kept(const st_object_view &before, const st_object_view &after);

// A type that cannot hold the step of the largest object will truncate it,
// whether or not such an object is ever made.
Finding stride_fits_type(const st_layout &layout, u64 largest_step);

// One cache's row for a node that has memory.
Finding node_struct_present(const st_node_row &row);
// Rows of two caches for one node, or of one cache for two.
Finding node_struct_distinct(const st_node_row &a, const st_node_row &b);
// nodes: those that have memory.
Finding node_struct_home(const st_node_row &row, Span<const u32> nodes);
// Slabs that are known to hold a cache's objects, and its count over all nodes.
// A sheaf may have objects of some more slabs, none of them handed out.
Finding node_counts_slabs(u64 known, u64 counted);
// Rows of one cache for two nodes that have memory.
Finding node_barn_everywhere(const st_node_row &a, const st_node_row &b);
// before, after: one cache's rows for the same node.
Finding node_pointer_kept(const st_node_row &before, const st_node_row &after);
Finding node_barn_kept(const st_node_row &before, const st_node_row &after);
// looked_up: what a reader holds on to; now: what the cache has for the node.
Finding node_kept_in_use(u64 looked_up, u64 now);
Finding node_struct_elsewhere(const st_node_row &row, s32 nid);
Finding offline_node_has_no_slabs(const st_node_row &row);
// A pointer that a reader without lock saw appear; whole: 1 if what it leads to
// was initialised at the first look, later: at the second.
Finding node_initialised_when_visible(u64 whole, u64 later);
Finding node_counts_match_lists(u64 counted, u64 listed);
// nr_slabs counts full slabs, too, which are on no list.
Finding node_counts_all_listed(const st_node_lists &row);
Finding node_lists_own_slabs(const st_node_lists &row);
// before, after: with a number of cycles between them.
Finding node_structs_balanced(const st_node_structs &before, const st_node_structs &after);
// err: of a step that had to succeed, of one that had to be refused, of a use
// of the node after that.
Finding node_remove_succeeds(int err);
Finding node_refusal_clean(int step_err, int use_err);
// One cache's rows without the node's memory and with it again: what was kept is
// used again. What was not kept may be new.
Finding node_paid_once(const st_node_row &gone, const st_node_row &back);

// A group's counter while objects of that many bytes live. It counts pages and
// what objects need besides, so more is right.
Finding charge_reaches_group(const st_charge_books &books, u64 alive_bytes);
// Both when everything has been freed.
Finding charge_balanced(const st_charge_books &books);
Finding charge_dying_goes(const st_charge_books &books);

} // namespace st
