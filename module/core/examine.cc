// SPDX-License-Identifier: GPL-2.0
//
// examine - see examine.h.
#include "examine.h"

#include "evidence.h"

namespace st {
namespace {

using Value = u64 (*)(const st_object_view &view);

u64 step_of(const st_object_view &v) { return v.step_bytes; }
u64 exts_of(const st_object_view &v) { return v.exts; }
u64 objcg_of(const st_object_view &v) { return v.slot_objcg; }
u64 memcg_of(const st_object_view &v) { return v.slot_memcg; }

void describe(Evidence &evidence, const Subject &subject, const st_object_view &view)
{
	evidence.add("size ").add_dec(subject.object_bytes);
	if (subject.align_bytes)
		evidence.add(" align ").add_dec(subject.align_bytes);
	if (!subject.kind.empty())
		evidence.add(" ").add(subject.kind);
	evidence.add(" object ").add_dec(view.index).add(" of ").add_dec(view.objects);
	evidence.add(" ").add(name(placement_of(view, subject.layout))).add(": ");
}

void ask(Tally *tally, const Subject &subject, Invariant invariant, const st_object_view &view,
	 Finding finding)
{
	finding.sighting.kept_bits = tally->kept_bits();
	tally->ask(invariant, finding, [&](Evidence &evidence) {
		describe(evidence, subject, view);
		add_values(evidence, subject.context.ops, invariant, finding.sighting);
	});
}

// A breach is looked at once more from the reader's CPU: what is right by then
// was late, what is still wrong is not.
void look_again(const Subject &subject, const st_object_view &reader, Value value,
		Finding *finding)
{
	st_object_view later;
	if (finding->holds || !subject.live)
		return;
	if (subject.context.ops.objects_view(&subject.layout, reader.cpu, &reader.object, &later, 1))
		return;
	finding->sighting.later = value(later);
	finding->sighting.has_later = true;
}

Finding stable(const Subject &subject, const st_object_view &before, const st_object_view &after)
{
	const bool moved = before.exts != after.exts;
	Finding finding = stride_stable(before, after);
	finding.sighting.barrier = moved ? after.exts_again : after.step_again;
	finding.sighting.has_barrier = true;
	look_again(subject, after, moved ? exts_of : step_of, &finding);
	return finding;
}

// Where the extension is; returns whether its step is right.
bool examine_place(const Subject &subject, const st_object_view &writer,
		   const st_object_view &reader, Tally *tally)
{
	const st_layout &layout = subject.layout;
	Finding step = exts_step_matches(writer, reader, layout);
	look_again(subject, reader, step_of, &step);
	ask(tally, subject, Invariant::StrideStableWhileLive, writer,
	    stable(subject, writer, reader));
	ask(tally, subject, Invariant::ExtsStepMatchesLayout, writer, step);
	if (step.holds)
		tally->kept(writer.step_bytes);
	// before what follows from it
	if (placement_of(writer, layout) == Placement::External)
		ask(tally, subject, Invariant::ExtsVectorLongEnough, writer,
		    exts_vector_long_enough(writer, layout));
	ask(tally, subject, Invariant::ExtsInBounds, writer, exts_in_bounds(writer, layout));
	ask(tally, subject, Invariant::ExtsAligned, writer, exts_aligned(writer));
	return step.holds;
}

// Shell's sort: small, in place, and quick enough for a thousand.
template <typename Before> void sort(Span<u32> order, Before before)
{
	for (size_t gap = order.size() / 2; gap; gap /= 2)
		for (size_t i = gap; i < order.size(); i++)
			for (size_t j = i; j >= gap && before(order[j], order[j - gap]); j -= gap) {
				const u32 other = order[j];
				order[j] = order[j - gap];
				order[j - gap] = other;
			}
}

} // namespace

void examine_paid(const Subject &subject, const st_object_view &writer,
		  const st_object_view &reader, Tally *tally)
{
	if (subject.cache)
		ask(tally, subject, Invariant::SlabOwnsObject, writer,
		    slab_owns_object(writer, subject.cache));
	const bool has_vector = vector_base(writer, subject.layout) != 0;
	Finding present{has_vector, Sighting{1, has_vector, has_vector, has_vector}};
	present.sighting.has_later = false;
	ask(tally, subject, Invariant::ExtsPresent, writer, present);
	if (!has_vector || !examine_place(subject, writer, reader, tally) || !subject.live)
		return;
	Finding owner = exts_names_memcg(writer, reader, subject.memcg);
	look_again(subject, reader, subject.memcg && writer.slot_memcg ? memcg_of : objcg_of,
		   &owner);
	ask(tally, subject, Invariant::ExtsNamesMemcg, writer, owner);
}

void examine_unpaid(const Subject &subject, const st_object_view &view, Tally *tally)
{
	if (subject.cache)
		ask(tally, subject, Invariant::SlabOwnsObject, view,
		    slab_owns_object(view, subject.cache));
	// no vector, or an element of the kind that has no word for an owner
	if (!vector_base(view, subject.layout) || !view.has_owner)
		return;
	if (examine_place(subject, view, view, tally))
		ask(tally, subject, Invariant::ExtsNamesNobody, view, exts_names_nobody(view));
}

void examine_slots(const Subject &subject, Span<const st_object_view> views, Span<u32> order,
		   Tally *tally)
{
	const u32 count = u32(views.size());
	u32 slots = 0;
	for (u32 i = 0; i < count; i++)
		if (views[i].slot)
			order[slots++] = i;
	const Span<u32> by_slot = order.first(slots);
	const Span<u32> by_object(order.data() + slots, count);
	for (u32 i = 0; i < count; i++)
		by_object[i] = i;
	sort(by_slot, [&](u32 a, u32 b) { return views[a].slot < views[b].slot; });
	sort(by_object, [&](u32 a, u32 b) { return views[a].object < views[b].object; });
	u32 body = 0;
	for (u32 i = 0; i < slots; i++) {
		const st_object_view &view = views[by_slot[i]];
		if (i)
			ask(tally, subject, Invariant::ExtsOwnSlot, view,
			    exts_own_slot(view, views[by_slot[i - 1]], subject.layout));
		// the last object that begins before the slot's end
		while (body + 1 < count &&
		       views[by_object[body + 1]].object < view.slot + subject.layout.ext_bytes)
			body++;
		ask(tally, subject, Invariant::ExtsOutsideObjects, view,
		    exts_outside_objects(view, views[by_object[body]], subject.layout));
	}
}

void examine_kept(const Subject &subject, const st_object_view &before,
		  const st_object_view &after, Tally *tally)
{
	const Finding same = stable(subject, before, after);
	ask(tally, subject, Invariant::StrideStableWhileLive, before, same);
	if (!same.holds || !before.slot)
		return;
	// much happened between the two looks: the second one is no early look
	Finding kept = exts_owner_kept(before, after);
	kept.sighting.has_later = true;
	look_again(subject, after, objcg_of, &kept);
	ask(tally, subject, Invariant::ExtsOwnerKept, before, kept);
}

void examine_freed(const Subject &subject, const st_object_view &before,
		   const st_object_view &after, Tally *tally)
{
	ask(tally, subject, Invariant::StrideStableWhileLive, before,
	    stable(subject, before, after));
	if (vector_base(after, subject.layout))
		ask(tally, subject, Invariant::ExtsClearedOnFree, after, exts_cleared(after));
}

void examine_new_slab(const Subject &subject, const st_object_view &view, Tally *tally)
{
	ask(tally, subject, Invariant::ExtsNotInherited, view,
	    exts_not_inherited(view, subject.layout));
}

} // namespace st
