/* SPDX-License-Identifier: GPL-2.0 */
/*
 * window.h - what window.c (who is held, and for how long) and window_reader.c
 * (who reads) tell each other.
 */
#ifndef SLUBTORTURE_WINDOW_H
#define SLUBTORTURE_WINDOW_H

#include <linux/fs.h>
#include <linux/ptrace.h>

#include "shims.h"

/* What the memory of the node is doing. */
enum st_window_phase {
	ST_WINDOW_QUIET,	/* it is there, or it is gone */
	ST_WINDOW_GOING,	/* from the end of SLUB's MEM_GOING_OFFLINE on */
	ST_WINDOW_LAST_MOMENT,	/* the pages are gone, SLUB's callback comes next */
};

/* Whether the CPU that was stopped here holds the address in a register. */
static inline bool st_in_registers(const struct pt_regs *regs, const void *address)
{
	const unsigned long *word = (const unsigned long *)regs;
	u32 i;

	for (i = 0; i < sizeof(*regs) / sizeof(*word); i++)
		if (word[i] == (unsigned long)address)
			return true;
	return false;
}

/* A file of a cache in sysfs, or NULL. */
struct file *st_window_open(const struct st_layout *layout, u64 cache, const char *name, int flags);

enum st_window_phase st_window_phase(void);
u64 st_window_departures(void);

/* window_reader.c: 0, or -errno with the reason */
int st_window_reader_start(const struct st_window_spec *spec, char *reason);
void st_window_reader_stop(void);
/* Between the two, true and false, it is in no function that may be probed. */
void st_window_reader_rest(bool rest);
u64 st_window_reads(void);

/* The control: what a cache has in its array of nodes, and who follows it. */
extern void *st_window_twin;
u64 st_window_twin_use(const u64 *structure);

#endif
