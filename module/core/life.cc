// SPDX-License-Identifier: GPL-2.0
//
// life - see life.h.
#include "life.h"

namespace st {
namespace {

constexpr u32 kUnpaid = 2;	// objects without owner, first in every cache
constexpr u32 kMostCpus = 4;	// others that look at one cache
constexpr u32 kSlabs = 32;	// former slabs that are remembered

class Life {
public:
	Life(const Source &source, const Subject &subject, const LifeSpec &spec, Workspace *work,
	     LifeSeen *seen, Tally *tally)
		: source_(source), subject_(subject), spec_(spec), work_(*work), seen_(*seen),
		  tally_(tally), objects_(work->objects.data())
	{
	}
	bool run();

private:
	bool view(u32 cpu, const u64 *objects, Buffer<st_object_view> &into, u32 count)
	{
		const Context &context = subject_.context;
		seen_.observed += count;
		return !context.ops.objects_view(&subject_.layout, cpu, objects, into.data(),
						 count);
	}
	bool look_at_all();
	void other_cpus();
	void count_places();
	void part();
	void churn();
	void reuse();
	void next_slab();

	const Source &source_;
	const Subject &subject_;
	const LifeSpec &spec_;
	Workspace &work_;
	LifeSeen &seen_;
	Tally *tally_;
	u64 *const objects_;	// unpaid ones, then the others
	u32 unpaid_ = 0, count_ = 0;	// unpaid ones, and all
	u32 kept_ = 0, freed_ = 0;
	bool unpaid_had_vector_ = false;
	u64 former_[kSlabs];
	u32 formers_ = 0;
};

// Nobody's objects first: where only __GFP_ACCOUNT asks for a vector there is
// none yet, and nothing of a former slab in the same memory either.
bool Life::run()
{
	const u32 nobody = ST_PAY_NOBODY;
	unpaid_ = source_.get(spec_.writer, nobody, objects_, kUnpaid);
	count_ = unpaid_;
	bool good = unpaid_ && view(spec_.writer, objects_, work_.writer, unpaid_);
	for (u32 i = 0; good && i < unpaid_; i++) {
		const st_object_view &first = work_.writer[i];
		unpaid_had_vector_ = unpaid_had_vector_ || first.slot;
		if (spec_.late && spec_.own_slabs)
			examine_new_slab(subject_, first, tally_);
		examine_unpaid(subject_, first, tally_);
	}
	if (good) {
		const u32 room = kMaxObjects - unpaid_;
		const u32 got = source_.get(spec_.writer, spec_.payer, objects_ + unpaid_,
					    spec_.objects < room ? spec_.objects : room);
		count_ += got;
		good = got && look_at_all();
		seen_.objects = good ? got : 0;
	}
	if (!good) {
		source_.put(spec_.writer, objects_, count_);
		return false;
	}
	other_cpus();
	count_places();
	part();
	churn();
	reuse();
	source_.put(spec_.reader, work_.kept.data(), kept_);
	if (spec_.own_slabs)
		next_slab();
	return true;
}

bool Life::look_at_all()
{
	if (!view(spec_.writer, objects_, work_.writer, count_) ||
	    !view(spec_.reader, objects_, work_.reader, count_))
		return false;
	const Span<const st_object_view> writer(work_.writer.data(), count_);
	for (u32 i = 0; i < count_; i++)
		if (i < unpaid_)
			examine_unpaid(subject_, writer[i], tally_);
		else
			examine_paid(subject_, writer[i], work_.reader[i], tally_);
	examine_slots(subject_, writer, work_.order.all(), tally_);
	return true;
}

// Every CPU that is neither the writer's nor the reader's, some at a time.
void Life::other_cpus()
{
	const st_environment &env = subject_.context.env;
	u32 looked = 0;
	for (u32 i = 0; i < env.cpus && looked < kMostCpus; i++) {
		const u32 cpu = env.cpu[(i + spec_.turn) % env.cpus];
		if (cpu == spec_.writer || cpu == spec_.reader)
			continue;
		looked++;
		if (!view(cpu, objects_ + unpaid_, work_.reader, count_ - unpaid_))
			continue;
		for (u32 k = unpaid_; k < count_; k++)
			examine_paid(subject_, work_.writer[k], work_.reader[k - unpaid_], tally_);
	}
}

void Life::count_places()
{
	for (u32 i = unpaid_; i < count_; i++) {
		switch (placement_of(work_.writer[i], subject_.layout)) {
		case Placement::None:
			break;
		case Placement::External:
			seen_.placed[size_t(unpaid_had_vector_ ? Placed::ExternalEarly
							       : Placed::ExternalLate)]++;
			break;
		case Placement::Leftover:
			seen_.placed[size_t(Placed::Leftover)]++;
			break;
		case Placement::InObject:
			seen_.placed[size_t(Placed::InObject)]++;
			break;
		}
	}
}

// Every third object is freed on the reader's CPU, and looked at if the one
// before it, which is kept, holds their slab. Those kept, and what was seen of
// them, move together to the front; behind them there is room for the others.
void Life::part()
{
	u32 held = 0;
	for (u32 i = 0; i < count_; i++) {
		if (i < unpaid_ || (i - unpaid_) % 3 != 1) {
			work_.writer[kept_] = work_.writer[i];
			work_.kept[kept_++] = objects_[i];
			continue;
		}
		work_.freed[freed_++] = objects_[i];
		if (work_.writer[kept_ - 1].slab != work_.writer[i].slab)
			continue;
		work_.reader[held] = work_.writer[i];
		objects_[held++] = objects_[i];	// i is ahead of held
	}
	source_.put(spec_.reader, work_.freed.data(), freed_);
	st_object_view *const after = work_.writer.data() + kept_;
	const Context &context = subject_.context;
	if (!held || context.ops.objects_view(&subject_.layout, spec_.writer, objects_, after, held))
		return;
	for (u32 i = 0; i < held; i++)
		examine_freed(subject_, work_.reader[i], after[i], tally_);
	seen_.observed += held;
}

// Others take the places and leave them again, on the reader's CPU.
void Life::churn()
{
	const u32 got = source_.get(spec_.reader, spec_.payer, objects_, freed_);
	source_.put(spec_.writer, objects_, got);
	if (!view(spec_.reader, work_.kept.data(), work_.reader, kept_))
		return;
	for (u32 i = 0; i < kept_; i++)
		// somebody else may have brought the vector of a shared slab
		if (spec_.own_slabs || work_.writer[i].slot_objcg)
			examine_kept(subject_, work_.writer[i], work_.reader[i], tally_);
}

// Objects without owner in places whose objects had one.
void Life::reuse()
{
	const u32 got = source_.get(spec_.reader, ST_PAY_NOBODY, objects_, freed_);
	if (got && view(spec_.reader, objects_, work_.reader, got))
		for (u32 i = 0; i < got; i++)
			examine_unpaid(subject_, work_.reader[i], tally_);
	source_.put(spec_.writer, objects_, got);
}

// All slabs go, and new ones come, often in the same memory.
void Life::next_slab()
{
	for (u32 i = 0; i < kept_; i++) {
		const u64 base = work_.writer[i].slab_base;
		if (formers_ < kSlabs && (!formers_ || former_[formers_ - 1] != base))
			former_[formers_++] = base;
	}
	source_.shrink();
	const u32 got = source_.get(spec_.writer, ST_PAY_NOBODY, objects_, kUnpaid);
	if (got && view(spec_.writer, objects_, work_.reader, got)) {
		for (u32 i = 0; i < got; i++) {
			const st_object_view &first = work_.reader[i];
			if (spec_.late)
				examine_new_slab(subject_, first, tally_);
			examine_unpaid(subject_, first, tally_);
			for (u32 k = 0; k < formers_; k++)
				seen_.reused += former_[k] == first.slab_base;
		}
	}
	source_.put(spec_.reader, objects_, got);
}

} // namespace

Text name(Placed placed)
{
	static constexpr const char *kNames[] = {"external-early", "external-late", "leftover",
						 "in-object"};
	return kNames[static_cast<size_t>(placed)];
}

u32 Source::get(u32 cpu, u32 payer, u64 *objects, u32 count) const
{
	if (!count)
		return 0;
	const int got = cache_ ? context_.ops.objects_alloc(cache_, int(cpu), int(payer), objects, count)
			       : context_.ops.exts->kmalloc_many(bytes_, cpu, payer | payer_,
								 objects, count);
	return got > 0 ? u32(got) : 0;
}

void Source::put(u32 cpu, const u64 *objects, u32 count) const
{
	if (!count)
		return;
	// freed on another CPU, if this one is gone
	if (cache_)
		(void)context_.ops.objects_free(cache_, cpu, objects, count);
	else
		(void)context_.ops.exts->kfree_many(cpu, objects, count);
}

void Source::shrink() const
{
	if (cache_)
		context_.ops.exts->cache_shrink(cache_);
}

bool live(const Source &source, const Subject &subject, const LifeSpec &spec, Workspace *work,
	  LifeSeen *seen, Tally *tally)
{
	Life life(source, subject, spec, work, seen, tally);
	return life.run();
}

} // namespace st
