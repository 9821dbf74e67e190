// SPDX-License-Identifier: GPL-2.0
//
// engine - see engine.h.
#include "engine.h"

namespace st {

Cache::Cache(const st_ops &ops, u32 flags) : ops_(ops)
{
	const st_cache_spec spec{ST_HANDOFF_OBJECT_BYTES, 0, ST_CACHE_CTOR | flags};
	made_ = ops.cache_create(&spec, &id_) == 0;
}

Cache::~Cache()
{
	if (made_)
		ops_.cache_destroy(id_);
}

Places::Places(const Context &context) : env_(context.env)
{
	for (u32 i = 0; i < env_.cpus; i++) {
		node_[i] = context.ops.handoffs->cpu_node(env_.cpu[i]);
		many_nodes_ = many_nodes_ || node_[i] != node_[0];
	}
	u32 nids[ST_MAX_NODES];
	const u32 nodes = context.ops.memory_nodes(1, nids, ST_MAX_NODES);
	for (u32 i = 0; i < nodes && memory_ < 0; i++)
		if (!has_cpu(s32(nids[i])))
			memory_ = s32(nids[i]);
}

bool Places::choose(u32 place, u64 number, st_handoff_spec *spec) const
{
	const u32 cpus = env_.cpus, all = cpus * cpus;
	const bool by_memory = place == ST_PLACE_OTHER_NODE && !many_nodes_;
	if (by_memory && memory_ < 0)
		return false;
	spec->nid = by_memory ? memory_ : -1;
	for (u32 i = 0; i < all; i++) {
		const u32 at = u32((number + i) % all), x = at / cpus, y = at % cpus;
		if (!fits(by_memory ? u32(ST_PLACE_SAME_NODE) : place, x, y))
			continue;
		spec->producer_cpu = env_.cpu[x];
		spec->consumer_cpu = env_.cpu[y];
		return true;
	}
	return false;
}

bool Places::has_cpu(s32 nid) const
{
	for (u32 i = 0; i < env_.cpus; i++)
		if (node_[i] == nid)
			return true;
	return false;
}

bool Places::fits(u32 place, u32 x, u32 y) const
{
	if (place == ST_PLACE_SAME_CPU)
		return x == y;
	return x != y && (node_[x] == node_[y]) == (place == ST_PLACE_SAME_NODE);
}

st_handoff_spec spec_for(const Context &context, const Pair &pair, u32 mode, u64 cache)
{
	st_handoff_spec spec = {};
	const bool layout_known = context.layout.exts_missing().empty();
	const bool late = pair.publish == ST_PUBLISH_LATE;
	spec.layout = layout_known ? &context.layout.facts() : nullptr;
	spec.accounted = layout_known && context.env.memcg != 0;
	spec.cache = cache;
	spec.seed = context.seed;
	spec.publish = late ? u32(ST_PUBLISH_RELEASE) : pair.publish;
	spec.consume = pair.consume;
	spec.mode = mode;
	spec.origin = ST_ORIGIN_ACCOUNTED;
	spec.object_bytes = ST_HANDOFF_OBJECT_BYTES;
	spec.in_flight = ST_IN_FLIGHT_MOST;
	spec.sampling = context.sampling;
	spec.nid = -1;
	return spec;
}

} // namespace st
