// SPDX-License-Identifier: GPL-2.0
//
// experiment_churn - node-churn: a node's memory goes and comes, whole cycles
// in the movable and in the normal zone, while racers use SLUB in every way.
// Node structures are watched between the ends of each step by a sampler, and
// at the ends under the locks; now and then a step is made to fail. Controls
// are in busted_churn.cc.
#include "churn.h"
#include "node_judge.h"
#include "node_steps.h"
#include "node_watch.h"
#include "plan.h"
#include "racing.h"

namespace st {
namespace {

constexpr u32 kMostRows = 2048;
constexpr u32 kLeastCycles = 2;		// one in each zone
constexpr u32 kRefusalEvery = 8;	// cycles; the first two have them as well
constexpr u32 kOtherNodeEvery = 8;	// cycles, for lists of node 0
constexpr u32 kTries = 20;		// pages in flight, slabs of who else allocates
constexpr u32 kPatientTries = 4;	// of 15 s, shims/patience.c
constexpr u32 kLockTries = 2000;	// of 5 ms: a CPU goes or comes meanwhile
constexpr int kRestless = -62;		// -ETIME
constexpr int kLockTaken = -513;	// -ERESTARTNOINTR of lock_device_hotplug_sysfs()
constexpr u64 kLapsNs = 20000000000ull;	// until each racer has run once
constexpr u64 kBalanceNs = 5000000000ull;	// until RCU has freed what was given up
constexpr u64 kTellNs = 5000000000ull;	// between lines of progress

class Churn {
public:
	Churn(const Context &context, const st_hotplug_target &target, Tally *tally)
		: context_(context), ops_(context.ops), racers_(*context.ops.racers),
		  target_(target), tally_(tally), random_(context.seed),
		  asked_(chosen_racers(racers_asked_for(context.racers))),
		  watch_(context, target.nid, false, tally), lists_(context.ops, kMostRows)
	{
	}

	void run()
	{
		if (!lists_)
			return tally_->broken("there is no memory for the lists of caches");
		if (racers_.structs(&layout(), 0, &before_))
			return tally_->broken("node structures could not be counted");
		if (!watch_.start() || !begin())
			return;
		told_ns_ = ops_.now_ns();
		churn();
		if (!tally_->has_breach() && !context_.stopping())
			wait_for_racers();
		end();
	}

private:
	const st_layout &layout() const { return context_.layout.facts(); }
	bool broken(Text why)
	{
		tally_->broken(why);
		return false;
	}

	bool begin()
	{
		const st_race_spec spec{&layout(), asked_.wanted, asked_.by_name, target_.nid};
		if (racers_.begin(&spec))
			return broken("the racers could not be started");
		if (!racers_.watch(&layout(), target_.nid, ST_WATCH_CACHES))
			return true;
		racers_.end();
		return broken("the sampler of node pointers could not be started");
	}

	void end()
	{
		Buffer<st_race_row> rows(ops_, ST_RACES);
		if (rows)
			racers_.rows(rows.data());
		racers_.end();
		st_watch_counts counts = {};
		racers_.watch_end(&counts);
		if (ops_.blocks_restore())
			tally_->broken("a memory block could not be put back as it was found");
		judge_watch(context_, counts, target_.nid, tally_);
		u64 laps = 0;
		if (!rows)
			tally_->broken("there is no memory for what the racers did");
		else
			laps = describe_racers(rows.all(), raced(), tally_);
		if (!context_.stopping())
			balance();
		note(laps);
	}

	// A run cut short by a breach owes nobody a lap.
	u64 raced() const { return cycles_ || !tally_->has_breach() ? asked_.wanted : 0; }

	// --- one step of a block ---

	int set_once(u32 block, u32 state, u32 refuse, u32 rest)
	{
		int err = racers_.step(rest, refuse);
		if (err)
			tally_->broken("a racer did not come to rest");
		else
			err = kLockTaken;
		for (u32 i = 0; i < kLockTries && err == kLockTaken && !context_.stopping(); i++)
			err = ops_.block_set(block, state);
		refused_ = racers_.step_over();
		restless_ = err == kRestless;
		return restless_ ? kInterrupted : err;
	}
	int set(u32 block, u32 state, u32 rest = ST_REST_NOT)
	{
		int err = kInterrupted;
		u32 tries = 0;
		while (tries < kTries && !context_.stopping()) {
			err = set_once(block, state, ST_REFUSE_NOTHING, rest);
			tries++;
			if (!err || (err == kInterrupted && !worth_waiting(state, tries)))
				break;
			busy_++;
			// let all go on, so that they come to rest anew
			if (!racers_.step(ST_REST_NOT, ST_REFUSE_NOTHING))
				(void)racers_.step_over();
		}
		if (!context_.stopping() && state == ST_BLOCK_OFFLINE && ours(err))
			ask_removal(block, err, tries);
		return err;
	}
	// Our own patience ended: with locks and grace periods on a slow machine as
	// likely as with a page that stays, and only the latter breaks a promise.
	bool worth_waiting(u32 state, u32 tries) const
	{
		return state == ST_BLOCK_OFFLINE && ours(kInterrupted) && !restless_ &&
		       tries < kPatientTries;
	}
	// Somebody else may have what cannot be moved: in the normal zone, or on
	// memory as it was found. What we have brought movable must go again.
	bool ours(int err) const
	{
		return !err || (zone_ == ST_BLOCK_MOVABLE && emptied_);
	}
	void ask_removal(u32 block, int err, u32 tries)
	{
		char kept[ST_REASON_BYTES];
		racers_.kept(kept);
		judge_removal({target_.nid, block, err, tries, kept}, tally_);
	}

	// --- all blocks, in the orders of node_steps ---

	int bring(u32 zone)
	{
		const u32 blocks = target_.blocks;
		const bool normal = zone == ST_BLOCK_KERNEL && blocks > 1;
		int err = set(0, normal ? u32(ST_BLOCK_MOVABLE) : zone);
		for (u32 block = 1; block < blocks && !err; block++)
			err = set(block, zone);
		// block 0 is movable still, whatever zone the others are in
		if (!err && normal)
			err = set(0, ST_BLOCK_OFFLINE);
		return !err && normal ? set(0, zone) : err;
	}
	u32 place(u32 i) const { return i ? target_.blocks - i : 0; }
	// What lies on the node's normal memory must be gone before it can go; when
	// SLUB is told that the last of it goes, the racers are let loose.
	u32 rest_for(bool last) const
	{
		if (zone_ == ST_BLOCK_MOVABLE)
			return ST_REST_NOT;
		return last ? ST_REST_RACE : ST_REST_STAY;
	}
	int take(bool refuse_last)
	{
		int err = 0;
		for (u32 i = 0; i < target_.blocks && !err && good_; i++) {
			const bool last = i + 1 == target_.blocks;
			if (last && refuse_last)
				refuse_offline(place(i));
			err = set(place(i), ST_BLOCK_OFFLINE, rest_for(last));
		}
		return err;
	}

	// --- steps that must fail, and leave everything as it was ---

	void ask_refusal(Text what, int step_err, int use_err, bool offline)
	{
		tally_->ask(Invariant::NodeRefusalClean, node_refusal_clean(step_err, use_err),
			    [&](Evidence &e) {
				    e.add(what).add(", zone ").add(zone_name(zone_)).add(": errno ");
				    e.add_dec(u64(-step_err)).add("; using the node after that: errno ");
				    e.add_dec(u64(-use_err));
			    });
		refusals_++;
		good_ = watch_.look("when a step of its memory was refused", offline) && good_;
	}
	int use(bool slabs) const { return racers_.usable(target_.nid, slabs); }
	// SLUB has been told that the node's last memory goes, and then that it stays.
	void refuse_offline(u32 block)
	{
		const int err = set_once(block, ST_BLOCK_OFFLINE, ST_REFUSE_OFFLINE, rest_for(true));
		if (err == kInterrupted || !refused_)
			return;		// busy before it came to that
		ask_refusal("its going was refused by a listener", err,
			    use(zone_ == ST_BLOCK_KERNEL), false);
	}
	void refuse_online(u32 zone)
	{
		const int err = set_once(0, zone, ST_REFUSE_ONLINE, ST_REST_NOT);
		if (err != kInterrupted && refused_)
			ask_refusal("its coming was refused by a listener", err, 0, true);
	}
	// A page that cannot be moved keeps its block.
	void refuse_pinned()
	{
		u32 block;
		if (zone_ != ST_BLOCK_KERNEL || racers_.pin(target_.nid, &block))
			return;
		const int err = set_once(block, ST_BLOCK_OFFLINE, ST_REFUSE_NOTHING, ST_REST_NOT);
		if (err != kInterrupted)
			ask_refusal("a page that cannot be moved was on it", err, use(true), false);
		racers_.unpin();
	}

	// --- cycles ---

	bool step_failed(int err, u32 state)
	{
		if (!err || !good_)
			return !good_;
		if (!context_.stopping() && !tally_->has_breach())
			refused(target_, state, zone_, err, tally_);
		return true;
	}
	bool look(bool offline)
	{
		Line<64> event("when its ");
		event.add(zone_name(zone_)).add(" memory ");
		event.add(offline ? "went offline" : "came online");
		if (!watch_.look(event.text(), offline) || !walk(target_.nid))
			return false;
		return cycles_ % kOtherNodeEvery || walk(0);
	}
	bool walk(s32 nid)
	{
		const int got = racers_.lists(&layout(), nid, 0, lists_.data(), kMostRows);
		if (got < 0)
			return broken("the lists of caches could not be walked");
		judge_lists(lists_.all().first(size_t(got)), nid, tally_);
		return true;
	}
	bool one_cycle(u32 zone)
	{
		const bool refusals = cycles_ < kLeastCycles || cycles_ % kRefusalEvery == 0;
		zone_ = zone;
		if (refusals)
			refuse_online(zone == ST_BLOCK_KERNEL && target_.blocks > 1
				      ? u32(ST_BLOCK_MOVABLE) : zone);
		if (!good_ || step_failed(bring(zone), zone) || !look(false))
			return false;
		if (refusals)
			refuse_pinned();
		if (!good_ || step_failed(take(refusals), ST_BLOCK_OFFLINE))
			return false;
		cycles_++;
		return look(true);
	}
	// Both zones in turns, from the one that the seed chooses.
	u32 next_zone(u32 chosen) const
	{
		if (target_.movable_only[0])
			return ST_BLOCK_MOVABLE;
		return (cycles_ + chosen) % 2 ? ST_BLOCK_KERNEL : ST_BLOCK_MOVABLE;
	}
	bool enough(u64 end_ns) const
	{
		if (context_.churn_cycles)
			return cycles_ >= context_.churn_cycles;
		return cycles_ >= kLeastCycles && ops_.now_ns() >= end_ns;
	}
	void churn()
	{
		const u64 end_ns = ops_.now_ns() + context_.duration_ns;
		const u32 chosen = random_.below(2);
		zone_ = ST_BLOCK_MOVABLE;	// as found; its going is half a cycle
		if (step_failed(take(false), ST_BLOCK_OFFLINE) || !look(true))
			return;
		emptied_ = true;
		while (!enough(end_ns) && !tally_->has_breach() && !context_.stopping() &&
		       one_cycle(next_zone(chosen)))
			tell_progress();
	}
	// A host takes a long silence for a hang.
	void tell_progress()
	{
		const u64 now = ops_.now_ns();
		if (now - told_ns_ < kTellNs)
			return;
		told_ns_ = now;
		Line<96> line("    # node-churn: ");
		line.add_dec(cycles_).add(" cycles");
		if (context_.churn_cycles)
			line.add(" of ").add_dec(context_.churn_cycles);
		ops_.emit(line.c_str(), line.text().size());
	}

	// --- at the end ---

	void wait_for_racers()
	{
		Buffer<st_race_row> rows(ops_, ST_RACES);
		const u64 end_ns = ops_.now_ns() + kLapsNs;
		while (rows && !context_.stopping() && ops_.now_ns() < end_ns) {
			racers_.rows(rows.data());
			if (all_have_run(rows.all(), asked_.wanted))
				return;
			racers_.step_over();	// waits for a round of the sampler
		}
	}
	void balance()
	{
		const u64 end_ns = ops_.now_ns() + kBalanceNs;
		st_node_structs after;
		do {
			ops_.caches_wait();
			if (racers_.structs(&layout(), 0, &after))
				return tally_->broken("node structures could not be counted");
		} while (!node_structs_balanced(before_, after).holds &&
			 ops_.now_ns() < end_ns && !context_.stopping());
		judge_structs(before_, after, cycles_, tally_);
	}
	void note(u64 laps)
	{
		Line<ST_REASON_BYTES> note;
		note.add("node ").add_dec(u64(target_.nid)).add(", ").add_dec(target_.blocks);
		note.add(" blocks, ").add_dec(cycles_).add(" cycles, zone");
		note.add(target_.movable_only[0] ? " movable" : "s movable and normal");
		note.add("; ").add_dec(laps).add(" laps of racers, ").add_dec(refusals_);
		tally_->note(note.add(" refusals").text());
		if (busy_) {
			Remark line("blocks were busy ");
			line.add_dec(busy_).add(" times, and tried again");
			tally_->remarks().add(line.text());
		}
		if (target_.movable_only[0])
			tally_->remarks().add(Text(target_.movable_only));
	}

	const Context &context_;
	const st_ops &ops_;
	const st_racers_ops &racers_;
	const st_hotplug_target &target_;
	Tally *tally_;
	Random random_;
	const Chosen asked_;
	Watch watch_;
	Buffer<st_node_lists> lists_;
	st_node_structs before_ = {};
	u32 zone_ = ST_BLOCK_MOVABLE;
	u32 refused_ = 0;		// events, in the last step
	bool restless_ = false;		// a racer was, in the last step
	bool good_ = true;		// the tool can go on
	bool emptied_ = false;		// all memory of the node has been gone once
	u64 cycles_ = 0, refusals_ = 0, busy_ = 0, told_ns_ = 0;
};

} // namespace

bool can_ask_churn(const Context &context, const st_hotplug_target &target, Tally *tally)
{
	if (!has_target(target, tally) || !can_watch(context, false, tally))
		return false;
	if (!context.layout.lists_missing().empty())
		tally->skip(context.layout.lists_missing().text());
	else if (!context.layout.facts().node_total_objects.bits)
		tally->skip("nodes do not count their objects here (CONFIG_SLUB_DEBUG)");
	else
		return true;
	return false;
}

void run_churn(const Context &context, const Scenario &scenario, Tally *tally)
{
	if (scenario.busted())
		return run_busted_churn(context, scenario.argument, tally);
	st_hotplug_target target;
	context.ops.hotplug_target(&target);
	if (!can_ask_churn(context, target, tally))
		return;
	Churn churn(context, target, tally);
	churn.run();
}

} // namespace st
