/* SPDX-License-Identifier: GPL-2.0 */
/*
 * widen.h - how the threads of a race tell widen.c who they are and what a
 * round is to be like. Core gets the other half, struct st_widen_ops.
 */
#ifndef SLUBTORTURE_WIDEN_H
#define SLUBTORTURE_WIDEN_H

#include "shims.h"

enum st_racer {
	ST_RACER_WRITER,	/* allocates, so that a vector is published */
	ST_RACER_FREER,		/* frees from the same slab */
	ST_RACERS,
};

/* The calling thread is held up where its plan says, until it leaves. */
void st_widen_enter(enum st_racer racer);
void st_widen_leave(enum st_racer racer);
/* Another plan for the next round; no racer is in one. */
void st_widen_plan(u64 random);
/* An interrupt on the CPU, if interrupts are among what widens. */
void st_widen_interrupt(u32 cpu, u64 random);
/* Between two reads of the reader; look counts its looks. */
void st_widen_pause(u64 look);

#endif
