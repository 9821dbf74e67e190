// SPDX-License-Identifier: GPL-2.0
/*
 * memcg - the memory cgroup that pays for accounted allocations: the one that
 * the task which loaded the module is in. Kernel threads belong to no group,
 * so the module's threads borrow it, as set_active_memcg() does in a task;
 * that helper also refers to int_active_memcg, which 5.10 does not export.
 */
#include <linux/sched/mm.h>

#include "compat.h"
#include "shims.h"

static struct mem_cgroup *payer;
static const char *reason = "memory cgroups are not compiled into this kernel";

#ifdef CONFIG_MEMCG
void st_memcg_init(void)
{
	struct mem_cgroup *memcg = NULL;

	reason = "memory cgroups are disabled (cgroup_disable=memory?)";
	if (mem_cgroup_disabled())
		return;
	reason = "module was not loaded by a user process";
	if (current->mm)
		memcg = get_mem_cgroup_from_mm(current->mm);
	if (!memcg)
		return;
	reason = "module was loaded from the root memory cgroup; load it from a "
		 "child group that has the memory controller";
	if (!memcg->css.parent)
		goto put;
	reason = "kernel memory accounting is off (cgroup.memory=nokmem?)";
	if (!st_kmem_accounting_on())
		goto put;
	payer = memcg;
	return;
put:
	mem_cgroup_put(memcg);
}

void st_memcg_exit(void)
{
	if (payer)
		mem_cgroup_put(payer);
	payer = NULL;
}

struct mem_cgroup *st_memcg_enter_as(struct mem_cgroup *memcg)
{
	struct mem_cgroup *old = current->active_memcg;

	current->active_memcg = memcg;
	return old;
}

struct mem_cgroup *st_memcg_enter(void)
{
	return st_memcg_enter_as(payer);
}

void st_memcg_leave(struct mem_cgroup *old)
{
	current->active_memcg = old;
}
#else
void st_memcg_init(void) { }
void st_memcg_exit(void) { }
struct mem_cgroup *st_memcg_enter_as(struct mem_cgroup *memcg) { return NULL; }
struct mem_cgroup *st_memcg_enter(void) { return NULL; }
void st_memcg_leave(struct mem_cgroup *old) { }
#endif

u64 st_memcg(void)
{
	return (unsigned long)payer;
}

const char *st_memcg_reason(void)
{
	return payer ? "" : reason;
}

