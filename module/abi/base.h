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
#define ST_REASON_BYTES 160
#define ST_MAX_CPUS 64
#define ST_MAX_NODES 64
#define ST_STAMP_WORDS 4

#endif
