// SPDX-License-Identifier: GPL-2.0
/*
 * suite_metadata - extensions of objects on the running kernel: a cache for
 * each placement and size is made, filled with accounted objects, seen from
 * two CPUs and judged by core. What SLUB does with a size is its own affair:
 * where it places extensions otherwise than wanted, the case is skipped with
 * the placement that was seen.
 */
#include <linux/slab.h>

#include "fixture.h"

#define STK_LATE_NS (100 * NSEC_PER_MSEC)

struct stk_size {
	u32 object_bytes;
	u32 align_bytes;
};

static void stk_size_name(struct stk_size *size, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%u bytes aligned to %u", size->object_bytes,
		 size->align_bytes);
}

/*
 * In-object: padding up to the alignment takes the extension. The step is then
 * the size of a slot, 2^power or twice that, which 16 bits cannot hold from
 * 65536 on, whatever the size of a page is.
 */
#define BELOW(power) { (1u << (power)) - 64, 1u << (power) }
#define ABOVE(power) { (1u << (power)) + 8, 1u << (power) }
/* what slab_debug and KASAN put behind an object fits, and slots stay powers of two */
#define ROOMY(power, room) { (1u << (power)) - (room), 1u << (power) }
static struct stk_size stk_in_object_sizes[] = {
	BELOW(7), BELOW(9), BELOW(12), ABOVE(12), BELOW(15), ABOVE(15), BELOW(16), ABOVE(16),
	BELOW(17), BELOW(18), BELOW(19), BELOW(20), ROOMY(12, 512),
	ROOMY(16, 4096), ROOMY(17, 4096), ROOMY(18, 4096),
};
KUNIT_ARRAY_PARAM(stk_in_object, stk_in_object_sizes, stk_size_name);

/*
 * External: with the free pointer, which a constructor moves behind the object,
 * slots of a power of two fill a slab to its end.
 */
#define FILLING(power) { (1u << (power)) - 8, 8 }
static struct stk_size stk_external_sizes[] = {
	FILLING(6), FILLING(8), FILLING(10), FILLING(12), FILLING(15), FILLING(16), FILLING(17),
	FILLING(19),
};
KUNIT_ARRAY_PARAM(stk_external, stk_external_sizes, stk_size_name);

/*
 * Leftover: each slot is 8 bytes short of a power of two, and there are too few
 * in a slab for these bytes to add up to one more.
 */
#define SHORT(bytes) { (bytes) - 16, 8 }
static struct stk_size stk_leftover_sizes[] = {
	SHORT(PAGE_SIZE / 4), SHORT(PAGE_SIZE / 2), SHORT(PAGE_SIZE), SHORT(2 * PAGE_SIZE),
	SHORT(8 * PAGE_SIZE), SHORT(16 * PAGE_SIZE), SHORT(32 * PAGE_SIZE),
};
KUNIT_ARRAY_PARAM(stk_leftover, stk_leftover_sizes, stk_size_name);

static void stk_ask(struct kunit *test, u32 flags, u32 placement)
{
	const struct stk_size *size = test->param_value;
	const struct st_cache_spec spec = {
		.object_bytes = size->object_bytes,
		.align_bytes = size->align_bytes,
		.flags = flags | ST_CACHE_CTOR,
	};

	st_core_ask_cache(stk.core, &spec, placement, &stk.answer);
}

static void metadata_in_object(struct kunit *test)
{
	stk_ask(test, ST_CACHE_ACCOUNT, ST_PLACED_IN_OBJECT);
	STK_EXPECT_PASS(test);
}

static void metadata_leftover(struct kunit *test)
{
	stk_ask(test, ST_CACHE_ACCOUNT, ST_PLACED_LEFTOVER);
	STK_EXPECT_PASS(test);
}

/* The cache is accounted: the vector comes with the slab. */
static void metadata_external_early(struct kunit *test)
{
	stk_ask(test, ST_CACHE_ACCOUNT, ST_PLACED_EXTERNAL);
	STK_EXPECT_PASS(test);
}

/* Only the allocation is: the vector comes with the first such object. */
static void metadata_external_late(struct kunit *test)
{
	stk_ask(test, 0, ST_PLACED_EXTERNAL);
	STK_EXPECT_PASS(test);
}

/* And another CPU watches it come, and frees from the slab meanwhile. */
static void metadata_external_late_race(struct kunit *test)
{
	st_core_ask(stk.core, "exts-late", STK_LATE_NS, &stk.answer);
	STK_EXPECT_PASS(test);
	KUNIT_EXPECT_GT(test, stk.answer.overlaps, 0);
}

/* What debugfs would show of such caches, by the same code, is what they are. */
static void metadata_inspector_shows_it(struct kunit *test)
{
	st_core_ask(stk.core, "inspect", 0, &stk.answer);
	STK_EXPECT_PASS(test);
}

/* The most telling caches of the whole product, and what time is left for. */
static void metadata_sweep(struct kunit *test)
{
	st_core_ask(stk.core, "exts-sweep", STK_LATE_NS, &stk.answer);
	STK_EXPECT_PASS(test);
}

static void metadata_sweep_debug(struct kunit *test)
{
	st_core_ask(stk.core, "exts-debug", STK_LATE_NS, &stk.answer);
	STK_EXPECT_PASS(test);
}

static void metadata_kmalloc(struct kunit *test)
{
	st_core_ask(stk.core, "exts-kmalloc", STK_LATE_NS, &stk.answer);
	STK_EXPECT_PASS(test);
}

static void metadata_stride_fits_type(struct kunit *test)
{
	st_core_ask_stride(stk.core, &stk.answer);
	STK_EXPECT_PASS(test);
}

static struct kunit_case stk_cases[] = {
	KUNIT_CASE(metadata_stride_fits_type),
	KUNIT_CASE_PARAM(metadata_in_object, stk_in_object_gen_params),
	KUNIT_CASE_PARAM(metadata_leftover, stk_leftover_gen_params),
	KUNIT_CASE_PARAM(metadata_external_early, stk_external_gen_params),
	KUNIT_CASE_PARAM(metadata_external_late, stk_external_gen_params),
	KUNIT_CASE(metadata_external_late_race),
	KUNIT_CASE(metadata_inspector_shows_it),
	KUNIT_CASE(metadata_sweep),
	KUNIT_CASE(metadata_kmalloc),
	KUNIT_CASE(metadata_sweep_debug),
	{}
};

struct kunit_suite stk_metadata_suite = {
	.name = STK_SUITE("metadata"),
	.suite_init = stk_suite_init,
	.suite_exit = stk_suite_exit,
	.test_cases = stk_cases,
};
