// SPDX-License-Identifier: GPL-2.0
//
// node_judge - see node_judge.h.
#include "node_judge.h"

namespace st {
namespace {

void name_pointers(const Context &context, const st_watch_sight &sight, s32 nid, Evidence &e)
{
	char before[24], after[24];
	context.ops.pointer_text(sight.before, before, sizeof(before));
	context.ops.pointer_text(sight.after, after, sizeof(after));
	e.add("cache ").add(sight.name).add(" node ").add_dec(u64(nid)).add(": ");
	e.add(before).add(" became ").add(after);
	e.add(" between two looks of a reader without lock");
}

// Of the looks of a sampler some were wrong; the first of them is known.
void judge_kept(const Context &context, Invariant invariant, u64 looks, u64 wrong,
		const st_watch_sight &first, s32 nid, Tally *tally)
{
	tally->held(invariant, looks - (wrong < looks ? wrong : looks));
	if (!wrong)
		return;
	Finding finding{false, Sighting{first.before, first.before, first.after, first.after}};
	tally->ask(invariant, finding,
		   [&](Evidence &e) { name_pointers(context, first, nid, e); });
	tally->broke(invariant, wrong - 1);
}

void judge_first_looks(const st_watch_counts &seen, s32 nid, Tally *tally)
{
	const Invariant invariant = Invariant::NodeInitialisedWhenVisible;
	const st_watch_sight &first = seen.first_raw;
	if (seen.appeared > seen.raw)
		tally->held(invariant, seen.appeared - seen.raw);
	if (!seen.raw)
		return;
	tally->ask(invariant, node_initialised_when_visible(0, first.right_later),
		   [&](Evidence &e) {
			   e.add("cache ").add(first.name).add(" node ").add_dec(u64(nid));
			   e.add(": structure visible with lock ").add_hex(first.lock);
			   e.add(", partial.next ").add_hex(first.next & 0xffff).add(", .prev ");
			   e.add_hex(first.prev & 0xffff).add(" (low 16 bits), ");
			   e.add(first.right_later ? "initialised a little later"
						   : "nor initialised a little later");
		   });
	tally->broke(invariant, seen.raw - 1);
}

void describe_count(Evidence &e, const st_node_lists &row, s32 nid, Text what, u64 counted,
		    u64 listed)
{
	e.add("cache ").add(row.name).add(" node ");
	if (nid >= 0)
		e.add_dec(u64(nid));
	else
		e.add("none");
	e.add(": ").add(what).add(" says ").add_dec(counted).add(", ");
	e.add_dec(listed).add(" are on its list");
}

void ask_count(const st_node_lists &row, s32 nid, Text what, u64 counted, u64 listed,
	       Tally *tally)
{
	tally->ask(Invariant::NodeCountsMatchLists, node_counts_match_lists(counted, listed),
		   [&](Evidence &e) { describe_count(e, row, nid, what, counted, listed); });
}

} // namespace

void judge_watch(const Context &context, const st_watch_counts &seen, s32 nid, Tally *tally)
{
	if (!seen.looks)
		return tally->broken("the sampler of node pointers never looked");
	judge_kept(context, Invariant::NodePointerKept, seen.looks, seen.gone, seen.first_gone,
		   nid, tally);
	judge_kept(context, Invariant::NodeBarnKept, seen.looks, seen.barns_gone,
		   seen.first_barn, nid, tally);
	judge_first_looks(seen, nid, tally);
	tally->observed(seen.looks);
	Remark line("sampler: ");
	line.add_dec(seen.looks).add(" looks at ").add_dec(seen.caches).add(" caches, ");
	line.add_dec(seen.appeared).add(" structures appeared");
	tally->remarks().add(line.text());
}

void judge_lists(Span<const st_node_lists> rows, s32 nid, Tally *tally)
{
	for (const st_node_lists &row : rows) {
		ask_count(row, nid, "nr_partial", row.nr_partial, row.partial, tally);
		tally->ask(Invariant::NodeCountsMatchLists, node_counts_all_listed(row),
			   [&](Evidence &e) {
				   describe_count(e, row, nid, "nr_slabs", u64(row.nr_slabs),
						  row.partial);
			   });
		if (row.has_barn) {
			ask_count(row, nid, "barn's nr_full", row.nr_full, row.full, tally);
			ask_count(row, nid, "barn's nr_empty", row.nr_empty, row.empty, tally);
		}
		tally->ask(Invariant::NodeListsOwnSlabs, node_lists_own_slabs(row),
			   [&](Evidence &e) {
				   e.add("cache ").add(row.name).add(" node ").add_dec(u64(nid));
				   e.add(": ").add_dec(row.strangers).add(" of ");
				   e.add_dec(row.partial).add(" slabs on its list are of another "
							      "cache or node");
			   });
	}
	tally->observed(rows.size());
}

void judge_removal(const Removal &removal, Tally *tally)
{
	tally->ask(Invariant::NodeRemoveSucceeds, node_remove_succeeds(removal.err),
		   [&](Evidence &e) {
			   e.add("block ").add_dec(removal.block).add(" of node ");
			   e.add_dec(u64(removal.nid)).add(", zone movable: errno ");
			   e.add_dec(u64(-removal.err)).add(" in ").add_dec(removal.tries);
			   e.add(" tries; ").add(removal.kept);
		   });
}

void judge_structs(const st_node_structs &before, const st_node_structs &after, u64 cycles,
		   Tally *tally)
{
	tally->ask(Invariant::NodeStructsBalanced, node_structs_balanced(before, after),
		   [&](Evidence &e) {
			   e.add("structures in use: ").add_dec(before.in_use).add(" before, ");
			   e.add_dec(after.in_use).add(" after ").add_dec(cycles);
			   e.add(" cycles; caches name ").add_dec(before.named).add(" and ");
			   e.add_dec(after.named);
		   });
	Remark line("structures: ");
	line.add_dec(after.in_use).add(" in use, ").add_dec(after.named).add(" named by caches, ");
	line.add_dec(after.barns).add(" barns; before: ").add_dec(before.in_use).add(", ");
	tally->remarks().add(line.add_dec(before.named).add(", ").add_dec(before.barns).text());
}

} // namespace st
