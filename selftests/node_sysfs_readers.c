// SPDX-License-Identifier: GPL-2.0
/*
 * node_sysfs_readers - reads SLUB's per-node counters in sysfs from several
 * threads at once and checks that each value parses and that its parts
 * "N0=.. N1=.." add up to its total; with --churn, while a node's memory goes
 * and comes. Whether a total is right is not asked: it changes all the time.
 *
 * Memory that was found online is online in the end, however this ends: with
 * --churn a guardian waits for the process that works and puts back what that
 * one left, and the one that works ends when the guardian is gone.
 *
 * Output is KTAP; exit status as kselftest has it: 0 pass, 1 fail, 4 skip.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memory_blocks.h"
#include "readers.h"
#include "slab_values.h"

#define KSFT_PASS 0
#define KSFT_FAIL 1
#define KSFT_SKIP 4
#define MAX_THREADS 64
#define NODE_MOST 1023
#define BLOCK_PATIENCE_S 10

struct options {
	const char *slab_dir, *node_dir;
	unsigned int seconds, threads;
	int node;		/* whose memory goes and comes; -1: nobody's */
	bool any_node;		/* a node that nobody will miss is chosen */
};

static volatile sig_atomic_t stop_signal;
static atomic_bool time_is_up;
static atomic_long block_begun_s;

static bool stopping(void)
{
	return stop_signal || atomic_load(&time_is_up);
}

static void on_signal(int number)
{
	stop_signal = number;
}

/* Only ends a system call that waits. */
static void on_nudge(int number)
{
	(void)number;
}

static long now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/*
 * Every signal by which users end or stop a program: a stopped one would leave
 * memory offline for as long. No SA_RESTART: a write that waits must end. Output
 * that nobody reads any more must not end it, either.
 */
static void listen_to_signals(void)
{
	static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU,
				   SIGUSR1, SIGUSR2, SIGXCPU};
	const struct sigaction end = {.sa_handler = on_signal};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &end, NULL);
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_nudge}, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* --churn: a node's memory goes and comes */
static atomic_ulong churns, refused;

static bool out_of_patience(void)
{
	return stopping() || now_s() - atomic_load(&block_begun_s) > BLOCK_PATIENCE_S;
}

static void *churner(void *unused)
{
	while (!stopping()) {
		for (size_t i = 0; i < blocks_count() && !stopping(); i++) {
			atomic_store(&block_begun_s, now_s());
			atomic_fetch_add(block_take(i, out_of_patience) ? &churns : &refused, 1);
		}
		blocks_restore();
	}
	return unused;
}

/* A block whose pages do not move keeps its writer in the kernel until a signal
 * comes: `nudged`, if not 0, gets one a second. */
static void wait_seconds(unsigned int seconds, pthread_t *nudged)
{
	const long end = now_s() + seconds;
	long nudge = now_s();

	do {
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
		if (nudged && nudge != now_s()) {
			nudge = now_s();
			pthread_kill(*nudged, SIGALRM);
		}
	} while (!stop_signal && now_s() < end);
	atomic_store(&time_is_up, true);
}

/* A signal that came just before the write is lost, so more than one is sent. */
static void end_thread(pthread_t thread)
{
	struct timespec until;

	do {
		pthread_kill(thread, SIGALRM);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
	} while (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT);
}

static int report_churn(unsigned int number, bool restored)
{
	const unsigned long went = atomic_load(&churns), stayed = atomic_load(&refused);

	printf("%s %u memory_restored\n", restored ? "ok" : "not ok", number);
	printf("ok %u memory_went%s\n", number + 1, went ? "" : " # SKIP no block could go");
	printf("# %lu blocks went, %lu refused\n", went, stayed);
	return !restored;
}

static int work(const struct options *options)
{
	pthread_t thread[MAX_THREADS + 1];
	unsigned int started = 0;
	bool restored = true, churning = false;
	int failed;

	while (started < options->threads &&
	       !pthread_create(&thread[started], NULL, readers_loop, (void *)stopping))
		started++;
	if (options->node >= 0)
		churning = !pthread_create(&thread[started], NULL, churner, NULL);
	started += churning;
	wait_seconds(options->seconds, churning ? &thread[started - 1] : NULL);
	while (started)
		end_thread(thread[--started]);
	if (options->node >= 0)
		restored = blocks_restore();
	failed = readers_report();
	if (options->node >= 0)
		failed += report_churn(readers_count() + 1, restored);
	return failed ? KSFT_FAIL : KSFT_PASS;
}

/*
 * Works in a child. The guardian hands on what ends it and puts memory back if
 * the child could not, as after SIGKILL.
 */
static int guarded_work(const struct options *options)
{
	const pid_t guardian = getpid(), child = fork();
	int status = 0;
	bool told = false;

	if (child < 0)
		return work(options);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != guardian)
			stop_signal = SIGTERM;
		exit(work(options));
	}
	while (waitpid(child, &status, WNOHANG) != child) {
		if (stop_signal && !told)
			told = !kill(child, stop_signal);
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("# the process that worked was ended by signal %d; memory %s\n", WTERMSIG(status),
	       blocks_restore() ? "was put back" : "COULD NOT BE PUT BACK");
	return KSFT_FAIL;
}

static int skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return KSFT_SKIP;
}

static unsigned int number_option(const char *text, unsigned int most)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || value > most) {
		fprintf(stderr, "node_sysfs_readers: `%s` is not a number up to %u\n", text, most);
		exit(2);
	}
	return value;
}

/* False: there is an option that is not known. */
static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"seconds", 1, NULL, 's'}, {"threads", 1, NULL, 't'}, {"churn", 1, NULL, 'c'},
		{"slab-dir", 1, NULL, 'd'}, {"node-dir", 1, NULL, 'n'},
		{"self-test", 0, NULL, 'S'}, {},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			options->seconds = number_option(optarg, 86400);
		else if (option == 't')
			options->threads = number_option(optarg, MAX_THREADS);
		else if (option == 'c' && !strcmp(optarg, "auto"))
			options->any_node = true;
		else if (option == 'c')
			options->node = number_option(optarg, NODE_MOST);
		else if (option == 'd')
			options->slab_dir = optarg;
		else if (option == 'n')
			options->node_dir = optarg;
		else if (option == 'S')
			exit(value_self_test() ? KSFT_FAIL : KSFT_PASS);
		else
			return false;
	}
	options->threads += !options->threads;
	return true;
}

int main(int argc, char **argv)
{
	struct options options = {"/sys/kernel/slab", "/sys/devices/system/node", 2, 4, -1, false};
	const char *problem;

	if (!parse(argc, argv, &options))
		return 2;
	printf("KTAP version 1\n");
	listen_to_signals();
	problem = readers_find(options.slab_dir);
	if (!problem && options.any_node) {
		options.node = blocks_spare_node(options.node_dir);
		if (options.node < 0)
			problem = "no node without CPUs has movable memory alone, all of it online";
	}
	if (!problem && options.node >= 0)
		problem = blocks_find(options.node_dir, options.node);
	if (problem)
		return skip_all(problem);
	printf("1..%u\n", readers_count() + (options.node >= 0 ? 2 : 0));
	if (options.node >= 0)
		printf("# memory of node %d goes and comes\n", options.node);
	fflush(stdout);
	return options.node >= 0 ? guarded_work(&options) : work(&options);
}
