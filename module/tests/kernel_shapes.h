// SPDX-License-Identifier: GPL-2.0
//
// kernel_shapes - type information of made-up kernels, one for each shape that
// SLUB's structures have had since 5.10. Only what layout asks for is in it,
// at offsets like the real ones. Fields can be left out, one at a time.
#pragma once
#include <memory>
#include <string>

#include "../core/layout.h"
#include "btf_builder.h"

namespace st::test {

enum class Flags { None, Memcg, Objexts };
enum class Barn { None, InNode, PerNode };

struct Shape {
	std::string name;
	bool page = false;		// struct page serves as slab, until 5.16
	std::string exts = "obj_exts";
	Flags flags = Flags::Objexts;
	bool element = true;		// struct slabobj_ext, from 6.10
	std::string owner = "objcg";	// its first member
	bool codetag = false;		// its second: "ref", or 7.3's union
	u32 stride_bits = 0;		// 7.0 to 7.2
	bool bits = false;		// 7.3
	bool per_node = false;		// from 7.1
	Barn barn = Barn::None;
	std::string without = {};		// "slab.objects": this member is not there
};

inline Shape shape_5_10() { return {"5.10", true, "obj_cgroups", Flags::None, false}; }
inline Shape shape_5_11() { return {"5.11", true, "memcg_data", Flags::Memcg, false}; }
inline Shape shape_5_17() { return {"5.17", false, "memcg_data", Flags::Memcg, false}; }
inline Shape shape_6_10() { return {"6.10"}; }
inline Shape shape_6_18()
{
	Shape s{"6.18"};
	s.barn = Barn::InNode;
	return s;
}
inline Shape shape_7_0(u32 stride_bits)
{
	Shape s = shape_6_18();
	s.name = stride_bits == 16 ? "7.0-rc1" : "7.0";
	s.stride_bits = stride_bits;
	return s;
}
inline Shape shape_7_1()
{
	Shape s = shape_7_0(32);
	s.name = "7.1";
	s.per_node = true;
	s.barn = Barn::PerNode;
	return s;
}
inline Shape shape_7_3(bool codetag)
{
	Shape s = shape_7_1();
	s.name = codetag ? "7.3 with code tags" : "7.3";
	s.stride_bits = 0;
	s.bits = true;
	s.owner = "_objcg";
	s.codetag = codetag;
	return s;
}
inline std::vector<Shape> all_shapes()
{
	return {shape_5_10(), shape_5_11(), shape_5_17(), shape_6_10(), shape_6_18(),
		shape_7_0(16), shape_7_0(32), shape_7_1(), shape_7_3(false), shape_7_3(true)};
}

// Byte offsets, the same in every shape that has the field.
constexpr u32 kSlabCacheAt = 8, kPageCacheAt = 24, kCountersAt = 40, kStrideAt = 44, kExtsAt = 56;
constexpr u32 kInuseBit = kCountersAt * 8, kInuseBits = 16, kRedLeftAt = 88;
constexpr u32 kObjectsBit = kCountersAt * 8 + 16, kObjectsBits = 15;
constexpr u32 kInObjectBit = kCountersAt * 8 + 32, kNeedsObjcgBit = kInObjectBit + 1;
constexpr u32 kSizeAt = 24, kObjectSizeAt = 28, kNameAt = 96, kListAt = 104, kNodesAt = 200;
constexpr u32 kNodes = 64, kNrSlabsAt = 40, kBarnInNodeAt = 72, kOwnerMemcgAt = 16;

class ShapeBtf {
public:
	explicit ShapeBtf(const Shape &shape) : shape_(shape)
	{
		u64_ = b_.integer("unsigned long", 8);
		u32_ = b_.integer("unsigned int", 4);
		u16_ = b_.integer("unsigned short", 2);
		pointer_ = b_.pointer(u64_);
		list_ = b_.structure("list_head", 16, {{"next", pointer_, 0},
						       {"prev", pointer_, 64}});
		slab();
		owner();
		flags();
		cache();
	}
	std::vector<u8> blob() const { return b_.blob(); }

private:
	u32 structure(const std::string &name, u32 bytes, std::vector<Member> members,
		      bool is_union = false)
	{
		const std::string label = tag_.empty() ? name : tag_;
		std::erase_if(members, [&](const Member &m) {
			return !m.name.empty() && label + "." + m.name == shape_.without;
		});
		return b_.structure(name, bytes, members, is_union);
	}
	// freelist and counters: unions of structures without names, as in SLUB
	u32 counters()
	{
		std::vector<Member> parts{{"inuse", u32_, 0, 16}, {"objects", u32_, 16, kObjectsBits},
					  {"frozen", u32_, 31, 1}};
		if (shape_.stride_bits)
			parts.push_back({"stride", shape_.stride_bits == 16 ? u16_ : u32_, 32,
					 shape_.stride_bits});
		if (shape_.bits) {
			parts.push_back({"obj_exts_in_object", u32_, 32, 1});
			parts.push_back({"obj_exts_needs_objcg", u32_, 33, 1});
		}
		const u32 fields = structure("", 8, parts);
		return structure("", 8, {{"counters", u64_, 0}, {"", fields, 0}}, true);
	}
	void slab()
	{
		tag_ = "slab";
		const u32 count = counters();
		const u32 exts = structure("", 8, {{"mem_cgroup", pointer_, 0},
						   {shape_.exts, u64_, 0}}, true);
		if (shape_.page) {
			const u32 slub = structure("", 40, {{"slab_list", list_, 0},
							    {"slab_cache", pointer_, 128},
							    {"freelist", pointer_, 192},
							    {"", count, 256}});
			const u32 lru = structure("", 40, {{"lru", list_, 0}});
			const u32 either = structure("", 40, {{"", lru, 0}, {"", slub, 0}}, true);
			structure("page", 64, {{"flags", u64_, 0}, {"", either, 64},
					       {"", exts, kExtsAt * 8}});
		} else {
			b_.structure("page", 64, {{"flags", u64_, 0}});
			structure("slab", 64, {{"flags", u64_, 0}, {"slab_cache", pointer_, 64},
					       {"slab_list", list_, 128}, {"freelist", pointer_, 256},
					       {"", count, kCountersAt * 8},
					       {"", exts, kExtsAt * 8}});
		}
		tag_.clear();
	}
	void owner()
	{
		structure("obj_cgroup", 64, {{"refcnt", u64_, 0}, {"memcg", pointer_, kOwnerMemcgAt * 8}});
		if (!shape_.element)
			return;
		if (shape_.bits) {
			std::vector<Member> members{{shape_.owner, pointer_, 0}};
			if (shape_.codetag)
				members.push_back({"_ctref", u64_, 0});
			tag_ = "slabobj_ext";
			const u32 either = structure("", 8, members, true);
			tag_.clear();
			structure("slabobj_ext", 8, {{"", either, 0}});
		} else {
			structure("slabobj_ext", 16, {{shape_.owner, pointer_, 0}, {"ref", u64_, 64}});
		}
	}
	void flags()
	{
		if (shape_.without == "flags")
			return;
		if (shape_.flags == Flags::Objexts) {
			b_.enumeration("__NR_OBJEXTS_FLAGS", 8, false);
			b_.enumeration("OBJEXTS_ALLOC_FAIL", 1, false);
		}
		if (shape_.flags != Flags::None)
			b_.enumeration("__NR_MEMCG_DATA_FLAGS", 4, false);
	}
	void cache()
	{
		std::vector<Member> node{{"list_lock", u32_, 0}, {"nr_partial", u64_, 64},
					 {"partial", list_, 128}, {"nr_slabs", u64_, kNrSlabsAt * 8},
					 {"total_objects", u64_, kNrSlabsAt * 8 + 64}};
		if (shape_.barn == Barn::InNode)
			node.push_back({"barn", pointer_, kBarnInNodeAt * 8});
		structure("kmem_cache_node", 80, node);
		if (shape_.barn != Barn::None)
			structure("node_barn", 48, {{"lock", u32_, 0}, {"sheaves_full", list_, 64},
						    {"sheaves_empty", list_, 192},
						    {"nr_full", u32_, 320}, {"nr_empty", u32_, 352}});
		u32 element = pointer_;
		if (shape_.per_node) {
			std::vector<Member> pair{{"node", pointer_, 0}};
			if (shape_.barn == Barn::PerNode)
				pair.push_back({"barn", pointer_, 64});
			element = structure("kmem_cache_per_node_ptrs", 16, pair);
		}
		const u32 nodes = b_.array(element, kNodes);
		structure("kmem_cache", kNodesAt + kNodes * 16,
			  {{"flags", u64_, 0}, {"size", u32_, kSizeAt * 8},
			   {"object_size", u32_, kObjectSizeAt * 8},
			   {"red_left_pad", u32_, kRedLeftAt * 8}, {"name", pointer_, kNameAt * 8},
			   {"list", list_, kListAt * 8},
			   {shape_.per_node ? "per_node" : "node", nodes, kNodesAt * 8}});
	}

	const Shape &shape_;
	BtfBuilder b_;
	std::string tag_;	// name that anonymous parts go by in Shape::without
	u32 u64_, u32_, u16_, pointer_, list_;
};

// Learns a layout the way st_core_learn() does.
struct Learned {
	explicit Learned(const Shape &shape, s32 codetags = -1) : blob(ShapeBtf(shape).blob())
	{
		const Span<const u8> bytes(blob.data(), blob.size());
		index.resize(Btf::count_types(bytes) + 1);
		Btf btf;
		wrong = btf.open(bytes, Span<u32>(index.data(), index.size()));
		if (!wrong)
			layout.learn(btf, codetags);
	}
	const st_layout &facts() const { return layout.facts(); }
	std::string exts() const { return layout.exts_missing().c_str(); }
	std::string nodes() const { return layout.nodes_missing().c_str(); }
	std::string described() const
	{
		std::string text;
		layout.describe([](void *to, const char *line, size_t bytes) {
			static_cast<std::string *>(to)->append(line, bytes).append("\n");
		}, &text);
		return text;
	}

	std::vector<u8> blob;
	std::vector<u32> index;
	const char *wrong;
	Layout layout;
};

} // namespace st::test
