// SPDX-License-Identifier: GPL-2.0
//
// experiment_exts - exts-external, exts-leftover, exts-in-object: caches of
// every size, shaped for one placement, are filled, looked at from two CPUs,
// half emptied, looked at again and taken away; and single questions about one
// cache or the type of the stride. All combinations are exts-sweep's.
#include "examine.h"

#include "evidence.h"

namespace st {
namespace {

// Objects of the placement that is wanted are examined; returns how many.
// Those that have none at all are a finding as well.
u32 examine_wanted(const Subject &subject, Placement wanted, Span<const st_object_view> writer,
		   Span<const st_object_view> reader, Workspace *work, Tally *tally)
{
	u32 judged = 0;
	for (size_t i = 0; i < writer.size(); i++) {
		const Placement placement = placement_of(writer[i], subject.layout);
		if (placement != wanted && placement != Placement::None)
			continue;
		examine_paid(subject, writer[i], reader[i], tally);
		judged += placement == wanted;
	}
	if (judged)
		examine_slots(subject, writer, work->order.all(), tally);
	return judged;
}

// Frees objects 1, 3, 5, … on the reader's CPU. A freed object may be looked
// at while its slab is sure to live: the object before it is in the same slab
// and still allocated. Its slot must then name nobody.
void examine_half_freed(const CacheStep &step, const Subject &subject, u32 count,
			Workspace *work, Tally *tally)
{
	const Context &context = subject.context;
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
	if (!context.ops.objects_view(&subject.layout, cpu, work->freed.data(),
				      work->reader.data(), looked))
		for (u32 i = 0; i < looked; i++)
			examine_freed(subject, work->writer[i], work->reader[i], tally);
	(void)context.ops.objects_free(subject.cache, cpu, work->kept.data(), kept);
}

// Returns how many objects had the placement that is wanted, or -1 when the
// cache could not be filled or looked at.
s32 look_at_cache(const CacheStep &step, const Subject &subject, Placement wanted,
		  Workspace *work, Tally *tally)
{
	const Context &context = subject.context;
	const st_ops &ops = context.ops;
	const u32 writer = context.env.cpu[step.writer], reader = context.env.cpu[step.reader];
	u64 *objects = work->objects.data();
	const int got = ops.objects_alloc(subject.cache, writer, 1, objects, step.objects);
	if (got <= 0)
		return -1;
	const u32 count = static_cast<u32>(got);
	s32 judged = -1;
	if (!ops.objects_view(&subject.layout, writer, objects, work->writer.data(), count) &&
	    !ops.objects_view(&subject.layout, reader, objects, work->reader.data(), count))
		judged = s32(examine_wanted(subject, wanted, work->writer.all().first(count),
					    work->reader.all().first(count), work, tally));
	if (judged == got)
		examine_half_freed(step, subject, count, work, tally);
	else
		(void)ops.objects_free(subject.cache, writer, objects, count);
	return judged;
}

// Makes the cache, looks at it, takes it away; -1 as above, -2: not made.
s32 make_and_look(const Context &context, const CacheStep &step, Placement wanted,
		  Workspace *work, Tally *tally)
{
	u64 cache;
	if (context.ops.cache_create(&step.spec, &cache))
		return -2;
	const Subject subject{context, context.layout.facts(), cache, context.env.memcg,
			      step.spec.object_bytes, step.spec.align_bytes, Text(), true};
	const s32 judged = look_at_cache(step, subject, wanted, work, tally);
	context.ops.cache_destroy(cache);
	if (judged > 0)
		tally->observed(u32(judged));
	return judged;
}

bool can_ask_placement(const Context &context, Placement wanted, Tally *tally)
{
	if (!can_ask_exts(context, tally))
		return false;
	if (wanted == Placement::External || context.layout.has_leftover())
		return true;
	tally->skip("kernels before 7.0 keep every extension in an external vector");
	return false;
}

// Why a cache that could be looked at has no extension of the kind wanted.
void placed_elsewhere(const st_cache_spec &spec, Placement seen, Tally *tally)
{
	Line<ST_REASON_BYTES> why;
	why.add("objects of ").add_dec(spec.object_bytes).add(" bytes, aligned to ");
	why.add_dec(spec.align_bytes).add(": this kernel's extensions are ").add(name(seen));
	tally->skip(why.text());
}

} // namespace

bool can_ask_exts(const Context &context, Tally *tally)
{
	if (!context.layout.exts_missing().empty())
		tally->skip(context.layout.exts_missing().text());
	else if (!context.env.memcg)
		tally->skip(context.env.memcg_reason);
	else
		return true;
	return false;
}

void run_exts(const Context &context, const Scenario &scenario, Tally *tally)
{
	const Placement wanted = static_cast<Placement>(scenario.argument);
	if (!can_ask_placement(context, wanted, tally))
		return;
	Workspace work(context.ops);
	if (!work)
		return tally->broken("there is no memory for the views of objects");
	CachePlan plan(wanted, context.seed, context.env.cpus, context.env.max_object_bytes);
	u32 seen = 0, caches = 0, largest = 0;
	for (CacheStep step; plan.next(&step) && !context.stopping();) {
		const s32 judged = make_and_look(context, step, wanted, &work, tally);
		seen += judged >= 0;
		caches += judged > 0;
		if (judged > 0 && step.spec.object_bytes > largest)
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

void ask_cache(const Context &context, const st_cache_spec &spec, Placement wanted, Tally *tally)
{
	if (!can_ask_placement(context, wanted, tally))
		return;
	if (spec.object_bytes > context.env.max_object_bytes ||
	    spec.align_bytes > context.env.max_object_bytes)
		return tally->skip("this kernel has no objects of that size");
	Workspace work(context.ops);
	if (!work)
		return tally->broken("there is no memory for the views of objects");
	const CacheStep step{spec, objects_for(spec), 0, context.two_cpus() ? 1u : 0u};
	const s32 judged = make_and_look(context, step, wanted, &work, tally);
	if (judged == -2)
		return tally->broken("the cache could not be made");
	if (judged < 0)
		return tally->broken("the cache could not be filled and looked at");
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
		evidence.add(" bytes, stride of ").add_dec(layout.stride.bits).add(" bits: ");
		add_values(evidence, context.ops, Invariant::StrideFitsType, finding.sighting);
	});
}

} // namespace st
