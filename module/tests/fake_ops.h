// SPDX-License-Identifier: GPL-2.0
//
// fake_ops - the rest of fake_kernel: threads, controls and nodes that only
// report, and the table of functions that core is given. Included by it, not
// by tests.
#pragma once
#include "fake_inspect.h"
#include "fake_kernel.h"
#include "fake_price.h"

namespace st::test {

// Slabs of plain numbers: nothing of them is ever read.
inline int FakeKernel::busted_views(u32 kind, st_layout *layout, st_object_view *views, u32 max)
{
	constexpr u64 kBase = 0x40000000, kVector = 0x90000000;
	const bool large = kind == ST_BUSTED_STRIDE_U16;
	const u64 size = large ? 65536 : 256, objects = large ? 3 : 16;
	const u64 first[] = {kVector, kBase + 16 * 256 - 8, kBase + 65472};
	const u64 step[] = {4, 8, 0};
	if (!enter("busted_views"))
		return -12;
	*layout = {};
	layout->ext_bytes = 8;
	layout->exts_flag_mask = 7;
	layout->step_origin = ST_STEP_FIELD;
	if (kind >= ST_BUSTED_STALE)
		return busted_pair(kind, views);
	if (large)
		layout->stride.bits = 16;
	for (u32 i = 0; i < objects && i < max; i++) {
		st_object_view v = {};
		v.object = kBase + i * size;
		v.slab = v.slab_base = kBase;
		v.slab_bytes = objects * size + (large ? 0 : 256);
		v.exts = first[kind] | 1;
		v.step_bytes = v.step_again = step[kind];
		v.slot = first[kind] + step[kind] * i;
		v.vector_bytes = objects * 8;
		v.cache_size = size;
		v.cache_object_size = large ? 65472 : 256;
		v.index = i;
		v.objects = u32(objects);
		views[i] = v;
	}
	return int(objects);
}

// What shims/busted.c makes of two slabs, before and after.
inline int FakeKernel::busted_pair(u32 kind, st_object_view *views)
{
	constexpr u32 kObjects = 8;
	const bool both = kind == ST_BUSTED_SHARED || kind == ST_BUSTED_IN_BODY;
	for (u32 i = 0; i < 2 * kObjects; i++) {
		const bool after = i >= kObjects;
		const u64 base = both && i & 1 ? 0x41000000 : 0x40000000;
		const u64 vector = both && i & 1 ? 0x91000000 : 0x90000000;
		st_object_view v = {};
		v.index = both ? i % kObjects / 2 : i % kObjects;
		v.objects = kObjects;
		v.slab = v.slab_base = base;
		v.slab_bytes = 17 * 256;
		v.cache_size = v.cache_object_size = 256;
		v.vector_bytes = kObjects * 8;
		v.has_owner = v.slot_readable = 1;
		v.step_bytes = v.step_again = 8;
		u64 first = vector, pad = 0;
		if (kind == ST_BUSTED_UNALIGNED) {
			v.cache_size = v.step_bytes = v.step_again = 260;
			v.cache_object_size = 248;
			first = base + 248;
		} else if (kind == ST_BUSTED_RED_ZONE) {
			v.cache_size = v.step_bytes = v.step_again = 320;
			v.cache_object_size = 240;
			pad = 16;
			first = base + 8;
		} else if (kind == ST_BUSTED_SHARED) {
			first = 0x90000000;
		} else if (kind == ST_BUSTED_IN_BODY && i & 1) {
			first = 0x40000000 + 2 * 256 + 64;
		} else if (kind == ST_BUSTED_INHERITED && !after) {
			first = 0;
		} else if (kind == ST_BUSTED_SHORT_VECTOR) {
			v.vector_bytes /= 2;
		} else if (kind == ST_BUSTED_STALE && after) {
			v.step_bytes = 0;
		}
		if (kind == ST_BUSTED_OWNER_LOST)
			v.slot_objcg = after && v.index == 3 ? 0 : 0x77;
		if (kind == ST_BUSTED_FORMER_OWNER)
			v.slot_objcg = after && v.index == 2 ? 0x77 : 0;
		v.object = base + v.index * v.cache_size + pad;
		v.exts = v.exts_again = first ? first | 1 : 0;
		v.slot = first ? first + v.step_bytes * v.index : 0;
		views[i] = v;
	}
	return 2 * kObjects;
}

inline int FakeKernel::handoff(const st_handoff_spec &spec, st_handoff_counts *counts)
{
	std::memset(counts, 0xa5, sizeof(*counts));	// a failure leaves what it finds
	if (!enter("handoff"))
		return -12;
	EXPECT_LT(spec.publish, u32(ST_PUBLISHES));
	EXPECT_TRUE(spec.mode == ST_HANDOFF_ENGINE || spec.producer_cpu != spec.consumer_cpu);
	clock += spec.duration_ns;
	*counts = {};
	counts->elapsed_ns = spec.duration_ns;
	if (stopped())
		return 0;
	counts->handoffs = 1000;
	counts->overlaps = spec.producer_cpu == spec.consumer_cpu ? 0 : 10;
	const bool busted = spec.mode == ST_HANDOFF_BUSTED;
	counts->states[busted ? 6 : 7] = 900;
	counts->content[1] = 100;
	counts->after[1] = spec.origin == ST_ORIGIN_KFREE_RCU ? 50 : 0;
	if (spec.freed_early) {
		counts->after[0] = counts->after[1];
		counts->after[1] = 0;
		counts->first_wrong = {0x1000, 5, 5, 5, 1, 1, 2, 2, 7, 1, 1};
	}
	if (busted)
		counts->first_wrong = {0x1000, 5, 0, 5, 1, 1, 2, 2, 6, 1, 0};
	if (on_handoff)
		on_handoff(spec, *counts);
	return 0;
}

inline int FakeKernel::litmus(const st_litmus_spec &spec, st_litmus_counts *counts)
{
	std::memset(counts, 0xa5, sizeof(*counts));
	if (!enter("litmus"))
		return -12;
	EXPECT_NE(spec.writer_cpu, spec.reader_cpu);
	clock += spec.duration_ns;
	*counts = {};
	counts->elapsed_ns = spec.duration_ns;
	if (stopped())
		return 0;
	counts->states[0] = counts->states[3] = 40;
	counts->states[ST_TRIAL_CONTENT] = 20;
	if (on_litmus)
		on_litmus(spec, *counts);
	return 0;
}

inline const st_handoff_ops *FakeKernel::handoff_ops()
{
	static const st_handoff_ops table = {
		[](const st_handoff_spec *spec, st_handoff_counts *counts) {
			return self->handoff(*spec, counts);
		},
		[](const st_litmus_spec *spec, st_litmus_counts *counts) {
			return self->litmus(*spec, counts);
		},
		[](u32 cpu) { return self->cpu_nodes.empty() ? 0 : self->cpu_nodes[cpu]; },
		[](u32 context) { return self->context_lacks[context]; },
	};
	return &table;
}

inline int FakeKernel::late(const st_late_spec &spec, st_late_counts *counts)
{
	std::memset(counts, 0xa5, sizeof(*counts));
	if (!enter("late"))
		return -12;
	EXPECT_NE(spec.writer_cpu, spec.reader_cpu);
	clock += 10000000;
	*counts = {};
	if (stopped())
		return 0;
	EXPECT_TRUE(spec.busted || widening) << "a race that nobody widens";
	counts->rounds = spec.rounds;
	counts->overlaps = 3;
	counts->freed_remotely = spec.rounds;
	counts->outcomes[8 + 4 + ST_FREED_ACROSS] = 3;
	counts->outcomes[4 + ST_FREED_LATER] = spec.rounds - 3;
	if (spec.busted) {
		counts->step_wrong = spec.rounds;
		counts->step_expected = counts->step_on_writer = counts->step_later = 16;
	}
	if (on_late)
		on_late(spec, *counts);
	return 0;
}

inline int FakeKernel::counters(const st_counters_spec &spec, st_counters_counts *counts)
{
	std::memset(counts, 0xa5, sizeof(*counts));
	if (!enter("counters"))
		return -12;
	EXPECT_NE(spec.writer_cpu, spec.reader_cpu);
	clock += 10000000;
	*counts = {};
	if (stopped())
		return 0;
	counts->looks = 1000;
	counts->changes = 100;
	if (spec.busted) {
		counts->wrong = 5;
		counts->expected = counts->on_writer = counts->later = 16;
	}
	if (on_counters)
		on_counters(spec, *counts);
	return 0;
}

inline const st_widen_ops *FakeKernel::widen_ops()
{
	static const st_widen_ops table = {
		[](u64) { self->enter("widen_begin"); self->widening++; },
		[] { self->enter("widen_move"); },
		[](st_widen_row *rows, u32 max) {
			u32 n = 0;
			for (const st_widen_row &row : self->widened)
				if (n < max)
					rows[n++] = row;
			return n;
		},
		[] { self->widening--; }};
	return &table;
}

inline int FakeKernel::rows(bool busted, st_node_row *row, u32 max)
{
	const bool offline = away(blocks[0]) && away(blocks[1]);
	if (!enter(busted ? "busted_node_rows" : "node_rows"))
		return -28;
	for (u32 i = 0; i < 3 && i < max; i++) {
		row[i] = {};
		row[i].cache = 0x1000 * (i + 1);
		const u64 id = i + 1 + (asked_nid > 0 ? 0x100 : 0);
		row[i].node = busted && offline ? 0 : 0x2000 * id;
		row[i].barn = shape.barn == Barn::None ? 0 : 0x3000 * id;
		row[i].nr_slabs = offline ? 0 : 5;
		if (i == 0 && !busted && !caches.empty()) {	// of a real one, if any
			row[i].cache = caches.begin()->first;
			row[i].nr_slabs = asked_nid ? 0 : s64(caches.begin()->second->slabs.size());
		}
		snprintf(row[i].name, sizeof(row[i].name), "cache-%u", i);
		if (on_row && !busted)
			on_row(row[i], offline, normal);
	}
	return 3;
}

inline const st_ways_ops *FakeKernel::ways_ops()
{
	static const st_ways_ops table = {
		[](st_host *host) {
			*host = {};
			host->nid = 1;
			host->devices = self->enter("host") ? u32(self->devices.size()) : 0;
			for (u32 i = 0; i < host->devices; i++)
				strcpy(host->device[i], self->devices[i].c_str());
			strcpy(host->reason, "nobody outside answers");
		},
		[](s32, st_node_blocks *now) { *now = self->present(); },
		[](s32, u32 before, st_node_blocks *now) {
			self->answer_host();
			*now = self->present();
			return self->enter("node_wait") && now->blocks != before ? 0 : -110;
		},
		[](s32) { self->enter("rescan"); },
		[] {
			if (!self->enter("listen"))
				return -12;
			self->listening++;
			return 0;
		},
		[](st_notices *notices) {
			*notices = self->told;
			self->told = {};
		},
		[] { self->listening--; }};
	return &table;
}

inline const st_charge_ops *FakeKernel::charge_ops()
{
	static st_charge_ops o = {};
	o.target = [](st_charge_target *target) {
		*target = {};
		self->enter("charge_target");
		strcpy(target->reason, self->no_groups.c_str());
		target->cpus = self->env.cpus;
		target->cpu[1] = 1;
	};
	o.open = [] {
		if (!self->enter("groups_open"))
			return self->open_error;
		EXPECT_FALSE(self->groups.open);
		self->groups.open = true;
		return 0;
	};
	o.close = [] {
		const bool good = self->enter("groups_close");
		EXPECT_TRUE(self->groups.open);
		self->groups.close();
		return good ? 0 : -16;
	};
	o.group_make = [](u32 *group) {
		return self->enter("group_make") ? self->groups.make(group) : -12;
	};
	o.group_remove = [](u32 group) {
		return self->enter("group_remove") ? self->groups.remove(group) : -16;
	};
	o.work = [](const st_charge_spec *spec, st_charge_counts *counts) {
		std::memset(counts, 0xa5, sizeof(*counts));
		if (!self->enter("charge_work"))
			return -12;
		self->clock += 5000000;
		self->groups.work(*spec, counts);
		if (self->on_charge)
			self->on_charge(*spec, *counts);
		return 0;
	};
	o.release = [](const st_charge_spec *spec, u32 shift) {
		EXPECT_TRUE(shift > 0 && shift < spec->cpus);
		self->groups.alive = 0;
		return self->enter("charge_release") ? 0 : -12;
	};
	o.settle = [](u32 group, st_charge_books *books) {
		std::memset(books, 0xa5, sizeof(*books));
		if (!self->enter("charge_settle"))
			return -5;
		self->clock += 12000000;
		self->groups.settle(books);
		if (self->on_books)
			self->on_books(group, *books);
		return 0;
	};
	return &o;
}

inline const st_racers_ops *FakeKernel::racers_ops()
{
	static st_racers_ops o = {};
	o.begin = [](const st_race_spec *spec) {
		if (!self->enter("racers_begin"))
			return -12;
		EXPECT_FALSE(self->races.running);
		self->races.spec = *spec;
		self->races.running = true;
		return 0;
	};
	o.rows = [](st_race_row *rows) { self->races.rows(rows); };
	o.end = [] {
		EXPECT_TRUE(self->races.running);
		self->races.running = false;
	};
	o.step = [](u32 rest, u32 refuse) {
		EXPECT_FALSE(self->races.stepping);
		self->races.stepping = true;
		self->races.refuse = refuse;
		self->races.refused = 0;
		self->races.rests += rest != ST_REST_NOT;
		self->races.steps++;
		return self->enter("racers_step") ? 0 : -62;
	};
	o.step_over = [] {
		self->clock += 1000000;
		self->races.stepping = false;
		self->races.refuse = ST_REFUSE_NOTHING;
		return self->races.refused;
	};
	o.pin = [](s32, u32 *block) {
		if (!self->enter("pin"))
			return -12;
		*block = 1;
		self->races.pinned = true;
		return 0;
	};
	o.unpin = [] { self->races.pinned = false; };
	o.usable = [](s32, u32 slabs) {
		return !self->enter("usable") ? -12 :
			self->races.on_use ? self->races.on_use(slabs) : 0;
	};
	o.watch = [](const st_layout *, s32, u32 watched) {
		if (!self->enter("watch"))
			return -12;
		EXPECT_FALSE(self->races.watching);
		self->races.watching = true;
		self->races.watched = watched;
		return 0;
	};
	o.watch_end = [](st_watch_counts *counts) {
		EXPECT_TRUE(self->races.watching);
		self->races.watching = false;
		self->races.seen(counts);
	};
	o.lists = [](const st_layout *, s32 nid, u32 busted, st_node_lists *rows, u32 max) {
		return self->enter("lists") ? self->races.lists(nid, busted, rows, max) : -28;
	};
	o.structs = [](const st_layout *, u32 busted, st_node_structs *structs) {
		self->clock += 1000000;
		if (!self->enter("structs"))
			return -2;
		self->races.structs(busted, structs);
		return 0;
	};
	return &o;
}

// Every object is seen where it was, but for the one that a control hides.
inline int FakeKernel::drill(const st_audit_drill &drill, st_audit_drilled *drilled)
{
	*drilled = {};
	if (!enter("drill"))
		return -12;
	const u64 seen = drill.objects - (drill.hide != 0);
	drilled->done = drill.objects;
	drilled->held_ns = 5000;
	drilled->pair.freed = seen;
	drilled->pair.other_cpu = drill.alloc_cpu == drill.free_cpu ? 0 : seen;
	drilled->pair.contexts[drill.context] = seen;
	drilled->pair.ages[8] = seen;
	return on_drill ? on_drill(drill, *drilled) : 0;
}

inline const st_audit_ops FakeKernel::kFakeAudit = {
	[](const st_audit_drill *drill, st_audit_drilled *drilled) {
		return self->drill(*drill, drilled);
	},
	[](u32 load, u32, u64 duration_ns, u64 *pairs, u64 *elapsed_ns) {
		*pairs = duration_ns / (100 + load);
		*elapsed_ns = duration_ns;
		return self->enter("loop") ? 0 : -12;
	},
};

inline int FakeKernel::cost(const st_cost_spec &spec, st_cost_counts *counts)
{
	std::memset(counts, 0xa5, sizeof(*counts));
	if (!enter("cost"))
		return -12;
	*counts = {};
	if (stopped())
		return 0;
	std::set<u32> seen;
	counts->operations = spec.operations;
	counts->blocks = spec.blocks;
	for (u32 i = 0; i < spec.variants; i++) {
		const u32 variant = spec.order[i];
		EXPECT_LT(variant, u32(ST_COST_VARIANTS));
		EXPECT_TRUE(seen.insert(variant).second) << "timed twice";
		for (u32 block = 0; block < spec.blocks; block++)
			counts->ns[variant][block] = variant == ST_COST_TWICE ? 20000 : 10000;
	}
	clock += 1000000;
	if (on_cost)
		on_cost(spec, *counts);
	return 0;
}

inline const st_window_ops *FakeKernel::window_ops()
{
	static const st_window_ops table = {
		[](const st_window_spec *spec, char *reason) {
			if (!self->enter("window_begin"))
				return -12;
			EXPECT_NE(spec->reader_cpu, spec->runner_cpu);
			return self->window.begin(*spec, reason);
		},
		[] { EXPECT_TRUE(self->window.open); },
		[](st_window_counts *counts) { *counts = self->window.counts; },
		[](st_widen_row *rows, u32 max) {
			if (!max)
				return 0u;
			rows[0] = {};
			strcpy(rows[0].name, "count_partial");
			rows[0].places = 1;
			rows[0].hits = rows[0].held = self->window.counts.held;
			rows[0].least_us = 40000;
			rows[0].most_us = 90000;
			return 1u;
		},
		[] { self->window.open = false; },
	};
	return &table;
}

inline const st_publication_ops *FakeKernel::publication_ops()
{
	static const st_publication_ops table = {
		[](const st_publication_spec *spec, char *reason) {
			if (!self->enter("publication_begin"))
				return -12;
			EXPECT_NE(spec->observer_cpu, spec->runner_cpu);
			return self->publication.begin(*spec, reason);
		},
		[](st_publication_counts *counts) { *counts = self->publication.counts; },
		[] { self->publication.open = false; },
	};
	return &table;
}

inline st_ops FakeKernel::ops()
{
	st_ops o = {};
	o.emit = [](const char *text, size_t bytes) { self->lines.emplace_back(text, bytes); };
	o.mark = [](const char *text) { self->marks.emplace_back(text); };
	o.settle = [] {};
	o.stopping = [] { self->all_calls++; return int(self->stopped()); };
	o.now_ns = [] { return self->clock += 1000; };
	o.pointer_text = [](u64 pointer, char *text, size_t bytes) {
		const std::string said = self->on_pointer ? self->on_pointer(pointer) : "";
		if (said.empty())
			snprintf(text, bytes, "%llx", static_cast<unsigned long long>(pointer));
		else
			snprintf(text, bytes, "%s", said.c_str());
	};
	o.buffer_get = [](size_t bytes) -> void * {
		if (!self->enter("buffer_get"))
			return nullptr;
		self->buffers++;
		return std::calloc(1, bytes);
	};
	o.buffer_put = [](void *buffer) {
		self->buffers--;
		std::free(buffer);
	};
	o.cache_create = [](const st_cache_spec *spec, u64 *id) { return self->create(*spec, id); };
	o.cache_destroy = [](u64 id) { self->destroy(id); };
	o.caches_wait = [] {};
	o.objects_alloc = [](u64 id, u32, int payer, u64 *objects, u32 count) {
		return self->alloc(id, u32(payer), objects, count);
	};
	static const st_exts_ops exts = {
		[](u64 id) { self->shrink(id); },
		[](u32 bytes, u32, u32 payer, u64 *objects, u32 count) {
			return self->kmalloc(bytes, payer, objects, count);
		},
		[](u32, const u64 *objects, u32 count) { return self->kfree(objects, count); },
	};
	o.exts = &exts;
	o.objects_free = [](u64 id, u32, const u64 *objects, u32 count) {
		return self->free_all(id, objects, count);
	};
	o.objects_view = [](const st_layout *layout, u32 cpu, const u64 *objects,
			    st_object_view *views, u32 count) {
		if (!self->enter("objects_view"))
			return -22;
		for (u32 i = 0; i < count; i++)
			self->view(*layout, cpu, objects[i], &views[i]);
		return 0;
	};
	o.busted_views = [](u32 kind, u32, st_layout *layout, st_object_view *views, u32 max) {
		return self->busted_views(kind, layout, views, max);
	};
	o.handoffs = handoff_ops();
	o.late = [](const st_late_spec *spec, st_late_counts *counts) {
		return self->late(*spec, counts);
	};
	o.counters = [](const st_counters_spec *spec, st_counters_counts *counts) {
		return self->counters(*spec, counts);
	};
	o.widen = widen_ops();
	o.audit = &kFakeAudit;
	o.hotplug_target = [](st_hotplug_target *target) {
		*target = {};
		target->nid = self->enter("hotplug_target") ? 1 : -1;
		target->blocks = 2;
		strcpy(target->reason, "no node may lose all its memory");
		strcpy(target->no_remove, self->no_remove.c_str());
		strcpy(target->movable_only, self->movable_only.c_str());
	};
	o.block_set = [](u32 block, u32 state) { return self->block_set(block, state); };
	o.blocks_restore = [] {
		if (!self->enter("blocks_restore"))
			return -16;
		self->blocks[0] = self->blocks[1] = ST_BLOCK_MOVABLE;
		self->normal = false;
		return 0;
	};
	o.ways = ways_ops();
	o.node_rows = [](const st_layout *, s32 nid, st_node_row *row, u32 max) {
		self->asked_nid = nid;
		return self->rows(false, row, max);
	};
	o.memory_nodes = [](int normal, u32 *nids, u32) {
		nids[0] = 0;
		nids[1] = 1;
		return normal ? self->normal_nodes : 2u;
	};
	o.busted_nodes_start = [](s32) { return self->enter("busted_nodes_start") ? 0 : -12; };
	o.busted_node_rows = [](st_node_row *row, u32 max) { return self->rows(true, row, max); };
	o.busted_nodes_stop = [] {};
	o.charge = charge_ops();
	o.inspect = inspect_ops();
	static constexpr st_cost_ops kCost = {
		[](const st_cost_spec *spec, st_cost_counts *counts) {
			return self->cost(*spec, counts);
		},
	};
	o.cost = &kCost;
	o.racers = racers_ops();
	o.price = price_ops();
	o.window = window_ops();
	o.publication = publication_ops();
	return o;
}

} // namespace st::test
