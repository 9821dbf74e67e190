// SPDX-License-Identifier: GPL-2.0
/*
 * patience - a bound on how long a block of memory is waited for. What is done
 * to the block is for hotplug.
 */
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "shims.h"

#define PATIENCE_MS 15000

/*
 * offline_pages() tries for as long as pages come and go and gives up only for
 * a signal. The run's thread sends itself one in the end, so that a block that
 * never becomes free is refused (-EINTR) like one that is busy.
 */
static struct task_struct *patient;
static DEFINE_MUTEX(patient_lock);

static void lose_patience(struct work_struct *work)
{
	mutex_lock(&patient_lock);
	if (patient) {
		st_block_note_kept();	/* before the kernel has given up, and it is let go */
		send_sig(SIGINT, patient, 1);
	}
	mutex_unlock(&patient_lock);
}
static DECLARE_DELAYED_WORK(patience, lose_patience);

void st_patience(bool begin)
{
	/* a user's task (rmmod) has its user, who can interrupt it */
	if (!(current->flags & PF_KTHREAD))
		return;
	mutex_lock(&patient_lock);
	patient = begin ? current : NULL;
	mutex_unlock(&patient_lock);
	if (begin) {
		allow_signal(SIGINT);
		schedule_delayed_work(&patience, msecs_to_jiffies(PATIENCE_MS));
	} else {
		cancel_delayed_work_sync(&patience);
		flush_signals(current);
	}
}
