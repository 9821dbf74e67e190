// SPDX-License-Identifier: GPL-2.0
//
// experiment_price - node-price: what caches keep for a node that has gone, and
// how much of its going and coming is SLUB's, first in the movable zone, then in
// the normal one, which is what SLUB's callbacks react to up to about 6.16. The
// promise that is judged: a node that returns has been paid for. The control
// pays each time. Also the benchmarks churn and churn-zones: whole-node cycles.
#include "benchmark.h"
#include "node_steps.h"
#include "price_table.h"

namespace st {
namespace {

constexpr u32 kMaxRows = 2048;
constexpr u32 kMaxSteps = 4;
constexpr u32 kChurnCycles = 8;		// of a round

// Rows of all caches as they are now, and as they were before.
class Prices {
public:
	Prices(const Context &context, s32 nid, bool busted)
		: context_(context), nid_(nid), busted_(busted),
		  before_(context.ops, kMaxRows), now_(context.ops, kMaxRows)
	{
	}
	explicit operator bool() const { return before_ && now_; }

	// False: they could not be had.
	bool read()
	{
		for (u32 i = 0; i < count_; i++)
			before_[i] = now_[i];
		before_count_ = count_;
		count_ = 0;
		const int got = context_.ops.price->rows(&context_.layout.facts(), nid_, busted_,
							 now_.data(), kMaxRows);
		if (got < 0)
			return false;
		count_ = u32(got);
		return true;
	}
	Span<const st_price_row> rows() const { return Span<const st_price_row>(now_.data(), count_); }

	// visit(before, now) for each cache that was there at the last reading, too.
	template <typename Visit> void each(Visit visit) const
	{
		for (u32 i = 0; i < count_; i++)
			if (const st_node_row *row = find(i, now_[i].row))
				visit(*row, now_[i].row);
	}

private:
	static bool same_cache(const st_node_row &a, const st_node_row &b)
	{
		return a.cache == b.cache && Text(a.name) == b.name;
	}
	// caches seldom come and go: most are where they were
	const st_node_row *find(u32 place, const st_node_row &row) const
	{
		if (place < before_count_ && same_cache(before_[place].row, row))
			return &before_[place].row;
		for (u32 i = 0; i < before_count_; i++)
			if (same_cache(before_[i].row, row))
				return &before_[i].row;
		return nullptr;
	}

	const Context &context_;
	s32 nid_;
	bool busted_;
	Buffer<st_price_row> before_, now_;
	u32 count_ = 0, before_count_ = 0;
};

// SLUB's callback is timed as long as this lives, if this kernel lets it.
class Clock {
public:
	explicit Clock(const st_ops &ops) : ops_(ops), error_(ops.price->time_begin()) {}
	~Clock()
	{
		if (!error_)
			ops_.price->time_end();
	}
	Clock(const Clock &) = delete;
	Clock &operator=(const Clock &) = delete;
	bool runs() const { return !error_; }
	int error() const { return error_; }
	st_price_time take() const
	{
		st_price_time time = {};
		if (!error_)
			ops_.price->time_take(&time);
		return time;
	}

private:
	const st_ops &ops_;
	int error_;
};

class Pricing {
public:
	Pricing(const Context &context, const st_hotplug_target &target, bool busted, Tally *tally)
		: context_(context), target_(target), busted_(busted), tally_(tally),
		  prices_(context, target.nid, busted), clock_(context.ops)
	{
	}

	bool start()
	{
		if (!prices_) {
			tally_->broken("there is no memory for the rows of caches");
			return false;
		}
		return read();
	}

	// All blocks to the state; zone: of the side that is online. False: no further.
	bool step(u32 zone, u32 state)
	{
		if (context_.stopping())
			return false;
		const bool offline = state == ST_BLOCK_OFFLINE;
		(void)clock_.take();	// what was before
		const u64 begin = context_.ops.now_ns();
		const int err = set_all(context_.ops, target_.blocks, state);
		const u64 whole = context_.ops.now_ns() - begin;
		const st_price_time slub = clock_.take();
		if (err) {
			if (!context_.stopping())
				refused(target_, state, zone, err, tally_);
			return false;
		}
		if (!read())
			return false;
		if (!offline)
			judge_return(zone);
		tally_->observed(prices_.rows().size());
		if (steps_count_ < kMaxSteps)
			steps_[steps_count_++] = PriceStep{zone, offline, whole, slub.ns, slub.calls,
						      sum_kept(prices_.rows())};
		if (offline)
			gone_ = sum_kept(prices_.rows());
		return true;
	}

	// The caches as they stand: after the last memory went.
	void tell_caches_now() const
	{
		if (!busted_)
			tell_caches(prices_.rows(), node_bytes(), &tally_->remarks());
	}

	void tell() const
	{
		if (busted_ || !steps_count_)
			return;
		tell_steps(Span<const PriceStep>(steps_, steps_count_), clock_.runs(), &tally_->remarks());
		Line<ST_REASON_BYTES> note;
		note.add_dec(gone_.caches).add(" caches keep ").add_dec(gone_.bytes());
		note.add(" bytes of ").add_dec(node_bytes() >> 20).add(" MiB; SLUB takes ");
		if (clock_.runs())
			add_share(&note);
		else
			note.add("an unknown time (no probe on its callback, errno ")
				.add_dec(u64(-clock_.error())).add(")");
		tally_->note(note.text());
	}

private:
	u64 node_bytes() const { return target_.blocks * context_.ops.price->block_bytes(); }

	void add_share(Line<ST_REASON_BYTES> *note) const
	{
		u64 whole = 0, slub = 0;
		for (u32 i = 0; i < steps_count_; i++) {
			whole += steps_[i].whole_ns;
			slub += steps_[i].slub_ns;
		}
		const u64 share = basis_points(slub, whole);
		note->add_dec(share / 100).add(share % 100 < 10 ? ".0" : ".").add_dec(share % 100);
		note->add(" % of its going and coming");
	}

	bool read()
	{
		if (prices_.read())
			return true;
		tally_->broken("the caches' node structures could not be listed");
		return false;
	}

	void judge_return(u32 zone)
	{
		prices_.each([&](const st_node_row &gone, const st_node_row &back) {
			tally_->ask(Invariant::NodePaidOnce, node_paid_once(gone, back),
				    [&](Evidence &e) { describe(e, zone, gone, back); });
		});
	}

	void describe(Evidence &e, u32 zone, const st_node_row &gone, const st_node_row &back) const
	{
		const bool barn = gone.node == back.node;
		char kept[24], made[24];
		context_.ops.pointer_text(barn ? gone.barn : gone.node, kept, sizeof(kept));
		context_.ops.pointer_text(barn ? back.barn : back.node, made, sizeof(made));
		e.add("cache ").add(back.name).add(" kept ").add(barn ? "barn " : "structure ");
		e.add(kept).add(" for node ").add_dec(u64(target_.nid)).add(" and made ").add(made);
		e.add(" when its ").add(zone_name(zone)).add(" memory came");
	}

	const Context &context_;
	const st_hotplug_target &target_;
	bool busted_;
	Tally *tally_;
	Prices prices_;
	Clock clock_;
	PriceStep steps_[kMaxSteps] = {};
	u32 steps_count_ = 0;
	Kept gone_;
};

// Found online and movable. The second time the node goes from the zone it can
// be had in: kernels that look at normal memory alone keep nothing before.
void price(const st_hotplug_target &target, bool busted, Pricing *pricing)
{
	const u32 second = busted || target.movable_only[0] ? ST_BLOCK_MOVABLE : ST_BLOCK_KERNEL;
	if (!pricing->start() || !pricing->step(ST_BLOCK_MOVABLE, ST_BLOCK_OFFLINE) ||
	    !pricing->step(second, second) || busted ||
	    !pricing->step(second, ST_BLOCK_OFFLINE))
		return;
	pricing->tell_caches_now();
	(void)pricing->step(ST_BLOCK_MOVABLE, ST_BLOCK_MOVABLE);
}

// Whole-node cycles, with the look at every structure that the scenarios take.
class Churn {
public:
	Churn(const Context &context, const st_hotplug_target &target)
		: context_(context), target_(target), prices_(context, target.nid, false)
	{
	}
	~Churn() { (void)context_.ops.blocks_restore(); }
	Churn(const Churn &) = delete;
	Churn &operator=(const Churn &) = delete;

	bool start() { return prices_ && prices_.read(); }

	// 0 or -errno; in every second cycle memory comes to the normal zone if asked.
	int cycles(bool normal_too)
	{
		for (u32 i = 0; i < kChurnCycles; i++) {
			const bool normal = normal_too && i % 2 && !target_.movable_only[0];
			int err = one(ST_BLOCK_OFFLINE);
			if (!err)
				err = one(normal ? ST_BLOCK_KERNEL : ST_BLOCK_MOVABLE);
			if (err)
				return err;
		}
		return 0;
	}
	u64 replaced() const { return replaced_; }

private:
	int one(u32 state)
	{
		if (const int err = set_all(context_.ops, target_.blocks, state))
			return err;
		if (!prices_.read())
			return -12;	// -ENOMEM: more caches than rows
		prices_.each([&](const st_node_row &before, const st_node_row &now) {
			replaced_ += !node_paid_once(before, now).holds;
		});
		return 0;
	}

	const Context &context_;
	const st_hotplug_target &target_;
	Prices prices_;
	u64 replaced_ = 0;
};

void churn_skip(Text name, Text why, Report *report)
{
	report->bench(name, 0, [&](ReportLine &row) {
		row.add(" skip=\"").add(why).add("\"");
	});
}

void bench_cycles(const Context &context, Text name, bool normal_too, u32 rounds, Report *report)
{
	st_hotplug_target target;
	context.ops.hotplug_target(&target);
	if (target.nid < 0)
		return churn_skip(name, target.reason, report);
	if (context.env.nodes_reason[0] || !context.layout.nodes_missing().empty())
		return churn_skip(name, "the caches' node structures are not to be found", report);
	Churn churn(context, target);
	if (!churn.start())
		return churn_skip(name, "the caches' node structures could not be listed", report);
	for (u32 round = 0; round < rounds && !context.stopping(); round++) {
		const u64 begin = context.ops.now_ns();
		const int err = churn.cycles(normal_too);
		const u64 took = context.ops.now_ns() - begin;
		if (context.stopping())
			return;
		if (err)
			return churn_skip(name, Line<64>("a memory block could not be set (errno ")
					  .add_dec(u64(-err)).add(")").text(), report);
		report->bench(name, round, [&](ReportLine &row) {
			row.add(" cycles=").add_dec(kChurnCycles).add(" ns=").add_dec(took);
			row.add(" replaced=").add_dec(churn.replaced());
		});
	}
}

} // namespace

void run_price(const Context &context, const Scenario &scenario, Tally *tally)
{
	const bool busted = scenario.busted();
	st_hotplug_target target;
	context.ops.hotplug_target(&target);
	if (!has_target(target, tally) || !can_watch(context, busted, tally))
		return;
	if (busted && context.ops.price->busted_start(target.nid))
		return tally->broken("the control could not listen to memory events");
	{
		Pricing pricing(context, target, busted, tally);
		price(target, busted, &pricing);
		pricing.tell();
	}
	if (busted)
		context.ops.price->busted_stop();
	if (context.ops.blocks_restore())
		tally->broken("a memory block could not be put back as it was found");
}

void bench_churn(const Context &context, u32 rounds, Report *report)
{
	bench_cycles(context, "churn", false, rounds, report);
}

void bench_churn_zones(const Context &context, u32 rounds, Report *report)
{
	bench_cycles(context, "churn-zones", true, rounds, report);
}

} // namespace st
