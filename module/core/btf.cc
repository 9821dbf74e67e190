// SPDX-License-Identifier: GPL-2.0
//
// btf - see btf.h. Format facts: include/uapi/linux/btf.h and
// Documentation/bpf/btf.rst of the kernel.
#include "btf.h"

namespace st {
namespace {

constexpr u32 kMagic = 0xeb9f;
constexpr u32 kVisits = 100000;	// members looked at in one search, for a blob that loops
constexpr int kDepth = 16;	// nesting of anonymous members, length of typedef chains

enum Kind : u32 {
	kInt = 1, kPtr, kArray, kStruct, kUnion, kEnum, kFwd, kTypedef, kVolatile,
	kConst, kRestrict, kFunc, kFuncProto, kVar, kDatasec, kFloat, kDeclTag,
	kTypeTag, kEnum64,
};

// The blob need not be aligned on every architecture, so bytes are copied.
u32 load32(const u8 *at)
{
	u32 value;
	__builtin_memcpy(&value, at, sizeof(value));
	return value;
}

struct Header {
	u32 header_bytes, type_offset, type_bytes, string_offset, string_bytes;
};

const char *read_header(Span<const u8> blob, Header *h)
{
	u16 magic;
	if (blob.size() < 24)
		return "BTF is shorter than its header";
	__builtin_memcpy(&magic, blob.data(), sizeof(magic));
	if (magic != kMagic)
		return "BTF has a wrong magic number";
	h->header_bytes = load32(blob.data() + 4);
	h->type_offset = load32(blob.data() + 8);
	h->type_bytes = load32(blob.data() + 12);
	h->string_offset = load32(blob.data() + 16);
	h->string_bytes = load32(blob.data() + 20);
	if (h->header_bytes < 24)
		return "BTF has a header that is too short";
	if (u64(h->header_bytes) + h->type_offset + h->type_bytes > blob.size())
		return "BTF types end outside the blob";
	if (u64(h->header_bytes) + h->string_offset + h->string_bytes > blob.size())
		return "BTF strings end outside the blob";
	if (h->string_bytes == 0 ||
	    blob[h->header_bytes + h->string_offset + h->string_bytes - 1] != 0)
		return "BTF strings do not end in NUL";
	return nullptr;
}

// Bytes behind the 12 common ones of a record, ~0u for an unknown kind.
u32 body_bytes(u32 kind, u32 vlen)
{
	switch (kind) {
	case kInt: case kVar: case kDeclTag:
		return 4;
	case kArray:
		return 12;
	case kStruct: case kUnion: case kDatasec: case kEnum64:
		return vlen * 12;
	case kEnum: case kFuncProto:
		return vlen * 8;
	case kPtr: case kFwd: case kTypedef: case kVolatile: case kConst:
	case kRestrict: case kFunc: case kFloat: case kTypeTag:
		return 0;
	default:
		return ~0u;
	}
}

Span<const u8> types_of(Span<const u8> blob, const Header &h)
{
	return Span<const u8>(blob.data() + h.header_bytes + h.type_offset, h.type_bytes);
}

// Calls visit(offset) for every record; false when the walk leaves the blob.
template <typename Visit> bool walk(Span<const u8> types, Visit visit)
{
	size_t at = 0;
	while (at + 12 <= types.size()) {
		const u32 info = load32(types.data() + at + 4);
		const u32 body = body_bytes((info >> 24) & 31, info & 0xffff);
		if (body == ~0u || at + 12 + body > types.size())
			return false;
		if (!visit(static_cast<u32>(at)))
			return false;
		at += 12 + body;
	}
	return at == types.size();
}

} // namespace

u32 Btf::count_types(Span<const u8> blob)
{
	Header h;
	u32 count = 1;
	if (read_header(blob, &h))
		return 0;
	return walk(types_of(blob, h), [&](u32) { count++; return true; }) ? count : 0;
}

const char *Btf::open(Span<const u8> blob, Span<u32> index)
{
	Header h;
	if (const char *wrong = read_header(blob, &h))
		return wrong;
	types_ = types_of(blob, h);
	strings_ = Span<const u8>(blob.data() + h.header_bytes + h.string_offset,
				  h.string_bytes);
	index_ = index;
	count_ = 1;
	const bool whole = walk(types_, [&](u32 at) {
		if (count_ >= index_.size())
			return false;
		index_[count_++] = at;
		return true;
	});
	if (!whole) {
		count_ = 0;
		return "BTF has a type record of an unknown kind or beyond its end";
	}
	return nullptr;
}

Btf::Record Btf::record(u32 type) const
{
	const u8 *at = types_.data() + index_[type];
	const u32 info = load32(at + 4);
	return Record{(info >> 24) & 31, info & 0xffff, load32(at + 8), load32(at),
		      (info >> 31) != 0, at + 12};
}

Text Btf::text(u32 offset) const
{
	if (offset >= strings_.size())
		return Text();
	// the section ends in NUL, checked by read_header()
	return Text(reinterpret_cast<const char *>(strings_.data() + offset));
}

// Compares in place: most names differ in the first letters, and a kernel has
// well over 100,000 of them.
bool Btf::same(u32 offset, Text name) const
{
	if (offset + name.size() >= strings_.size())
		return false;
	const u8 *at = strings_.data() + offset;
	for (size_t i = 0; i < name.size(); i++)
		if (at[i] != u8(name[i]))
			return false;
	return at[name.size()] == 0;
}

Text Btf::name(u32 type) const
{
	return valid(type) ? text(record(type).name) : Text();
}

u32 Btf::find_kind(Text name, u32 kind, u32 other_kind) const
{
	for (u32 id = 1; id < count_; id++) {
		const Record r = record(id);
		if ((r.kind == kind || r.kind == other_kind) && same(r.name, name))
			return id;
	}
	return 0;
}

u32 Btf::find_struct(Text name) const
{
	return find_kind(name, kStruct, kUnion);
}

u32 Btf::find_enum(Text name) const
{
	return find_kind(name, kEnum, kEnum64);
}

u32 Btf::strip(u32 type) const
{
	for (int i = 0; i < kDepth && valid(type); i++) {
		const Record r = record(type);
		if (r.kind != kTypedef && r.kind != kConst && r.kind != kVolatile &&
		    r.kind != kRestrict && r.kind != kTypeTag)
			return type;
		type = r.size_or_type;
	}
	return 0;
}

bool Btf::is_struct(u32 type) const
{
	type = strip(type);
	if (!type)
		return false;
	const u32 kind = record(type).kind;
	return kind == kStruct || kind == kUnion;
}

u64 Btf::size_bytes(u32 type) const
{
	u64 times = 1;
	for (int i = 0; i < kDepth; i++) {
		type = strip(type);
		if (!type)
			return 0;
		const Record r = record(type);
		switch (r.kind) {
		case kInt: case kStruct: case kUnion: case kEnum: case kEnum64: case kFloat:
			return times * r.size_or_type;
		case kPtr:
			return times * sizeof(void *);
		case kArray:
			times *= load32(r.body + 8);
			type = load32(r.body);
			break;
		default:
			return 0;
		}
	}
	return 0;
}

u32 Btf::array_element(u32 type, u32 *count) const
{
	type = strip(type);
	if (!type || record(type).kind != kArray)
		return 0;
	*count = load32(record(type).body + 8);
	return load32(record(type).body);
}

u32 Btf::pointee(u32 type) const
{
	type = strip(type);
	return type && record(type).kind == kPtr ? record(type).size_or_type : 0;
}

BtfMember Btf::find_member(u32 structure, Text name) const
{
	structure = strip(structure);
	u32 visits = kVisits;
	return structure ? find_member_at(structure, name, Walk{0, kDepth, &visits}) : BtfMember();
}

BtfMember Btf::find_member_at(u32 structure, Text name, Walk walk) const
{
	const Record r = record(structure);
	if ((r.kind != kStruct && r.kind != kUnion) || walk.depth == 0)
		return BtfMember();
	for (u32 i = 0; i < r.vlen && *walk.visits; i++) {
		--*walk.visits;
		const u8 *at = r.body + i * 12;
		const u32 label = load32(at);
		const u32 type = load32(at + 4), raw = load32(at + 8);
		const u32 offset = walk.base_bits + (r.kind_flag ? raw & 0xffffff : raw);
		const u32 bitfield = r.kind_flag ? raw >> 24 : 0;
		if (same(label, name))
			return BtfMember{true, type, offset,
					 bitfield ? bitfield : u32(size_bytes(type) * 8)};
		const u32 inner = text(label).empty() ? strip(type) : 0;
		if (!inner)
			continue;
		const BtfMember found = find_member_at(inner, name, Walk{offset, walk.depth - 1, walk.visits});
		if (found.found)
			return found;
	}
	return BtfMember();
}

BtfEnumerator Btf::find_enumerator(Text name) const
{
	for (u32 id = 1; id < count_; id++) {
		const Record r = record(id);
		if (r.kind != kEnum && r.kind != kEnum64)
			continue;
		const u32 bytes = r.kind == kEnum ? 8 : 12;
		for (u32 i = 0; i < r.vlen; i++) {
			const u8 *at = r.body + i * bytes;
			if (!same(load32(at), name))
				continue;
			const u64 high = r.kind == kEnum64 ? load32(at + 8) : 0;
			return BtfEnumerator{true, high << 32 | load32(at + 4)};
		}
	}
	return BtfEnumerator();
}

} // namespace st
