// SPDX-License-Identifier: GPL-2.0
/*
 * readers - see readers.h. Caches come and go while they are read: a file that
 * is gone is counted, and is no failure.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "memory_blocks.h"
#include "readers.h"
#include "slab_values.h"

static const char *const files[] = {"objects", "total_objects", "partial", "slabs", "cpu_slabs"};
#define FILES (sizeof(files) / sizeof(files[0]))

static const char *slab_dir;
static atomic_ulong values[FILES], wrong[FILES], gone;
static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

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

static void read_cache(const char *cache, bool (*stopping)(void))
{
	char path[512], text[TEXT_BYTES];

	for (size_t i = 0; i < FILES && !stopping(); i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", slab_dir, cache, files[i]);
		if (read_text(path, text))
			judge(cache, i, text);
		else
			atomic_fetch_add(&gone, 1);
	}
}

void *readers_loop(void *arg)
{
	bool (*stopping)(void) = (bool (*)(void))arg;

	while (!stopping()) {
		DIR *dir = opendir(slab_dir);
		const struct dirent *entry;

		while (dir && !stopping() && (entry = readdir(dir)))
			if (entry->d_name[0] != '.')
				read_cache(entry->d_name, stopping);
		if (dir)
			closedir(dir);
	}
	return NULL;
}

const char *readers_find(const char *below)
{
	const struct dirent *entry;
	char path[512], text[TEXT_BYTES];
	const char *problem = "there is no cache in the slab directory";
	DIR *dir = opendir(below);

	slab_dir = below;
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

unsigned int readers_count(void)
{
	return FILES;
}

int readers_report(void)
{
	int failed = 0;

	for (size_t i = 0; i < FILES; i++) {
		const unsigned long n = atomic_load(&values[i]), bad = atomic_load(&wrong[i]);

		failed += bad != 0;
		if (!n)
			printf("ok %zu %s # SKIP this kernel has no such file\n", i + 1, files[i]);
		else
			printf("%s %zu %s\n# %lu values, %lu wrong\n", bad ? "not ok" : "ok", i + 1,
			       files[i], n, bad);
	}
	printf("# %lu files were gone before they were read\n", atomic_load(&gone));
	return failed;
}
