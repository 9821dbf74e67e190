// SPDX-License-Identifier: GPL-2.0
//
// widening - while one exists, the kernel side widens the windows of a race;
// what it did is said in the scenario's remarks. How is shims/widen.c's affair.
#pragma once
#include "experiment.h"

namespace st {

class Widening {
public:
	explicit Widening(const Context &context)
		: context_(context), moved_(context.ops.now_ns())
	{
		context.ops.widen->begin(context.seed);
	}
	~Widening() { context_.ops.widen->end(); }
	Widening(const Widening &) = delete;
	Widening &operator=(const Widening &) = delete;

	// Other instructions of the same functions, now and then.
	void batch_done();
	// One line for each means; returns how often a racing thread was held.
	u64 describe(Tally *tally) const;

private:
	const Context &context_;
	u64 moved_;
};

} // namespace st
