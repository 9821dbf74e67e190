// SPDX-License-Identifier: GPL-2.0
/*
 * emit - keeps the KTAP of one run and hands it to whoever reads debugfs. A
 * reader that is at the end sleeps until there is more; a run waits, bounded,
 * for its readers before each scenario, so that a panic in that scenario
 * takes no earlier verdict with it. What the text says is core's affair.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#include "shims.h"

/* A whole run of every scenario with ten breaches each stays below 100 KiB. */
#define STREAM_BYTES (512 * 1024)
#define SETTLE_MS 5000

static struct {
	struct mutex lock;
	wait_queue_head_t more;		/* readers: text or the end has come */
	wait_queue_head_t drained;	/* run: a reader has gone to sleep */
	char *data;
	size_t bytes;
	bool finished;
	bool cut;			/* text was left out: the buffer is full */
	/* written under the lock, read without by conditions of waits: these
	 * must not sleep */
	int open;
	int asleep;		/* readers that have it all, up to `round` */
	unsigned int round;	/* grows with the text */
} stream;

int st_emit_init(void)
{
	mutex_init(&stream.lock);
	init_waitqueue_head(&stream.more);
	init_waitqueue_head(&stream.drained);
	stream.data = vmalloc(STREAM_BYTES);
	return stream.data ? 0 : -ENOMEM;
}

void st_emit_exit(void)
{
	vfree(stream.data);
	stream.data = NULL;
}

void st_emit(const char *text, size_t bytes)
{
	mutex_lock(&stream.lock);
	/* whoever slept has something to read now, even before it wakes */
	WRITE_ONCE(stream.asleep, 0);
	stream.round++;
	if (stream.bytes + bytes + 1 <= STREAM_BYTES) {
		memcpy(stream.data + stream.bytes, text, bytes);
		stream.data[stream.bytes + bytes] = '\n';
		WRITE_ONCE(stream.bytes, stream.bytes + bytes + 1);
	} else if (!stream.cut) {
		stream.cut = true;
		pr_warn("slubtorture: the report is longer than %d bytes and is cut\n",
			STREAM_BYTES);
	}
	mutex_unlock(&stream.lock);
	wake_up_interruptible(&stream.more);
}

void st_emit_finish(void)
{
	mutex_lock(&stream.lock);
	WRITE_ONCE(stream.finished, true);
	mutex_unlock(&stream.lock);
	wake_up_interruptible(&stream.more);
}

static bool settled(void)
{
	return READ_ONCE(stream.asleep) >= READ_ONCE(stream.open) || st_stopping();
}

void st_emit_settle(void)
{
	wait_event_interruptible_timeout(stream.drained, settled(),
					 msecs_to_jiffies(SETTLE_MS));
}

static int ktap_open(struct inode *inode, struct file *file)
{
	mutex_lock(&stream.lock);
	WRITE_ONCE(stream.open, stream.open + 1);
	mutex_unlock(&stream.lock);
	return 0;
}

static int ktap_release(struct inode *inode, struct file *file)
{
	mutex_lock(&stream.lock);
	WRITE_ONCE(stream.open, stream.open - 1);
	mutex_unlock(&stream.lock);
	wake_up_interruptible(&stream.drained);
	return 0;
}

static int sleep_for_more(loff_t at)
{
	unsigned int round;
	int err;

	mutex_lock(&stream.lock);
	if (stream.bytes > at || stream.finished) {
		mutex_unlock(&stream.lock);
		return 0;
	}
	round = stream.round;
	WRITE_ONCE(stream.asleep, stream.asleep + 1);
	mutex_unlock(&stream.lock);
	wake_up_interruptible(&stream.drained);
	err = wait_event_interruptible(stream.more,
				       READ_ONCE(stream.bytes) > at ||
				       READ_ONCE(stream.finished));
	mutex_lock(&stream.lock);
	if (round == stream.round)
		WRITE_ONCE(stream.asleep, stream.asleep - 1);
	mutex_unlock(&stream.lock);
	return err;
}

static ssize_t ktap_read(struct file *file, char __user *to, size_t count, loff_t *at)
{
	size_t left;
	int err;

	while (READ_ONCE(stream.bytes) <= *at) {
		if (READ_ONCE(stream.finished) && READ_ONCE(stream.bytes) <= *at)
			return 0;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = sleep_for_more(*at);
		if (err)
			return err;
	}
	/* text already written never changes, so no lock while copying */
	left = READ_ONCE(stream.bytes) - *at;
	count = min(count, left);
	if (copy_to_user(to, stream.data + *at, count))
		return -EFAULT;
	*at += count;
	return count;
}

const struct file_operations st_emit_fops = {
	.owner = THIS_MODULE,
	.open = ktap_open,
	.release = ktap_release,
	.read = ktap_read,
	.llseek = noop_llseek,
};
