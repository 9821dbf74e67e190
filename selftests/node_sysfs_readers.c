// SPDX-License-Identifier: GPL-2.0
/*
 * node_sysfs_readers - reads SLUB's per-node counters in sysfs from several
 * threads at once and checks that each value parses and that its parts
 * "N0=.. N1=.." add up to its total; with --churn, while a node's memory goes
 * and comes. Whether a total is right is not asked: it changes all the time.
 *
 * Output is KTAP; exit status as kselftest has it: 0 pass, 1 fail, 4 skip.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memory_blocks.h"

#define KSFT_PASS 0
#define KSFT_FAIL 1
#define KSFT_SKIP 4
#define MAX_THREADS 64
#define NODES_MOST 1024

static const char *const files[] = {"objects", "total_objects", "partial", "slabs", "cpu_slabs"};
#define FILES (sizeof(files) / sizeof(files[0]))

static const char *slab_dir = "/sys/kernel/slab";
static const char *node_dir = "/sys/devices/system/node";
static volatile sig_atomic_t stop_signal;
static atomic_bool time_is_up;
static atomic_ulong values[FILES], wrong[FILES], gone;
static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

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

/* "12" from *text on, which moves behind it */
static bool take_number(const char **text, unsigned long long *value)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	*value = strtoull(*text, &end, 10);
	*text = end;
	return errno == 0;
}

/* What is wrong with "5 N0=2 N1=3\n", or NULL. A part may be missing if it is 0. */
static const char *value_problem(const char *text)
{
	unsigned long long total, part, node, sum = 0, next_node = 0;

	if (!take_number(&text, &total))
		return "does not begin with a number";
	while (text[0] == ' ' && text[1] == 'N') {
		text += 2;
		if (!take_number(&text, &node) || *text++ != '=' || !take_number(&text, &part))
			return "has a part that is not N<node>=<number>";
		if (node < next_node || node >= NODES_MOST)
			return "names its nodes out of order";
		if (__builtin_add_overflow(sum, part, &sum))
			return "has parts that overflow";
		next_node = node + 1;
	}
	/* cpu_slabs of old kernels goes on with CPUs: " C0=1", and may end so */
	while (*text == ' ' && text[1] != 'N')
		text += 1 + strcspn(text + 1, " \n");
	if (strcmp(text, "\n") && *text)
		return "has something behind its parts";
	if (next_node && sum != total)
		return "has parts that do not add up to its total";
	return NULL;
}

static void judge(const char *cache, size_t file, const char *text)
{
	const char *problem = value_problem(text);

	atomic_fetch_add(&values[file], 1);
	if (!problem)
		return;
	if (atomic_fetch_add(&wrong[file], 1))
		return;
	pthread_mutex_lock(&report_lock);
	printf("# %s/%s %s: %.*s\n", cache, files[file], problem, (int)strcspn(text, "\n"), text);
	fflush(stdout);
	pthread_mutex_unlock(&report_lock);
}

static void read_cache(const char *cache)
{
	char path[512], text[TEXT_BYTES];

	for (size_t i = 0; i < FILES && !stopping(); i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", slab_dir, cache, files[i]);
		if (read_text(path, text))
			judge(cache, i, text);
		else
			atomic_fetch_add(&gone, 1); /* caches come and go */
	}
}

static void *reader(void *unused)
{
	while (!stopping()) {
		DIR *dir = opendir(slab_dir);
		const struct dirent *entry;

		while (dir && !stopping() && (entry = readdir(dir)))
			if (entry->d_name[0] != '.')
				read_cache(entry->d_name);
		if (dir)
			closedir(dir);
	}
	return unused;
}

/* --churn: a node's memory goes and comes */
static int churn_node = -1;
static atomic_ulong churns, refused;

static void *churner(void *unused)
{
	while (!stopping()) {
		for (size_t i = 0; i < blocks_count() && !stopping(); i++)
			atomic_fetch_add(block_take(i, stopping) ? &churns : &refused, 1);
		blocks_restore();
	}
	return unused;
}

static int self_test(void)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"0\n", true}, {"5 N0=2 N1=3\n", true}, {"7 N1=7\n", true},
		{"12 N0=12", true}, {"5 N0=2 N1=2\n", false}, {"5 N0=2 N1=4\n", false},
		{"0 N0=1\n", false}, {"", false}, {"\n", false}, {"x\n", false}, {"-1\n", false},
		{"5 N0=\n", false}, {"5 N=5\n", false}, {"5 N0 5\n", false},
		{"5 N1=2 N0=3\n", false}, {"5 N0=5 N0=0\n", false}, {"5 N0=5x\n", false},
		{"99999999999999999999999 N0=1\n", false},
		{"0 N0=18446744073709551615 N1=1\n", false},
		{"3 N0=3 C0=1 C1=2\n", true}, {"3 N0=2 C0=1\n", false},
	};
	const size_t count = sizeof(cases) / sizeof(cases[0]);
	int failed = 0;

	printf("KTAP version 1\n1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		const char *problem = value_problem(cases[i].text);
		const bool right = !problem == cases[i].good;

		failed += !right;
		printf("%s %zu \"%.*s\" %s\n", right ? "ok" : "not ok", i + 1,
		       (int)strcspn(cases[i].text, "\n"), cases[i].text,
		       problem ? problem : "is right");
	}
	printf("# %zu passed, %d failed, 0 skipped\n", count - failed, failed);
	return failed ? KSFT_FAIL : KSFT_PASS;
}

static int skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return KSFT_SKIP;
}

/* Why the counters cannot be read here, or NULL. */
static const char *slab_problem(void)
{
	const struct dirent *entry;
	char path[512], text[TEXT_BYTES];
	const char *problem = "there is no cache in the slab directory";
	DIR *dir = opendir(slab_dir);

	if (!dir)
		return "the slab directory is missing: no sysfs, or no SLUB_DEBUG";
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/total_objects", slab_dir, entry->d_name);
		problem = read_text(path, text) ? NULL : "the counters cannot be read: be root";
		if (!problem)
			break;
	}
	closedir(dir);
	return problem;
}

static void wait_seconds(unsigned int seconds)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	do {
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!stop_signal && (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec &&
							      now.tv_nsec < end.tv_nsec)));
	atomic_store(&time_is_up, true);
}

static int report(bool restored)
{
	int failed = 0;
	size_t i;

	for (i = 0; i < FILES; i++) {
		const unsigned long n = atomic_load(&values[i]), bad = atomic_load(&wrong[i]);

		failed += bad != 0;
		if (!n)
			printf("ok %zu %s # SKIP this kernel has no such file\n", i + 1, files[i]);
		else
			printf("%s %zu %s\n# %lu values, %lu wrong\n", bad ? "not ok" : "ok", i + 1,
			       files[i], n, bad);
	}
	if (churn_node >= 0) {
		failed += !restored;
		printf("%s %zu memory_restored\n# %lu blocks went, %lu refused\n",
		       restored ? "ok" : "not ok", i + 1, atomic_load(&churns),
		       atomic_load(&refused));
	}
	printf("# %lu files were gone before they were read\n", atomic_load(&gone));
	return failed ? KSFT_FAIL : KSFT_PASS;
}

/* A block whose pages do not move keeps its writer in the kernel until a
 * signal comes, and one that came just before the write is lost. */
static void end_thread(pthread_t thread)
{
	struct timespec until;

	do {
		pthread_kill(thread, SIGALRM);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
	} while (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT);
}

static int run(unsigned int seconds, unsigned int threads)
{
	pthread_t thread[MAX_THREADS + 1];
	unsigned int started = 0;
	bool restored = true;

	while (started < threads && !pthread_create(&thread[started], NULL, reader, NULL))
		started++;
	if (churn_node >= 0 && !pthread_create(&thread[started], NULL, churner, NULL))
		started++;
	wait_seconds(seconds);
	while (started)
		end_thread(thread[--started]);
	if (churn_node >= 0)
		restored = blocks_restore();
	return report(restored);
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

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{"seconds", 1, NULL, 's'}, {"threads", 1, NULL, 't'}, {"churn", 1, NULL, 'c'},
		{"slab-dir", 1, NULL, 'd'}, {"node-dir", 1, NULL, 'n'},
		{"self-test", 0, NULL, 'S'}, {},
	};
	unsigned int seconds = 2, threads = 4;
	struct sigaction action = {.sa_handler = on_signal};
	const char *problem;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			seconds = number_option(optarg, 86400);
		else if (option == 't')
			threads = number_option(optarg, MAX_THREADS);
		else if (option == 'c')
			churn_node = number_option(optarg, NODES_MOST - 1);
		else if (option == 'd')
			slab_dir = optarg;
		else if (option == 'n')
			node_dir = optarg;
		else if (option == 'S')
			return self_test();
		else
			return 2;
	}
	printf("KTAP version 1\n");
	/* no SA_RESTART: a write that waits for a block to go must end */
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_nudge}, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	problem = slab_problem();
	if (!problem && churn_node >= 0)
		problem = blocks_find(node_dir, churn_node);
	if (problem)
		return skip_all(problem);
	printf("1..%zu\n", FILES + (churn_node >= 0));
	fflush(stdout);
	return run(seconds, threads ? threads : 1);
}
