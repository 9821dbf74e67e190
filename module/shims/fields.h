/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fields.h - reads a field that st_layout describes, from a structure that is
 * known to be there. Inline, for the loops of handoff.c and late.c.
 */
#ifndef SLUBTORTURE_FIELDS_H
#define SLUBTORTURE_FIELDS_H

#include <linux/compiler.h>
#include <linux/mm.h>

#include "../abi.h"

/*
 * bits up to 64; a field that is not whole bytes lies inside one aligned
 * 32-bit word or, failing that, one aligned 64-bit word.
 */
static __always_inline u64 st_field_read(const void *from, struct st_field field)
{
	const u8 *at = (const u8 *)from + field.bit_offset / 8;
	u32 start = field.bit_offset % 32, __maybe_unused width = 32;
	u64 word;

	if (likely(field.bit_offset % 8 == 0)) {
		if (field.bits == 64)
			return READ_ONCE(*(const u64 *)at);
		if (field.bits == 32)
			return READ_ONCE(*(const u32 *)at);
		if (field.bits == 16)
			return READ_ONCE(*(const u16 *)at);
		if (field.bits == 8)
			return READ_ONCE(*at);
	}
	if (likely(start + field.bits <= 32)) {
		word = READ_ONCE(*(const u32 *)((const u8 *)from + field.bit_offset / 32 * 4));
	} else {
		start = field.bit_offset % 64;
		width = 64;
		word = READ_ONCE(*(const u64 *)((const u8 *)from + field.bit_offset / 64 * 8));
	}
	/* BTF counts bits as the compiler does: from the high end on big-endian */
#ifdef __BIG_ENDIAN
	start = width - start - field.bits;
#endif
	return (word >> start) & ((1ull << field.bits) - 1);
}

/* Address of the first extension, 0: none. Flags as core/layout learned them. */
static __always_inline u64 st_vector(const struct st_layout *layout, u64 exts)
{
	if (layout->exts_alloc_failed && exts == layout->exts_alloc_failed)
		return 0;
	return exts & ~layout->exts_flag_mask;
}

/* The step that this kernel's own code would use for the slab, in bytes. */
static __always_inline u64 st_step(const struct st_layout *layout, const void *slab,
				   u64 cache_size)
{
	switch (layout->step_origin) {
	case ST_STEP_FIELD:
		return st_field_read(slab, layout->stride);
	case ST_STEP_BITS:
		if (st_field_read(slab, layout->in_object))
			return cache_size;
		return layout->ext_bytes;
	case ST_STEP_ELEMENT_SIZE:
		return layout->ext_bytes;
	default:
		return 0;
	}
}

/* struct slab and struct page share their address from 5.17 on. */
static __always_inline const void *st_slab_of(const void *object)
{
	return virt_to_head_page(object);
}

#endif
