// SPDX-License-Identifier: GPL-2.0
/*
 * memory_blocks - see memory_blocks.h. States are written as an administrator
 * would; a write that waits for pages to move ends with a signal.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory_blocks.h"

#define MAX_BLOCKS 4096

/* The blocks, and the state that each was found in. */
struct block {
	int number;
	char state[32];
};
static struct block blocks[MAX_BLOCKS];
static size_t block_count;
static const char *node_dir;
static int churn_node;

bool read_text(const char *path, char text[TEXT_BYTES])
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd < 0)
		return false;
	n = read(fd, text, TEXT_BYTES - 1);
	error = errno;
	close(fd);
	errno = error;
	if (n < 0)
		return false;
	text[n] = 0;
	return true;
}

static void block_path(char *path, size_t bytes, int number, const char *file)
{
	snprintf(path, bytes, "%s/node%d/memory%d/%s", node_dir, churn_node, number, file);
}

static bool block_write(int number, const char *state, bool (*stopping)(void))
{
	const size_t bytes = strlen(state);
	char path[256];
	int fd;
	bool done;

	block_path(path, sizeof(path), number, "state");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	do
		done = write(fd, state, bytes) == (ssize_t)bytes;
	while (!done && errno == EINTR && (!stopping || !stopping()));
	close(fd);
	return done;
}

static bool block_is(int number, const char *state)
{
	char path[256], text[TEXT_BYTES];

	block_path(path, sizeof(path), number, "state");
	return read_text(path, text) && !strncmp(text, state, strlen(state));
}

/* The word to write that brings a block back to the zone it was found in. */
static void online_word(int number, char *word, size_t bytes)
{
	char path[256], zone[TEXT_BYTES];

	block_path(path, sizeof(path), number, "valid_zones");
	snprintf(word, bytes, "online");
	if (read_text(path, zone))
		snprintf(word, bytes, !strncmp(zone, "Movable", 7) ? "online_movable" :
			 "online_kernel");
}

const char *blocks_find(const char *below, int node)
{
	const struct dirent *entry;
	char path[256];
	DIR *dir;

	node_dir = below;
	churn_node = node;
	snprintf(path, sizeof(path), "%s/node%d", node_dir, churn_node);
	dir = opendir(path);
	if (!dir)
		return "no such node";
	while ((entry = readdir(dir)) && block_count < MAX_BLOCKS) {
		struct block *block = &blocks[block_count];

		if (sscanf(entry->d_name, "memory%d", &block->number) != 1 ||
		    !block_is(block->number, "online"))
			continue;
		online_word(block->number, block->state, sizeof(block->state));
		block_count++;
	}
	closedir(dir);
	if (!block_count)
		return "the node has no memory block that is online";
	return geteuid() ? "--churn needs root" : NULL;
}

/* Whether all of the node's memory is online and movable, and there is some. */
static bool all_movable(const char *below, int node)
{
	const struct dirent *entry;
	char path[256], word[32];
	bool some = false, all = true;
	int number;
	DIR *dir;

	node_dir = below;
	churn_node = node;
	snprintf(path, sizeof(path), "%s/node%d", below, node);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "memory%d", &number) != 1)
			continue;
		some = true;
		online_word(number, word, sizeof(word));
		all = all && block_is(number, "online") && !strcmp(word, "online_movable");
	}
	if (dir)
		closedir(dir);
	return some && all;
}

int blocks_spare_node(const char *below)
{
	const struct dirent *entry;
	char path[256], cpus[TEXT_BYTES];
	int node, found = -1;
	DIR *dir = opendir(below);

	while (dir && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "node%d", &node) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/node%d/cpulist", below, node);
		if (read_text(path, cpus) && (!*cpus || *cpus == '\n') &&
		    (found < 0 || node < found) && all_movable(below, node))
			found = node;
	}
	if (dir)
		closedir(dir);
	return found;
}

size_t blocks_count(void)
{
	return block_count;
}

bool block_take(size_t i, bool (*stopping)(void))
{
	return block_write(blocks[i].number, "offline", stopping);
}

bool blocks_restore(void)
{
	bool all = true;

	for (size_t i = 0; i < block_count; i++) {
		if (block_is(blocks[i].number, "offline"))
			block_write(blocks[i].number, blocks[i].state, NULL);
		all = block_is(blocks[i].number, "online") && all;
	}
	return all;
}
