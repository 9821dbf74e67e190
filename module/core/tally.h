// SPDX-License-Identifier: GPL-2.0
//
// tally - what one scenario has found so far: how often each invariant was
// asked and how often it broke, the first evidence of each, and why the
// scenario cannot go on. Its size does not depend on how long a run lasts.
#pragma once
#include "diagnosis.h"
#include "handoff.h"
#include "histogram.h"
#include "invariant.h"
#include "remarks.h"
#include "timeline.h"

namespace st {

struct InvariantTally {
	u64 asked = 0;
	u64 broken = 0;
	Cause cause = Cause::None;	// of the first breach
	u64 seen_ns = 0;		// first breach: time since load
	Evidence evidence;		// of the first breach
};

class Tally {
public:
	Tally() = default;
	// loaded_ns: when the run's clock began to count.
	Tally(u64 (*now_ns)(), u64 loaded_ns) : now_ns_(now_ns), loaded_ns_(loaded_ns) {}

	// Who wants to know of each invariant's first breach when it is seen, and not
	// after the scenario: a kernel that is wrong may not live to its end.
	using Tell = void (*)(void *arg, Invariant invariant, const InvariantTally &breach);
	void tell_breaches(Tell tell, void *arg)
	{
		tell_ = tell;
		tell_arg_ = arg;
	}

	// Counts the finding; describe(Evidence&) is called for a first breach.
	template <typename Describe>
	void ask(Invariant invariant, const Finding &finding, Describe describe)
	{
		InvariantTally &t = slot(invariant);
		t.asked++;
		if (finding.holds)
			return;
		if (!broken_)
			first_ = invariant;
		broken_ = true;
		if (t.broken++)
			return;
		t.cause = diagnose(invariant, finding.sighting);
		t.seen_ns = now_ns_ ? now_ns_() - loaded_ns_ : 0;
		describe(t.evidence);
		if (tell_)
			tell_(tell_arg_, invariant, t);
	}
	// asked more times, none of them broken; or all of them
	void held(Invariant invariant, u64 times) { slot(invariant).asked += times; }
	void broke(Invariant invariant, u64 times)
	{
		slot(invariant).asked += times;
		slot(invariant).broken += times;
	}

	void observed(u64 count) { observations_ += count; }
	void overlapped(u64 count) { overlaps_ += count; }
	// The scenario cannot be asked here, or the tool could not find out.
	void skip(Text why) { stop(Verdict::Skip, why); }
	void broken(Text why) { stop(Verdict::Broken, why); }
	// What the scenario used can never be given back: it ends the run.
	void abandon() { abandoned_ = true; }
	bool abandoned() const { return abandoned_; }
	void note(Text text) { if (note_.empty()) note_.add(text); }
	// A step that was right; how wide the widest of them was, in bits.
	void kept(u64 step)
	{
		while (kept_bits_ < 64 && step >> kept_bits_)
			kept_bits_++;
	}
	u32 kept_bits() const { return kept_bits_; }

	Verdict verdict() const;
	Cause cause() const { return broken_ ? at(first_).cause : Cause::None; }
	bool has_breach() const { return broken_; }
	Invariant first() const { return first_; }
	const InvariantTally &at(Invariant i) const { return tallies_[static_cast<size_t>(i)]; }
	u64 observations() const { return observations_; }
	u64 overlaps() const { return overlaps_; }
	Text reason() const { return reason_.text(); }
	Text note() const { return note_.text(); }
	Histogram &histogram() { return histogram_; }
	const Histogram &histogram() const { return histogram_; }
	Coverage &coverage() { return coverage_; }
	const Coverage &coverage() const { return coverage_; }
	Remarks &remarks() { return remarks_; }
	const Remarks &remarks() const { return remarks_; }
	Timeline &timeline() { return timeline_; }
	const Timeline &timeline() const { return timeline_; }
	u64 loaded_ns() const { return loaded_ns_; }

private:
	InvariantTally &slot(Invariant i) { return tallies_[static_cast<size_t>(i)]; }
	void stop(Verdict verdict, Text why)
	{
		// the first reason stands, but a skip must not hide what broke later
		if (stopped_ == Verdict::Broken || stopped_ == verdict)
			return;
		stopped_ = verdict;
		reason_.clear();
		reason_.add(why);
	}

	InvariantTally tallies_[kInvariants];
	Invariant first_ = Invariant::Count;
	bool broken_ = false, abandoned_ = false;
	Verdict stopped_ = Verdict::Pass;
	u64 observations_ = 0, overlaps_ = 0;
	u64 (*now_ns_)() = nullptr;
	u64 loaded_ns_ = 0;
	Tell tell_ = nullptr;
	void *tell_arg_ = nullptr;
	u32 kept_bits_ = 0;
	Line<ST_REASON_BYTES> reason_, note_;
	Histogram histogram_;
	Coverage coverage_;
	Remarks remarks_;
	Timeline timeline_;
};

// A breach outranks everything; without a single observation there is no pass.
inline Verdict Tally::verdict() const
{
	if (broken_)
		return Verdict::Fail;
	if (stopped_ != Verdict::Pass)
		return stopped_;
	return observations_ ? Verdict::Pass : Verdict::Broken;
}

} // namespace st
