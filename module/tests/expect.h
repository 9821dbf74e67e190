// SPDX-License-Identifier: GPL-2.0
//
// expect - what tests of whole runs look at again and again.
#pragma once
#include "fake_kernel.h"

namespace st::test {

inline void expect_fail(const FakeKernel &k, const std::string &scenario, const char *invariant,
			const char *cause)
{
	EXPECT_EQ(k.field(scenario, "verdict"), "fail") << k.record(scenario);
	EXPECT_EQ(k.field(scenario, "invariant"), invariant) << k.record(scenario);
	EXPECT_EQ(k.field(scenario, "cause"), cause) << k.record(scenario);
	EXPECT_NE(k.field(scenario, "evidence"), "-");
}

// Who has looked at an object so far.
class Looks {
public:
	// The second CPU's first look, which is where something stale can be seen.
	bool stale(const st_object_view &v)
	{
		std::set<u32> &cpus = seen_[v.object];
		const bool first = cpus.size() == 1 && !cpus.count(v.cpu);
		cpus.insert(v.cpu);
		return first;
	}

private:
	std::map<u64, std::set<u32>> seen_;
};

} // namespace st::test
