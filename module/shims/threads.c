// SPDX-License-Identifier: GPL-2.0
/*
 * threads - kernel threads bound to CPUs, started together and stopped in
 * bounded time. It knows no scenario: a job is a function and a CPU.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/topology.h>

#include "shims.h"

struct st_crew {
	atomic_t at_start;	/* threads that reached the start line */
	u32 count;
	bool go;
	bool called_off;	/* some thread could not be made */
};

static bool stop_flag;

bool st_stopping(void)
{
	return READ_ONCE(stop_flag);
}

void st_stop(void)
{
	WRITE_ONCE(stop_flag, true);
}

void st_thread_wait_for_stop(void)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

/* Spins, so that all leave within a few cycles of each other. */
static bool wait_for_start(struct st_crew *crew)
{
	atomic_inc(&crew->at_start);
	while (!smp_load_acquire(&crew->go)) {
		if (READ_ONCE(crew->called_off))
			return false;
		cpu_relax();
		cond_resched();
	}
	return true;
}

static int thread_main(void *arg)
{
	struct st_job *job = arg;

	if (wait_for_start(job->crew))
		job->work(job);
	complete(&job->done);
	st_thread_wait_for_stop();
	return 0;
}

static int thread_make(struct st_job *job, struct st_crew *crew)
{
	job->crew = crew;
	init_completion(&job->done);
	job->task = kthread_create_on_node(thread_main, job, cpu_to_node(job->cpu),
					   "slubtorture/%u", job->cpu);
	if (IS_ERR(job->task))
		return PTR_ERR(job->task);
	kthread_bind(job->task, job->cpu);
	wake_up_process(job->task);
	return 0;
}

int st_threads_run(struct st_job *jobs, u32 count)
{
	struct st_crew crew = { .at_start = ATOMIC_INIT(0), .count = count };
	u32 made, i;
	int err = 0;

	for (made = 0; made < count; made++) {
		err = thread_make(&jobs[made], &crew);
		if (err)
			break;
	}
	if (err) {
		WRITE_ONCE(crew.called_off, true);
	} else {
		while (atomic_read(&crew.at_start) < count)
			cond_resched();
		/* pairs with the acquire in wait_for_start() */
		smp_store_release(&crew.go, true);
	}
	for (i = 0; i < made; i++) {
		wait_for_completion(&jobs[i].done);
		kthread_stop(jobs[i].task);
	}
	return err;
}

int st_move_to(u32 cpu)
{
	return set_cpus_allowed_ptr(current, cpumask_of(cpu));
}
