/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_values - what a counter of SLUB's in sysfs may say: "5 N0=2 N1=3\n". Pure.
 */
#ifndef SLUBTORTURE_SLAB_VALUES_H
#define SLUBTORTURE_SLAB_VALUES_H

/* What is wrong with the text, or NULL. A part may be missing if it is 0. */
const char *value_problem(const char *text);

/* Tries value_problem() on texts that are right and wrong; KTAP, and how many failed. */
int value_self_test(void);

#endif
