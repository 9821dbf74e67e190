/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compiled_layout - where the compiler puts the fields that core learns from
 * BTF, for a kernel whose private header mm/slab.h is at hand when the module
 * is built. It compares nothing.
 */
#ifndef SLUBTORTURE_KUNIT_COMPILED_LAYOUT_H
#define SLUBTORTURE_KUNIT_COMPILED_LAYOUT_H

#include "../module/abi.h"

/* Of a fact that the header does not tell, every byte is this. */
#define STK_UNTOLD 0xff

/* A slab structure with values in it, written by the compiler's code. */
struct stk_example {
	u64 slab[16];
	u64 objects, stride, exts;
};

/* False: there is no header, and nothing is told. */
bool stk_compiled_layout(struct st_layout *told);
/* pattern: 0 or 1; what is one bit in one example is the other in the other */
void stk_compiled_example(u32 pattern, struct stk_example *example);

#endif
