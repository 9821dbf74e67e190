/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h - differences in spelling between kernels. The only place that
 * looks at the kernel's version; what a structure looks like is not spelling
 * and belongs to core/layout, which asks BTF.
 */
#ifndef SLUBTORTURE_COMPAT_H
#define SLUBTORTURE_COMPAT_H

#include <linux/fs.h>
#include <linux/hardirq.h>
#include <linux/hrtimer.h>
#include <linux/kprobes.h>
#include <linux/memcontrol.h>
#include <linux/memory_hotplug.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/node.h>
#include <linux/sched/isolation.h>
#include <linux/slab.h>
#include <linux/uio.h>
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

/*
 * CPUs whose stocks of charges drain_all_stock() leaves alone: mm/memcontrol.c
 * asks cpu_is_isolated(), which is not there for modules everywhere.
 */
static inline bool st_cpu_isolated(int cpu)
{
#if !IS_ENABLED(CONFIG_CPU_ISOLATION)
	return false;
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 18, 0)
	return !housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN) ||
	       !housekeeping_test_cpu(cpu, HK_TYPE_TICK);
#else
	return !housekeeping_test_cpu(cpu, HK_FLAG_DOMAIN) ||
	       !housekeeping_test_cpu(cpu, HK_FLAG_TICK);
#endif
}

/*
 * Memory taken away and given back through mm/memory_hotplug.c. The node is no
 * argument of offline_and_remove_memory() from e1c158e49566 (5.15) on; 5.10 takes
 * one block at a time. Merged, because a DIMM's firmware finds one resource only.
 */
#if defined(CONFIG_MEMORY_HOTPLUG) && !defined(MHP_MERGE_RESOURCE)
#define MHP_MERGE_RESOURCE MEMHP_MERGE_RESOURCE	/* 5.10 */
#endif

static inline int st_memory_remove(int nid, u64 start, u64 size)
{
#ifndef CONFIG_MEMORY_HOTREMOVE
	return -EOPNOTSUPP;
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 15, 0)
	return offline_and_remove_memory(start, size);
#else
	return offline_and_remove_memory(nid, start, size);
#endif
}

static inline int st_memory_add(int nid, u64 start, u64 size)
{
#ifdef CONFIG_MEMORY_HOTREMOVE
	return add_memory(nid, start, size, MHP_MERGE_RESOURCE);
#else
	return -EOPNOTSUPP;
#endif
}

/*
 * Told of a node's first and last memory from 6.17 on (include/linux/node.h);
 * before, the notifiers of memory say for which node it is.
 */
#ifdef NODE_ADDING_FIRST_MEMORY
#define ST_NODE_NOTIFIER 1
#endif

/* Exported to modules long before a header of theirs declared it. */
int vfs_path_lookup(struct dentry *dentry, struct vfsmount *mnt, const char *name,
		    unsigned int flags, struct path *path);

/* Where mounts that map owners began; cgroup2 is not one of them. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define ST_VFS_OWNERS &nop_mnt_idmap,
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 12, 0)
#define ST_VFS_OWNERS &init_user_ns,
#else
#define ST_VFS_OWNERS
#endif

/*
 * A directory by its name in another; write access to the mount is taken.
 * From 6.19 on the lock of the parent belongs to the new name's dentry, and
 * vfs_mkdir() gives back both when it fails.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
static inline int st_vfs_mkdir(const struct path *parent, const char *name)
{
	struct dentry *dentry = start_creating(ST_VFS_OWNERS parent->dentry, &QSTR(name));

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	dentry = vfs_mkdir(ST_VFS_OWNERS d_inode(parent->dentry), dentry, 0755, NULL);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	end_creating(dentry);
	return 0;
}

static inline int st_vfs_rmdir(const struct path *parent, struct dentry *dentry)
{
	struct dentry *locked = start_removing_dentry(parent->dentry, dentry);
	int err;

	if (IS_ERR(locked))
		return PTR_ERR(locked);
	err = vfs_rmdir(ST_VFS_OWNERS d_inode(parent->dentry), locked, NULL);
	end_removing(locked);
	return err;
}
#else
static inline int st_vfs_mkdir(const struct path *parent, const char *name)
{
	struct inode *dir = d_inode(parent->dentry);
	struct dentry *dentry;
	int err;

	inode_lock_nested(dir, I_MUTEX_PARENT);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	dentry = lookup_noperm(&QSTR(name), parent->dentry);
#else
	dentry = lookup_one_len(name, parent->dentry, strlen(name));
#endif
	err = PTR_ERR_OR_ZERO(dentry);
	if (!err && d_is_positive(dentry))
		err = -EEXIST;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
	if (!err) {
		dentry = vfs_mkdir(ST_VFS_OWNERS dir, dentry, 0755);
		err = PTR_ERR_OR_ZERO(dentry);
	}
#else
	if (!err)
		err = vfs_mkdir(ST_VFS_OWNERS dir, dentry, 0755);
#endif
	if (!IS_ERR(dentry))
		dput(dentry);
	inode_unlock(dir);
	return err;
}

static inline int st_vfs_rmdir(const struct path *parent, struct dentry *dentry)
{
	struct inode *dir = d_inode(parent->dentry);
	int err = -ENOENT;

	inode_lock_nested(dir, I_MUTEX_PARENT);
	if (dentry->d_parent == parent->dentry && !d_unhashed(dentry))
		err = vfs_rmdir(ST_VFS_OWNERS dir, dentry);
	inode_unlock(dir);
	return err;
}
#endif

/* hrtimer_setup() takes the function, too, from 6.13 on; hrtimer_init() is gone later. */
static inline void st_hrtimer_setup(struct hrtimer *timer,
				    enum hrtimer_restart (*function)(struct hrtimer *),
				    enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, mode);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, mode);
	timer->function = function;
#endif
}

/* kernfs_node.parent is for RCU from 741c10b096bc (6.15) on, with two underscores. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#define st_kernfs_parent(node) ((node)->__parent)
#else
#define st_kernfs_parent(node) ((node)->parent)
#endif

/* A file by its path below a directory: a struct path from ffb37ca3bd16 (5.13) on. */
static inline struct file *st_file_open_below(const struct file *dir, const char *name, int flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 13, 0)
	return file_open_root(&dir->f_path, name, flags, 0);
#else
	return file_open_root(dir->f_path.dentry, dir->f_path.mnt, name, flags, 0);
#endif
}

#ifdef CONFIG_KRETPROBES
/* An instance named its probe by a pointer of its own up to 5.10 (d741bf41d7c7). */
static inline struct kretprobe *st_kretprobe_of(struct kretprobe_instance *instance)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
	return get_kretprobe(instance);
#else
	return instance->rp;
#endif
}
#endif

/* in_irq() is called in_hardirq() from 5.11 on. */
#ifdef in_hardirq
#define st_in_hardirq() in_hardirq()
#else
#define st_in_hardirq() in_irq()
#endif

/*
 * What the allocator's tracepoints tell (include/trace/events/kmem.h), after
 * the probe's own data. A kernel that is spelt otherwise does not build: the
 * type of a probe is checked where it is registered. 6.1 made one of those for
 * a node and those for any (11e9734bcb6a).
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)
#define ST_KMALLOC_PROTO unsigned long call_site, const void *ptr, size_t bytes_req, \
	size_t bytes_alloc, gfp_t gfp_flags, int node
#define ST_CACHE_ALLOC_PROTO unsigned long call_site, const void *ptr, \
	struct kmem_cache *s, gfp_t gfp_flags, int node
#else
#define ST_NODE_TRACEPOINTS 1
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 0, 0)	/* b347aa7b5747 */
#define ST_KMALLOC_PROTO unsigned long call_site, const void *ptr, struct kmem_cache *s, \
	size_t bytes_req, size_t bytes_alloc, gfp_t gfp_flags
#else
#define ST_KMALLOC_PROTO unsigned long call_site, const void *ptr, size_t bytes_req, \
	size_t bytes_alloc, gfp_t gfp_flags
#endif
#define ST_CACHE_ALLOC_PROTO ST_KMALLOC_PROTO
#define ST_KMALLOC_NODE_PROTO ST_KMALLOC_PROTO, int node
#define ST_CACHE_ALLOC_NODE_PROTO ST_KMALLOC_PROTO, int node
#endif

/* The cache: its name from 5.12 on (3544de8ee6e4), itself from 6.1 on (2c1d697fb8ba). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)
#define ST_CACHE_FREE_PROTO unsigned long call_site, const void *ptr, const struct kmem_cache *s
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 12, 0)
#define ST_CACHE_FREE_PROTO unsigned long call_site, const void *ptr, const char *name
#else
#define ST_CACHE_FREE_PROTO unsigned long call_site, const void *ptr
#endif

/*
 * A cache that no other one is merged with. SLAB_NO_MERGE came with
 * d0bf7d5759c1 (6.5); before, what may be copied to users has a cache of its
 * own, and with no such check compiled in a constructor is all that helps.
 */
static inline struct kmem_cache *
st_cache_create_alone(const char *name, unsigned int bytes, unsigned int align,
		      slab_flags_t flags, void (*otherwise)(void *))
{
#ifdef SLAB_NO_MERGE
	return kmem_cache_create(name, bytes, align, flags | SLAB_NO_MERGE, NULL);
#else
	if (IS_ENABLED(CONFIG_HARDENED_USERCOPY))
		return kmem_cache_create_usercopy(name, bytes, align, flags, 0, bytes, NULL);
	return kmem_cache_create(name, bytes, align, flags, otherwise);
#endif
}

/* A cache with sheaves: for every cache from 7.0 on, asked for in 6.18 and 6.19. */
static inline struct kmem_cache *st_cache_create_sheaves(const char *name, unsigned int bytes)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	struct kmem_cache_args args = { .sheaf_capacity = 32 };

	return kmem_cache_create(name, bytes, &args, SLAB_NO_MERGE);
#else
	return NULL;
#endif
}

/*
 * SLUB listens to what happens to nodes, no longer to memory, since the kernel
 * tells both apart (6.17).
 */
#ifdef NODE_REMOVING_LAST_MEMORY
#define ST_NODE_LOSES_MEMORY NODE_REMOVING_LAST_MEMORY
static inline int st_node_notifier_add(struct notifier_block *block)
{
	return register_node_notifier(block);
}

static inline void st_node_notifier_remove(struct notifier_block *block)
{
	unregister_node_notifier(block);
}
#else
#define ST_NODE_LOSES_MEMORY (~0ul)
static inline int st_node_notifier_add(struct notifier_block *block)
{
	return 0;
}

static inline void st_node_notifier_remove(struct notifier_block *block)
{
}
#endif

/* A file by its path from a directory; takes that as a whole from 5.14 on. */
static inline struct file *st_file_open_in(const struct path *dir, const char *name, int flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
	return file_open_root(dir, name, flags, 0);
#else
	return file_open_root(dir->dentry, dir->mnt, name, flags, 0);
#endif
}

/* Whether more entries are wanted: said by a bool from 6.1 on (25885a35a720). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)
#define ST_FILLDIR_RESULT bool
#define ST_FILLDIR_GO_ON true
#else
#define ST_FILLDIR_RESULT int
#define ST_FILLDIR_GO_ON 0
#endif

/* Which way an iterator goes has had a name of its own since 6.1 (de4eda9de2d9). */
#ifdef ITER_DEST
#define ST_ITER_DEST ITER_DEST
#else
#define ST_ITER_DEST READ
#endif

#endif
