// SPDX-License-Identifier: GPL-2.0
//
// layout_test - what layout learns from the type information of each kernel
// shape since 5.10, fact by fact, and which reason it names for each fact that
// is missing. Whether the shapes are those of real kernels is left to the guest.
#include <gtest/gtest.h>

#include "kernel_shapes.h"

using namespace st;
using namespace st::test;

namespace {

void expect_field(const st_field &field, u32 bit, u32 bits, const char *what)
{
	EXPECT_EQ(field.bit_offset, bit) << what;
	EXPECT_EQ(field.bits, bits) << what;
}

void expect_slab(const Learned &k, const Shape &s)
{
	const st_layout &f = k.facts();
	expect_field(f.exts, kExtsAt * 8, 64, "exts");
	expect_field(f.slab_cache, (s.page ? kPageCacheAt : kSlabCacheAt) * 8, 64, "slab_cache");
	expect_field(f.objects, kObjectsBit, kObjectsBits, "objects");
	expect_field(f.inuse, kInuseBit, kInuseBits, "inuse");
	expect_field(f.stride, s.stride_bits ? kStrideAt * 8 : 0, s.stride_bits, "stride");
	expect_field(f.in_object, s.bits ? kInObjectBit : 0, s.bits, "in_object");
	expect_field(f.needs_objcg, s.bits ? kNeedsObjcgBit : 0, s.bits, "needs_objcg");
	expect_field(f.objcg_memcg, kOwnerMemcgAt * 8, 64, "objcg_memcg");
}

void expect_cache(const Learned &k, const Shape &s)
{
	const st_layout &f = k.facts();
	expect_field(f.cache_size, kSizeAt * 8, 32, "size");
	expect_field(f.cache_object_size, kObjectSizeAt * 8, 32, "object_size");
	expect_field(f.cache_red_left, kRedLeftAt * 8, 32, "red_left_pad");
	expect_field(f.cache_name, kNameAt * 8, 64, "name");
	EXPECT_EQ(f.cache_list.bit_offset, kListAt * 8);
	EXPECT_EQ(f.cache_nodes.bit_offset, kNodesAt * 8);
	EXPECT_EQ(f.node_count, kNodes);
	EXPECT_EQ(f.node_step_bytes, s.per_node ? 16u : 8u);
	EXPECT_EQ(f.node_pointer_offset, 0u);
	EXPECT_EQ(f.barn_pointer_offset, s.barn == Barn::PerNode ? 8 : -1);
	expect_field(f.barn_in_node, s.barn == Barn::InNode ? kBarnInNodeAt * 8 : 0,
		     s.barn == Barn::InNode ? 64 : 0, "barn");
	expect_field(f.node_nr_slabs, kNrSlabsAt * 8, 64, "nr_slabs");
	expect_field(f.node_total_objects, kNrSlabsAt * 8 + 64, 64, "total_objects");
	expect_field(f.node_nr_partial, 64, 64, "nr_partial");
	EXPECT_EQ(f.node_list_lock.bit_offset, 0u);
	EXPECT_EQ(f.node_partial.bit_offset, 128u);
	EXPECT_EQ(f.slab_link.bit_offset, s.page ? 64u : 128u);
	const bool barn = s.barn != Barn::None;
	EXPECT_EQ(f.barn_full.bit_offset, barn ? 64u : 0u);
	EXPECT_EQ(f.barn_empty.bit_offset, barn ? 192u : 0u);
	expect_field(f.barn_nr_full, barn ? 320 : 0, barn ? 32 : 0, "nr_full");
	expect_field(f.barn_nr_empty, barn ? 352 : 0, barn ? 32 : 0, "nr_empty");
}

struct Expected {
	Shape shape;
	u32 origin, ext_bytes;
	u64 mask, failed;
	bool leftover;
	const char *said;	// in the text for people
};

std::vector<Expected> expected()
{
	return {
		{shape_5_10(), ST_STEP_ELEMENT_SIZE, 8, 1, 0, false, "page->obj_cgroups at +56"},
		{shape_5_11(), ST_STEP_ELEMENT_SIZE, 8, 3, 0, false, "page->memcg_data at +56"},
		{shape_5_17(), ST_STEP_ELEMENT_SIZE, 8, 3, 0, false, "slab->memcg_data at +56"},
		{shape_6_10(), ST_STEP_ELEMENT_SIZE, 16, 7, 1, false, "slab->obj_exts at +56"},
		{shape_6_18(), ST_STEP_ELEMENT_SIZE, 16, 7, 1, false, "kmem_cache_node->barn at +72"},
		{shape_7_0(16), ST_STEP_FIELD, 16, 7, 1, true, "slab->stride at +44, 16 bits"},
		{shape_7_0(32), ST_STEP_FIELD, 16, 7, 1, true, "slab->stride at +44, 32 bits"},
		{shape_7_1(), ST_STEP_FIELD, 16, 7, 1, true, "per_node at +200, 64 elements of 16"},
		{shape_7_3(false), ST_STEP_BITS, 8, 7, 1, true, "slab->obj_exts_in_object at +44 bit 0, 1 bits"},
	};
}

// The reason must name what is missing, and only the group that needs it.
void expect_missing(Shape shape, const std::string &without, const std::string &in_exts,
		    const std::string &in_nodes)
{
	shape.without = without;
	const Learned k(shape);
	ASSERT_EQ(k.wrong, nullptr);
	EXPECT_EQ(k.exts().empty(), in_exts.empty()) << without << ": " << k.exts();
	EXPECT_NE(k.exts().find(in_exts), std::string::npos) << k.exts();
	EXPECT_EQ(k.nodes().empty(), in_nodes.empty()) << without << ": " << k.nodes();
	EXPECT_NE(k.nodes().find(in_nodes), std::string::npos) << k.nodes();
}

} // namespace

TEST(Layout, LearnsEveryFactOfEveryShape)
{
	for (const Expected &e : expected()) {
		SCOPED_TRACE(e.shape.name);
		const Learned k(e.shape);
		ASSERT_EQ(k.wrong, nullptr);
		EXPECT_EQ(k.exts(), "");
		EXPECT_EQ(k.nodes(), "");
		expect_slab(k, e.shape);
		expect_cache(k, e.shape);
		EXPECT_EQ(k.facts().step_origin, e.origin);
		EXPECT_EQ(k.facts().ext_bytes, e.ext_bytes);
		EXPECT_EQ(k.facts().objcg_offset, 0u);
		EXPECT_EQ(k.facts().exts_flag_mask, e.mask);
		EXPECT_EQ(k.facts().exts_alloc_failed, e.failed);
		EXPECT_EQ(k.layout.has_leftover(), e.leftover);
		EXPECT_NE(k.described().find(e.said), std::string::npos) << k.described();
	}
}

TEST(Layout, CodeTagsDoubleAnElementOnlyWhenTheirKeyIsOn)
{
	EXPECT_EQ(Learned(shape_7_3(true), 1).facts().ext_bytes, 16u);
	EXPECT_EQ(Learned(shape_7_3(true), 0).facts().ext_bytes, 8u);
	EXPECT_EQ(Learned(shape_7_3(true), 1).exts(), "");
	const Learned unknown(shape_7_3(true), -1);
	EXPECT_NE(unknown.exts().find("slab_obj_ext_has_codetag_key"), std::string::npos);
	EXPECT_EQ(unknown.nodes(), "");
	// without code tags in the element, the key says nothing
	for (s32 key : {-1, 0, 1})
		EXPECT_EQ(Learned(shape_7_3(false), key).facts().ext_bytes, 8u);
	// before 7.3 the element has its size whatever the key
	EXPECT_EQ(Learned(shape_7_1(), 1).facts().ext_bytes, 16u);
}

TEST(Layout, NamesWhatIsMissing)
{
	for (const Shape &s : all_shapes()) {
		if (s.codetag)
			continue;	// its key is a reason of its own
		SCOPED_TRACE(s.name);
		expect_missing(s, "slab." + s.exts, ".obj_exts", "");
		expect_missing(s, "slab.slab_cache", ".slab_cache", "");
		expect_missing(s, "slab.objects", ".objects", "");
		expect_missing(s, "kmem_cache.size", "struct kmem_cache.size", "");
		expect_missing(s, "kmem_cache.object_size", "struct kmem_cache.object_size", "");
		expect_missing(s, "kmem_cache.name", "", "struct kmem_cache.name");
		expect_missing(s, "kmem_cache.list", "", "struct kmem_cache.list");
		expect_missing(s, s.per_node ? "kmem_cache.per_node" : "kmem_cache.node", "",
			       ".node[] or .per_node[]");
		if (s.flags != Flags::None)
			expect_missing(s, "flags", "enum for the flag bits of " + s.exts, "");
		if (s.element)
			expect_missing(s, "slabobj_ext." + s.owner, "struct slabobj_ext.objcg", "");
		if (s.per_node)
			expect_missing(s, "kmem_cache_per_node_ptrs.node", "", "per_node[].node");
	}
}

TEST(Layout, WhatIsNotNeededMayBeMissing)
{
	for (const char *without : {"obj_cgroup.memcg", "kmem_cache_node.nr_slabs"}) {
		expect_missing(shape_7_1(), without, "", "");
		Shape s = shape_7_1();
		s.without = without;
		const Learned k(s);
		EXPECT_EQ(k.facts().objcg_memcg.bits && k.facts().node_nr_slabs.bits, false);
	}
}

TEST(Layout, ListThatCannotBeWalkedIsNamed)
{
	for (const char *without : {"kmem_cache_node.list_lock", "kmem_cache_node.nr_partial",
				    "kmem_cache_node.partial", "slab.slab_list",
				    "node_barn.lock", "node_barn.sheaves_empty"}) {
		Shape s = shape_7_1();
		s.without = without;
		const Learned k(s);
		const std::string missing = k.layout.lists_missing().c_str();
		const std::string member = std::string(without).substr(std::string(without).find('.'));
		EXPECT_NE(missing.find(member), std::string::npos) << missing;
		EXPECT_TRUE(k.layout.nodes_missing().empty()) << "needed for lists only";
	}
	EXPECT_TRUE(Learned(shape_5_10()).layout.lists_missing().empty()) << "no barns, none missed";
}

TEST(Layout, SaysWhyNothingIsKnown)
{
	Layout layout;
	layout.unknown("no type information");
	EXPECT_STREQ(layout.exts_missing().c_str(), "no type information");
	EXPECT_STREQ(layout.nodes_missing().c_str(), "no type information");
	EXPECT_FALSE(layout.has_leftover());
}

TEST(Layout, EmptyTypeInformationIsMissingEverything)
{
	BtfBuilder b;
	b.integer("int", 4);
	const std::vector<u8> blob = b.blob();
	u32 index[4];
	Btf btf;
	ASSERT_EQ(btf.open(Span<const u8>(blob.data(), blob.size()), Span<u32>(index)), nullptr);
	Layout layout;
	layout.learn(btf, -1);
	EXPECT_FALSE(layout.exts_missing().empty());
	EXPECT_FALSE(layout.nodes_missing().empty());
}
