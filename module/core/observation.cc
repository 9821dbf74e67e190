// SPDX-License-Identifier: GPL-2.0
//
// observation - see observation.h.
#include "observation.h"

namespace st {

Text name(Placement placement)
{
	static constexpr const char *kNames[] = {"none", "external", "leftover", "in-object"};
	return kNames[static_cast<size_t>(placement)];
}

u64 vector_base(const st_object_view &view, const st_layout &layout)
{
	// OBJEXTS_ALLOC_FAIL alone: the kernel tried and has no vector
	if (layout.exts_alloc_failed && view.exts == layout.exts_alloc_failed)
		return 0;
	return view.exts & ~layout.exts_flag_mask;
}

Placement placement_of(const st_object_view &view, const st_layout &layout)
{
	const u64 base = vector_base(view, layout);
	if (!base)
		return Placement::None;
	// Before 7.0 there is no other placement, and a slab of kmalloc objects
	// may have its own vector among them.
	if (layout.step_origin == ST_STEP_ELEMENT_SIZE || base < view.slab_base ||
	    base >= view.slab_base + view.slab_bytes)
		return Placement::External;
	// In-object extensions begin in the padding of object 0; a leftover
	// vector begins behind the last object.
	return base < view.slab_base + view.cache_size ? Placement::InObject
						       : Placement::Leftover;
}

u64 expected_step(const st_object_view &view, const st_layout &layout, Placement placement)
{
	return placement == Placement::InObject ? view.cache_size : layout.ext_bytes;
}

Range slot_range(const st_object_view &view, const st_layout &layout, Placement placement)
{
	const u64 objects_end = view.slab_base + u64(view.objects) * view.cache_size;
	switch (placement) {
	case Placement::External: {
		const u64 base = vector_base(view, layout);
		return Range{base, base + view.vector_bytes};
	}
	case Placement::Leftover:
		return Range{objects_end, view.slab_base + view.slab_bytes};
	case Placement::InObject: {
		const u64 begin = view.slab_base + u64(view.index) * view.cache_size;
		return Range{view.object + view.cache_object_size, begin + view.cache_size};
	}
	default:
		return Range{0, 0};
	}
}

} // namespace st
