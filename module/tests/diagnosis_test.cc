// SPDX-License-Identifier: GPL-2.0
//
// diagnosis_test - the table from values to causes, case by case, with those
// that nearly look like another one; and the line of evidence for them.
#include <gtest/gtest.h>

#include "../core/evidence.h"
#include "../core/diagnosis.h"

using namespace st;

namespace {

constexpr u64 kNobody = ~0ull;	// a look that nobody took

Sighting seen(u64 expected, u64 writer, u64 reader, u64 barrier, u64 later)
{
	Sighting s{expected, writer, reader, later};
	s.has_later = later != kNobody;
	s.barrier = barrier;
	s.has_barrier = barrier != kNobody;
	return s;
}

std::string evidence(Invariant invariant, const Sighting &sighting)
{
	st_ops ops = {};
	ops.pointer_text = [](u64, char *text, size_t bytes) { snprintf(text, bytes, "hashed"); };
	Evidence line;
	add_values(line, ops, invariant, sighting);
	EXPECT_FALSE(line.truncated());
	return line.c_str();
}

} // namespace

TEST(Diagnosis, Table)
{
	constexpr Invariant kStep = Invariant::ExtsStepMatchesLayout;
	constexpr Invariant kOwner = Invariant::ExtsNamesMemcg;
	constexpr u64 _ = kNobody;
	const struct { const char *what; Invariant invariant; Sighting s; Cause cause; } cases[] = {
		{"64 KiB in 16 bits", kStep, seen(65536, 0, 0, 0, 0), Cause::Truncation},
		{"with a rest", kStep, seen(65544, 8, 8, 8, 8), Cause::Truncation},
		{"nobody looked again", kStep, seen(65536, 0, 0, _, _), Cause::Truncation},
		{"a type too narrow", Invariant::StrideFitsType, seen(65536, 0, 0, _, _),
		 Cause::Truncation},
		// expected mod 2^16 is 0, and 0 is what an early reader sees as well
		{"0, but the writer has 65536", kStep, seen(65536, 65536, 0, 65536, 65536),
		 Cause::Ordering},
		{"right after a barrier already", kStep, seen(65536, 65536, 0, 65536, _),
		 Cause::Ordering},
		{"right only later", kStep, seen(65536, 65536, 0, 0, 65536), Cause::Ordering},
		{"0 for good, the writer has 65536", kStep, seen(65536, 65536, 0, 0, 0),
		 Cause::Corruption},
		{"0 everywhere, and right later", kStep, seen(65536, 0, 0, 0, 65536),
		 Cause::Ordering},
		{"right after a barrier, then wrong", kStep, seen(16, 16, 0, 16, 3),
		 Cause::Corruption},
		{"the two CPUs differ, neither right", kStep, seen(65536, 0, 4096, 4096, 4096),
		 Cause::Corruption},
		{"off by one", kStep, seen(16, 17, 17, 17, 17), Cause::Corruption},
		{"half", kStep, seen(16, 8, 8, 8, 8), Cause::Corruption},
		{"reader stale, no second look", kStep, seen(16, 16, 0, _, _), Cause::Unknown},
		{"only the writer is wrong", kStep, seen(16, 0, 16, 16, 16), Cause::Unknown},
		{"an address with low zero bytes", Invariant::SlabOwnsObject,
		 seen(0x1200, 0, 0, _, _), Cause::Corruption},
		{"vector late", Invariant::StrideStableWhileLive,
		 seen(0x5001, 0x5001, 0, 0x5001, 0x5001), Cause::Ordering},
		{"vector replaced", Invariant::StrideStableWhileLive,
		 seen(0x5001, 0x5001, 0x6001, 0x6001, 0x6001), Cause::Corruption},
		{"another's group", kOwner, seen(7, 8, 8, _, 8), Cause::Accounting},
		{"no owner", kOwner, seen(7, 0, 0, _, 0), Cause::Accounting},
		{"owner late", kOwner, seen(7, 7, 0, _, 7), Cause::Ordering},
		{"owner overwritten", kOwner, seen(7, 7, 8, _, 8), Cause::Corruption},
		{"no vector at all", Invariant::ExtsPresent, seen(1, 0, 0, _, _),
		 Cause::Accounting},
		{"owner outlives object", Invariant::ExtsClearedOnFree, seen(0, 7, 7, _, _),
		 Cause::Accounting},
		{"former owner", Invariant::ExtsNamesNobody, seen(0, 7, 7, _, _),
		 Cause::Accounting},
		{"former vector", Invariant::ExtsNotInherited, seen(0, 0x5000, 0x5000, _, _),
		 Cause::Lifetime},
		{"node structure gone", Invariant::NodePointerKept, seen(1, 1, 0, _, 0),
		 Cause::Lifetime},
		{"node structure late", Invariant::NodePointerKept, seen(1, 1, 0, 1, 1),
		 Cause::Lifetime},
	};
	for (const auto &c : cases)
		EXPECT_EQ(diagnose(c.invariant, c.s), c.cause) << c.what;
}

// What is known of the place narrows down which width it was.
TEST(Diagnosis, WidthOfATruncation)
{
	EXPECT_EQ(truncated_to_bits(65536, 0), 8u);
	EXPECT_EQ(truncated_to_bits(65536, 0, 16), 16u);	// the field's own type
	EXPECT_EQ(truncated_to_bits(65536, 0, 32), 8u);		// which would have kept it
	EXPECT_EQ(truncated_to_bits(65536, 0, 0, 15), 16u);	// 16384 was kept whole
	EXPECT_EQ(truncated_to_bits(65536, 0, 0, 17), 0u);	// then nothing was cut
	EXPECT_EQ(truncated_to_bits(0x12345, 0x2345), 16u);
	EXPECT_EQ(truncated_to_bits(0x1012345, 0x012345), 24u);
	EXPECT_EQ(truncated_to_bits(0x100000005, 5), 8u);
	EXPECT_EQ(truncated_to_bits(0x1f0000005, 0xf0000005), 32u);
	EXPECT_EQ(truncated_to_bits(5, 5), 0u);
	EXPECT_EQ(truncated_to_bits(5, 6), 0u);
	EXPECT_EQ(truncated_to_bits(65536, 65535, 16), 0u);
}

TEST(Diagnosis, EvidenceHasEveryLook)
{
	Sighting s = seen(65536, 0, 0, 0, 0);
	s.type_bits = 16;
	const Invariant step = Invariant::ExtsStepMatchesLayout;
	EXPECT_EQ(evidence(step, s),
		  "0 where 65536 is right (65536 mod 2^16 = 0; the field has 16 bits); on the "
		  "writing CPU 0, on the reading CPU 0, there after a barrier 0, a little later 0");
	s.type_bits = 0;
	s.kept_bits = 12;
	EXPECT_NE(evidence(step, s).find("mod 2^16 = 0; values of 12 bits were kept)"),
		  std::string::npos);
	EXPECT_EQ(evidence(step, seen(16, 16, 0, 16, kNobody)),
		  "0 where 16 is right; on the writing CPU 16, on the reading CPU 0, there after a "
		  "barrier 16");
	EXPECT_EQ(evidence(Invariant::ExtsNamesMemcg, seen(7, 0, 0, kNobody, kNobody)),
		  "0 where hashed is right; on the writing CPU 0, on the reading CPU 0");
	EXPECT_EQ(evidence(Invariant::ExtsPresent, seen(1, 0, 0, kNobody, kNobody)),
		  "0 where yes is right; on the writing CPU 0, on the reading CPU 0");
}

// The longest that there can be still fits.
TEST(Diagnosis, EvidenceIsNeverCut)
{
	const u64 wide = ~0ull - 1;
	Sighting s = seen(wide, wide - 1, wide - 2, wide - 3, wide - 4);
	(void)evidence(Invariant::ExtsStepMatchesLayout, s);
	s = seen(0xffffffff00000001, 1, 1, 1, 1);
	s.kept_bits = 32;
	(void)evidence(Invariant::ExtsStepMatchesLayout, s);
}
