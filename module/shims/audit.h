/* SPDX-License-Identifier: GPL-2.0 */
/*
 * audit - what audit.c and audit_drill.c share: listeners to the allocator's
 * tracepoints, any number of which may be at work independently.
 */
#ifndef SLUBTORTURE_SHIMS_AUDIT_H
#define SLUBTORTURE_SHIMS_AUDIT_H

#include <linux/slab.h>		/* before the next: in 6.1 it does not include it */
#include <trace/events/kmem.h>

#include "compat.h"
#include "shims.h"

struct st_listener {
	struct st_audit *tables;
	u32 sample;
	u64 salt;			/* of the window */
	u32 joined;			/* tracepoints */
	const void *hidden;		/* control: the free of this is not seen */
	u64 since_ns;			/* beginning of the last window */
	u64 windows, watched_ns;	/* of windows that have ended */
};

extern bool st_patching;		/* code of the allocator is being changed */

int st_listener_make(struct st_listener *l, u32 sample);
void st_listener_free(struct st_listener *l);
int st_listen(struct st_listener *l);	/* may sleep, as the next */
void st_listen_no_more(struct st_listener *l);

/* A listener at work all the time or in slices of it, by its settings. */
struct st_watch {
	struct st_listener listener;
	struct st_audit_settings settings;
	struct task_struct *task;	/* of slices */
	u64 begin_ns;			/* of the last one, switching included */
};

int st_watch_start(struct st_watch *w);
void st_watch_stop(struct st_watch *w);

void st_audit_symbol_text(u64 site, char *text, size_t bytes);

#endif
