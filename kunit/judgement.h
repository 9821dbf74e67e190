/* SPDX-License-Identifier: GPL-2.0 */
/*
 * judgement - core's invariants and diagnosis as C can call them. Each function
 * asks one invariant and returns the name of the cause that the breach is
 * diagnosed with, or "none" if the invariant holds. It decides nothing itself.
 */
#ifndef SLUBTORTURE_KUNIT_JUDGEMENT_H
#define SLUBTORTURE_KUNIT_JUDGEMENT_H

#include "../module/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

const char *stk_step_cause(const struct st_object_view *on_writer,
			   const struct st_object_view *on_reader,
			   const struct st_layout *layout);
/* a step as written, as read at once elsewhere, and as read there later */
const char *stk_sighting_cause(uint64_t expected, uint64_t on_writer, uint64_t on_reader,
			       uint64_t later);
const char *stk_bounds_cause(const struct st_object_view *view, const struct st_layout *layout);
const char *stk_aligned_cause(const struct st_object_view *view);
/* the slot of one, the body of another */
const char *stk_outside_cause(const struct st_object_view *slot_of,
			      const struct st_object_view *body_of,
			      const struct st_layout *layout);
const char *stk_nobody_cause(const struct st_object_view *view);
const char *stk_inherited_cause(const struct st_object_view *view,
				const struct st_layout *layout);
const char *stk_vector_cause(const struct st_object_view *view, const struct st_layout *layout);
const char *stk_slots_cause(const struct st_object_view *a, const struct st_object_view *b,
			    const struct st_layout *layout);
const char *stk_cache_cause(const struct st_object_view *view, uint64_t cache);
const char *stk_node_cause(const struct st_node_row *before, const struct st_node_row *after);
const char *stk_barn_cause(const struct st_node_row *before, const struct st_node_row *after);
const char *stk_stride_type_cause(const struct st_layout *layout, uint64_t largest_step);
const char *stk_present_cause(const struct st_node_row *row);
const char *stk_distinct_cause(const struct st_node_row *a, const struct st_node_row *b);
const char *stk_home_cause(const struct st_node_row *row, uint32_t only_node);
const char *stk_barns_cause(const struct st_node_row *a, const struct st_node_row *b);
const char *stk_counts_cause(uint64_t known, uint64_t counted);
const char *stk_offline_cause(const struct st_node_row *row);

uint64_t stk_histogram_wrong(const struct st_handoff_counts *counts);
/* the row of a state in text[], or 0 if that state was never seen */
int stk_histogram_row(const struct st_handoff_counts *counts, uint32_t state, char *text,
		      size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
