// SPDX-License-Identifier: GPL-2.0
/*
 * price - reads how large the structures are that caches keep for a node, and
 * times SLUB's callback for memory that goes and comes by a probe on its first
 * instruction and its return. What it is all worth is for core to say.
 */
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/memory.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/slab.h>

#include "fields.h"
#include "shims.h"

/* The same name from 5.10 to 7.3, and never inlined: a chain of notifiers calls it. */
#define CALLBACK "slab_memory_callback"

/* Bytes from this object of a slab to the next; of another page, all of it. */
static u32 bytes_of(const struct st_layout *layout, u64 at)
{
	struct page *head;
	const void *cache;

	if (!at)
		return 0;
	head = (struct page *)virt_to_head_page((void *)(unsigned long)at);
	if (!PageSlab(head) || !layout->slab_cache.bits)
		return page_size(head);
	cache = (const void *)(unsigned long)st_field_read(head, layout->slab_cache);
	return st_field_read(cache, layout->cache_size);
}

struct pricing {
	const struct st_layout *layout;
	struct st_price_row *rows;
	u32 count, max;
	s32 nid;
};

static int price_one(const void *cache, void *arg)
{
	struct pricing *pricing = arg;
	struct st_price_row *price = &pricing->rows[pricing->count];

	if (pricing->count == pricing->max)
		return -ENOSPC;
	st_node_row(pricing->layout, cache, pricing->nid, &price->row);
	price->node_bytes = bytes_of(pricing->layout, price->row.node);
	price->barn_bytes = bytes_of(pricing->layout, price->row.barn);
	price->slab_bytes = price->row.node ?
		page_size((struct page *)virt_to_head_page(
			(void *)(unsigned long)price->row.node)) : 0;
	pricing->count++;
	return 0;
}

static int price_kernel(const struct st_layout *layout, s32 nid, struct st_price_row *rows,
			u32 max)
{
	struct pricing pricing = { layout, rows, 0, max, nid };
	int err;

	if (nid < 0 || nid >= nr_node_ids)
		return -EINVAL;
	err = st_caches_visit(layout, price_one, &pricing);
	return err ? err : (int)pricing.count;
}

/*
 * The control: for each of some made-up caches a structure that is allocated
 * whenever the node's first memory comes, without a look at the one that is
 * there, as if slab_mem_going_online_callback() had forgotten that look.
 */
#define TWINS 4

struct twin {
	struct list_head link;
	u64 filler[6];
};

static struct {
	struct mutex lock;
	struct list_head all;		/* what was ever made */
	struct twin *now[TWINS];
	s32 nid;
} twins = { .lock = __MUTEX_INITIALIZER(twins.lock), .all = LIST_HEAD_INIT(twins.all) };

static void twins_make(void)
{
	u32 i;

	for (i = 0; i < TWINS; i++) {
		struct twin *made = kzalloc(sizeof(*made), GFP_KERNEL);

		if (!made)
			continue;
		list_add(&made->link, &twins.all);
		twins.now[i] = made;
	}
}

static int twins_event(struct notifier_block *block, unsigned long action, void *arg)
{
	mutex_lock(&twins.lock);
	if (action == MEM_GOING_ONLINE && !node_state(twins.nid, N_MEMORY))
		twins_make();
	mutex_unlock(&twins.lock);
	return NOTIFY_OK;
}

static struct notifier_block twins_notifier = { .notifier_call = twins_event };

static void twins_free(void)
{
	struct twin *one, *next;

	mutex_lock(&twins.lock);
	list_for_each_entry_safe(one, next, &twins.all, link)
		kfree(one);
	INIT_LIST_HEAD(&twins.all);
	memset(twins.now, 0, sizeof(twins.now));
	mutex_unlock(&twins.lock);
}

static int busted_start(s32 nid)
{
	int err;

	mutex_lock(&twins.lock);
	twins.nid = nid;
	twins_make();
	mutex_unlock(&twins.lock);
	err = register_memory_notifier(&twins_notifier);
	if (err)
		twins_free();
	return err;
}

static void busted_stop(void)
{
	unregister_memory_notifier(&twins_notifier);
	twins_free();
}

static int price_busted(struct st_price_row *rows, u32 max)
{
	u32 i;

	mutex_lock(&twins.lock);
	for (i = 0; i < TWINS && i < max; i++) {
		memset(&rows[i], 0, sizeof(rows[i]));
		snprintf(rows[i].row.name, sizeof(rows[i].row.name), "busted-%u", i);
		rows[i].row.cache = (unsigned long)&twins.now[i];
		rows[i].row.node = (unsigned long)twins.now[i];
		rows[i].row.nid = twins.nid;
		rows[i].node_bytes = twins.now[i] ? sizeof(struct twin) : 0;
	}
	mutex_unlock(&twins.lock);
	return i;
}

static int price_rows(const struct st_layout *layout, s32 nid, u32 busted,
		      struct st_price_row *rows, u32 max)
{
	return busted ? price_busted(rows, max) : price_kernel(layout, nid, rows, max);
}

static u64 block_bytes(void)
{
	return memory_block_size_bytes();
}

#ifdef CONFIG_KRETPROBES

static atomic64_t spent_calls, spent_ns;

/* In a probe's trap, where lockdep takes ktime_get() for a reader in an NMI. */
static int entered(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	*(u64 *)instance->data = ktime_get_mono_fast_ns();
	return 0;
}

static int returned(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	atomic64_add(ktime_get_mono_fast_ns() - *(u64 *)instance->data, &spent_ns);
	atomic64_inc(&spent_calls);
	return 0;
}

static struct kretprobe callback_probe;

static int time_begin(void)
{
	memset(&callback_probe, 0, sizeof(callback_probe));
	callback_probe.kp.symbol_name = CALLBACK;
	callback_probe.entry_handler = entered;
	callback_probe.handler = returned;
	callback_probe.data_size = sizeof(u64);
	atomic64_set(&spent_calls, 0);
	atomic64_set(&spent_ns, 0);
	return register_kretprobe(&callback_probe);
}

static void time_take(struct st_price_time *time)
{
	/* the callback runs in the very thread that asks: nothing is on its way */
	time->calls = atomic64_xchg(&spent_calls, 0);
	time->ns = atomic64_xchg(&spent_ns, 0);
}

static void time_end(void)
{
	unregister_kretprobe(&callback_probe);
}

#else

static int time_begin(void)
{
	return -EOPNOTSUPP;
}

static void time_take(struct st_price_time *time)
{
	memset(time, 0, sizeof(*time));
}

static void time_end(void)
{
}

#endif

const struct st_price_ops st_price_ops = {
	.block_bytes = block_bytes,
	.rows = price_rows,
	.time_begin = time_begin,
	.time_take = time_take,
	.time_end = time_end,
	.busted_start = busted_start,
	.busted_stop = busted_stop,
};
