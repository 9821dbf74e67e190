// SPDX-License-Identifier: GPL-2.0
//
// btf_builder - makes small BTF blobs for tests, record by record, well-formed
// unless a test damages them afterwards. It checks nothing and reads nothing:
// reading is what the tests look at.
#pragma once
#include <cstring>
#include <string>
#include <vector>

#include "../core/btf.h"

namespace st::test {

struct Member {
	std::string name;
	u32 type, bit_offset, bits = 0;
};

class BtfBuilder {
public:
	u32 integer(const std::string &name, u32 bytes)
	{
		const u32 id = head(name, 1, 0, bytes);
		word(types_, bytes * 8);
		return id;
	}
	u32 pointer(u32 to) { return head("", 2, 0, to); }
	u32 alias(const std::string &name, u32 of) { return head(name, 8, 0, of); }
	u32 array(u32 element, u32 count)
	{
		const u32 id = head("", 3, 0, 0);
		for (u32 value : {element, 1u, count})
			word(types_, value);
		return id;
	}
	u32 structure(const std::string &name, u32 bytes, const std::vector<Member> &members,
		      bool is_union = false)
	{
		bool flag = false;
		for (const Member &m : members)
			flag = flag || m.bits;
		const u32 id = head(name, is_union ? 5 : 4, u32(members.size()), bytes, flag);
		for (const Member &m : members) {
			word(types_, string(m.name));
			word(types_, m.type);
			word(types_, m.bits << 24 | m.bit_offset);
		}
		return id;
	}
	u32 enumeration(const std::string &label, u64 value, bool wide)
	{
		const u32 id = head("", wide ? 19 : 6, 1, wide ? 8 : 4);
		word(types_, string(label));
		word(types_, u32(value));
		if (wide)
			word(types_, u32(value >> 32));
		return id;
	}
	u32 raw(u32 kind, u32 vlen, u32 value) { return head("", kind, vlen, value); }

	std::vector<u8> blob() const
	{
		std::vector<u8> out;
		word(out, 0x0001eb9f);
		for (u32 value : {24u, 0u, u32(types_.size()), u32(types_.size()),
				  u32(strings_.size())})
			word(out, value);
		out.insert(out.end(), types_.begin(), types_.end());
		out.insert(out.end(), strings_.begin(), strings_.end());
		return out;
	}

private:
	static void word(std::vector<u8> &to, u32 value)
	{
		const size_t at = to.size();
		to.resize(at + 4);
		std::memcpy(to.data() + at, &value, 4);
	}
	u32 string(const std::string &text)
	{
		if (text.empty())
			return 0;
		const u32 at = u32(strings_.size());
		strings_.insert(strings_.end(), text.begin(), text.end());
		strings_.push_back(0);
		return at;
	}
	u32 head(const std::string &name, u32 kind, u32 vlen, u32 value, bool flag = false)
	{
		word(types_, string(name));
		word(types_, u32(flag) << 31 | kind << 24 | vlen);
		word(types_, value);
		return ++count_;
	}

	std::vector<u8> types_, strings_{0};
	u32 count_ = 0;
};

} // namespace st::test
