/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ordering - publish and consume, with the kernel's own primitives, one small
 * function each, so that what is tested is what kernel code would write.
 * Inline: a call through a pointer would cost more than the primitive. Which
 * of them belong together is in core/handoffs.def; each says here with what
 * it pairs where it orders anything at all.
 */
#ifndef SLUBTORTURE_ORDERING_H
#define SLUBTORTURE_ORDERING_H

#include <linux/atomic.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "../abi.h"

struct st_mailbox {
	void *object;		/* NULL: empty */
	void *announced;	/* control and early: the address, from another word */
	spinlock_t lock;	/* spinlock only */
} ____cacheline_aligned_in_smp;

static __always_inline void publish_release(struct st_mailbox *box, void *object)
{
	/* pairs with whatever consumes: acquire, xchg, an address dependency */
	smp_store_release(&box->object, object);
}

static __always_inline void publish_locked(struct st_mailbox *box, void *object)
{
	unsigned long flags;

	/* a consumer may be an interrupt on this CPU */
	spin_lock_irqsave(&box->lock, flags);
	WRITE_ONCE(box->object, object);
	/* pairs with the lock in consume_locked() */
	spin_unlock_irqrestore(&box->lock, flags);
}

static __always_inline void publish_rcu(struct st_mailbox *box, void *object)
{
	/* a release; pairs with rcu_dereference() in consume_rcu() */
	rcu_assign_pointer(*(void __rcu **)&box->object, object);
}

/* The mailbox is empty, so cmpxchg from NULL succeeds: only then it orders. */
static __always_inline void publish_cmpxchg(struct st_mailbox *box, void *object)
{
	(void)cmpxchg(&box->object, NULL, object);
}

/* X(name, constant) for each: one copy of a loop for every primitive. */
#define ST_EACH_PUBLISH(X)							\
	X(plain, ST_PUBLISH_PLAIN)						\
	X(once, ST_PUBLISH_ONCE)						\
	X(release, ST_PUBLISH_RELEASE)						\
	X(xchg_full, ST_PUBLISH_XCHG)						\
	X(xchg_acq, ST_PUBLISH_XCHG_ACQUIRE)					\
	X(xchg_rel, ST_PUBLISH_XCHG_RELEASE)					\
	X(cmpxchg_full, ST_PUBLISH_CMPXCHG)					\
	X(locked, ST_PUBLISH_SPINLOCK)						\
	X(rcu, ST_PUBLISH_RCU)
#define ST_EACH_CONSUME(X)							\
	X(plain, ST_CONSUME_PLAIN)						\
	X(dependency, ST_CONSUME_DEPENDENCY)					\
	X(acquire, ST_CONSUME_ACQUIRE)						\
	X(xchg_full, ST_CONSUME_XCHG)						\
	X(xchg_acq, ST_CONSUME_XCHG_ACQUIRE)					\
	X(cmpxchg_full, ST_CONSUME_CMPXCHG)					\
	X(locked, ST_CONSUME_SPINLOCK)						\
	X(rcu, ST_CONSUME_RCU)							\
	X(control, ST_CONSUME_CONTROL)						\
	X(early, ST_CONSUME_EARLY)

/* publish is a constant wherever this is used: one case is left of it. */
static __always_inline void st_publish(const u32 publish, struct st_mailbox *box,
				       void *object)
{
	switch (publish) {
	case ST_PUBLISH_PLAIN: box->object = object; barrier(); break;
	case ST_PUBLISH_ONCE: WRITE_ONCE(box->object, object); break;
	case ST_PUBLISH_RELEASE: publish_release(box, object); break;
	case ST_PUBLISH_XCHG: (void)xchg(&box->object, object); break;
	case ST_PUBLISH_XCHG_ACQUIRE: (void)xchg_acquire(&box->object, object); break;
	case ST_PUBLISH_XCHG_RELEASE: (void)xchg_release(&box->object, object); break;
	case ST_PUBLISH_CMPXCHG: publish_cmpxchg(box, object); break;
	case ST_PUBLISH_SPINLOCK: publish_locked(box, object); break;
	case ST_PUBLISH_RCU: publish_rcu(box, object); break;
	}
}

static __always_inline void *consume_locked(struct st_mailbox *box)
{
	unsigned long flags;
	void *object;

	/* pairs with the unlock in publish_locked() */
	spin_lock_irqsave(&box->lock, flags);
	object = READ_ONCE(box->object);
	WRITE_ONCE(box->object, NULL);
	spin_unlock_irqrestore(&box->lock, flags);
	return object;
}

static __always_inline void *consume_cmpxchg(struct st_mailbox *box)
{
	void *object = READ_ONCE(box->object);

	/* one consumer: nobody else changes what is there */
	return object ? cmpxchg(&box->object, object, NULL) : NULL;
}

static __always_inline void *consume_rcu(struct st_mailbox *box)
{
	void *object;

	rcu_read_lock();
	object = rcu_dereference(*(void __rcu **)&box->object);
	rcu_read_unlock();
	return object;
}

/*
 * As st_publish(); NULL: the mailbox was empty. What only reads leaves the
 * pointer there: to empty the mailbox here would put a release between pointer
 * and object, which on powerpc (lwsync) orders the reader and hides what wrong
 * partners do. See st_consumes_by_reading().
 */
static __always_inline void *st_consume(const u32 consume, struct st_mailbox *box)
{
	switch (consume) {
	case ST_CONSUME_PLAIN: barrier(); return box->object;
	case ST_CONSUME_CONTROL:
	case ST_CONSUME_DEPENDENCY: return READ_ONCE(box->object);
	case ST_CONSUME_EARLY:
	case ST_CONSUME_ACQUIRE: return smp_load_acquire(&box->object);
	case ST_CONSUME_XCHG: return xchg(&box->object, NULL);
	case ST_CONSUME_XCHG_ACQUIRE: return xchg_acquire(&box->object, NULL);
	case ST_CONSUME_CMPXCHG: return consume_cmpxchg(box);
	case ST_CONSUME_SPINLOCK: return consume_locked(box);
	case ST_CONSUME_RCU: return consume_rcu(box);
	}
	return NULL;
}

/* Whether the mailbox is to be emptied once the object has been looked at. */
static __always_inline bool st_consumes_by_reading(const u32 consume)
{
	return consume != ST_CONSUME_XCHG && consume != ST_CONSUME_XCHG_ACQUIRE &&
	       consume != ST_CONSUME_CMPXCHG && consume != ST_CONSUME_SPINLOCK;
}

/* For the publisher, when the object has been read; pairs with st_mailbox_empty(). */
static __always_inline void st_mailbox_clear(struct st_mailbox *box)
{
	smp_store_release(&box->object, NULL);
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
