// SPDX-License-Identifier: GPL-2.0
/*
 * suite_layout - what core learned from the running kernel's type information
 * against what the compiler makes of the same kernel's private header. A wrong
 * offset here would make every other suite judge the wrong bytes.
 */
#include "../module/shims/fields.h"
#include "bitfields.h"
#include "compiled_layout.h"
#include "fixture.h"

/*
 * A member of struct st_layout: a field, a field of which only the place counts
 * (a list head, an array), or a number.
 */
struct stk_fact {
	const char *name;
	size_t at, bytes;
};

#define FIELD(member, text) { text, offsetof(struct st_layout, member), \
			      sizeof(struct st_field) }
#define PLACE(member, text) { text, offsetof(struct st_layout, member.bit_offset), \
			      sizeof(u32) }
#define NUMBER(member, text) { text, offsetof(struct st_layout, member), \
			       sizeof(((struct st_layout *)NULL)->member) }

static struct stk_fact stk_facts[] = {
	FIELD(exts, "slab->obj_exts"),
	FIELD(stride, "slab->stride"),
	FIELD(in_object, "slab->obj_exts_in_object"),
	FIELD(needs_objcg, "slab->obj_exts_needs_objcg"),
	FIELD(slab_cache, "slab->slab_cache"),
	FIELD(objects, "slab->objects"),
	FIELD(inuse, "slab->inuse"),
	FIELD(cache_size, "kmem_cache->size"),
	FIELD(cache_object_size, "kmem_cache->object_size"),
	FIELD(cache_red_left, "kmem_cache->red_left_pad"),
	FIELD(cache_name, "kmem_cache->name"),
	PLACE(cache_list, "kmem_cache->list"),
	PLACE(cache_nodes, "kmem_cache->per_node or node"),
	NUMBER(node_step_bytes, "bytes of a node's element"),
	NUMBER(node_count, "nodes in the array"),
	NUMBER(node_pointer_offset, "node pointer in an element"),
	NUMBER(barn_pointer_offset, "barn pointer in an element"),
	FIELD(node_nr_slabs, "kmem_cache_node->nr_slabs"),
	NUMBER(exts_flag_mask, "OBJEXTS_FLAGS_MASK"),
	NUMBER(exts_alloc_failed, "OBJEXTS_ALLOC_FAIL"),
	NUMBER(ext_bytes, "bytes of struct slabobj_ext"),
	NUMBER(objcg_offset, "slabobj_ext->objcg"),
	FIELD(objcg_memcg, "obj_cgroup->memcg"),
};

static void stk_fact_name(struct stk_fact *fact, char *name)
{
	strscpy(name, fact->name, KUNIT_PARAM_DESC_SIZE);
}
KUNIT_ARRAY_PARAM(stk_fact, stk_facts, stk_fact_name);

/* Facts are two u32 or one number; both fit a u64. */
static u64 stk_fact_value(const struct st_layout *layout, const struct stk_fact *fact)
{
	const void *at = (const u8 *)layout + fact->at;
	struct st_field field;

	if (fact->bytes == sizeof(u32))
		return *(const u32 *)at;
	memcpy(&field, at, sizeof(field));
	return (u64)field.bits << 32 | field.bit_offset;
}

static bool stk_is_untold(const struct st_layout *told, const struct stk_fact *fact)
{
	return !memchr_inv((const u8 *)told + fact->at, STK_UNTOLD, fact->bytes);
}

/* Why the header does not tell a fact that it tells on other kernels. */
static const char *stk_untold_because(const struct stk_fact *fact)
{
	if (fact->at == offsetof(struct st_layout, node_nr_slabs))
		return "struct kmem_cache_node is mm/slub.c's own here; nodes_count_slabs asks for its count instead";
	return "it is not known when this kernel is compiled, or has another name";
}

static void layout_matches_compiler(struct kunit *test)
{
	const struct stk_fact *fact = test->param_value;
	struct st_layout *told = kunit_kzalloc(test, sizeof(*told), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, told);
	if (!stk_compiled_layout(told))
		kunit_skip(test, "the kernel's tree had no mm/slab.h when the module was built");
	/* -1 is what the header says where there is no such pointer */
	if (stk_is_untold(told, fact) &&
	    fact->at != offsetof(struct st_layout, barn_pointer_offset))
		kunit_skip(test, "%s", stk_untold_because(fact));
	KUNIT_EXPECT_EQ_MSG(test, stk_fact_value(stk.layout, fact), stk_fact_value(told, fact),
			    "%s: BTF (left) against compiler (right), bits << 32 | bit offset if it is a field",
			    fact->name);
}

static void stk_layout_line(void *test, const char *text, size_t bytes)
{
	kunit_info((struct kunit *)test, "%.*s\n", (int)bytes, text);
}

static void layout_is_learned(struct kunit *test)
{
	kunit_info(test, "kernel %s %s, pages of %u bytes, CPUs %s, nodes %s, seed=%llu\n",
		   stk.env.release, stk.env.arch, stk.env.page_bytes, stk.env.cpus_text,
		   stk.env.nodes_text, stk.seed);
	st_core_layout(stk.core, stk_layout_line, test);
	KUNIT_EXPECT_STREQ(test, stk.nodes_missing, "");
	/* what the configuration left out cannot be learned */
	if (IS_ENABLED(CONFIG_MEMCG))
		KUNIT_EXPECT_STREQ(test, stk.exts_missing, "");
	if (IS_ENABLED(CONFIG_KPROBES) && IS_ENABLED(CONFIG_KALLSYMS_ALL))
		KUNIT_EXPECT_STREQ(test, stk.env.nodes_reason, "");
}

/* The reader of every other suite, on values that the compiler's code wrote. */
static void layout_reads_fields(struct kunit *test)
{
	struct stk_example *example = kunit_kzalloc(test, sizeof(*example), GFP_KERNEL);
	struct st_layout *told = kunit_kzalloc(test, sizeof(*told), GFP_KERNEL);
	u32 pattern;

	KUNIT_ASSERT_NOT_NULL(test, example);
	KUNIT_ASSERT_NOT_NULL(test, told);
	if (!stk_compiled_layout(told))
		kunit_skip(test, "the kernel's tree had no mm/slab.h when the module was built");
	for (pattern = 0; pattern < 2; pattern++) {
		stk_compiled_example(pattern, example);
		KUNIT_EXPECT_EQ(test, st_field_read(example->slab, stk.layout->objects),
				example->objects);
		if (example->exts)
			KUNIT_EXPECT_EQ(test, st_field_read(example->slab, stk.layout->exts),
					example->exts);
		if (example->stride)
			KUNIT_EXPECT_EQ(test, st_field_read(example->slab, stk.layout->stride),
					example->stride);
	}
}

/* In any place, in 32 bits, over the middle of 64, and as whole words. */
struct stk_bitfields {
	u32 a : 3, b : 17, c : 12;
	u64 d : 20, e : 30, f : 14;
	u16 g;
	u8 h;
};

#define STK_EXPECT_READS(test, all, value, member) do {				\
	(all)->member = (value);						\
	KUNIT_EXPECT_EQ(test, (u64)(all)->member,				\
			st_field_read(all, STK_BITS(struct stk_bitfields, member)));	\
} while (0)

static void layout_reads_bitfields(struct kunit *test)
{
	static const u64 values[] = { 0x5aa5c33c96695aa5ull, ~0x5aa5c33c96695aa5ull };
	struct stk_bitfields all;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		/* neighbours have the other bits, so that one too many shows */
		memset(&all, values[i] & 1 ? 0 : 0xff, sizeof(all));
		STK_EXPECT_READS(test, &all, values[i], a);
		STK_EXPECT_READS(test, &all, values[i], c);
		STK_EXPECT_READS(test, &all, values[i], e);
		STK_EXPECT_READS(test, &all, values[i], g);
		memset(&all, values[i] & 1 ? 0 : 0xff, sizeof(all));
		STK_EXPECT_READS(test, &all, values[i], b);
		STK_EXPECT_READS(test, &all, values[i], d);
		STK_EXPECT_READS(test, &all, values[i], f);
		STK_EXPECT_READS(test, &all, values[i], h);
	}
}

/* A field that is one bit off must be read as something else. */
static void layout_shift_is_noticed(struct kunit *test)
{
	struct stk_example *example = kunit_kzalloc(test, sizeof(*example), GFP_KERNEL);
	struct st_layout *told = kunit_kzalloc(test, sizeof(*told), GFP_KERNEL);
	struct st_field shifted;

	KUNIT_ASSERT_NOT_NULL(test, example);
	KUNIT_ASSERT_NOT_NULL(test, told);
	if (!stk_compiled_layout(told))
		kunit_skip(test, "the kernel's tree had no mm/slab.h when the module was built");
	shifted = told->objects;
	shifted.bit_offset--;
	stk_compiled_example(1, example);
	KUNIT_EXPECT_NE(test, st_field_read(example->slab, shifted), example->objects);
}

static struct kunit_case stk_cases[] = {
	KUNIT_CASE(layout_is_learned),
	KUNIT_CASE_PARAM(layout_matches_compiler, stk_fact_gen_params),
	KUNIT_CASE(layout_reads_fields),
	KUNIT_CASE(layout_reads_bitfields),
	KUNIT_CASE(layout_shift_is_noticed),
	{}
};

struct kunit_suite stk_layout_suite = {
	.name = STK_SUITE("layout"),
	.suite_init = stk_suite_init,
	.suite_exit = stk_suite_exit,
	.test_cases = stk_cases,
};
