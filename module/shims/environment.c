// SPDX-License-Identifier: GPL-2.0
/*
 * environment - what a run has to know about the machine before it starts:
 * kernel, CPUs, nodes, who pays, and the kernel's type information.
 */
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/nodemask.h>
#include <linux/utsname.h>

#include "shims.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define BTF_MAX (64u << 20)

/* A copy: the file in sysfs is the one interface to it that is an ABI. */
static int read_btf(struct st_environment *env)
{
	struct file *file = filp_open(BTF_PATH, O_RDONLY, 0);
	loff_t size, at = 0;
	ssize_t got = -EFBIG;
	void *copy;

	if (IS_ERR(file))
		return PTR_ERR(file);
	size = i_size_read(file_inode(file));
	copy = size > 0 && size < BTF_MAX ? kvmalloc(size, GFP_KERNEL) : NULL;
	while (copy && at < size) {
		got = kernel_read(file, (u8 *)copy + at, size - at, &at);
		if (got <= 0)
			break;
	}
	filp_close(file, NULL);
	if (at < size || !copy) {
		kvfree(copy);
		return got < 0 ? got : -EIO;
	}
	env->btf = copy;
	env->btf_bytes = size;
	return 0;
}

/* Where files of sysfs cannot be read from inside the kernel (before 5.11). */
static int find_btf(struct st_environment *env)
{
	const u8 *start = st_symbol("__start_BTF");
	const u8 *stop = st_symbol("__stop_BTF");
	void *copy;

	if (!start || !stop || stop <= start || stop - start > BTF_MAX)
		return -ENOENT;
	copy = kvmalloc(stop - start, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, start, stop - start);
	env->btf = copy;
	env->btf_bytes = stop - start;
	return 0;
}

static void list_cpus(struct st_environment *env)
{
	int cpu;

	for_each_online_cpu(cpu) {
		if (env->cpus == ST_MAX_CPUS)
			break;
		env->cpu[env->cpus++] = cpu;
	}
	snprintf(env->cpus_text, sizeof(env->cpus_text), "%*pbl",
		 cpumask_pr_args(cpu_online_mask));
	snprintf(env->nodes_text, sizeof(env->nodes_text), "%*pbl",
		 nodemask_pr_args(&node_online_map));
}

/* struct static_key begins with its count: include/linux/jump_label.h */
static s32 key_is_on(const char *name)
{
	const atomic_t *enabled = st_symbol(name);

	return enabled ? atomic_read(enabled) > 0 : -1;
}

int st_environment(struct st_environment *env)
{
	const char *why;
	int err;

	strscpy(env->release, init_utsname()->release, sizeof(env->release));
	strscpy(env->arch, init_utsname()->machine, sizeof(env->arch));
	env->page_bytes = PAGE_SIZE;
	env->max_object_bytes = KMALLOC_MAX_SIZE;
	env->max_kmalloc_bytes = KMALLOC_MAX_CACHE_SIZE;
	env->slub_debug = IS_ENABLED(CONFIG_SLUB_DEBUG);
	env->profiling = key_is_on("mem_alloc_profiling_key") > 0;
	list_cpus(env);
	env->memcg = st_memcg();
	env->codetags = key_is_on("slab_obj_ext_has_codetag_key");
	strscpy(env->memcg_reason, st_memcg_reason(), sizeof(env->memcg_reason));
	why = st_nodes_init();
	strscpy(env->nodes_reason, why ? why : "", sizeof(env->nodes_reason));
	err = read_btf(env);
	if (err)
		err = find_btf(env);
	if (err)
		snprintf(env->btf_reason, sizeof(env->btf_reason),
			 "this kernel offers no type information: %s (%d); CONFIG_DEBUG_INFO_BTF is needed",
			 BTF_PATH, err);
	return 0;
}

void st_environment_put(struct st_environment *env)
{
	kvfree(env->btf);
	env->btf = NULL;
	env->btf_bytes = 0;
}
