// SPDX-License-Identifier: GPL-2.0
//
// layout - see layout.h. Each divergence names the commit that made it.
#include "layout.h"

namespace st {
namespace {

st_field field_of(const BtfMember &member)
{
	return member.found ? st_field{member.bit_offset, member.bits} : st_field{0, 0};
}

void note(Missing *missing, Text owner, Text what)
{
	if (missing->empty())
		missing->add("this kernel does not tell: no ").add(owner).add(what);
}

void write_field(Line<200> *line, Text owner, Text name, const st_field &f)
{
	line->add(owner).add("->").add(name).add(" at +").add_dec(f.bit_offset / 8);
	if (f.bits % 8 || f.bit_offset % 8)
		line->add(" bit ").add_dec(f.bit_offset % 8);
	line->add(", ").add_dec(f.bits).add(" bits");
}

} // namespace

Text step_origin_name(u32 origin)
{
	switch (origin) {
	case ST_STEP_FIELD: return "field";
	case ST_STEP_BITS: return "bits";
	case ST_STEP_ELEMENT_SIZE: return "element size";
	case ST_STEP_IN_OBJECT: return "in-object";
	default: return "unknown";
	}
}

void Layout::unknown(Text why)
{
	exts_missing_.clear();
	nodes_missing_.clear();
	lists_missing_.clear();
	exts_missing_.add(why);
	nodes_missing_.add(why);
	lists_missing_.add(why);
}

st_field Layout::need(const Btf &btf, u32 structure, Text member, Missing *missing, Text owner)
{
	const BtfMember found = btf.find_member(structure, member);
	if (!found.found) {
		Line<64> what;
		note(missing, owner, what.add(".").add(member).text());
	}
	return field_of(found);
}

void Layout::learn(const Btf &btf, s32 codetags)
{
	facts_ = {};
	codetags_ = codetags;
	learn_slab(btf);
	learn_cache(btf);
	if (exts_missing_.empty())
		learn_element(btf);
}

// struct slab came with d122019bf061 (5.17); before, struct page served.
void Layout::learn_slab(const Btf &btf)
{
	u32 slab = btf.find_struct("slab");
	slab_name_ = "slab";
	if (!slab || !btf.find_member(slab, "slab_cache").found) {
		slab = btf.find_struct("page");
		slab_name_ = "page";
	}
	facts_.slab_cache = need(btf, slab, "slab_cache", &exts_missing_, slab_name_);
	facts_.objects = need(btf, slab, "objects", &exts_missing_, slab_name_);
	facts_.inuse = field_of(btf.find_member(slab, "inuse"));
	facts_.stride = field_of(btf.find_member(slab, "stride"));
	facts_.in_object = field_of(btf.find_member(slab, "obj_exts_in_object"));
	facts_.needs_objcg = field_of(btf.find_member(slab, "obj_exts_needs_objcg"));
	// obj_exts: 21c690a349ba (6.10); memcg_data: 87944e2992bd (5.11);
	// obj_cgroups: 286e04b8ed7a (5.9)
	static constexpr const char *kNames[] = {"obj_exts", "memcg_data", "obj_cgroups"};
	for (const char *name : kNames) {
		const BtfMember found = btf.find_member(slab, name);
		if (!found.found)
			continue;
		facts_.exts = field_of(found);
		exts_name_ = name;
		return learn_exts(btf);
	}
	note(&exts_missing_, slab_name_, ".obj_exts, .memcg_data or .obj_cgroups (no CONFIG_MEMCG_KMEM?)");
}

// Low bits of the word are flags: how many, the kernel's enums tell.
void Layout::learn_exts(const Btf &btf)
{
	facts_.exts_alloc_failed = 0;
	const BtfEnumerator objexts = btf.find_enumerator("__NR_OBJEXTS_FLAGS");
	const BtfEnumerator memcg = btf.find_enumerator("__NR_MEMCG_DATA_FLAGS");
	if (objexts.found) {
		facts_.exts_flag_mask = objexts.value - 1;
		const BtfEnumerator failed = btf.find_enumerator("OBJEXTS_ALLOC_FAIL");
		if (failed.found)
			facts_.exts_alloc_failed = failed.value;
	} else if (memcg.found) {
		facts_.exts_flag_mask = memcg.value - 1;
	} else if (Text(exts_name_) == "obj_cgroups") {
		// bit 0 marks a vector: page_has_obj_cgroups(), 286e04b8ed7a
		facts_.exts_flag_mask = 1;
	} else {
		note(&exts_missing_, "enum for the flag bits of ", exts_name_);
	}
}

// The element of a vector: struct slabobj_ext (21c690a349ba, 6.10), before
// that a bare struct obj_cgroup pointer.
void Layout::learn_element(const Btf &btf)
{
	const u32 ext = btf.find_struct("slabobj_ext");
	element_name_ = ext ? "struct slabobj_ext" : "struct obj_cgroup *";
	if (ext) {
		facts_.ext_bytes = u32(btf.size_bytes(ext));
		BtfMember objcg = btf.find_member(ext, "objcg");
		if (!objcg.found)
			objcg = btf.find_member(ext, "_objcg");
		if (!objcg.found)
			note(&exts_missing_, "struct slabobj_ext", ".objcg");
		facts_.objcg_offset = objcg.bit_offset / 8;
	} else {
		facts_.ext_bytes = sizeof(void *);
	}
	facts_.objcg_memcg = field_of(btf.find_member(btf.find_struct("obj_cgroup"), "memcg"));
	learn_step(btf, ext);
}

// 7.3: an element is one or two words, the owner first; the second, a code
// tag, is there if slab_obj_ext_has_codetag_key is on. Slabs whose objects can
// be charged always have the first (slab_obj_ext_size(), mm/slab.h).
void Layout::learn_step(const Btf &btf, u32 ext)
{
	if (facts_.stride.bits) {
		facts_.step_origin = ST_STEP_FIELD;
		return;
	}
	if (!facts_.in_object.bits) {
		facts_.step_origin = ST_STEP_ELEMENT_SIZE;
		return;
	}
	facts_.step_origin = ST_STEP_BITS;
	if (!btf.find_member(ext, "_ctref").found)
		return;		// no CONFIG_MEM_ALLOC_PROFILING
	if (codetags_ < 0)
		note(&exts_missing_, "symbol ", "slab_obj_ext_has_codetag_key, which tells "
						"whether extensions carry code tags");
	else if (codetags_ > 0)
		facts_.ext_bytes *= 2;
}

void Layout::learn_cache(const Btf &btf)
{
	const u32 cache = btf.find_struct("kmem_cache");
	facts_.cache_size = need(btf, cache, "size", &exts_missing_, "struct kmem_cache");
	facts_.cache_object_size = need(btf, cache, "object_size", &exts_missing_,
					"struct kmem_cache");
	facts_.cache_red_left = field_of(btf.find_member(cache, "red_left_pad"));
	facts_.cache_name = need(btf, cache, "name", &nodes_missing_, "struct kmem_cache");
	facts_.cache_list = need(btf, cache, "list", &nodes_missing_, "struct kmem_cache");
	learn_nodes(btf, cache);
}

// node[] until 7.0, per_node[].{node,barn} from 7.1 (5ba6bc27b1f9); the barn
// came with 2d517aa09bbc (6.18), inside the node structure at first.
void Layout::learn_nodes(const Btf &btf, u32 cache)
{
	BtfMember nodes = btf.find_member(cache, "per_node");
	node_form_ = "per_node";
	facts_.barn_pointer_offset = -1;
	if (!nodes.found) {
		nodes = btf.find_member(cache, "node");
		node_form_ = "node";
	}
	const u32 element = nodes.found ? btf.array_element(nodes.type, &facts_.node_count) : 0;
	if (!element)
		return note(&nodes_missing_, "struct kmem_cache", ".node[] or .per_node[]");
	facts_.cache_nodes = field_of(nodes);
	facts_.node_step_bytes = u32(btf.size_bytes(element));
	if (btf.is_struct(element)) {
		const st_field node = need(btf, element, "node", &nodes_missing_, "per_node[]");
		facts_.node_pointer_offset = node.bit_offset / 8;
		const BtfMember barn = btf.find_member(element, "barn");
		if (barn.found)
			facts_.barn_pointer_offset = s32(barn.bit_offset / 8);
	}
	const u32 node = btf.find_struct("kmem_cache_node");
	facts_.barn_in_node = field_of(btf.find_member(node, "barn"));
	facts_.node_nr_slabs = field_of(btf.find_member(node, "nr_slabs"));
	facts_.node_total_objects = field_of(btf.find_member(node, "total_objects"));
	learn_lists(btf, node);
}

// The same names in every version, lru instead of slab_list up to 4.20.
void Layout::learn_lists(const Btf &btf, u32 node)
{
	const u32 barn = btf.find_struct("node_barn");
	const u32 slab = btf.find_struct(slab_name_);
	facts_.node_list_lock = need(btf, node, "list_lock", &lists_missing_,
				     "struct kmem_cache_node");
	facts_.node_nr_partial = need(btf, node, "nr_partial", &lists_missing_,
				      "struct kmem_cache_node");
	facts_.node_partial = need(btf, node, "partial", &lists_missing_,
				   "struct kmem_cache_node");
	facts_.slab_link = need(btf, slab, "slab_list", &lists_missing_, slab_name_);
	if (!barn)
		return;
	facts_.barn_lock = need(btf, barn, "lock", &lists_missing_, "struct node_barn");
	facts_.barn_full = need(btf, barn, "sheaves_full", &lists_missing_, "struct node_barn");
	facts_.barn_empty = need(btf, barn, "sheaves_empty", &lists_missing_,
				 "struct node_barn");
	facts_.barn_nr_full = need(btf, barn, "nr_full", &lists_missing_, "struct node_barn");
	facts_.barn_nr_empty = need(btf, barn, "nr_empty", &lists_missing_, "struct node_barn");
}

void Layout::describe(void (*write)(void *, const char *, size_t), void *arg) const
{
	Line<200> line;
	auto flush = [&] {
		write(arg, line.c_str(), line.text().size());
		line.clear();
	};
	line.add("source=BTF of the running kernel");
	flush();
	line.add("exts=");
	if (exts_missing_.empty())
		write_field(&line, slab_name_, exts_name_, facts_.exts);
	else
		line.add("unknown: ").add(exts_missing_.text());
	flush();
	if (exts_missing_.empty()) {
		line.add("element=").add(element_name_).add(", ").add_dec(facts_.ext_bytes)
			.add(" bytes, flag mask ").add_hex(facts_.exts_flag_mask);
		flush();
		line.add("stride=origin ").add(step_origin_name(facts_.step_origin));
		if (facts_.stride.bits)
			write_field(&line.add(": "), slab_name_, "stride", facts_.stride);
		if (facts_.in_object.bits)
			write_field(&line.add(": "), slab_name_, "obj_exts_in_object",
				    facts_.in_object);
		flush();
	}
	line.add("nodes=");
	if (!nodes_missing_.empty()) {
		line.add("unknown: ").add(nodes_missing_.text());
		return flush();
	}
	line.add("kmem_cache->").add(node_form_).add(" at +");
	line.add_dec(facts_.cache_nodes.bit_offset / 8).add(", ").add_dec(facts_.node_count).add(" elements of ")
		.add_dec(facts_.node_step_bytes).add(" bytes");
	flush();
	line.add("barn=");
	if (facts_.barn_pointer_offset >= 0)
		line.add("per_node[].barn");
	else if (facts_.barn_in_node.bits)
		write_field(&line, "kmem_cache_node", "barn", facts_.barn_in_node);
	else
		line.add("none in this kernel");
	flush();
}

} // namespace st
