// SPDX-License-Identifier: GPL-2.0
//
// experiment_inspect - inspect-*: the inspector against caches whose objects
// are known. It must show every slab that holds one, once, with the same
// placement, step, extensions and owners as a look at the objects themselves,
// its rows and sums must agree, and nothing may be different afterwards.
// What is wrong with a kernel's extensions is exts-*'s question, not this one.
#include "core.h"
#include "inspect.h"

namespace st {
namespace {

constexpr u32 kKnown = 5;	// objects
constexpr u32 kTries = 5;	// slabs that hold no object of ours may come and go

struct Subject {
	const char *what;
	st_cache_spec spec;
	int accounted;
};

// One for each placement, as far as this kernel has it, and one without.
constexpr Subject kSubjects[] = {
	{"external", {248, 8, ST_CACHE_CTOR | ST_CACHE_ACCOUNT}, 1},
	{"leftover", {1008, 8, ST_CACHE_CTOR | ST_CACHE_ACCOUNT}, 1},
	{"in-object", {65472, 65536, ST_CACHE_CTOR | ST_CACHE_ACCOUNT}, 1},
	{"unaccounted", {248, 8, ST_CACHE_CTOR}, 0},
};

// What one reading of the file came to.
struct Reading {
	u32 slab_rows = 0, object_rows = 0;
	bool useless = false;		// refused, interrupted, or a slab changed under it
	// how often each known object, and the slab that it is in, was shown
	u32 shown[kKnown] = {}, slab_shown[kKnown] = {};
	st_object_view object[kKnown];
	InspectionSums sums;
};

struct Work {
	explicit Work(const st_ops &ops)
		: storage(ops, sizeof(Inspection)), reading(ops, 1), objects(ops, kKnown),
		  known(ops, kKnown), later(ops, kKnown)
	{
	}
	explicit operator bool() const { return storage && reading && objects && known && later; }

	Buffer<u8> storage;
	Buffer<Reading> reading;
	Buffer<u64> objects;
	Buffer<st_object_view> known, later;
};

void count_row(void *arg, const char *text, size_t bytes)
{
	Reading &reading = *static_cast<Reading *>(arg);
	const Text row(text, bytes);
	reading.slab_rows += row.until(5) == Text("slab ");
	reading.object_rows += row.until(9) == Text("  object ");
}

// The control: another step than the slab has, on its way to the reader.
void note(const Inspection &inspection, Span<const st_object_view> known, bool altered,
	  Reading *reading)
{
	if (inspection.slab())
		for (size_t i = 0; i < known.size(); i++)
			reading->slab_shown[i] += inspection.slab()->first.slab == known[i].slab;
	for (const st_object_view &view : inspection.objects())
		for (size_t i = 0; i < known.size(); i++) {
			if (view.object != known[i].object)
				continue;
			reading->shown[i]++;
			reading->object[i] = view;
			if (altered)
				reading->object[i].step_bytes /= 2;
		}
}

bool same_metadata(const st_object_view &a, const st_object_view &b)
{
	return a.slab == b.slab && a.slab_base == b.slab_base && a.slab_bytes == b.slab_bytes &&
	       a.objects == b.objects && a.exts == b.exts && a.slot == b.slot &&
	       a.slot_objcg == b.slot_objcg && a.slot_memcg == b.slot_memcg;
}

class Trial {
public:
	Trial(const Context &context, const Subject &subject, bool altered, Work *work, Tally *tally)
		: context_(context), subject_(subject), altered_(altered), work_(*work),
		  tally_(tally)
	{
	}

	// False: the cache could not be made, filled or found.
	bool run()
	{
		if (context_.ops.cache_create(&subject_.spec, &cache_))
			return false;
		const bool done = filled();
		context_.ops.cache_destroy(cache_);
		return done;
	}

private:
	bool filled()
	{
		const u32 cpu = context_.env.cpu[0];
		const int got = context_.ops.objects_alloc(cache_, cpu, subject_.accounted,
							   work_.objects.data(), kKnown);
		count_ = got > 0 ? u32(got) : 0;
		const bool done = count_ && look(work_.known.data()) && read_and_judge();
		if (count_)
			(void)context_.ops.objects_free(cache_, cpu, work_.objects.data(), count_);
		return done;
	}
	bool look(st_object_view *views) const
	{
		return !context_.ops.objects_view(&context_.layout.facts(), context_.env.cpu[0],
						  work_.objects.data(), views, count_);
	}
	Span<const st_object_view> known() const
	{
		return Span<const st_object_view>(work_.known.data(), count_);
	}

	bool read_and_judge()
	{
		const st_inspect_ops &inspect = *context_.ops.inspect;
		st_inspect_request request = {};
		st_inspected named;
		if (inspect.cache_find(&context_.layout.facts(), nullptr, cache_, &request.cache) ||
		    inspect.cache_find(&context_.layout.facts(), request.cache.name, 0, &named))
			return false;
		request.objects = ~0u;
		for (u32 times = 0; times < 2; times++) {
			if (!read(request))
				return false;
			judge_slabs();
			judge_objects();
			judge_sums();
		}
		if (look(work_.later.data()))
			judge_unchanged();
		return true;
	}
	bool read(const st_inspect_request &request)
	{
		for (u32 tries = 0; tries < kTries; tries++) {
			read_once(request);
			if (!work_.reading[0].useless)
				return true;
		}
		return false;
	}
	void read_once(const st_inspect_request &request)
	{
		Reading &reading = *new (work_.reading.data()) Reading();
		Inspection &inspection = *new (work_.storage.data())
			Inspection(context_.ops, context_.env, context_.layout, request);
		int more;
		while ((more = inspection.next(Sink{count_row, &reading})) > 0)
			note(inspection, known(), altered_, &reading);
		reading.sums = inspection.sums();
		reading.useless = more < 0 || inspection.refused() || reading.sums.changed;
		inspection.~Inspection();
	}

	void ask(Invariant invariant, u64 expected, u64 shown, Text what)
	{
		const Finding finding{expected == shown, Sighting{expected, shown, shown, shown}};
		tally_->ask(invariant, finding, [&](Evidence &evidence) {
			evidence.add(subject_.what).add(", size ").add_dec(subject_.spec.object_bytes);
			evidence.add(": ").add(what).add(": expected ").add_hex(expected);
			evidence.add(" shown ").add_hex(shown);
		});
	}
	void judge_slabs()
	{
		const Reading &reading = work_.reading[0];
		for (u32 i = 0; i < count_; i++)
			ask(Invariant::InspectorShowsSlab, 1, reading.slab_shown[i],
			    "times that a slab is shown");
		tally_->observed(reading.sums.slabs);
	}
	void judge_objects()
	{
		const Reading &reading = work_.reading[0];
		const st_layout &layout = context_.layout.facts();
		for (u32 i = 0; i < count_; i++) {
			const st_object_view &is = work_.known[i], &shown = reading.object[i];
			ask(Invariant::InspectorShowsObject, 1, reading.shown[i],
			    "times that an object is shown");
			if (reading.shown[i] != 1)
				continue;
			ask(Invariant::InspectorShowsObject, is.index, shown.index, "index");
			ask(Invariant::InspectorShowsObject, u64(placement_of(is, layout)),
			    u64(placement_of(shown, layout)), "placement");
			ask(Invariant::InspectorShowsObject, is.exts, shown.exts, "extensions");
			ask(Invariant::InspectorShowsObject, is.step_bytes, shown.step_bytes, "step");
			ask(Invariant::InspectorShowsObject, is.slot, shown.slot, "extension");
			ask(Invariant::InspectorShowsObject, is.slot_objcg, shown.slot_objcg, "owner");
			ask(Invariant::InspectorShowsObject, is.slot_memcg, shown.slot_memcg, "group");
			tally_->observed(1);
		}
	}
	void judge_sums()
	{
		const Reading &reading = work_.reading[0];
		const InspectionSums &sums = reading.sums;
		u64 owned = 0, placed = 0, by_owner = sums.nameless;
		for (const st_object_view &view : known())
			owned += view.slot_objcg != 0;
		for (u64 slabs : sums.placed)
			placed += slabs;
		for (u32 i = 0; i < sums.owners; i++)
			by_owner += sums.owner[i].objects;
		// a step that is wrong may lead to somebody else's words: not counted here
		if (!sums.wrong_steps)
			ask(Invariant::InspectorSumsAgree, owned, sums.owned, "objects with an owner");
		ask(Invariant::InspectorSumsAgree, sums.owned, by_owner, "objects of all owners");
		ask(Invariant::InspectorSumsAgree, sums.slabs, placed, "slabs of all placements");
		ask(Invariant::InspectorSumsAgree, sums.slabs, reading.slab_rows, "rows of slabs");
		ask(Invariant::InspectorSumsAgree, sums.objects, reading.object_rows, "rows of objects");
	}
	void judge_unchanged()
	{
		for (u32 i = 0; i < count_; i++)
			ask(Invariant::InspectorChangesNothing, 1,
			    same_metadata(work_.known[i], work_.later[i]),
			    "the object's metadata is the same afterwards");
	}

	const Context &context_;
	const Subject &subject_;
	const bool altered_;
	Work &work_;
	Tally *tally_;
	u64 cache_ = 0;
	u32 count_ = 0;
};

} // namespace

void run_inspect(const Context &context, const Scenario &scenario, Tally *tally)
{
	if (!context.layout.exts_missing().empty())
		return tally->skip(context.layout.exts_missing().text());
	if (!context.layout.nodes_missing().empty())
		return tally->skip(context.layout.nodes_missing().text());
	if (context.env.nodes_reason[0])
		return tally->skip(context.env.nodes_reason);
	Work work(context.ops);
	if (!work)
		return tally->broken("there is no memory for what the inspector shows");
	u32 caches = 0;
	for (const Subject &subject : kSubjects) {
		if (context.stopping())
			return;
		if (subject.spec.object_bytes <= context.env.max_object_bytes)
			caches += Trial(context, subject, scenario.busted(), &work, tally).run();
	}
	if (!caches)
		return tally->broken("no cache could be made, filled and inspected");
	Line<ST_REASON_BYTES> note;
	tally->note(note.add_dec(caches).add(" caches, each read twice").text());
}

} // namespace st
