// SPDX-License-Identifier: GPL-2.0
//
// Records as the kernel writes them to readers of /dev/kmsg, and damaged ones.
#include "kmsg.h"

#include <gtest/gtest.h>

using namespace guest;

TEST(Kmsg, SendsTextWithItsTime)
{
	EXPECT_EQ(log_lines("6,339,5140900,-;    ok 1 case\n"), "@ log 5.140900     ok 1 case\n");
	EXPECT_EQ(log_lines("6,1,7,-,caller=T1;x"), "@ log 0.000007 x\n");
}

TEST(Kmsg, GivesEachLineOfAMessageALine)
{
	EXPECT_EQ(log_lines("3,4,1000000,-;    # a: FAILED\\x0a    x == 1\\x0a\n"),
		  "@ log 1.000000     # a: FAILED\n@ log 1.000000     x == 1\n");
}

TEST(Kmsg, PutsBackWhatWasEscaped)
{
	EXPECT_EQ(log_lines("6,4,0,-;a\\x5cb \\xc3\\xa4"), "@ log 0.000000 a\\b \xc3\xa4\n");
	EXPECT_EQ(log_lines("6,4,0,-;\\x5"), "@ log 0.000000 \\x5\n");
	EXPECT_EQ(log_lines("6,4,0,-;\\xzz"), "@ log 0.000000 \\xzz\n");
}

TEST(Kmsg, LeavesPropertiesOut)
{
	EXPECT_EQ(log_lines("6,4,0,-;text\n SUBSYSTEM=acpi\n DEVICE=+acpi:x\n"),
		  "@ log 0.000000 text\n");
}

TEST(Kmsg, TakesNoRecordForNothing)
{
	for (const char *record : {"", "\n", "6,4,0,-", ";x", "6,4;x", "6,4,abc,-;x"})
		EXPECT_EQ(log_lines(record), "") << record;
	EXPECT_EQ(log_lines("6,4,0,-;"), "");
}

TEST(Kmsg, PrefixesEveryLine)
{
	EXPECT_EQ(prefixed("@ report ", "a\n\n  b"), "@ report a\n@ report \n@ report   b\n");
	EXPECT_EQ(prefixed("@ report ", ""), "");
}
