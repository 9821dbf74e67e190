// SPDX-License-Identifier: GPL-2.0
/*
 * racers - threads that use SLUB in every way while a node's memory goes and
 * comes: starts and ends them, counts, and brings those whose slabs could keep
 * a block from going to rest for as long as it takes. What each does is in
 * racers_read.c and racers_use.c.
 *
 * A block of the normal zone with a slab in it cannot be isolated, not even
 * with an empty one (has_unmovable_pages(), mm/page_isolation.c). So these
 * racers give back what they have before a step, and go on as soon as SLUB is
 * told that memory goes: its own callback then runs beside them.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/wait.h>

#include "compat.h"
#include "racers.h"

#define REST_MS 20000
#define NICE 10
#define SHORT_US 10000
#define LONG_US 5000000

static const struct st_racer_self *const table[ST_RACES] = {
	[ST_RACE_ATTRIBUTES] = &st_racer_attributes,
	[ST_RACE_SLABINFO] = &st_racer_slabinfo,
	[ST_RACE_SHRINK] = &st_racer_shrink,
	[ST_RACE_VALIDATE] = &st_racer_validate,
	[ST_RACE_CACHES] = &st_racer_caches,
	[ST_RACE_FALLBACK] = &st_racer_fallback,
	[ST_RACE_THISNODE] = &st_racer_thisnode,
	[ST_RACE_PARTIAL] = &st_racer_partial,
	[ST_RACE_SHEAVES] = &st_racer_sheaves,
	[ST_RACE_RCU] = &st_racer_rcu,
	[ST_RACE_CPUS] = &st_racer_cpus,
};

static const char *const names[ST_RACES] = {
#define RACER(constant, name, what) name,
#include "../abi/racers.def"
#undef RACER
};

static struct {
	struct st_racer_self racer[ST_RACES];
	const struct st_layout *layout;
	s32 nid;
	u64 wanted;
	bool over;
	bool running;			/* begin() has come to its end */
	/* rest: */
	bool resting;
	u32 rest;			/* enum st_rest, of the step under way */
	atomic_t at_rest;
	u32 to_rest;			/* threads that have to */
	/* refusals: */
	u32 refuse;			/* enum st_refuse */
	u32 refused;
	struct page *pinned;
} race;
static DECLARE_WAIT_QUEUE_HEAD(news);

bool st_race_over(void)
{
	return READ_ONCE(race.over) || st_stopping();
}

s32 st_race_nid(void)
{
	return race.nid;
}

const struct st_layout *st_race_layout(void)
{
	return race.layout;
}

static void rest(struct st_racer_self *racer)
{
	racer->clear(racer);
	atomic_inc(&race.at_rest);
	wake_up_all(&news);
	wait_event_idle(news, !READ_ONCE(race.resting) || kthread_should_stop());
	atomic_dec(&race.at_rest);
}

static bool must_rest(const struct st_racer_self *racer)
{
	return racer->clear && READ_ONCE(race.resting);
}

/*
 * At least as long as the racer's table says, and four times as long as its
 * lap: with KASAN and lockdep a lap takes many times what it takes without,
 * and the memory would hardly move for all those who race with it.
 */
static void pause(const struct st_racer_self *racer, u64 lap_ns)
{
	const u64 us = max_t(u64, racer->pause_us, 4 * (lap_ns >> 10));

	if (us < SHORT_US)
		usleep_range(us, 2 * us);
	else
		wait_event_idle_timeout(news, must_rest(racer) || kthread_should_stop(),
					usecs_to_jiffies(min_t(u64, us, LONG_US)));
}

static int run(void *arg)
{
	struct st_racer_self *racer = arg;
	u64 begin;

	/* there are many of us, and one that brings and takes the memory */
	set_user_nice(current, NICE);
	while (!kthread_should_stop()) {
		if (must_rest(racer)) {
			rest(racer);
			continue;
		}
		begin = ktime_get_ns();
		racer->lap(racer);
		pause(racer, ktime_get_ns() - begin);
	}
	if (racer->clear)
		racer->clear(racer);
	return 0;
}

/* --- a step of a block --- */

static void go_on(void)
{
	WRITE_ONCE(race.resting, false);
	wake_up_all(&news);
}

/*
 * Called first, before SLUB's own listener: who rested races with that one.
 * From 6.17 on SLUB listens to what happens to nodes, not to memory.
 */
static int told(struct notifier_block *block, unsigned long action, void *arg)
{
	if (action == MEM_GOING_OFFLINE && race.rest == ST_REST_RACE)
		go_on();
	return NOTIFY_OK;
}

static int told_of_node(struct notifier_block *block, unsigned long action, void *arg)
{
	if (action == ST_NODE_LOSES_MEMORY && race.rest == ST_REST_RACE)
		go_on();
	return NOTIFY_OK;
}

/* Called last: SLUB has done what it does, and is told that it was in vain. */
static int refuse(struct notifier_block *block, unsigned long action, void *arg)
{
	const u32 what = READ_ONCE(race.refuse);

	if ((what == ST_REFUSE_OFFLINE && action == MEM_GOING_OFFLINE) ||
	    (what == ST_REFUSE_ONLINE && action == MEM_GOING_ONLINE)) {
		race.refused++;
		return notifier_from_errno(-EBUSY);
	}
	return NOTIFY_OK;
}

static struct notifier_block first = { .notifier_call = told, .priority = 100 };
static struct notifier_block first_of_node = { .notifier_call = told_of_node, .priority = 100 };
static struct notifier_block last = { .notifier_call = refuse, .priority = -100 };

static int listen(void)
{
	int err = register_memory_notifier(&first);

	if (err)
		return err;
	err = register_memory_notifier(&last);
	if (err)
		goto no_last;
	err = st_node_notifier_add(&first_of_node);
	if (!err)
		return 0;
	unregister_memory_notifier(&last);
no_last:
	unregister_memory_notifier(&first);
	return err;
}

static void listen_no_more(void)
{
	st_node_notifier_remove(&first_of_node);
	unregister_memory_notifier(&last);
	unregister_memory_notifier(&first);
}

static int all_rest(void)
{
	if (race.resting)
		return 0;	/* since a step before, and they have nothing */
	WRITE_ONCE(race.resting, true);
	if (!wait_event_timeout(news, atomic_read(&race.at_rest) >= (int)race.to_rest,
				msecs_to_jiffies(REST_MS))) {
		go_on();
		return -ETIME;
	}
	st_race_shrink_shared();
	return 0;
}

static int step(u32 how, u32 what)
{
	race.rest = how;
	race.refused = 0;
	WRITE_ONCE(race.refuse, what);
	st_node_watch_hot(true);
	return how != ST_REST_NOT && race.running ? all_rest() : 0;
}

static u32 step_over(void)
{
	if (race.rest != ST_REST_STAY)
		go_on();
	/* whatever state there is now, the sampler has seen it */
	st_node_watch_wait();
	st_node_watch_hot(false);
	WRITE_ONCE(race.refuse, ST_REFUSE_NOTHING);
	return race.refused;
}

/* --- memory of the node --- */

#define HERE (GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN | __GFP_NORETRY)

static int pin(s32 nid, u32 *block)
{
	int index;

	race.pinned = alloc_pages_node(nid, HERE, 0);
	if (!race.pinned)
		return -ENOMEM;
	index = st_block_index(page_to_pfn(race.pinned));
	if (index >= 0) {
		*block = index;
		return 0;
	}
	__free_pages(race.pinned, 0);
	race.pinned = NULL;
	return index;
}

static void unpin(void)
{
	if (race.pinned)
		__free_pages(race.pinned, 0);
	race.pinned = NULL;
}

static int usable_by_slabs(s32 nid)
{
	struct kmem_cache *s = st_cache_create_alone("slubtorture-usable", 512, 0, 0,
						     st_racer_constructor);
	void *object = s ? kmem_cache_alloc_node(s, HERE, nid) : NULL;
	int err = -ENOMEM;

	if (object) {
		err = page_to_nid(virt_to_page(object)) == nid ? 0 : -EXDEV;
		kmem_cache_free(s, object);
	}
	kmem_cache_destroy(s);
	return err;
}

static int usable(s32 nid, u32 slabs)
{
	const gfp_t movable = GFP_HIGHUSER_MOVABLE | __GFP_THISNODE | __GFP_NOWARN;
	struct page *page = alloc_pages_node(nid, slabs ? HERE : movable, 0);
	int err = -ENOMEM;

	if (page) {
		err = page_to_nid(page) == nid ? 0 : -EXDEV;
		__free_pages(page, 0);
	}
	return err || !slabs ? err : usable_by_slabs(nid);
}

/* --- begin and end --- */

static void make(struct st_racer_self *racer, const char *name)
{
	const char *why = racer->prepare ? racer->prepare(racer) : NULL;

	if (!why) {
		racer->task = kthread_run(run, racer, "slubtorture/%s", name);
		if (!IS_ERR(racer->task)) {
			race.to_rest += racer->clear != NULL;
			return;
		}
		racer->task = NULL;
		why = "its thread could not be made";
	}
	strscpy(racer->why_not, why, sizeof(racer->why_not));
}

static int begin(const struct st_race_spec *spec)
{
	int err;
	u32 i;

	memset(&race, 0, sizeof(race));
	race.layout = spec->layout;
	race.nid = spec->nid;
	race.wanted = spec->wanted;
	err = listen();
	if (err)
		return err;
	for (i = 0; i < ST_RACES; i++) {
		race.racer[i] = *table[i];
		race.racer[i].by_name = spec->by_name >> i & 1;
		if (spec->wanted >> i & 1)
			make(&race.racer[i], names[i]);
	}
	race.running = true;
	return 0;
}

static void rows(struct st_race_row *row)
{
	u32 i;

	for (i = 0; i < ST_RACES; i++, row++) {
		const struct st_racer_self *racer = &race.racer[i];
		const char *why = racer->why_not;

		row->laps = READ_ONCE(racer->laps);
		row->done = READ_ONCE(racer->done);
		row->on_node = READ_ONCE(racer->on_node);
		row->refused = READ_ONCE(racer->refused);
		if (!why[0] && racer->task && !row->laps && racer->in_vain &&
		    racer->in_vain(racer))
			why = racer->in_vain(racer);
		strscpy(row->why_not, why, sizeof(row->why_not));
	}
}

static void end(void)
{
	u32 i;

	WRITE_ONCE(race.over, true);
	go_on();
	unpin();
	for (i = 0; i < ST_RACES; i++)
		if (race.racer[i].task)
			kthread_stop(race.racer[i].task);
	for (i = 0; i < ST_RACES; i++)
		if (race.wanted >> i & 1 && race.racer[i].finish)
			race.racer[i].finish(&race.racer[i]);
	listen_no_more();
	race.running = false;
}

const struct st_racers_ops st_racers_ops = {
	.begin = begin,
	.rows = rows,
	.end = end,
	.step = step,
	.step_over = step_over,
	.pin = pin,
	.unpin = unpin,
	.usable = usable,
	.kept = st_patience_kept,
	.watch = st_node_watch,
	.watch_end = st_node_watch_end,
	.lists = st_node_lists,
	.structs = st_node_structs,
};
