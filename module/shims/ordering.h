/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ordering - publish and consume, with the kernel's own primitives, one small
 * function each, so that what is tested is what kernel code would write.
 * Inline: a call through a pointer would cost more than the primitive.
 */
#ifndef SLUBTORTURE_ORDERING_H
#define SLUBTORTURE_ORDERING_H

#include <linux/spinlock.h>

#include "../abi.h"

struct st_mailbox {
	void *object;		/* NULL: empty */
	spinlock_t lock;	/* ST_SPINLOCK only */
} ____cacheline_aligned_in_smp;

static __always_inline void publish_release(struct st_mailbox *box, void *object)
{
	/* pairs with smp_load_acquire() in consume_acquire() */
	smp_store_release(&box->object, object);
}

static __always_inline void *consume_acquire(struct st_mailbox *box)
{
	void *object = smp_load_acquire(&box->object);

	/* pairs with smp_load_acquire() in st_mailbox_empty() */
	smp_store_release(&box->object, NULL);
	return object;
}

static __always_inline void publish_xchg(struct st_mailbox *box, void *object)
{
	(void)xchg(&box->object, object);
}

static __always_inline void *consume_xchg(struct st_mailbox *box)
{
	return xchg(&box->object, NULL);
}

static __always_inline void publish_locked(struct st_mailbox *box, void *object)
{
	spin_lock(&box->lock);
	WRITE_ONCE(box->object, object);
	spin_unlock(&box->lock);
}

static __always_inline void *consume_locked(struct st_mailbox *box)
{
	void *object;

	spin_lock(&box->lock);
	object = box->object;
	WRITE_ONCE(box->object, NULL);
	spin_unlock(&box->lock);
	return object;
}

static __always_inline void st_publish(u32 ordering, struct st_mailbox *box, void *object)
{
	switch (ordering) {
	case ST_RELEASE_ACQUIRE: publish_release(box, object); break;
	case ST_XCHG_XCHG: publish_xchg(box, object); break;
	case ST_SPINLOCK: publish_locked(box, object); break;
	}
}

static __always_inline void *st_consume(u32 ordering, struct st_mailbox *box)
{
	switch (ordering) {
	case ST_RELEASE_ACQUIRE: return consume_acquire(box);
	case ST_XCHG_XCHG: return consume_xchg(box);
	case ST_SPINLOCK: return consume_locked(box);
	}
	return NULL;
}

static __always_inline bool st_mailbox_empty(struct st_mailbox *box)
{
	return smp_load_acquire(&box->object) == NULL;
}

/* A look that orders nothing: whether to try to consume at all. */
static __always_inline bool st_mailbox_full(struct st_mailbox *box)
{
	return READ_ONCE(box->object) != NULL;
}

#endif
