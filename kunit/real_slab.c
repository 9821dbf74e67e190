// SPDX-License-Identifier: GPL-2.0
/*
 * real_slab - see real_slab.h. struct slab is private to mm/ and lies over
 * struct page; so the back pointer is looked for among the words of the page,
 * not at an offset that would have to be copied from a header.
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "real_slab.h"

/* A cache with a constructor is never merged with another one. */
static void stk_construct(void *object)
{
}

int stk_real_get(struct stk_real_slab *real, const char *name, unsigned int bytes)
{
	unsigned int i;

	*real = (struct stk_real_slab){};
	real->cache = kmem_cache_create(name, bytes, 0, 0, stk_construct);
	if (!real->cache)
		return -ENOMEM;
	for (i = 0; i < STK_REAL_OBJECTS; i++) {
		real->object[i] = kmem_cache_alloc(real->cache, GFP_KERNEL);
		if (!real->object[i])
			return -ENOMEM;
	}
	return 0;
}

void stk_real_put(struct stk_real_slab *real)
{
	unsigned int i;

	if (!real->cache)
		return;
	for (i = 0; i < STK_REAL_OBJECTS; i++)
		if (real->object[i])
			kmem_cache_free(real->cache, real->object[i]);
	kmem_cache_destroy(real->cache);
	real->cache = NULL;
}

uint64_t stk_slab_word(const void *object, int word)
{
	const unsigned long *words = (const unsigned long *)virt_to_head_page(object);

	return READ_ONCE(words[word]);
}

int stk_back_pointer_word(const void *object, const struct kmem_cache *cache)
{
	int word;

	for (word = 0; word < (int)(sizeof(struct page) / sizeof(long)); word++)
		if (stk_slab_word(object, word) == (unsigned long)cache)
			return word;
	return -1;
}
