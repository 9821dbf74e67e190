/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memory_blocks - takes the memory blocks of one node offline by their state
 * files in sysfs, and brings each back to the zone that it was found in. Not
 * for more than one thread at a time.
 */
#ifndef SLUBTORTURE_MEMORY_BLOCKS_H
#define SLUBTORTURE_MEMORY_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#define TEXT_BYTES 4096

/* The text of a file, cut at TEXT_BYTES - 1; false with errno if it cannot be had. */
bool read_text(const char *path, char text[TEXT_BYTES]);

/*
 * Why the memory of a node, whose directory is below/nodeN, cannot be cycled,
 * or NULL. Remembers its blocks that are online, and what they are like.
 */
const char *blocks_find(const char *below, int node);
/* A node without CPUs whose blocks are all online and movable, or -1. */
int blocks_spare_node(const char *below);
size_t blocks_count(void);
/* Takes block i offline; false if refused, or when stopping() ends the wait. */
bool block_take(size_t i, bool (*stopping)(void));
/* True if every block that was online is so again. */
bool blocks_restore(void);

#endif
