// SPDX-License-Identifier: GPL-2.0
//
// publication_test - node structures as another CPU sees them first, over a fake
// kernel: what was seen too early is found, whatever becomes of who meets it.
#include "../core/scenario.h"
#include "expect.h"

using namespace st;
using namespace st::test;

namespace {

void early(st_publication_counts &counts)
{
	counts.early = 1;
	counts.field = ST_FIELD_NR_SLABS;
	counts.seen = 0x1234;
	counts.expected = counts.later = 0;
	strcpy(counts.where, "init_kmem_cache_node");
}

} // namespace

TEST(Publication, InitialisedStructuresPass)
{
	FakeKernel k(shape_6_10());
	ASSERT_EQ(k.run("node-publication"), 0);
	EXPECT_EQ(k.field("node-publication", "verdict"), "pass") << k.record("node-publication");
	EXPECT_EQ(k.field("busted-node-publication", "invariant"), "node-initialised-when-visible");
	EXPECT_EQ(k.field("busted-node-publication", "cause"), "ordering");
	EXPECT_EQ(k.totals.twins_caught, 1u);
	EXPECT_NE(k.said().find(" too early\n"), std::string::npos);
}

TEST(Publication, WhatIsSeenTooEarlyIsOrderingWhereItIsRightLater)
{
	for (const bool mended : {true, false}) {
		FakeKernel k(shape_7_1());
		k.publication.on_online = [&](st_publication_counts &counts) {
			early(counts);
			counts.later = mended ? 0 : 0x1234;
		};
		ASSERT_EQ(k.run("node-publication"), 0);
		expect_fail(k, "node-publication", "node-initialised-when-visible",
			    mended ? "ordering" : "corruption");
		for (const char *said : {"nr_slabs was ", "held in init_kmem_cache_node"})
			EXPECT_NE(k.field("node-publication", "evidence").find(said),
				  std::string::npos) << said;
	}
}

// Whatever becomes of the reader, the structure was seen too early: that is the
// verdict, and the rest is its evidence. Who does not come back ends the run,
// and nothing is taken from under him.
TEST(Publication, WhatBecomesOfAReaderIsEvidence)
{
	const struct { u32 meeting; bool lost; const char *said; } cases[] = {
		{ST_MET_BACK, false, "came back after 7 ms with 9: objects: 77 N1=77"},
		{ST_MET_DEAD, true, "met it and died"},
		{ST_MET_LOST, true, "met it and never came back"}};
	for (const auto &c : cases) {
		FakeKernel k(shape_7_1());
		k.publication.on_online = [&](st_publication_counts &counts) {
			early(counts);
			counts.meeting = c.meeting;
			counts.inside_us = 7123;
			counts.result = 9;
			strcpy(counts.reader, "sysfs objects");
			strcpy(counts.told, c.meeting == ST_MET_BACK ? "objects: 77 N1=77" : "");
		};
		ASSERT_EQ(k.run("node-publication-met-objects,charge-balanced"), 0);
		const std::string evidence = k.field("node-publication-met-objects", "evidence");
		expect_fail(k, "node-publication-met-objects", "node-initialised-when-visible",
			    "ordering");
		EXPECT_NE(evidence.find(c.said), std::string::npos) << evidence;
		EXPECT_EQ(k.record("charge-balanced").empty(), c.lost);
		EXPECT_EQ(k.said("# abandoned ") == "# abandoned scenario=node-publication-met-objects\n",
			  c.lost);
		EXPECT_EQ(k.marks.back(), "run complete");
	}
}

TEST(Publication, AReaderThatNeverComesBackIsSeen)
{
	FakeKernel k(shape_7_1());
	ASSERT_EQ(k.run("node-publication-met-*"), 0);
	for (const Scenario &s : scenarios()) {
		if (s.family != Family::Publication || !s.busted() ||
		    std::string(s.name).find("-met-") == std::string::npos)
			continue;
		EXPECT_NE(k.field(s.name, "evidence").find("never came back"), std::string::npos)
			<< k.record(s.name);
	}
	EXPECT_EQ(k.totals.twins_caught, 6u);
}

// A node without memory gets its first from outside, and is left without.
TEST(Publication, TheFirstMemoryMayComeFromOutside)
{
	FakeKernel k(shape_7_1());
	k.failing = {"hotplug_target"};
	k.blocks[0] = k.blocks[1] = ST_BLOCK_GONE;
	ASSERT_EQ(k.run("node-publication"), 0);
	EXPECT_EQ(k.field("node-publication", "verdict"), "pass") << k.record("node-publication");
	EXPECT_EQ(k.field("node-publication", "observations"), "16");
	EXPECT_EQ(k.asked_host, (std::vector<std::string>{"    # host plug dimm1",
							  "    # host unplug dimm1"}));
}

TEST(Publication, WhereNothingIsPublishedNothingIsProved)
{
	FakeKernel k(shape_7_1());
	k.publication.on_online = [](st_publication_counts &counts) { counts.published = 0; };
	ASSERT_EQ(k.run("node-publication"), 0);
	EXPECT_EQ(k.field("node-publication", "verdict"), "skip");
	EXPECT_NE(k.field("node-publication", "reason").find("nothing was published"),
		  std::string::npos);
}

TEST(Publication, WhatCannotBeAskedSaysWhy)
{
	for (const int error : {-95, -12}) {
		FakeKernel k(shape_7_1());
		k.publication.error = error;
		ASSERT_EQ(k.run("node-publication"), 0);
		EXPECT_EQ(k.field("node-publication", "verdict"), error == -95 ? "skip" : "broken");
		EXPECT_EQ(k.field("node-publication", "reason"), "no reason to be seen");
	}
}
