// SPDX-License-Identifier: GPL-2.0
/*
 * patience - a bound on how long a block of memory is waited for. What is done
 * to the block is for hotplug.
 */
#include <linux/mm.h>
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

static struct {
	unsigned long pfn, pages;
	char kept[ST_REASON_BYTES];	/* by what, when it last did not go */
} waited;

/*
 * What keeps memory from going is somebody's page; nothing else that the kernel
 * says of it tells whose. Pages of free blocks have no references but in flight.
 */
static void note_kept(void)
{
	unsigned long pfn, flags = 0, first = 0;
	u32 used = 0, references = 0;

	for (pfn = waited.pfn; pfn < waited.pfn + waited.pages; pfn++) {
		struct page *page = pfn_to_page(pfn);

		if (!page_count(page) || PageBuddy(page) || used++)
			continue;
		first = pfn;
		references = page_count(page);
		flags = *(const unsigned long *)page;	/* its first word, in every version */
	}
	if (!used)
		strscpy(waited.kept, "no page of it was in use", sizeof(waited.kept));
	else
		snprintf(waited.kept, sizeof(waited.kept),
			 "in use were %u pages, the first pfn %lx with %u references, flags %pGp",
			 used, first, references, &flags);
}

void st_patience_kept(char *text)
{
	strscpy(text, waited.kept[0] ? waited.kept : "what kept it was not looked at",
		ST_REASON_BYTES);
}

static void lose_patience(struct work_struct *work)
{
	mutex_lock(&patient_lock);
	if (patient) {
		if (waited.pages)
			note_kept();	/* before the kernel has given up, and it is let go */
		send_sig(SIGINT, patient, 1);
	}
	mutex_unlock(&patient_lock);
}
static DECLARE_DELAYED_WORK(patience, lose_patience);

/* A user's task (rmmod) has its user, who can interrupt it. */
static bool is_ours(void)
{
	return current->flags & PF_KTHREAD;
}

static void set_patient(struct task_struct *task)
{
	mutex_lock(&patient_lock);
	patient = task;
	mutex_unlock(&patient_lock);
}

void st_patience_begin(unsigned long pfn, unsigned long pages)
{
	waited.pfn = pfn;
	waited.pages = pages;
	waited.kept[0] = '\0';
	if (!is_ours())
		return;
	set_patient(current);
	allow_signal(SIGINT);
	schedule_delayed_work(&patience, msecs_to_jiffies(PATIENCE_MS));
}

void st_patience_end(bool failed)
{
	if (is_ours()) {
		set_patient(NULL);
		cancel_delayed_work_sync(&patience);
		flush_signals(current);
	}
	if (failed && waited.pages && !waited.kept[0])
		note_kept();
}
