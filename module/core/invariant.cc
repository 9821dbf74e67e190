// SPDX-License-Identifier: GPL-2.0
//
// invariant - see invariant.h.
#include "invariant.h"

namespace st {
namespace {

Finding equal(u64 expected, u64 writer, u64 reader)
{
	Finding finding{writer == expected && reader == expected,
			Sighting{expected, writer, reader, reader}};
	finding.sighting.has_later = false;
	return finding;
}

// One look at something, by one CPU.
Finding looked(bool holds, u64 expected, u64 seen)
{
	Finding finding{holds, Sighting{expected, seen, seen, seen}};
	finding.sighting.has_later = false;
	return finding;
}

} // namespace

Finding slab_owns_object(const st_object_view &view, u64 cache)
{
	return equal(cache, view.slab_cache, view.slab_cache);
}

Finding exts_step_matches(const st_object_view &on_writer, const st_object_view &on_reader,
			  const st_layout &layout)
{
	const Placement placement = placement_of(on_writer, layout);
	Finding finding = equal(expected_step(on_writer, layout, placement), on_writer.step_bytes,
				on_reader.step_bytes);
	finding.sighting.barrier = on_reader.step_again;
	finding.sighting.has_barrier = true;
	finding.sighting.type_bits = layout.stride.bits;
	return finding;
}

Finding exts_in_bounds(const st_object_view &view, const st_layout &layout)
{
	const Placement placement = placement_of(view, layout);
	const Range range = slot_range(view, layout, placement);
	const bool inside = view.slot >= range.begin &&
			    view.slot + layout.ext_bytes <= range.end;
	const u64 origin = placement == Placement::External ? vector_base(view, layout)
							    : view.slab_base;
	const u64 step = placement == Placement::InObject ? view.cache_size : layout.ext_bytes;
	const u64 right = vector_base(view, layout) + step * view.index;
	// a vector that begins in the wrong place leaves only the room to name
	const bool known = right >= range.begin && right + layout.ext_bytes <= range.end;
	return looked(inside, (known ? right : range.begin) - origin, view.slot - origin);
}

Finding exts_aligned(const st_object_view &view)
{
	const u64 off = view.slot % sizeof(void *);
	return equal(0, off, off);
}

Finding exts_vector_long_enough(const st_object_view &view, const st_layout &layout)
{
	const u64 needed = u64(view.objects) * layout.ext_bytes;
	const bool holds = view.vector_bytes >= needed;
	return looked(holds, needed, view.vector_bytes);
}

Finding exts_own_slot(const st_object_view &a, const st_object_view &b, const st_layout &layout)
{
	const u64 apart = a.slot > b.slot ? a.slot - b.slot : b.slot - a.slot;
	return looked(apart >= layout.ext_bytes, layout.ext_bytes, apart);
}

Finding exts_outside_objects(const st_object_view &slot_of, const st_object_view &body_of,
			     const st_layout &layout)
{
	const u64 begin = body_of.object, end = begin + body_of.cache_object_size;
	const bool apart = slot_of.slot >= end || slot_of.slot + layout.ext_bytes <= begin;
	const u64 inside = apart ? 0 : (slot_of.slot < end ? end - slot_of.slot : 0);
	return equal(0, inside, inside);
}

Finding exts_names_memcg(const st_object_view &on_writer, const st_object_view &on_reader,
			 u64 memcg)
{
	if (memcg && on_writer.slot_memcg)
		return equal(memcg, on_writer.slot_memcg, on_reader.slot_memcg);
	return Finding{on_writer.slot_objcg != 0 && on_reader.slot_objcg == on_writer.slot_objcg,
		       Sighting{memcg, on_writer.slot_objcg, on_reader.slot_objcg,
				on_reader.slot_objcg}};
}

Finding exts_cleared(const st_object_view &after_free)
{
	// a slot that could not be read is not known to be empty
	Finding finding = equal(0, after_free.slot_objcg, after_free.slot_objcg);
	finding.holds = finding.holds && after_free.slot_readable;
	return finding;
}

Finding exts_names_nobody(const st_object_view &view)
{
	return equal(0, view.slot_objcg, view.slot_objcg);
}

Finding exts_not_inherited(const st_object_view &view, const st_layout &layout)
{
	const u64 base = vector_base(view, layout);
	return equal(0, base, base);
}

Finding exts_owner_kept(const st_object_view &before, const st_object_view &after)
{
	return equal(before.slot_objcg, before.slot_objcg, after.slot_objcg);
}

Finding stride_stable(const st_object_view &before, const st_object_view &after)
{
	if (before.exts != after.exts)
		return equal(before.exts, before.exts, after.exts);
	Finding finding = equal(before.step_bytes, before.step_bytes, after.step_bytes);
	finding.sighting.number = true;
	return finding;
}

Finding stride_fits_type(const st_layout &layout, u64 largest_step)
{
	const u32 bits = layout.stride.bits;
	const u64 kept = bits && bits < 64 ? largest_step & ((1ull << bits) - 1) : largest_step;
	Finding finding = equal(largest_step, kept, kept);
	finding.sighting.type_bits = bits;
	return finding;
}

Finding node_struct_present(const st_node_row &row)
{
	return Finding{row.node != 0, Sighting{1, row.node, row.node, row.node}};
}

Finding node_struct_distinct(const st_node_row &a, const st_node_row &b)
{
	const bool shared = (a.node && a.node == b.node) || (a.barn && a.barn == b.barn);
	return Finding{!shared, Sighting{a.node, b.node, b.node, b.node}};
}

Finding node_struct_home(const st_node_row &row, Span<const u32> nodes)
{
	bool there = !row.node;
	for (u32 nid : nodes)
		there = there || (row.home >= 0 && u32(row.home) == nid);
	const u64 home = u64(s64(row.home));
	return Finding{there, Sighting{nodes.empty() ? 0 : nodes[0], home, home, home}};
}

Finding node_counts_slabs(u64 known, u64 counted)
{
	return Finding{counted >= known && counted <= 2 * known,
		       Sighting{known, counted, counted, counted}};
}

Finding node_barn_everywhere(const st_node_row &a, const st_node_row &b)
{
	return Finding{(a.barn != 0) == (b.barn != 0), Sighting{a.barn, b.barn, b.barn, b.barn}};
}

Finding node_pointer_kept(const st_node_row &before, const st_node_row &after)
{
	if (!before.node)
		return Finding{};
	return equal(before.node, before.node, after.node);
}

Finding node_barn_kept(const st_node_row &before, const st_node_row &after)
{
	if (!before.barn)
		return Finding{};
	return equal(before.barn, before.barn, after.barn);
}

Finding node_kept_in_use(u64 looked_up, u64 now)
{
	return equal(looked_up, looked_up, now);
}

Finding node_struct_elsewhere(const st_node_row &row, s32 nid)
{
	const bool holds = !row.node || row.home != nid;
	return Finding{holds, Sighting{u64(s64(nid)), u64(s64(row.home)), u64(s64(row.home)),
				       u64(s64(row.home))}};
}

Finding offline_node_has_no_slabs(const st_node_row &row)
{
	// At boot the first slab of kmem_cache_node is counted for its node even
	// where the node has no memory for it and it lies elsewhere: "a useless per
	// node structure", early_kmem_cache_node_alloc(). It never goes.
	const bool may_have_one = row.in_own_cache && row.home != row.nid;
	const u64 slabs = row.nr_slabs < 0 ? 0 : u64(row.nr_slabs);
	return equal(may_have_one && slabs == 1 ? 1 : 0, slabs, slabs);
}

Finding node_initialised_when_visible(u64 whole, u64 later)
{
	return Finding{whole == 1, Sighting{1, 1, whole, later}};
}

Finding node_counts_match_lists(u64 counted, u64 listed)
{
	return looked(counted == listed, listed, counted);
}

Finding node_counts_all_listed(const st_node_lists &row)
{
	const bool holds = row.nr_slabs < 0 || u64(row.nr_slabs) >= row.partial;
	return looked(holds, row.partial, u64(row.nr_slabs));
}

Finding node_lists_own_slabs(const st_node_lists &row)
{
	// the slab of offline_node_has_no_slabs(), while it is partial
	const u64 may_be = row.in_own_cache ? 1 : 0;
	return looked(row.strangers <= may_be, 0, row.strangers);
}

// Caches that came and stayed meanwhile have structures, and name them.
Finding node_structs_balanced(const st_node_structs &before, const st_node_structs &after)
{
	const u64 more = after.in_use - before.in_use, named = after.named - before.named;
	return looked(more == named, named, more);
}

Finding node_remove_succeeds(int err)
{
	return looked(err == 0, 0, u64(s64(err)));
}

Finding node_refusal_clean(int step_err, int use_err)
{
	// refused, and usable as before
	return looked(step_err != 0 && use_err == 0, 0, step_err ? u64(s64(use_err)) : 1);
}

Finding node_paid_once(const st_node_row &gone, const st_node_row &back)
{
	if (gone.node && back.node && gone.node != back.node)
		return equal(gone.node, back.node, back.node);
	if (gone.barn && back.barn && gone.barn != back.barn)
		return equal(gone.barn, back.barn, back.barn);
	return Finding{};
}

Finding charge_reaches_group(const st_charge_books &books, u64 alive_bytes)
{
	const u64 charged = books.charged_bytes;
	return Finding{charged >= alive_bytes, Sighting{alive_bytes, charged, charged, charged}};
}

Finding charge_balanced(const st_charge_books &books)
{
	return equal(0, books.charged_bytes, books.charged_bytes);
}

Finding charge_dying_goes(const st_charge_books &books)
{
	return equal(0, books.dying, books.dying);
}

} // namespace st
