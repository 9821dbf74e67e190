// SPDX-License-Identifier: GPL-2.0
//
// experiment_busted_exts - the controls of exts-*: slabs with one known bug
// each, in memory of the module's own, examined as real ones are.
#include "examine.h"

namespace st {
namespace {

// How the views are taken: each object seen once, by its writer and a reader,
// or before and after something happened.
enum class How : u8 { Once, TwoCpus, Unpaid, Kept, NewSlab };

struct Control {
	u32 object_bytes, align_bytes;
	Placement wanted;
	How how;
};

constexpr Placement kExternal = Placement::External, kInObject = Placement::InObject;

// By enum st_busted_slab.
constexpr Control kControls[ST_BUSTED_SLABS] = {
	{256, 0, kExternal, How::Once},
	{256, 0, Placement::Leftover, How::Once},
	{65472, 65536, kInObject, How::Once},
	{256, 0, kExternal, How::TwoCpus},
	{248, 0, kInObject, How::Once},
	{256, 0, kExternal, How::Once},
	{256, 0, kExternal, How::Once},
	{256, 0, kExternal, How::Unpaid},
	{256, 0, kExternal, How::Kept},
	{256, 0, kExternal, How::NewSlab},
	{240, 0, kInObject, How::Once},
	{256, 0, kExternal, How::Once},
};
constexpr u32 kViews = 32, kFirstPair = ST_BUSTED_STALE;

void examine_control(const Control &control, const Subject &subject,
		     Span<const st_object_view> before, Span<const st_object_view> after,
		     Span<u32> order, Tally *tally)
{
	u32 judged = 0;
	for (size_t i = 0; i < before.size(); i++) {
		if (placement_of(after[i], subject.layout) != control.wanted)
			continue;
		judged++;
		switch (control.how) {
		case How::Once: examine_paid(subject, before[i], before[i], tally); break;
		case How::TwoCpus: examine_paid(subject, before[i], after[i], tally); break;
		case How::Unpaid: examine_unpaid(subject, after[i], tally); break;
		case How::Kept: examine_kept(subject, before[i], after[i], tally); break;
		case How::NewSlab: examine_new_slab(subject, after[i], tally); break;
		}
	}
	if (judged && control.how == How::Once)
		examine_slots(subject, before, order, tally);
	tally->observed(judged);
}

} // namespace

void run_busted_exts(const Context &context, const Scenario &scenario, Tally *tally)
{
	const u32 kind = scenario.argument;
	Buffer<st_object_view> views(context.ops, kViews);
	Buffer<u32> order(context.ops, 2 * kViews);
	if (!views || !order)
		return tally->broken("there is no memory for the views of objects");
	st_layout layout;
	const int seen = context.ops.busted_views(kind, context.env.cpu[0], &layout, views.data(),
						  kViews);
	if (seen <= 0)
		return tally->broken("the busted slab could not be made");
	const Control &control = kControls[kind];
	const Subject subject{context, layout, 0, 0, control.object_bytes, control.align_bytes,
			      Text(), false};
	const u32 count = kind < kFirstPair ? u32(seen) : u32(seen) / 2;
	const Span<const st_object_view> before(views.data(), count);
	const Span<const st_object_view> after(views.data() + u32(seen) - count, count);
	examine_control(control, subject, before, after, order.all(), tally);
}

} // namespace st
