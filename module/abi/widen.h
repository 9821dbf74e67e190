/* SPDX-License-Identifier: GPL-2.0 */
/*
 * widen - windows of a race made wider from outside: what was held up, how
 * often and for how long. Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_WIDEN_H
#define SLUBTORTURE_ABI_WIDEN_H

#include "base.h"

#define ST_WIDEN_ROWS 16

/* One means of widening: a kernel function with probes in it, or another. */
struct st_widen_row {
	char name[64];
	char why_not[64];		/* "": it was used */
	uint64_t places;		/* instructions that had a probe */
	uint64_t hits;			/* by whomever */
	uint64_t held;			/* times that a racing thread was held there */
	uint64_t least_us, most_us, sum_us;	/* for so long */
};

/* Called from one thread, and while no racing thread runs. */
struct st_widen_ops {
	void (*begin)(uint64_t seed);
	void (*move)(void);		/* other instructions of the same functions */
	uint32_t (*rows)(struct st_widen_row *rows, uint32_t max);
	void (*end)(void);
};

#endif
