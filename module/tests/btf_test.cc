// SPDX-License-Identifier: GPL-2.0
//
// btf_test - finds what is there, and refuses or survives what lies. Blobs are
// copied into heap memory of their exact size, so that the address sanitizer
// sees one byte too many. Kernel layouts are left to layout's tests.
#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <random>

#include "btf_builder.h"

using namespace st;
using st::test::BtfBuilder;

namespace {

std::vector<u8> sample()
{
	BtfBuilder b;
	const u32 word = b.integer("unsigned long", 8);
	const u32 half = b.integer("unsigned int", 4);
	const u32 inner = b.structure("", 16, {{"deep", word, 64}, {"flag", half, 3, 1}});
	const u32 either = b.structure("", 16, {{"", inner, 0}, {"flat", word, 0}}, true);
	const u32 nodes = b.array(b.pointer(word), 4);
	b.structure("slab", 64, {{"first", word, 0}, {"", either, 64}, {"nodes", nodes, 192}});
	b.enumeration("SMALL", 4, false);
	b.enumeration("WIDE", 0x100000004ull, true);
	return b.blob();
}

// Asks everything of whatever opens; the answers are not looked at.
void ask_everything(const std::vector<u8> &bytes)
{
	const std::unique_ptr<u8[]> exact(new u8[bytes.size()]);
	std::copy(bytes.begin(), bytes.end(), exact.get());
	const Span<const u8> blob(exact.get(), bytes.size());
	std::vector<u32> index(Btf::count_types(blob) + 1);
	Btf btf;
	if (btf.open(blob, Span<u32>(index.data(), index.size())))
		return;
	btf.find_member(btf.find_struct("slab"), "deep");
	btf.find_member(btf.find_struct("slab"), "no such member");
	btf.find_enumerator("WIDE");
	for (u32 type = 0; type < index.size() + 2; type++) {
		u32 count;
		btf.size_bytes(type);
		btf.array_element(type, &count);
		btf.pointee(type);
		btf.is_struct(type);
		btf.name(type);
		btf.find_member(type, "deep");
	}
}

struct Opened {
	explicit Opened(std::vector<u8> blob) : bytes(std::move(blob))
	{
		const Span<const u8> view(bytes.data(), bytes.size());
		index.resize(Btf::count_types(view) + 1);
		wrong = btf.open(view, Span<u32>(index.data(), index.size()));
	}
	std::vector<u8> bytes;
	std::vector<u32> index;
	Btf btf;
	const char *wrong;
};

} // namespace

TEST(Btf, FindsMembersThroughAnonymousUnions)
{
	Opened o(sample());
	ASSERT_EQ(o.wrong, nullptr);
	const u32 slab = o.btf.find_struct("slab");
	const BtfMember deep = o.btf.find_member(slab, "deep");
	EXPECT_TRUE(deep.found);
	EXPECT_EQ(deep.bit_offset, 128u);
	EXPECT_EQ(deep.bits, 64u);
	const BtfMember flag = o.btf.find_member(slab, "flag");
	EXPECT_EQ(flag.bit_offset, 67u);
	EXPECT_EQ(flag.bits, 1u);
	EXPECT_FALSE(o.btf.find_member(slab, "dee").found);
	EXPECT_EQ(o.btf.find_struct("sla"), 0u);
}

TEST(Btf, ReadsArraysAndEnums)
{
	Opened o(sample());
	ASSERT_EQ(o.wrong, nullptr);
	u32 count = 0;
	const BtfMember nodes = o.btf.find_member(o.btf.find_struct("slab"), "nodes");
	EXPECT_EQ(o.btf.size_bytes(o.btf.array_element(nodes.type, &count)), 8u);
	EXPECT_EQ(count, 4u);
	EXPECT_EQ(o.btf.find_enumerator("SMALL").value, 4u);
	EXPECT_EQ(o.btf.find_enumerator("WIDE").value, 0x100000004ull);
	EXPECT_FALSE(o.btf.find_enumerator("NONE").found);
}

TEST(Btf, EveryTruncationIsRefused)
{
	const std::vector<u8> whole = sample();
	for (size_t bytes = 0; bytes < whole.size(); bytes++) {
		const std::vector<u8> part(whole.begin(), whole.begin() + long(bytes));
		EXPECT_NE(Opened(part).wrong, nullptr) << bytes;
		ask_everything(part);
	}
}

TEST(Btf, RefusesWrongMagicAndUnknownKinds)
{
	std::vector<u8> blob = sample();
	blob[0] ^= 1;
	EXPECT_STREQ(Opened(blob).wrong, "BTF has a wrong magic number");
	BtfBuilder b;
	b.raw(31, 0, 0);
	EXPECT_NE(Opened(b.blob()).wrong, nullptr);
}

TEST(Btf, LoopsAndWildIdsAreNotFound)
{
	BtfBuilder b;
	b.alias("round", 1);
	b.alias("wild", 0xfffffff0);
	b.structure("slab", 8, {{"", 3, 0}, {"wild", 0x7fffffff, 0}});
	Opened o(b.blob());
	ASSERT_EQ(o.wrong, nullptr);
	EXPECT_EQ(o.btf.strip(1), 0u);
	EXPECT_EQ(o.btf.size_bytes(2), 0u);
	EXPECT_FALSE(o.btf.find_member(3, "deep").found);
	ask_everything(o.bytes);
}

TEST(Btf, SurvivesSeededMutations)
{
	std::mt19937 random(42);
	const std::vector<u8> whole = sample();
	for (int i = 0; i < 20000; i++) {
		std::vector<u8> bytes = whole;
		for (u32 n = 1 + random() % 4; n; n--)
			bytes[random() % bytes.size()] = u8(random());
		ask_everything(bytes);
	}
}
