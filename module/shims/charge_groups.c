// SPDX-License-Identifier: GPL-2.0
/*
 * charge_groups - memory cgroups of our own: made, read and removed by what a
 * user has, directories and files of cgroup2, with the one mount of it that is
 * there. A mount of our own would reset the options of all (kernel/cgroup/
 * cgroup.c, apply_cgroup_root_flags()). All groups lie in one, which is made
 * beside the group that loaded the module; nobody else's group is written to.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/nsproxy.h>
#include <linux/page_counter.h>

#include "compat.h"
#include "shims.h"

#ifdef CONFIG_MEMCG
#include <linux/kernfs.h>

#define NAMES 10	/* tried for the parent: a run that was cut may have left one */
#define SETTLE_MS 12

struct group {
	struct path dir;		/* in use: dir.dentry is set */
	struct mem_cgroup *memcg;	/* held, NULL from its removal on */
};

static struct {
	struct path where;		/* the directory that ours is made in */
	struct group parent, group[ST_CHARGE_GROUPS];
	struct mem_cgroup *lost;	/* reference kept by a control */
	unsigned int serial;
	char reason[ST_REASON_BYTES];
} groups = { .reason = "cgroups were not looked for when the module was loaded" };

static struct cgroup *cgroup_of(const struct path *dir)
{
	struct kernfs_node *node = d_inode(dir->dentry)->i_private;

	/* cleared by cgroup_destroy_locked(); the caller is in an RCU section */
	return rcu_dereference(*(void __rcu __force **)&node->priv);
}

/* The directory of a cgroup in the mount at the path given. */
static int find_dir(const char *mount, struct cgroup *cgroup, struct path *dir)
{
	char *path = kmalloc(PATH_MAX, GFP_KERNEL);
	size_t at = strlen(mount);
	int err;

	if (!path)
		return -ENOMEM;
	strscpy(path, mount, PATH_MAX);
	err = cgroup_path_ns(cgroup, path + at, PATH_MAX - at, current->nsproxy->cgroup_ns);
	if (err >= 0)
		err = kern_path(path, LOOKUP_DIRECTORY, dir);
	kfree(path);
	if (err)
		return err;
	rcu_read_lock();
	if (dir->dentry->d_sb->s_magic != CGROUP2_SUPER_MAGIC || cgroup_of(dir) != cgroup)
		err = -ENOENT;
	rcu_read_unlock();
	if (err)
		path_put(dir);
	return err;
}

void st_charge_init(void)
{
	struct mem_cgroup *payer = (struct mem_cgroup *)(unsigned long)st_memcg();
	const char *why = NULL;
	struct cgroup *beside;

	if (!payer) {
		why = st_memcg_reason();
	} else if (payer->css.cgroup->root != &cgrp_dfl_root) {
		why = "the memory controller belongs to cgroup version 1 here";
	} else {
		/* it gives its children the controller, or there were no payer */
		beside = cgroup_parent(payer->css.cgroup);
		if (find_dir("/sys/fs/cgroup", beside, &groups.where) &&
		    find_dir("/sys/fs/cgroup/unified", beside, &groups.where))
			why = "cgroup2 is not mounted on /sys/fs/cgroup where the module was loaded";
	}
	if (why)
		groups.where.dentry = NULL;
	strscpy(groups.reason, why ? why : "", sizeof(groups.reason));
}

static int make_dir(const struct path *in, const char *name, struct path *dir)
{
	int err = mnt_want_write(in->mnt);

	if (err)
		return err;
	err = st_vfs_mkdir(in, name);
	mnt_drop_write(in->mnt);
	/* the dentry that mkdir was given stays negative in kernfs */
	return err ? err : vfs_path_lookup(in->dentry, in->mnt, name, LOOKUP_DIRECTORY, dir);
}

static int remove_dir(const struct path *in, struct path *dir)
{
	int err = mnt_want_write(in->mnt);

	if (err)
		return err;
	err = st_vfs_rmdir(in, dir->dentry);
	mnt_drop_write(in->mnt);
	if (!err || err == -ENOENT) {	/* gone, if by another's hand */
		path_put(dir);
		dir->dentry = NULL;
		err = 0;
	}
	return err;
}

static int write_to(const struct path *dir, const char *name, const char *text)
{
	struct path path;
	struct file *file;
	ssize_t wrote;
	loff_t at = 0;
	int err = vfs_path_lookup(dir->dentry, dir->mnt, name, 0, &path);

	if (err)
		return err;
	file = dentry_open(&path, O_WRONLY, current_cred());
	path_put(&path);
	if (IS_ERR(file))
		return PTR_ERR(file);
	wrote = kernel_write(file, text, strlen(text), &at);
	filp_close(file, NULL);
	return wrote < 0 ? wrote : 0;
}

static struct mem_cgroup *hold_memcg(const struct path *dir)
{
	struct cgroup_subsys_state *css = NULL;
	struct cgroup *cgroup;

	rcu_read_lock();
	cgroup = cgroup_of(dir);
	if (cgroup)
		css = rcu_dereference(cgroup->subsys[memory_cgrp_id]);
	if (css && !css_tryget_online(css))
		css = NULL;
	rcu_read_unlock();
	return css ? mem_cgroup_from_css(css) : NULL;
}

static int make_group(const struct path *in, const char *name, struct group *group)
{
	int err = make_dir(in, name, &group->dir);

	if (err) {
		group->dir.dentry = NULL;
		return err;
	}
	group->memcg = hold_memcg(&group->dir);
	if (group->memcg)
		return 0;
	remove_dir(in, &group->dir);
	return -ENODEV;
}

/* Our own reference goes first: from now on only the kernel's keep it alive. */
static int remove_group(const struct path *in, struct group *group)
{
	if (!group->dir.dentry)
		return 0;
	if (group->memcg)
		mem_cgroup_put(group->memcg);
	group->memcg = NULL;
	return remove_dir(in, &group->dir);
}

int st_groups_open(void)
{
	char name[24];
	int err = -EEXIST, i;

	if (!groups.where.dentry)
		return -ENODEV;
	for (i = 0; i < NAMES && err == -EEXIST; i++) {
		snprintf(name, sizeof(name), i ? "slubtorture-%d" : "slubtorture", i);
		err = make_group(&groups.where, name, &groups.parent);
	}
	if (err)
		return err;
	err = write_to(&groups.parent.dir, "cgroup.subtree_control", "+memory");
	if (err)
		remove_group(&groups.where, &groups.parent);
	return err;
}

int st_groups_close(void)
{
	int err = 0, gone;
	u32 i;

	if (groups.lost)
		mem_cgroup_put(groups.lost);
	groups.lost = NULL;
	for (i = 0; i < ST_CHARGE_GROUPS; i++) {
		gone = remove_group(&groups.parent.dir, &groups.group[i]);
		err = err ? err : gone;
	}
	gone = remove_group(&groups.where, &groups.parent);
	return err ? err : gone;
}

int st_group_make(u32 *group)
{
	char name[24];
	u32 i;

	if (!groups.parent.memcg)
		return -EINVAL;
	for (i = 0; i < ST_CHARGE_GROUPS; i++) {
		if (groups.group[i].dir.dentry)
			continue;
		*group = i;
		snprintf(name, sizeof(name), "group-%u", ++groups.serial);
		return make_group(&groups.parent.dir, name, &groups.group[i]);
	}
	return -ENOSPC;
}

int st_group_remove(u32 group)
{
	if (group >= ST_CHARGE_GROUPS)
		return -EINVAL;
	return remove_group(&groups.parent.dir, &groups.group[group]);
}

struct mem_cgroup *st_group_memcg(u32 group)
{
	if (group == ST_CHARGE_PARENT)
		return groups.parent.memcg;
	return group < ST_CHARGE_GROUPS ? groups.group[group].memcg : NULL;
}

void st_group_lose_reference(u32 group)
{
	struct mem_cgroup *memcg = st_group_memcg(group);

	if (!memcg || groups.lost)
		return;
	css_get(&memcg->css);
	groups.lost = memcg;
}

/*
 * One charge on every CPU. A CPU's stock keeps bytes of one group; what it
 * cannot keep goes to obj_cgroup->nr_charged_bytes, and the page behind these
 * bytes stays charged. The next stock of the group takes all of them
 * (refill_obj_stock(), mm/memcontrol.c, 5.10 to 7.3): where charges and
 * uncharges match they are whole pages then, which drain_all_stock() gives
 * back, and where one byte is missing a page stays. That is what makes
 * memory.current, which counts pages, exact.
 */
static int collect_bytes(struct mem_cgroup *memcg)
{
	struct mem_cgroup *old;
	void *object;
	int cpu, err = 0;

	for_each_online_cpu(cpu) {
		if (st_cpu_isolated(cpu) || st_move_to(cpu))
			continue;
		old = st_memcg_enter_as(memcg);
		object = kmalloc(64, st_gfp(true));
		st_memcg_leave(old);
		if (!object)
			err = -ENOMEM;
		kfree(object);
	}
	return err;
}

/*
 * memory.high below what is charged makes its writer call drain_all_stock();
 * then it tries to reclaim, in vain, since only objects of ours are charged.
 */
static int drain(const struct group *group)
{
	int err = write_to(&group->dir, "memory.high", "0");
	int back = write_to(&group->dir, "memory.high", "max");

	return err ? err : back;
}

static u64 charged_bytes(struct mem_cgroup *memcg)
{
	return (u64)page_counter_read(&memcg->memory) * PAGE_SIZE;
}

int st_group_settle(u32 at, struct st_charge_books *books)
{
	struct mem_cgroup *memcg = st_group_memcg(at);
	const struct group *group;
	int err, ms;

	if (!memcg)
		return -EINVAL;
	group = at == ST_CHARGE_PARENT ? &groups.parent : &groups.group[at];
	err = collect_bytes(memcg);
	if (!err)
		err = drain(group);
	/* other CPUs' stocks are drained by works of theirs */
	for (ms = 0; ms < SETTLE_MS && charged_bytes(memcg) && !st_stopping(); ms += 2)
		usleep_range(1900, 2100);
	books->charged_bytes = charged_bytes(memcg);
	books->dying = READ_ONCE(memcg->css.cgroup->nr_dying_descendants);
	return err;
}

static void groups_exit(void)
{
	int err = st_groups_close();

	if (err)
		pr_err("slubtorture: a cgroup of ours could not be removed (%d)\n", err);
	if (groups.where.dentry)
		path_put(&groups.where);
	groups.where.dentry = NULL;
}

static const char *groups_reason(void)
{
	return groups.reason;
}
#else
void st_charge_init(void) { }
int st_groups_open(void) { return -ENODEV; }
int st_groups_close(void) { return 0; }
int st_group_make(u32 *group) { return -ENODEV; }
int st_group_remove(u32 group) { return -ENODEV; }
struct mem_cgroup *st_group_memcg(u32 group) { return NULL; }
void st_group_lose_reference(u32 group) { }
int st_group_settle(u32 group, struct st_charge_books *books) { return -ENODEV; }
static void groups_exit(void) { }
static const char *groups_reason(void) { return st_memcg_reason(); }
#endif

void st_charge_target(struct st_charge_target *target)
{
	int cpu;

	memset(target, 0, sizeof(*target));
	strscpy(target->reason, groups_reason(), sizeof(target->reason));
	for_each_online_cpu(cpu)
		if (target->cpus < ST_MAX_CPUS && !st_cpu_isolated(cpu))
			target->cpu[target->cpus++] = cpu;
}

void st_charge_exit(void)
{
	st_charge_ops.close();
	groups_exit();
}
