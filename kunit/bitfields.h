/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bitfields - where the compiler puts a bitfield, counted as BTF counts. What
 * is in it is nobody's affair here.
 */
#ifndef SLUBTORTURE_KUNIT_BITFIELDS_H
#define SLUBTORTURE_KUNIT_BITFIELDS_H

#include <linux/compiler.h>
#include <linux/string.h>

#include "../module/abi.h"

/*
 * Is the bit set that BTF gives this number? They are counted from the low end
 * of a byte on little-endian machines, from the high end on big-endian ones.
 */
static inline bool stk_bit_is_set(const u8 *bytes, u32 bit)
{
#ifdef __BIG_ENDIAN
	return bytes[bit / 8] >> (7 - bit % 8) & 1;
#else
	return bytes[bit / 8] >> (bit % 8) & 1;
#endif
}

static inline struct st_field stk_bits_set_in(const void *structure, size_t bytes)
{
	struct st_field field = {};
	u32 bit;

	for (bit = 0; bit < bytes * 8; bit++) {
		if (!stk_bit_is_set(structure, bit))
			continue;
		if (!field.bits++)
			field.bit_offset = bit;
	}
	return field;
}

/* offsetof() cannot name a bitfield; a structure with nothing else set can. */
#define STK_BITS(type, member) ({			\
	u64 ones = ~0ull;				\
	type probe;					\
	OPTIMIZER_HIDE_VAR(ones);			\
	memset(&probe, 0, sizeof(probe));		\
	probe.member = ones;				\
	stk_bits_set_in(&probe, sizeof(probe)); })

#endif
