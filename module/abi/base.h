/* SPDX-License-Identifier: GPL-2.0 */
/*
 * base - integer types of fixed width, and sizes that several parts share.
 * Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_BASE_H
#define SLUBTORTURE_ABI_BASE_H

#if defined(__KERNEL__) && !defined(__cplusplus)
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

#define ST_NAME_BYTES 32
/*
 * What runs where nobody says what; scripts/options.py has the same. The others
 * take long, take a CPU away, change settings until the next boot, or bring a
 * kernel down that has the bug they look for: they are asked for by name.
 */
#define ST_DEFAULT_SCENARIOS \
	"exts-*,handoff-*,node-offline-online,node-partial,charge-*,inspect"

#define ST_REASON_BYTES 160
#define ST_MAX_CPUS 64
#define ST_MAX_NODES 64
#define ST_STAMP_WORDS 4

#endif
