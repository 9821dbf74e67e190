// SPDX-License-Identifier: GPL-2.0
//
// experiment_charge - charge-*: memory cgroups of our own are charged for what
// every CPU allocates and another one frees. Whatever happens to the groups
// meanwhile, nothing may stay charged and no removed group may stay.
#include "experiment.h"

namespace st {
namespace {

// An argument of a scenario's line: which question, and whether it is busted.
enum class Question : u32 { Balanced, Dying, Churn };

constexpr u64 kSettleNs = 20000000000ull;	// until it is no delay any more
constexpr u64 kSettleBustedNs = 150000000ull;	// of a control, where it is known
constexpr u64 kEarlyNs = 150000000ull;	// for a group to go before its objects
constexpr u32 kObjects = 600;		// of each CPU, a round
constexpr u32 kKeep = 100;
constexpr u64 kKillNs = 2000000;	// at most: most are killed in the middle
constexpr u32 kRoundsLeast = 3;
constexpr int kNoMemory = -12;		// -ENOMEM

// Caches in all placements, in sizes on both sides of powers of two.
class Caches {
public:
	Caches(const Context &context) : ops_(context.ops), wanted_(0)
	{
		const Placement kinds[] = {Placement::External, Placement::Leftover,
					   Placement::InObject};
		for (Placement kind : kinds)
			add(CachePlan(kind, context.seed, context.env.cpus, kLargest), kPerKind);
	}
	~Caches()
	{
		for (u32 i = 0; i < count_; i++)
			ops_.cache_destroy(cache_[i]);
	}
	Caches(const Caches &) = delete;
	Caches &operator=(const Caches &) = delete;
	explicit operator bool() const { return count_ == wanted_; }
	const u64 *data() const { return cache_; }
	u32 size() const { return count_; }

private:
	static constexpr u32 kPerKind = 2;
	static constexpr u64 kLargest = 2048;

	// the first ones of about a quarter of the largest size and more
	void add(CachePlan plan, u32 most)
	{
		CacheStep step;
		while (most && plan.next(&step)) {
			if (step.spec.object_bytes < kLargest / 8)
				continue;
			most--;
			wanted_++;
			if (!ops_.cache_create(&step.spec, &cache_[count_]))
				count_++;
		}
	}

	const st_ops &ops_;
	u64 cache_[ST_CHARGE_CACHES] = {};
	u32 count_ = 0, wanted_;
};

// The group that all others are in; it goes with them at the end of the scope.
class Hall {
public:
	Hall(const st_charge_ops &charge, Tally *tally)
		: charge_(charge), tally_(tally), err_(charge.open())
	{
		if (err_ == kNoMemory)
			tally->broken("there is no memory for a cgroup");
		else if (err_)
			refuse("no cgroup can be made beside the one that loaded the module", err_);
	}
	~Hall()
	{
		if (!err_ && charge_.close())
			tally_->broken("a cgroup of ours could not be removed");
	}
	Hall(const Hall &) = delete;
	Hall &operator=(const Hall &) = delete;
	explicit operator bool() const { return !err_; }

private:
	void refuse(Text what, int err)
	{
		Line<ST_REASON_BYTES> why;
		tally_->skip(why.add(what).add(" (errno ").add_dec(u64(-err)).add(")").text());
	}

	const st_charge_ops &charge_;
	Tally *tally_;
	const int err_;
};

class Trial {
public:
	Trial(const Context &context, const st_charge_target &target, const Caches &caches,
	      bool busted, Tally *tally)
		: context_(context), charge_(*context.ops.charge), busted_(busted),
		  random_(context.seed), tally_(tally)
	{
		spec_.cpu = target.cpu;
		spec_.cpus = target.cpus;
		spec_.cache = caches.data();
		spec_.caches = caches.size();
		spec_.objects = kObjects;
		spec_.keep = kKeep;
	}

	// Each returns false when the scenario cannot go on. The group lives.
	bool balanced()
	{
		if (!make(1) || !work(ST_CHARGE_LOSES_UNCHARGE) || !charged() || !release() ||
		    !all_returned(spec_.group[0]))
			return false;
		return remove_all();
	}
	// It dies before its objects do.
	bool dying()
	{
		if (!make(1) || !work(ST_CHARGE_LOSES_REFERENCE) || !remove_all())
			return false;
		return goes_early() && release() && all_returned(ST_CHARGE_PARENT);
	}
	// Nobody waits for them to go before all of them have been.
	bool churn()
	{
		spec_.kill_after_ns = 1 + random_.below(u32(kKillNs));
		return make(ST_CHARGE_WORK_GROUPS) && work(ST_CHARGE_LOSES_UNCHARGE) &&
		       remove_all() && release();
	}

	// Nothing is charged to the group, or to any, and all that were removed
	// have gone, at the latest when patience ends.
	bool all_returned(u32 group)
	{
		const u64 begin = context_.ops.now_ns();
		const u64 patience = busted_ ? kSettleBustedNs : kSettleNs;
		st_charge_books books;
		do {
			if (!settle(group, &books))
				return false;
			waited_ns_ = context_.ops.now_ns() - begin;
		} while ((books.charged_bytes || books.dying) && waited_ns_ < patience);
		judge(group, books);
		return true;
	}

	void note(Question question, u64 rounds)
	{
		Line<ST_REASON_BYTES> note;
		note.add_dec(rounds).add(question == Question::Churn ? " cycles, " : " rounds, ");
		note.add_dec(made_).add(" cgroups, ").add_dec(remote_);
		note.add(" objects freed on another CPU");
		if (question == Question::Dying)
			note.add(", ").add_dec(early_).add(" cgroups gone before their objects");
		if (!tally_->has_breach())
			note.add("; 0 bytes, 0 dying after ").add_dec(waited_ns_ / 1000000)
				.add(" ms");
		tally_->note(note.text());
	}

private:
	bool broken(Text why)
	{
		tally_->broken(why);
		return false;
	}
	bool make(u32 groups)
	{
		spec_.groups = 0;
		for (u32 i = 0; i < groups; i++) {
			if (charge_.group_make(&spec_.group[i]))
				return broken("a cgroup could not be made");
			spec_.groups++;
			made_++;
		}
		return true;
	}
	bool remove_all()
	{
		for (u32 i = 0; i < spec_.groups; i++)
			if (charge_.group_remove(spec_.group[i]))
				return broken("a cgroup of ours could not be removed");
		return true;
	}
	bool work(u32 bug)
	{
		spec_.busted = busted_ ? bug : u32(ST_CHARGE_SOUND);
		spec_.seed = random_.next();
		if (charge_.work(&spec_, &counts_))
			return broken("threads or memory for the work are not to be had");
		if (!counts_.allocated && !context_.stopping())
			return broken("not one object could be allocated");
		tally_->observed(counts_.allocated);
		remote_ += counts_.freed_remotely;
		return true;
	}
	bool release()
	{
		// by another CPU than the one that made them
		const u32 shift = 1 + random_.below(spec_.cpus - 1);
		remote_ += counts_.alive;
		if (charge_.release(&spec_, shift))
			return broken("threads that free are not to be had");
		return true;
	}
	bool settle(u32 group, st_charge_books *books)
	{
		if (charge_.settle(group, books))
			return broken("the counters of a cgroup could not be read");
		return !context_.stopping();
	}
	// Objects need not keep their group: since 10befea91b61 (5.9) they hold an
	// obj_cgroup, which moves on to the parent. Counted, not judged: pages,
	// which are objects too when they are large, hold it up to 5.11.
	bool goes_early()
	{
		const u64 begin = context_.ops.now_ns();
		st_charge_books books;
		do {
			if (!settle(ST_CHARGE_PARENT, &books))
				return false;
		} while (books.dying && context_.ops.now_ns() - begin < kEarlyNs);
		early_ += books.dying == 0;
		return true;
	}
	// What lives is in the group's counter, or nothing would be asked here.
	bool charged()
	{
		st_charge_books books;
		if (!settle(spec_.group[0], &books))
			return false;
		tally_->ask(Invariant::ChargeReachesGroup,
			    charge_reaches_group(books, counts_.alive_bytes), [&](Evidence &e) {
				    e.add_dec(counts_.alive).add(" objects of ");
				    e.add_dec(counts_.alive_bytes).add(" bytes live, ");
				    e.add_dec(books.charged_bytes).add(" bytes are charged");
			    });
		return true;
	}
	// A group that stays keeps what its own structures are charged with.
	void judge(u32 group, const st_charge_books &books)
	{
		if (group == ST_CHARGE_PARENT)
			tally_->ask(Invariant::ChargeDyingGoes, charge_dying_goes(books),
				    [&](Evidence &e) {
					    e.add_dec(books.dying).add(" of ").add_dec(made_);
					    e.add(" removed cgroups are still dying ");
					    e.add_dec(waited_ns_ / 1000000);
					    e.add(" ms after their last object was freed");
				    });
		if (books.dying)
			return;
		tally_->ask(Invariant::ChargeBalanced, charge_balanced(books), [&](Evidence &e) {
			e.add(group == ST_CHARGE_PARENT ? "all cgroups: " : "cgroup: ");
			e.add_dec(books.charged_bytes).add(" bytes are charged ");
			e.add_dec(waited_ns_ / 1000000).add(" ms after ");
			e.add_dec(tally_->observations());
			e.add(" objects were freed, all there were");
		});
	}

	const Context &context_;
	const st_charge_ops &charge_;
	const bool busted_;
	Random random_;
	Tally *tally_;
	st_charge_spec spec_ = {};
	st_charge_counts counts_ = {};
	u64 made_ = 0, early_ = 0, remote_ = 0, waited_ns_ = 0;
};

bool can_ask(const Context &context, const st_charge_target &target, Tally *tally)
{
	if (!context.env.memcg)
		tally->skip(context.env.memcg_reason);
	else if (target.reason[0])
		tally->skip(target.reason);
	else if (target.cpus < 2)
		tally->skip("two CPUs that are not isolated are needed to free on another one");
	else
		return true;
	return false;
}

bool one_round(Trial *trial, Question question)
{
	switch (question) {
	case Question::Balanced: return trial->balanced();
	case Question::Dying: return trial->dying();
	case Question::Churn: return trial->churn();
	}
	return false;
}

} // namespace

void run_charge(const Context &context, const Scenario &scenario, Tally *tally)
{
	const Question question = static_cast<Question>(scenario.argument / 2);
	const bool busted = scenario.busted();
	st_charge_target target;
	context.ops.charge->target(&target);
	if (!can_ask(context, target, tally))
		return;
	// caches go after the groups, whose objects are in them
	const Caches caches(context);
	if (!caches)
		return tally->broken("caches for the objects are not to be had");
	const Hall hall(*context.ops.charge, tally);
	if (!hall)
		return;
	Trial trial(context, target, caches, busted, tally);
	const u64 end = context.ops.now_ns() + context.duration_ns;
	u64 rounds = 0;
	bool good = true;
	while (good && !context.stopping() && !tally->has_breach() &&
	       (rounds < (busted ? 1 : kRoundsLeast) ||
		(!busted && !context.time_is_up(end, rounds)))) {
		good = one_round(&trial, question);
		rounds += good;
	}
	if (good && !context.stopping() && !tally->has_breach())
		(void)trial.all_returned(ST_CHARGE_PARENT);
	trial.note(question, rounds);
}

} // namespace st
