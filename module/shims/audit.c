// SPDX-License-Identifier: GPL-2.0
/*
 * audit - the user's audit: the files `audit`, `audit_records` and
 * `audit_control` in debugfs. While it was never on no probe is registered and
 * no table exists. Listening is audit_listen.c's affair; drills with a known
 * outcome and the benchmark are in audit_drill.c.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "audit.h"

static DEFINE_MUTEX(lock);		/* of all below */
static struct st_watch user;

static void status_of(struct st_audit_status *status)
{
	status->settings = user.settings;
	status->windows = user.listener.windows;
	status->watched_ns = user.listener.watched_ns;
	if (user.settings.on && !user.task) {
		status->windows++;
		status->watched_ns += ktime_get_ns() - user.listener.since_ns;
	}
}

static int switch_on(void)
{
	int err = 0;

	if (!user.listener.tables)
		err = st_listener_make(&user.listener, user.settings.sample);
	if (!err)
		err = st_watch_start(&user);
	if (!err)
		return 0;
	user.settings.on = 0;
	pr_err("slubtorture: audit: %s (%d)\n",
	       err == -ENOSYS ? "this kernel has no tracepoints, CONFIG_TRACEPOINTS" :
	       "tracepoints of the allocator cannot be listened to", err);
	return err;
}

static void empty_tables(void)
{
	if (!user.listener.tables)
		return;
	st_audit_clear(user.listener.tables);
	user.listener.windows = user.listener.watched_ns = 0;
}

/* What was counted at other settings would mislead: a change empties the tables. */
static int apply(const struct st_audit_settings *wanted)
{
	const struct st_audit_settings was = user.settings;
	const bool changed = wanted->reset || wanted->sample != was.sample ||
			     wanted->slice_ms != was.slice_ms || wanted->every_ms != was.every_ms;

	if (was.on == wanted->on && !changed)
		return 0;
	if (was.on)
		st_watch_stop(&user);
	user.settings = *wanted;
	user.settings.reset = 0;
	if (changed)
		empty_tables();
	return wanted->on ? switch_on() : 0;
}

static int command(const char *text, size_t bytes)
{
	char reason[ST_REASON_BYTES] = "";
	struct st_audit_settings wanted;
	int err;

	mutex_lock(&lock);
	wanted = user.settings;
	err = st_audit_command(text, bytes, &wanted, reason);
	if (err)
		pr_err("slubtorture: audit: %s\n", reason);
	else
		err = apply(&wanted);
	mutex_unlock(&lock);
	return err;
}

static ssize_t control_write(struct file *file, const char __user *from, size_t bytes,
			     loff_t *at)
{
	char text[128];
	int err;

	if (bytes >= sizeof(text)) {
		pr_err("slubtorture: audit: %zu bytes are too many words\n", bytes);
		return -EINVAL;
	}
	if (copy_from_user(text, from, bytes))
		return -EFAULT;
	err = command(text, bytes);
	return err ? err : bytes;
}

static int control_show(struct seq_file *seq, void *unused)
{
	mutex_lock(&lock);
	seq_printf(seq, "%s sample %u slice %u %u\n", user.settings.on ? "on" : "off",
		   user.settings.sample, user.settings.slice_ms, user.settings.every_ms);
	mutex_unlock(&lock);
	return 0;
}

static int control_open(struct inode *inode, struct file *file)
{
	return single_open(file, control_show, NULL);
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.open = control_open,
	.read = seq_read,
	.write = control_write,
	.llseek = seq_lseek,
	.release = single_release,
};

void st_audit_symbol_text(u64 site, char *text, size_t bytes)
{
	snprintf(text, bytes, "%pS", (void *)(unsigned long)site);
}

static void line_to_seq(void *arg, const char *text, size_t bytes)
{
	seq_write(arg, text, bytes);
	seq_putc(arg, '\n');
}

static int show(struct seq_file *seq, u32 pairs,
		typeof(st_audit_show) *print)
{
	struct st_audit_status status;
	struct st_audit_pair *room;

	mutex_lock(&lock);
	status_of(&status);
	room = kvcalloc(pairs, sizeof(*room), GFP_KERNEL);
	if (user.listener.tables && room)
		print(user.listener.tables, &status, room, st_audit_symbol_text, line_to_seq, seq);
	else if (room)
		seq_puts(seq, "audit was never on; write `on` to audit_control\n");
	mutex_unlock(&lock);
	kvfree(room);
	return room ? 0 : -ENOMEM;
}

static int audit_show(struct seq_file *seq, void *unused)
{
	return show(seq, ST_AUDIT_SHOWN, st_audit_show);
}
DEFINE_SHOW_ATTRIBUTE(audit);

static int records_show(struct seq_file *seq, void *unused)
{
	return show(seq, ST_AUDIT_RECORDED, st_audit_records);
}
DEFINE_SHOW_ATTRIBUTE(records);

int st_audit_init(struct dentry *dir, const char *words)
{
	st_audit_defaults(&user.settings);
	debugfs_create_file("audit", 0400, dir, NULL, &audit_fops);
	debugfs_create_file("audit_records", 0400, dir, NULL, &records_fops);
	debugfs_create_file("audit_control", 0600, dir, NULL, &control_fops);
	return *words ? command(words, strlen(words)) : 0;
}

/* The files are gone, so that nobody can switch it on again. */
void st_audit_exit(void)
{
	if (user.settings.on)
		st_watch_stop(&user);
	user.settings.on = 0;
	st_listener_free(&user.listener);
}
