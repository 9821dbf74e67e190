// SPDX-License-Identifier: GPL-2.0
/*
 * suite_judgement - what core must catch and on what it must stay silent, on
 * values made up for it and asked inside a kernel: compiled with its flags, run
 * on its stacks. The same is asked on the host in module/tests.
 */
#include "fixture.h"
#include "judgement.h"

#define STK_SLAB 0x10000000ull
#define STK_VECTOR 0x90000000ull
#define STK_EXT_BYTES 16

static const struct st_layout stk_layout = {
	.ext_bytes = STK_EXT_BYTES,
	.exts_flag_mask = 7,
	.exts_alloc_failed = 4,
};

struct stk_step {
	uint64_t bytes;
};

static void stk_step_name(struct stk_step *step, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%llu bytes", step->bytes);
}

/* An object whose extension lies in the padding behind its own bytes. */
static struct st_object_view stk_in_object(uint64_t size, uint64_t step, uint32_t index)
{
	struct st_object_view view = {
		.slab_base = STK_SLAB,
		.slab_bytes = size * 4,
		.cache_size = size,
		.cache_object_size = size - STK_EXT_BYTES,
		.objects = 4,
		.index = index,
		.object = STK_SLAB + index * size,
		.exts = (STK_SLAB + size - STK_EXT_BYTES) | 1,
		.step_bytes = step,
		.slot = STK_SLAB + size - STK_EXT_BYTES + index * step,
	};

	return view;
}

/* An object whose extension lies in a vector outside the slab. */
static struct st_object_view stk_external(uint64_t step, uint32_t index)
{
	struct st_object_view view = stk_in_object(1024, step, index);

	view.exts = STK_VECTOR | 1;
	view.slot = STK_VECTOR + index * step;
	view.vector_bytes = 4 * STK_EXT_BYTES;
	return view;
}

/*
 * Steps that a 16-bit field cannot hold. What it keeps of 66560 and 135168
 * needs more than 8 bits, so that no narrower truncation explains it.
 */
static struct stk_step stk_wide_steps[] = {
	{ 65536 }, { 65544 }, { 66560 }, { 131072 }, { 131080 }, { 135168 },
	{ 196608 }, { 262144 }, { 1048576 }, { 4194304 },
};
KUNIT_ARRAY_PARAM(stk_wide, stk_wide_steps, stk_step_name);

static void judgement_truncated_step(struct kunit *test)
{
	const struct stk_step *step = test->param_value;
	struct st_object_view kept = stk_in_object(step->bytes, (uint16_t)step->bytes, 2);

	KUNIT_EXPECT_STREQ(test, stk_step_cause(&kept, &kept, &stk_layout), "truncation");
	KUNIT_EXPECT_STRNEQ(test, stk_bounds_cause(&kept, &stk_layout), "none");
}

static void judgement_whole_wide_step(struct kunit *test)
{
	const struct stk_step *step = test->param_value;
	struct st_object_view kept = stk_in_object(step->bytes, step->bytes, 2);

	KUNIT_EXPECT_STREQ(test, stk_step_cause(&kept, &kept, &stk_layout), "none");
	KUNIT_EXPECT_STREQ(test, stk_bounds_cause(&kept, &stk_layout), "none");
}

/* Steps that fit: 16 bits lose nothing. */
static struct stk_step stk_narrow_steps[] = {
	{ 64 }, { 1024 }, { 8192 }, { 32768 }, { 65528 },
};
KUNIT_ARRAY_PARAM(stk_narrow, stk_narrow_steps, stk_step_name);

static void judgement_step_that_fits(struct kunit *test)
{
	const struct stk_step *step = test->param_value;
	struct st_object_view kept = stk_in_object(step->bytes, (uint16_t)step->bytes, 3);

	KUNIT_EXPECT_STREQ(test, stk_step_cause(&kept, &kept, &stk_layout), "none");
	KUNIT_EXPECT_STREQ(test, stk_bounds_cause(&kept, &stk_layout), "none");
}

static void judgement_late_step(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, stk_sighting_cause(16, 16, 0, 16), "ordering");
	KUNIT_EXPECT_STREQ(test, stk_sighting_cause(16, 16, 0, 0), "corruption");
	KUNIT_EXPECT_STREQ(test, stk_sighting_cause(16, 17, 17, 17), "corruption");
}

static void judgement_slot_overlap(struct kunit *test)
{
	struct st_object_view a = stk_external(STK_EXT_BYTES, 0);
	struct st_object_view b = stk_external(STK_EXT_BYTES, 1);

	KUNIT_EXPECT_STREQ(test, stk_slots_cause(&a, &b, &stk_layout), "none");
	b = stk_external(STK_EXT_BYTES / 2, 1);
	KUNIT_EXPECT_STRNEQ(test, stk_slots_cause(&a, &b, &stk_layout), "none");
	KUNIT_EXPECT_STRNEQ(test, stk_slots_cause(&b, &a, &stk_layout), "none");
	KUNIT_EXPECT_STRNEQ(test, stk_slots_cause(&a, &a, &stk_layout), "none");
}

static void judgement_slot_in_bounds(struct kunit *test)
{
	struct st_object_view view = stk_external(STK_EXT_BYTES, 3);

	KUNIT_EXPECT_STREQ(test, stk_bounds_cause(&view, &stk_layout), "none");
	view.slot = STK_VECTOR + view.vector_bytes;
	KUNIT_EXPECT_STRNEQ(test, stk_bounds_cause(&view, &stk_layout), "none");
	view.slot = STK_VECTOR - STK_EXT_BYTES;
	KUNIT_EXPECT_STRNEQ(test, stk_bounds_cause(&view, &stk_layout), "none");
	view.slot = STK_VECTOR + 1;
	KUNIT_EXPECT_STREQ(test, stk_aligned_cause(&view), "corruption");
	view.slot = STK_VECTOR;
	KUNIT_EXPECT_STREQ(test, stk_aligned_cause(&view), "none");
}

/* A vector in a live object's bytes, an owner left over, a former slab's vector. */
static void judgement_former_lives(struct kunit *test)
{
	struct st_object_view view = stk_external(STK_EXT_BYTES, 1);
	const struct st_object_view body = stk_external(STK_EXT_BYTES, 2);

	KUNIT_EXPECT_STREQ(test, stk_outside_cause(&view, &body, &stk_layout), "none");
	view.slot = body.object + body.cache_object_size - 1;
	KUNIT_EXPECT_STREQ(test, stk_outside_cause(&view, &body, &stk_layout), "corruption");
	KUNIT_EXPECT_STREQ(test, stk_nobody_cause(&view), "none");
	view.slot_objcg = 1;
	KUNIT_EXPECT_STREQ(test, stk_nobody_cause(&view), "accounting");
	KUNIT_EXPECT_STREQ(test, stk_inherited_cause(&view, &stk_layout), "lifetime");
	view.exts = 0;
	KUNIT_EXPECT_STREQ(test, stk_inherited_cause(&view, &stk_layout), "none");
}

static void judgement_vector_too_short(struct kunit *test)
{
	struct st_object_view view = stk_external(STK_EXT_BYTES, 0);

	KUNIT_EXPECT_STREQ(test, stk_vector_cause(&view, &stk_layout), "none");
	view.vector_bytes--;
	KUNIT_EXPECT_STRNEQ(test, stk_vector_cause(&view, &stk_layout), "none");
}

static void judgement_node_pointer_gone(struct kunit *test)
{
	const struct st_node_row before = { .cache = 1, .node = 0x1000, .barn = 0x2000 };
	struct st_node_row after = before;

	KUNIT_EXPECT_STREQ(test, stk_node_cause(&before, &after), "none");
	KUNIT_EXPECT_STREQ(test, stk_barn_cause(&before, &after), "none");
	after.node = 0;
	KUNIT_EXPECT_STREQ(test, stk_node_cause(&before, &after), "lifetime");
	after.node = 0x3000;
	KUNIT_EXPECT_STREQ(test, stk_node_cause(&before, &after), "lifetime");
	after.barn = 0;
	KUNIT_EXPECT_STREQ(test, stk_barn_cause(&before, &after), "lifetime");
}

static void judgement_node_structures(struct kunit *test)
{
	const struct st_node_row good = { .cache = 1, .node = 0x1000, .barn = 0x2000, .nid = 1 };
	struct st_node_row other = { .cache = 2, .node = 0x3000, .barn = 0x4000, .nid = 1 };

	KUNIT_EXPECT_STREQ(test, stk_present_cause(&good), "none");
	KUNIT_EXPECT_STREQ(test, stk_distinct_cause(&good, &other), "none");
	KUNIT_EXPECT_STREQ(test, stk_barns_cause(&good, &other), "none");
	KUNIT_EXPECT_STREQ(test, stk_home_cause(&good, 0), "none");
	KUNIT_EXPECT_STREQ(test, stk_home_cause(&good, 1), "lifetime");
	other.barn = good.barn;
	KUNIT_EXPECT_STREQ(test, stk_distinct_cause(&good, &other), "corruption");
	other.barn = 0;
	KUNIT_EXPECT_STREQ(test, stk_barns_cause(&good, &other), "lifetime");
	other.node = good.node;
	KUNIT_EXPECT_STREQ(test, stk_distinct_cause(&good, &other), "corruption");
	other.node = 0;
	KUNIT_EXPECT_STREQ(test, stk_present_cause(&other), "lifetime");
}

static void judgement_node_counts(struct kunit *test)
{
	struct st_node_row row = { .node = 0x1000, .nid = 1 };

	KUNIT_EXPECT_STREQ(test, stk_counts_cause(32, 32), "none");
	KUNIT_EXPECT_STREQ(test, stk_counts_cause(32, 34), "none");
	KUNIT_EXPECT_STREQ(test, stk_counts_cause(32, 31), "corruption");
	KUNIT_EXPECT_STREQ(test, stk_counts_cause(32, 256), "corruption");
	KUNIT_EXPECT_STREQ(test, stk_offline_cause(&row), "none");
	row.nr_slabs = 1;
	KUNIT_EXPECT_STREQ(test, stk_offline_cause(&row), "lifetime");
	row.in_own_cache = 1;	/* a boot's slab for a node without memory */
	KUNIT_EXPECT_STREQ(test, stk_offline_cause(&row), "none");
}

/* A type is judged by what it may have to hold, not by what it holds now. */
static void judgement_stride_type(struct kunit *test)
{
	struct st_layout layout = { .stride = { 0, 16 } };

	KUNIT_EXPECT_STREQ(test, stk_stride_type_cause(&layout, 65535), "none");
	KUNIT_EXPECT_STREQ(test, stk_stride_type_cause(&layout, 65536), "truncation");
	layout.stride.bits = 32;
	KUNIT_EXPECT_STREQ(test, stk_stride_type_cause(&layout, 1ull << 29), "none");
	layout.stride.bits = 0;
	KUNIT_EXPECT_STREQ(test, stk_stride_type_cause(&layout, 1ull << 29), "none");
}

static void judgement_histogram(struct kunit *test)
{
	struct st_handoff_counts *counts = kunit_kzalloc(test, sizeof(*counts), GFP_KERNEL);
	char row[64];

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, counts);
	counts->states[ST_HANDOFF_STATES - 1] = 1000;
	KUNIT_EXPECT_EQ(test, stk_histogram_wrong(counts), 0);
	KUNIT_EXPECT_EQ(test, stk_histogram_row(counts, ST_SAW_CONTENT, row, sizeof(row)), 0);
	counts->states[ST_SAW_METADATA | ST_SAW_SLAB] = 3;
	KUNIT_EXPECT_EQ(test, stk_histogram_wrong(counts), 3);
	KUNIT_ASSERT_EQ(test, stk_histogram_row(counts, ST_SAW_METADATA | ST_SAW_SLAB, row,
						sizeof(row)), 1);
	KUNIT_EXPECT_STREQ(test, row, "3 *> 1:content=0; 1:metadata=1; 1:slab=1;");
}

static struct kunit_case stk_cases[] = {
	KUNIT_CASE_PARAM(judgement_truncated_step, stk_wide_gen_params),
	KUNIT_CASE_PARAM(judgement_whole_wide_step, stk_wide_gen_params),
	KUNIT_CASE_PARAM(judgement_step_that_fits, stk_narrow_gen_params),
	KUNIT_CASE(judgement_late_step),
	KUNIT_CASE(judgement_slot_overlap),
	KUNIT_CASE(judgement_slot_in_bounds),
	KUNIT_CASE(judgement_former_lives),
	KUNIT_CASE(judgement_vector_too_short),
	KUNIT_CASE(judgement_node_pointer_gone),
	KUNIT_CASE(judgement_node_structures),
	KUNIT_CASE(judgement_node_counts),
	KUNIT_CASE(judgement_stride_type),
	KUNIT_CASE(judgement_histogram),
	{}
};

struct kunit_suite stk_judgement_suite = {
	.name = STK_SUITE("judgement"),
	.test_cases = stk_cases,
};
