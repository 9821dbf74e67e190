// SPDX-License-Identifier: GPL-2.0
//
// fake_ops - the rest of fake_kernel: controls, cgroups, and the table of
// functions that core is given. Included by it, not by tests.
#pragma once
#include "fake_inspect.h"
#include "fake_kernel.h"
#include "fake_nodes.h"
#include "fake_price.h"
#include "fake_threads.h"

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

inline st_ops FakeKernel::ops()
{
	st_ops o = {};
	o.emit = [](const char *text, size_t bytes) { self->emitted({text, bytes}); };
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
