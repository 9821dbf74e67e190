/* SPDX-License-Identifier: GPL-2.0 */
/*
 * readers - threads that read SLUB's per-node counters of every cache over and
 * over, and what they found.
 */
#ifndef SLUBTORTURE_READERS_H
#define SLUBTORTURE_READERS_H

#include <stdbool.h>

/* Why the counters below dir cannot be read here, or NULL; dir is kept. */
const char *readers_find(const char *dir);
/* A thread's function; stopping: bool (*)(void), asked all the time. */
void *readers_loop(void *stopping);
/* A KTAP line for each counter; the number of the first is 1. How many failed. */
int readers_report(void);
/* How many counters there are. */
unsigned int readers_count(void);

#endif
