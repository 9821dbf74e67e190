/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h - differences in spelling between kernels. The only place that
 * looks at the kernel's version; what a structure looks like is not spelling
 * and belongs to core/layout, which asks BTF.
 */
#ifndef SLUBTORTURE_COMPAT_H
#define SLUBTORTURE_COMPAT_H

#include <linux/memcontrol.h>
#include <linux/version.h>

/* memcg_kmem_enabled() is called memcg_kmem_online() from 6.3 on. */
static inline bool st_kmem_accounting_on(void)
{
#if !IS_ENABLED(CONFIG_MEMCG)
	return false;
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	return memcg_kmem_online();
#else
	return memcg_kmem_enabled();
#endif
}

#endif
