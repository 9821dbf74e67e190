// SPDX-License-Identifier: GPL-2.0
/*
 * inspect_file - the debugfs file `inspect`, and the parameters that choose
 * what it shows. Text comes from core, a few lines at a time, as it is read;
 * nothing of it exists while nobody reads. It cannot be opened for writing.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "shims.h"

/* Both are guarded by the module's parameter lock. */
static char chosen[ST_CACHE_NAME_BYTES];
static const struct st_core *inspected_core;

static uint inspect_objects = 64;
module_param(inspect_objects, uint, 0600);
MODULE_PARM_DESC(inspect_objects, "objects of each slab that debugfs inspect shows (default: 64)");
static bool inspect_raw;
module_param(inspect_raw, bool, 0400);
MODULE_PARM_DESC(inspect_raw, "show addresses as they are, not hashed (default: no)");
static bool inspect_sample;
module_param(inspect_sample, bool, 0400);
MODULE_PARM_DESC(inspect_sample,
		 "keep three caches, slubtorture-sample-*, to be inspected (default: no)");

static int find(const char *name, struct st_inspected *found)
{
	const char *exts_missing, *nodes_missing;
	const struct st_layout *layout = st_core_facts(inspected_core, &exts_missing,
						       &nodes_missing);
	int err = -ENOENT;

	if (layout->cache_size.bits && layout->cache_name.bits && layout->cache_list.bits)
		err = st_inspect_ops.cache_find(layout, name, 0, found);
	if (err)
		pr_warn("slubtorture: inspect=%s: no cache of this name; an empty one makes debugfs slubtorture/inspect list all (a merged cache has the name of the one it was merged into)\n",
			name);
	return err;
}

static int choose(const char *text, const struct kernel_param *param)
{
	char name[ST_CACHE_NAME_BYTES];
	struct st_inspected found;
	int err;

	if (strscpy(name, text, sizeof(name)) < 0) {
		pr_warn("slubtorture: inspect=: a cache's name has less than %zu bytes\n",
			sizeof(name));
		return -ENAMETOOLONG;
	}
	/* with insmod there is nothing to ask yet; opening the file will */
	err = *strim(name) && inspected_core ? find(strim(name), &found) : 0;
	if (!err)
		strscpy(chosen, strim(name), sizeof(chosen));
	return err;
}

static int tell(char *text, const struct kernel_param *param)
{
	return scnprintf(text, PAGE_SIZE, "%s\n", chosen);
}

static const struct kernel_param_ops inspect_param = { .set = choose, .get = tell };
module_param_cb(inspect, &inspect_param, NULL, 0600);
MODULE_PARM_DESC(inspect, "cache that debugfs inspect shows (default: none, it lists all)");

struct reader {
	struct mutex lock;		/* readers may share an open file */
	size_t at, bytes;		/* of text[]: read so far, there */
	char text[ST_INSPECT_STEP_BYTES];
	/* core's, from here on */
	u64 inspection[];
};

static struct st_inspection *inspection_of(struct reader *reader)
{
	return (struct st_inspection *)reader->inspection;
}

static int inspect_begin(struct reader *reader)
{
	struct st_inspect_request request = {};
	int err = 0;

	kernel_param_lock(THIS_MODULE);
	if (!inspected_core)
		err = -ENODEV;
	else if (chosen[0])
		err = find(chosen, &request.cache);
	request.objects = inspect_objects;
	request.raw = inspect_raw;
	kernel_param_unlock(THIS_MODULE);
	/* core stays while the file is open: debugfs holds the module */
	if (!err)
		st_inspection_begin(inspection_of(reader), inspected_core, &request);
	return err;
}

static int inspect_open(struct inode *inode, struct file *file)
{
	struct reader *reader;
	int err;

	/* root passes the mode of the file */
	if (file->f_mode & FMODE_WRITE)
		return -EACCES;
	reader = kvzalloc(sizeof(*reader) + st_inspection_bytes(), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;
	mutex_init(&reader->lock);
	err = inspect_begin(reader);
	if (err) {
		kvfree(reader);
		return err;
	}
	file->private_data = reader;
	return stream_open(inode, file);
}

static int inspect_release(struct inode *inode, struct file *file)
{
	struct reader *reader = file->private_data;

	st_inspection_end(inspection_of(reader));
	kvfree(reader);
	return 0;
}

static void append(void *arg, const char *text, size_t bytes)
{
	struct reader *reader = arg;

	/* core keeps to ST_INSPECT_STEP_BYTES; a line too many would be lost */
	if (WARN_ON_ONCE(reader->bytes + bytes + 1 > sizeof(reader->text)))
		return;
	memcpy(reader->text + reader->bytes, text, bytes);
	reader->bytes += bytes;
	reader->text[reader->bytes++] = '\n';
}

static ssize_t read_locked(struct reader *reader, char __user *to, size_t count)
{
	int more = 1;

	while (reader->at == reader->bytes && more > 0) {
		reader->at = reader->bytes = 0;
		more = st_inspection_next(inspection_of(reader), append, reader);
	}
	if (reader->at == reader->bytes)
		return more;
	count = min(count, reader->bytes - reader->at);
	if (copy_to_user(to, reader->text + reader->at, count))
		return -EFAULT;
	reader->at += count;
	return count;
}

static ssize_t inspect_read(struct file *file, char __user *to, size_t count, loff_t *at)
{
	struct reader *reader = file->private_data;
	ssize_t got;

	if (mutex_lock_interruptible(&reader->lock))
		return -EINTR;
	got = read_locked(reader, to, count);
	mutex_unlock(&reader->lock);
	return got;
}

static const struct file_operations inspect_fops = {
	.owner = THIS_MODULE,
	.open = inspect_open,
	.release = inspect_release,
	.read = inspect_read,
};

void st_inspect_file_init(const struct st_core *core, struct dentry *dir)
{
	if (inspect_sample && st_sample_init())
		pr_warn("slubtorture: inspect_sample: there was no memory for the samples\n");
	kernel_param_lock(THIS_MODULE);
	inspected_core = core;
	kernel_param_unlock(THIS_MODULE);
	debugfs_create_file("inspect", 0400, dir, NULL, &inspect_fops);
}

void st_inspect_file_exit(void)
{
	kernel_param_lock(THIS_MODULE);
	inspected_core = NULL;
	kernel_param_unlock(THIS_MODULE);
	st_sample_exit();
}
