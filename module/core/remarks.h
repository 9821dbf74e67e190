// SPDX-License-Identifier: GPL-2.0
//
// remarks - lines that a scenario has to say beside its verdict: histograms,
// what was widened. A fixed number; the last one tells what did not fit.
#pragma once
#include "base.h"

namespace st {

using Remark = Line<112>;

class Remarks {
public:
	void add(Text text)
	{
		if (count_ < kMost)
			lines_[count_].add(text);
		else if (count_ == kMost)
			lines_[kMost - 1] = Remark("(more was said than there is room for)");
		count_ += count_ <= kMost;
	}
	u32 count() const { return count_ < kMost ? count_ : kMost; }
	Text at(u32 i) const { return lines_[i].text(); }

private:
	static const u32 kMost = 40;
	Remark lines_[kMost];
	u32 count_ = 0;
};

} // namespace st
