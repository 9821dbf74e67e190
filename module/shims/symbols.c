// SPDX-License-Identifier: GPL-2.0
/*
 * symbols - addresses of kernel data that is not exported. register_kprobe()
 * looks a name up in kallsyms and stores the address before it refuses to
 * probe data; nothing is called through a pointer, so kernels with indirect
 * branch tracking have nothing to object to. Source: kernel/kprobes.c,
 * register_kprobe(), the same from 5.10 to 7.3.
 */
#include <linux/kprobes.h>

#include "shims.h"

void *st_symbol(const char *name)
{
#ifdef CONFIG_KPROBES
	struct kprobe probe = { .symbol_name = name };
	int err = register_kprobe(&probe);

	if (!err) {
		/* a function after all: it is not to be probed */
		unregister_kprobe(&probe);
		return NULL;
	}
	return probe.addr;
#else
	return NULL;
#endif
}
