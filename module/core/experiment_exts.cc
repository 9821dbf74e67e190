// SPDX-License-Identifier: GPL-2.0
//
// experiment_exts - exts-*: caches of every size and of one placement are
// filled, looked at from two CPUs, half emptied, looked at again and taken
// away. exts-late: the vector appears on a live slab.
#include "experiment.h"

namespace st {
namespace {

struct Subject {
	const st_cache_spec *spec;
	const st_layout *layout;
	u64 cache;		// 0: a busted slab's views, with nobody charged
	Placement wanted;
};

void describe(Evidence &evidence, const Subject &subject, const st_object_view &view,
	      const Finding &finding)
{
	evidence.add("size ").add_dec(subject.spec->object_bytes);
	evidence.add(" align ").add_dec(subject.spec->align_bytes);
	evidence.add(" object ").add_dec(view.index).add(" of ").add_dec(view.objects);
	evidence.add(" ").add(name(subject.wanted));
	evidence.add(": expected ").add_hex(finding.sighting.expected);
	evidence.add(" writer ").add_hex(finding.sighting.on_writer);
	evidence.add(" reader ").add_hex(finding.sighting.on_reader);
}

void ask(Tally *tally, const Subject &subject, Invariant invariant,
	 const st_object_view &view, const Finding &finding)
{
	tally->ask(invariant, finding,
		   [&](Evidence &evidence) { describe(evidence, subject, view, finding); });
}

// A breach that only the reader saw is looked at once more from the reader's
// CPU: what is right by then was late, what is still wrong is not.
using Value = u64 (*)(const st_object_view &view);

void look_again(const Context &context, const Subject &subject, const st_object_view &reader,
		Value value, Finding *finding)
{
	st_object_view later;
	if (finding->holds || !subject.cache)
		return;
	if (!context.ops.objects_view(subject.layout, reader.cpu, &reader.object, &later, 1))
		finding->sighting.later = value(later);
}

// Everything that one object's views from its writer and its reader can tell.
// On wrong arithmetic the address is named first, what lies there is not asked.
void judge(const Context &context, const Subject &subject, const st_object_view &writer,
	   const st_object_view &reader, Tally *tally)
{
	const st_layout &layout = *subject.layout;
	Finding step = exts_step_matches(writer, reader, layout);
	look_again(context, subject, reader, [](const st_object_view &v) { return v.step_bytes; },
		   &step);
	Finding stable = stride_stable(writer, reader);
	look_again(context, subject, reader,
		   writer.exts != reader.exts ? [](const st_object_view &v) { return v.exts; }
					      : [](const st_object_view &v) { return v.step_bytes; },
		   &stable);
	if (subject.cache)
		ask(tally, subject, Invariant::SlabOwnsObject, writer,
		    slab_owns_object(writer, subject.cache));
	ask(tally, subject, Invariant::StrideStableWhileLive, writer, stable);
	ask(tally, subject, Invariant::ExtsStepMatchesLayout, writer, step);
	ask(tally, subject, Invariant::ExtsInBounds, writer, exts_in_bounds(writer, layout));
	if (placement_of(writer, layout) == Placement::External)
		ask(tally, subject, Invariant::ExtsVectorLongEnough, writer,
		    exts_vector_long_enough(writer, layout));
	if (subject.cache && step.holds)
		ask(tally, subject, Invariant::ExtsNamesMemcg, writer,
		    exts_names_memcg(writer, reader, context.env.memcg));
}

// Objects of one slab tend to be neighbours in the array; each is compared
// with the nearest earlier ones of its slab.
void judge_neighbours(const Subject &subject, Span<const st_object_view> views, Tally *tally)
{
	constexpr size_t kWindow = 4;
	for (size_t i = 1; i < views.size(); i++) {
		for (size_t j = i > kWindow ? i - kWindow : 0; j < i; j++) {
			if (views[i].slab != views[j].slab || !views[i].slot || !views[j].slot)
				continue;
			ask(tally, subject, Invariant::ExtsOwnSlot, views[i],
			    exts_own_slot(views[i], views[j], *subject.layout));
		}
	}
}

// Views of the placement that is wanted are judged; returns how many.
u32 judge_all(const Context &context, const Subject &subject, Span<const st_object_view> writer,
	      Span<const st_object_view> reader, Tally *tally)
{
	u32 judged = 0;
	for (size_t i = 0; i < writer.size(); i++) {
		const Placement placement = placement_of(writer[i], *subject.layout);
		if (subject.cache && placement == Placement::None) {
			ask(tally, subject, Invariant::ExtsPresent, writer[i],
			    Finding{false, Sighting{1, 0, 0, 0}});
			continue;
		}
		if (placement != subject.wanted)
			continue;
		tally->held(Invariant::ExtsPresent, 1);
		judge(context, subject, writer[i], reader[i], tally);
		judged++;
	}
	if (judged)
		judge_neighbours(subject, writer, tally);
	return judged;
}

struct Workspace {
	explicit Workspace(const st_ops &ops)
		: objects(ops, kMaxObjects), kept(ops, kMaxObjects), freed(ops, kMaxObjects),
		  writer(ops, kMaxObjects), reader(ops, kMaxObjects)
	{
	}
	explicit operator bool() const { return objects && kept && freed && writer && reader; }

	Buffer<u64> objects, kept, freed;
	Buffer<st_object_view> writer, reader;
};

// Frees objects 1, 3, 5, … on the reader's CPU. A freed object may be looked
// at while its slab is sure to live: the object before it is in the same slab
// and still allocated. Its slot must then name nobody.
void judge_freed(const Context &context, const CacheStep &step, const Subject &subject,
		 u32 count, Workspace *work, Tally *tally)
{
	u32 kept = 0, freed = 0, looked = 0;
	for (u32 i = 0; i < count; i++)
		(i & 1 ? work->freed[freed++] : work->kept[kept++]) = work->objects[i];
	(void)context.ops.objects_free(subject.cache, context.env.cpu[step.reader],
				       work->freed.data(), freed);
	for (u32 i = 1; i < count; i += 2) {
		if (work->writer[i].slab != work->writer[i - 1].slab)
			continue;
		work->freed[looked] = work->objects[i];
		work->writer[looked++] = work->writer[i];
	}
	const u32 cpu = context.env.cpu[step.writer];
	if (!context.ops.objects_view(subject.layout, cpu, work->freed.data(),
				      work->reader.data(), looked))
		for (u32 i = 0; i < looked; i++) {
			ask(tally, subject, Invariant::StrideStableWhileLive, work->writer[i],
			    stride_stable(work->writer[i], work->reader[i]));
			ask(tally, subject, Invariant::ExtsClearedOnFree, work->reader[i],
			    exts_cleared(work->reader[i]));
		}
	(void)context.ops.objects_free(subject.cache, cpu, work->kept.data(), kept);
}

// Returns how many objects had the placement that is wanted, or -1 when the
// cache could not be filled or looked at.
s32 look_at_cache(const Context &context, const CacheStep &step, const Subject &subject,
		  Workspace *work, Tally *tally)
{
	const st_ops &ops = context.ops;
	const u32 writer = context.env.cpu[step.writer], reader = context.env.cpu[step.reader];
	u64 *objects = work->objects.data();
	const int got = ops.objects_alloc(subject.cache, writer, 1, objects, step.objects);
	if (got <= 0)
		return -1;
	const u32 count = static_cast<u32>(got);
	s32 judged = -1;
	if (!ops.objects_view(subject.layout, writer, objects, work->writer.data(), count) &&
	    !ops.objects_view(subject.layout, reader, objects, work->reader.data(), count))
		judged = s32(judge_all(context, subject, work->writer.all().first(count),
				       work->reader.all().first(count), tally));
	if (judged == got)
		judge_freed(context, step, subject, count, work, tally);
	else
		(void)ops.objects_free(subject.cache, writer, objects, count);
	return judged;
}

bool can_ask(const Context &context, Placement wanted, Tally *tally)
{
	if (!context.layout.exts_missing().empty())
		tally->skip(context.layout.exts_missing().text());
	else if (wanted != Placement::External && !context.layout.has_leftover())
		tally->skip("kernels before 7.0 keep every extension in an external vector");
	else if (!context.env.memcg)
		tally->skip(context.env.memcg_reason);
	else
		return true;
	return false;
}

} // namespace

void run_exts(const Context &context, const Scenario &scenario, Tally *tally)
{
	const Placement wanted = static_cast<Placement>(scenario.argument);
	if (!can_ask(context, wanted, tally))
		return;
	Workspace work(context.ops);
	if (!work)
		return tally->broken("there is no memory for the views of objects");
	CachePlan plan(wanted, context.seed, context.env.cpus, context.env.max_object_bytes);
	u32 seen = 0, caches = 0, largest = 0;
	for (CacheStep step; plan.next(&step) && !context.stopping();) {
		Subject subject{&step.spec, &context.layout.facts(), 0, wanted};
		if (context.ops.cache_create(&step.spec, &subject.cache))
			continue;
		const s32 judged = look_at_cache(context, step, subject, &work, tally);
		context.ops.cache_destroy(subject.cache);
		if (judged < 0)
			continue;
		seen++;
		tally->observed(u32(judged));
		caches += judged != 0;
		if (judged && step.spec.object_bytes > largest)
			largest = step.spec.object_bytes;
	}
	if (!seen)
		return tally->broken("no cache could be made, filled and looked at");
	if (!tally->observations())
		return tally->skip("this kernel placed no extension so");
	Line<ST_REASON_BYTES> note;
	note.add_dec(caches).add(" caches, objects of up to ").add_dec(largest).add(" bytes, ");
	note.add("step from ").add(step_origin_name(context.layout.facts().step_origin));
	tally->note(note.text());
}

namespace {

// Why a cache that could be looked at has no extension of the kind wanted.
void placed_elsewhere(const st_cache_spec &spec, Placement seen, Tally *tally)
{
	Line<ST_REASON_BYTES> why;
	why.add("objects of ").add_dec(spec.object_bytes).add(" bytes, aligned to ");
	why.add_dec(spec.align_bytes).add(": this kernel's extensions are ").add(name(seen));
	tally->skip(why.text());
}

} // namespace

void ask_cache(const Context &context, const st_cache_spec &spec, Placement wanted, Tally *tally)
{
	if (!can_ask(context, wanted, tally))
		return;
	if (spec.object_bytes > context.env.max_object_bytes ||
	    spec.align_bytes > context.env.max_object_bytes)
		return tally->skip("this kernel has no objects of that size");
	Workspace work(context.ops);
	if (!work)
		return tally->broken("there is no memory for the views of objects");
	const CacheStep step{spec, objects_for(spec), 0, context.two_cpus() ? 1u : 0u};
	Subject subject{&step.spec, &context.layout.facts(), 0, wanted};
	if (context.ops.cache_create(&step.spec, &subject.cache))
		return tally->broken("the cache could not be made");
	const s32 judged = look_at_cache(context, step, subject, &work, tally);
	context.ops.cache_destroy(subject.cache);
	if (judged < 0)
		return tally->broken("the cache could not be filled and looked at");
	tally->observed(u32(judged));
	if (!judged)
		placed_elsewhere(spec, placement_of(work.writer[0], context.layout.facts()), tally);
}

void ask_stride(const Context &context, Tally *tally)
{
	if (!context.layout.exts_missing().empty())
		return tally->skip(context.layout.exts_missing().text());
	const st_layout &layout = context.layout.facts();
	if (!layout.stride.bits)
		return tally->skip("this kernel keeps no stride");
	const Finding finding = stride_fits_type(layout, context.env.max_object_bytes);
	tally->observed(1);
	tally->ask(Invariant::StrideFitsType, finding, [&](Evidence &evidence) {
		evidence.add("objects of up to ").add_dec(context.env.max_object_bytes);
		evidence.add(" bytes, stride of ").add_dec(layout.stride.bits).add(" bits: expected ");
		evidence.add_hex(finding.sighting.expected).add(" kept ");
		evidence.add_hex(finding.sighting.on_writer);
	});
}

void run_busted_exts(const Context &context, const Scenario &scenario, Tally *tally)
{
	static constexpr st_cache_spec kSpecs[] = {{256, 0, 0}, {256, 0, 0}, {65472, 65536, 0}};
	static constexpr Placement kWanted[] = {Placement::External, Placement::Leftover,
						Placement::InObject};
	constexpr u32 kViews = 16;
	Buffer<st_object_view> views(context.ops, kViews);
	if (!views)
		return tally->broken("there is no memory for the views of objects");
	st_layout layout;
	const int seen = context.ops.busted_views(scenario.argument, context.env.cpu[0], &layout,
						  views.data(), kViews);
	if (seen <= 0)
		return tally->broken("the busted slab could not be made");
	const Subject subject{&kSpecs[scenario.argument], &layout, 0,
			      kWanted[scenario.argument]};
	const Span<const st_object_view> all(views.data(), size_t(seen));
	tally->observed(judge_all(context, subject, all, all, tally));
}

} // namespace st
