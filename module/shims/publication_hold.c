// SPDX-License-Identifier: GPL-2.0
/*
 * publication_hold - the publishing side: probes that hold a CPU which has
 * published the pointer to a structure and still works on it, and the control,
 * a structure of our own that is published before it is initialised.
 */
#include <linux/delay.h>
#include <linux/ktime.h>

#include "compat.h"
#include "publication.h"
#include "widen_probe.h"
#include "window.h"

#define SITES 3
#define LEAST_MS 5		/* of a hold */
#define MOST_MS 50
#define MEET_MS 400		/* of a hold while a reader is let at the structure */
#define JUNK 0x5a
#define TWIN_LOOKS 50		/* of 10 ms, that the observer may take */

static u8 twin[512] __aligned(64);
static void *twin_slot;

static struct {
	const struct st_publication_spec *spec;
	void *const *const *slot;	/* where the caches keep the address */
	const void *held_for[ST_PUBLICATION_CACHES];
	u64 looked;			/* first looks that are done with */
	u64 held, blind, most_us;
	char where[64];
} hold;

static struct st_site sites[SITES];
static u64 drawn;

static u64 draw(void)
{
	u64 z = drawn += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	return z ^ (z >> 27);
}

bool st_publication_is_twin(const struct st_publication_spec *spec)
{
	return spec->mode >= ST_PUBLICATION_TWIN;
}

bool st_publication_meets(const struct st_publication_spec *spec)
{
	return spec->mode == ST_PUBLICATION_MEET || spec->mode == ST_PUBLICATION_TWIN_MEET;
}

#ifdef CONFIG_KPROBES

/* The cache whose structure for the node this CPU has published and works on. */
static u32 publishes(const struct pt_regs *regs)
{
	u32 i;

	for (i = 0; i < hold.spec->caches; i++) {
		const void *structure = READ_ONCE(*hold.slot[i]);

		if (structure && structure != hold.held_for[i] &&
		    st_in_registers(regs, structure))
			break;
	}
	return i;
}

static void publisher_hit(struct st_site *site, struct pt_regs *regs)
{
	const u64 looked = READ_ONCE(hold.looked), begin = ktime_get_mono_fast_ns();
	const u64 limit = (st_publication_meets(hold.spec)
			   ? MEET_MS : LEAST_MS + draw() % (MOST_MS - LEAST_MS)) * NSEC_PER_MSEC;
	const u32 cache = publishes(regs);
	u64 us;

	if (cache == hold.spec->caches)
		return;
	hold.held_for[cache] = READ_ONCE(*hold.slot[cache]);
	if (smp_processor_id() == hold.spec->observer_cpu) {
		hold.blind++;
		return;
	}
	/* until the observer has looked, and its reader is back if it is to meet it */
	while (READ_ONCE(hold.looked) == looked && ktime_get_mono_fast_ns() - begin < limit)
		cpu_relax();
	us = div_u64(ktime_get_mono_fast_ns() - begin, NSEC_PER_USEC);
	hold.held++;
	if (us > hold.most_us)
		hold.most_us = us;
	strscpy(hold.where, site->name, sizeof(hold.where));
}

#else

static void publisher_hit(struct st_site *site, struct pt_regs *regs)
{
}

#endif

static void site_arm(struct st_site *site, const char *name, u32 places)
{
	strscpy(site->name, name, sizeof(site->name));
	site->most = places;
	site->on_hit = publisher_hit;
	if (st_site_find(site))
		site->name[0] = '\0';
	else
		st_site_arm(site, draw);
}

void st_publishers_hold(const struct st_publication_spec *spec, void *const *const *slot)
{
	/* inlined one into the other, in the compiler's discretion */
	static const char *const names[SITES] = { "init_kmem_cache_node",
		"slab_mem_going_online_callback", "slab_memory_callback" };
	u32 i;

	memset(&hold, 0, sizeof(hold));
	memset(sites, 0, sizeof(sites));
	hold.spec = spec;
	hold.slot = slot;
	drawn = spec->seed;
	if (st_publication_is_twin(spec))
		return site_arm(&sites[0], "st_publication_twin_init", 1);
	for (i = 0; i < SITES; i++)
		site_arm(&sites[i], names[i], i ? ST_PLACES : 1);
}

void st_publishers_let_go(void)
{
	u32 i;

	for (i = 0; i < SITES; i++)
		if (sites[i].name[0])
			st_site_disarm(&sites[i], 0);
	memset(sites, 0, sizeof(sites));
	twin_slot = NULL;
}

void st_publisher_looked(void)
{
	WRITE_ONCE(hold.looked, hold.looked + 1);
}

void st_publishers_forget(void)
{
	memset(hold.held_for, 0, sizeof(hold.held_for));
}

void st_publishers_counts(struct st_publication_counts *counts)
{
	counts->held = hold.held;
	counts->blind = hold.blind;
	counts->most_us = hold.most_us;
	strscpy(counts->where, hold.where, sizeof(counts->where));
}

/* --- the control --- */

void *const *st_publication_twin_slot(void)
{
	return &twin_slot;
}

/*
 * Out of line, so that it can be probed after the publication, with the
 * structure's address in a register.
 */
noinline void st_publication_twin_init(u8 *structure, const struct st_layout *layout)
{
	u64 *head = (u64 *)(structure + layout->node_partial.bit_offset / 8);

	WRITE_ONCE(head[0], (unsigned long)head);
	WRITE_ONCE(head[1], (unsigned long)head);
	if (layout->node_nr_slabs.bits)
		WRITE_ONCE(*(u64 *)(structure + layout->node_nr_slabs.bit_offset / 8), 0);
}

/* The probe is met on this CPU, the caller's, which is not the observer's. */
void st_publication_twin_publish(void)
{
	const u64 looked = READ_ONCE(hold.looked);
	u32 i;

	WRITE_ONCE(twin_slot, NULL);
	memset(twin, JUNK, sizeof(twin));
	st_publishers_forget();
	usleep_range(2000, 3000);	/* the observer sees it gone */
	WRITE_ONCE(twin_slot, twin);
	st_publication_twin_init(twin, hold.spec->layout);
	/* on a busy machine the observer may have been away all the time */
	for (i = 0; i < TWIN_LOOKS && READ_ONCE(hold.looked) == looked; i++)
		msleep(10);
}
