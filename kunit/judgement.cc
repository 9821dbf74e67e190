// SPDX-License-Identifier: GPL-2.0
//
// judgement - see judgement.h. Glue: a finding becomes the name of its cause.
#include "judgement.h"

#include "../module/core/diagnosis.h"
#include "../module/core/histogram.h"
#include "../module/core/invariant.h"

using namespace st;

namespace {

const char *cause_of(Invariant invariant, const Finding &finding)
{
	const Cause cause = finding.holds ? Cause::None : diagnose(invariant, finding.sighting);
	return name(cause).data();
}

} // namespace

const char *stk_step_cause(const st_object_view *on_writer, const st_object_view *on_reader,
			   const st_layout *layout)
{
	return cause_of(Invariant::ExtsStepMatchesLayout,
			exts_step_matches(*on_writer, *on_reader, *layout));
}

const char *stk_sighting_cause(uint64_t expected, uint64_t on_writer, uint64_t on_reader,
			       uint64_t later)
{
	return name(diagnose(Invariant::ExtsStepMatchesLayout,
			     Sighting{expected, on_writer, on_reader, later})).data();
}

const char *stk_bounds_cause(const st_object_view *view, const st_layout *layout)
{
	return cause_of(Invariant::ExtsInBounds, exts_in_bounds(*view, *layout));
}

const char *stk_aligned_cause(const st_object_view *view)
{
	return cause_of(Invariant::ExtsAligned, exts_aligned(*view));
}

const char *stk_outside_cause(const st_object_view *slot_of, const st_object_view *body_of,
			      const st_layout *layout)
{
	return cause_of(Invariant::ExtsOutsideObjects,
			exts_outside_objects(*slot_of, *body_of, *layout));
}

const char *stk_nobody_cause(const st_object_view *view)
{
	return cause_of(Invariant::ExtsNamesNobody, exts_names_nobody(*view));
}

const char *stk_inherited_cause(const st_object_view *view, const st_layout *layout)
{
	return cause_of(Invariant::ExtsNotInherited, exts_not_inherited(*view, *layout));
}

const char *stk_vector_cause(const st_object_view *view, const st_layout *layout)
{
	return cause_of(Invariant::ExtsVectorLongEnough, exts_vector_long_enough(*view, *layout));
}

const char *stk_slots_cause(const st_object_view *a, const st_object_view *b,
			    const st_layout *layout)
{
	return cause_of(Invariant::ExtsOwnSlot, exts_own_slot(*a, *b, *layout));
}

const char *stk_cache_cause(const st_object_view *view, uint64_t cache)
{
	return cause_of(Invariant::SlabOwnsObject, slab_owns_object(*view, cache));
}

const char *stk_node_cause(const st_node_row *before, const st_node_row *after)
{
	return cause_of(Invariant::NodePointerKept, node_pointer_kept(*before, *after));
}

const char *stk_barn_cause(const st_node_row *before, const st_node_row *after)
{
	return cause_of(Invariant::NodeBarnKept, node_barn_kept(*before, *after));
}

const char *stk_stride_type_cause(const st_layout *layout, uint64_t largest_step)
{
	return cause_of(Invariant::StrideFitsType, stride_fits_type(*layout, largest_step));
}

const char *stk_present_cause(const st_node_row *row)
{
	return cause_of(Invariant::NodeStructPresent, node_struct_present(*row));
}

const char *stk_distinct_cause(const st_node_row *a, const st_node_row *b)
{
	return cause_of(Invariant::NodeStructDistinct, node_struct_distinct(*a, *b));
}

const char *stk_home_cause(const st_node_row *row, uint32_t only_node)
{
	return cause_of(Invariant::NodeStructHome,
			node_struct_home(*row, Span<const u32>(&only_node, 1)));
}

const char *stk_barns_cause(const st_node_row *a, const st_node_row *b)
{
	return cause_of(Invariant::NodeBarnEverywhere, node_barn_everywhere(*a, *b));
}

const char *stk_counts_cause(uint64_t known, uint64_t counted)
{
	return cause_of(Invariant::NodeCountsSlabs, node_counts_slabs(known, counted));
}

const char *stk_offline_cause(const st_node_row *row)
{
	return cause_of(Invariant::OfflineNodeHasNoSlabs, offline_node_has_no_slabs(*row));
}

uint64_t stk_histogram_wrong(const st_handoff_counts *counts)
{
	Histogram histogram;
	histogram.add(*counts);
	return histogram.wrong();
}

int stk_histogram_row(const st_handoff_counts *counts, uint32_t state, char *text, size_t bytes)
{
	Histogram histogram;
	Line<160> line;
	histogram.add(*counts);
	if (!bytes || !histogram.row(state, &line))
		return 0;
	const Text row = line.text().until(bytes - 1);
	for (size_t i = 0; i < row.size(); i++)
		text[i] = row[i];
	text[row.size()] = 0;
	return 1;
}
