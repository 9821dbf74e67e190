/* SPDX-License-Identifier: GPL-2.0 */
/*
 * real_slab - a cache of the running kernel with some objects, seen through
 * exported functions only. What it reads is judged in the suite.
 */
#ifndef SLUBTORTURE_KUNIT_REAL_SLAB_H
#define SLUBTORTURE_KUNIT_REAL_SLAB_H

#include <linux/slab.h>

#define STK_REAL_OBJECTS 64

struct stk_real_slab {
	struct kmem_cache *cache;
	void *object[STK_REAL_OBJECTS];
};

/* 0 or -errno; stk_real_put() is right after either */
int stk_real_get(struct stk_real_slab *real, const char *name, unsigned int bytes);
void stk_real_put(struct stk_real_slab *real);
/* first word of the object's slab that names the cache, -1: none */
int stk_back_pointer_word(const void *object, const struct kmem_cache *cache);
uint64_t stk_slab_word(const void *object, int word);

#endif
