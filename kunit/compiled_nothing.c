// SPDX-License-Identifier: GPL-2.0
/*
 * compiled_nothing - stands for compiled_layout where the kernel's tree has no
 * mm/slab.h, as in packages of headers.
 */
#include <linux/string.h>
#include <linux/types.h>

#include "compiled_layout.h"

bool stk_compiled_layout(struct st_layout *told)
{
	memset(told, STK_UNTOLD, sizeof(*told));
	return false;
}

void stk_compiled_example(u32 pattern, struct stk_example *example)
{
	memset(example, 0, sizeof(*example));
}
