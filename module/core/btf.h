// SPDX-License-Identifier: GPL-2.0
//
// btf - reads the kernel's own type information (BTF, see the kernel's
// Documentation/bpf/btf.rst). Every length and index is checked against the
// blob; a blob that lies is an error with a name, never a wild read.
// It knows the format; which types matter is layout's affair.
#pragma once
#include "base.h"

namespace st {

struct BtfMember {
	bool found = false;
	u32 type = 0;		// id of the member's type
	u32 bit_offset = 0;	// from the start of the outermost structure
	u32 bits = 0;		// size, of the bitfield or of the type
};

struct BtfEnumerator {
	bool found = false;
	u64 value = 0;
};

class Btf {
public:
	// Checks the header and every type record; index[] needs one entry a
	// type, see count_types(). Returns null, or what is wrong.
	const char *open(Span<const u8> blob, Span<u32> index);
	// Number of type records + 1 (id 0 is void), 0 if the blob is no BTF.
	static u32 count_types(Span<const u8> blob);

	u32 find_struct(Text name) const;	// 0: none
	u32 find_enum(Text name) const;		// 0: none
	// Looks through anonymous structures and unions.
	BtfMember find_member(u32 structure, Text name) const;
	// In any enum that is named, or anonymous when name is empty.
	BtfEnumerator find_enumerator(Text name) const;
	u64 size_bytes(u32 type) const;		// 0: unknown
	u32 strip(u32 type) const;		// through typedef, const, volatile
	u32 array_element(u32 type, u32 *count) const;	// 0: not an array
	u32 pointee(u32 type) const;		// 0: not a pointer
	bool is_struct(u32 type) const;
	Text name(u32 type) const;

private:
	struct Record {
		u32 kind, vlen, size_or_type, name;
		bool kind_flag;
		const u8 *body;
	};
	bool valid(u32 type) const { return type > 0 && type < count_; }
	Record record(u32 type) const;
	Text text(u32 offset) const;
	bool same(u32 offset, Text name) const;
	u32 find_kind(Text name, u32 kind, u32 other_kind) const;
	// A search through nested anonymous members: where it is, how far it may go.
	struct Walk {
		u32 base_bits;
		int depth;
		u32 *visits;
	};
	BtfMember find_member_at(u32 structure, Text name, Walk walk) const;

	Span<const u8> types_, strings_;
	Span<u32> index_;
	u32 count_ = 0;
};

} // namespace st
