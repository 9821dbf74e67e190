// SPDX-License-Identifier: GPL-2.0
//
// experiment_census - the node structures of every cache, as they stand while
// no memory comes or goes: there, of its own, in memory that is there. What
// becomes of them when a node goes is experiment_node's question.
#include "experiment.h"

namespace st {
namespace {

constexpr u32 kMaxRows = 2048;	// caches times nodes

using Row = st_node_row;

class Census {
public:
	// made_now: a cache that was made after all nodes had come.
	Census(const Context &context, u64 made_now, Tally *tally)
		: context_(context), made_now_(made_now), tally_(tally),
		  rows_(context.ops, kMaxRows)
	{
	}

	void take()
	{
		if (!rows_)
			return tally_->broken("there is no memory for the rows of caches");
		nodes_ = context_.ops.memory_nodes(0, nids_, ST_MAX_NODES);
		for (u32 n = 0; n < nodes_; n++)
			if (!read(nids_[n], &begin_[n + 1], begin_[n]))
				return tally_->broken("the caches' node structures could not be "
						      "listed");
		tally_->observed(begin_[nodes_]);
		for (u32 n = 0; n < nodes_; n++)
			judge_node(n);
		judge_distinct();
		note();
	}

private:
	bool read(u32 nid, u32 *end, u32 begin)
	{
		const int got = context_.ops.node_rows(&context_.layout.facts(), s32(nid),
						       rows_.data() + begin, kMaxRows - begin);
		*end = begin + u32(got < 0 ? 0 : got);
		return got > 0;
	}
	Span<Row> rows(u32 n) const
	{
		return Span<Row>(rows_.data() + begin_[n], begin_[n + 1] - begin_[n]);
	}

	bool has_normal_memory(u32 n) const
	{
		u32 normal[ST_MAX_NODES];
		const u32 count = context_.ops.memory_nodes(1, normal, ST_MAX_NODES);
		for (u32 i = 0; i < count; i++)
			if (normal[i] == nids_[n])
				return true;
		return false;
	}
	// Up to about 6.16 SLUB did nothing for a node whose memory is all movable:
	// there all caches have a structure or none has.
	bool must_have_structures(u32 n) const
	{
		for (const Row &row : rows(n))
			if (row.node)
				return true;
		return has_normal_memory(n);
	}
	// Then a node that had normal memory once is known to the caches of that time
	// alone (slab_mem_offline_callback(), node_clear()). Kernels that keep barns
	// beside the structures (7.1) forget no node.
	bool new_ones_must(u32 n) const
	{
		return has_normal_memory(n) || context_.layout.facts().barn_pointer_offset >= 0;
	}

	void ask(Invariant invariant, const Finding &finding, const Row &row, u32 nid, Text what)
	{
		tally_->ask(invariant, finding, [&](Evidence &evidence) {
			evidence.add("cache ").add(row.name).add(" node ").add_dec(nid);
			evidence.add(": ").add(what);
		});
	}

	void judge_node(u32 n)
	{
		const bool others_must = must_have_structures(n), new_must = new_ones_must(n);
		for (const Row &row : rows(n)) {
			const bool must = others_must && (new_must || row.cache != made_now_);
			if (must)
				ask(Invariant::NodeStructPresent, node_struct_present(row), row,
				    nids_[n], "no structure although the node has memory");
			ask(Invariant::NodeStructHome,
			    node_struct_home(row, Span<const u32>(nids_, nodes_)), row, nids_[n],
			    "structure lies on a node without memory");
			const Row *first = must && n ? find(0, row) : nullptr;
			if (first && first->node)
				ask(Invariant::NodeBarnEverywhere,
				    node_barn_everywhere(*first, row), row, nids_[n],
				    row.barn ? "a barn here, none on the first node"
					     : "no barn here, one on the first node");
		}
	}

	const Row *find(u32 n, const Row &wanted) const
	{
		for (const Row &row : rows(n))
			if (row.cache == wanted.cache)
				return &row;
		return nullptr;
	}

	// Every structure against every other one.
	void judge_distinct()
	{
		for (u32 n = 0; n < nodes_; n++)
			for (u32 i = begin_[n]; i < begin_[n + 1]; i++)
				for (u32 j = 0; j < i; j++)
					ask(Invariant::NodeStructDistinct,
					    node_struct_distinct(rows_[j], rows_[i]), rows_[i],
					    nids_[n], "shares its structure with another");
	}

	void note()
	{
		Line<ST_REASON_BYTES> line;
		u32 structures = 0, barns = 0;
		for (u32 i = 0; i < begin_[nodes_]; i++) {
			structures += rows_[i].node != 0;
			barns += rows_[i].barn != 0;
		}
		line.add_dec(begin_[nodes_]).add(" rows on ").add_dec(nodes_).add(" nodes, ");
		line.add_dec(structures).add(" structures, ").add_dec(barns).add(" barns");
		tally_->note(line.text());
	}

	const Context &context_;
	const u64 made_now_;
	Tally *tally_;
	Buffer<Row> rows_;
	u32 nids_[ST_MAX_NODES] = {};
	u32 begin_[ST_MAX_NODES + 1] = {};	// of each node's rows
	u32 nodes_ = 0;
};

// Different slabs among the views; objects of one slab may lie apart.
u32 count_slabs(Span<const st_object_view> views)
{
	u32 slabs = 0;
	for (size_t i = 0; i < views.size(); i++) {
		bool seen = false;
		for (size_t j = 0; j < i && !seen; j++)
			seen = views[j].slab == views[i].slab;
		slabs += !seen;
	}
	return slabs;
}

// The cache's count over all nodes that have memory, -1: not to be had.
s64 counted_slabs(const Context &context, u64 cache, Span<Row> rows)
{
	u32 nids[ST_MAX_NODES];
	const u32 nodes = context.ops.memory_nodes(0, nids, ST_MAX_NODES);
	s64 sum = -1;
	for (u32 n = 0; n < nodes; n++) {
		const int got = context.ops.node_rows(&context.layout.facts(), s32(nids[n]),
						      rows.data(), u32(rows.size()));
		for (int i = 0; i < got; i++)
			if (rows[size_t(i)].cache == cache && rows[size_t(i)].nr_slabs >= 0)
				sum = (sum < 0 ? 0 : sum) + rows[size_t(i)].nr_slabs;
	}
	return sum;
}

void judge_counts(u32 known, s64 counted, Tally *tally)
{
	if (counted < 0)
		return tally->broken("the cache's node structures could not be found");
	tally->observed(known);
	tally->ask(Invariant::NodeCountsSlabs, node_counts_slabs(known, u64(counted)),
		   [&](Evidence &evidence) {
			   evidence.add("objects in ").add_dec(known).add(" slabs, counted ");
			   evidence.add_dec(u64(counted));
		   });
	Line<ST_REASON_BYTES> note;
	note.add("objects in ").add_dec(known).add(" slabs, counted ");
	tally->note(note.add_dec(u64(counted)).text());
}

bool can_list(const Context &context, Tally *tally)
{
	if (context.env.nodes_reason[0])
		tally->skip(context.env.nodes_reason);
	else if (!context.layout.nodes_missing().empty())
		tally->skip(context.layout.nodes_missing().text());
	else
		return true;
	return false;
}

} // namespace

void ask_nodes(const Context &context, Tally *tally)
{
	if (!can_list(context, tally))
		return;
	const st_cache_spec spec{64, 0, ST_CACHE_CTOR};
	u64 cache;
	if (context.ops.cache_create(&spec, &cache))
		return tally->broken("a cache is not to be had");
	Census(context, cache, tally).take();
	context.ops.cache_destroy(cache);
}

void ask_node_counts(const Context &context, Tally *tally)
{
	// a slab holds few of these, so that what sheaves hold does not matter
	const st_cache_spec spec{context.env.page_bytes - 64, 0, ST_CACHE_CTOR};
	constexpr u32 kObjects = 256;
	const st_ops &ops = context.ops;
	if (!can_list(context, tally))
		return;
	if (!context.layout.facts().node_nr_slabs.bits || !context.layout.exts_missing().empty())
		return tally->skip("this kernel's nodes count no slabs, or objects lead to none");
	Buffer<u64> objects(ops, kObjects);
	Buffer<st_object_view> views(ops, kObjects);
	Buffer<Row> rows(ops, kMaxRows);
	u64 cache;
	if (!objects || !views || !rows || ops.cache_create(&spec, &cache))
		return tally->broken("there is no memory for a cache and its rows");
	const int got = ops.objects_alloc(cache, context.env.cpu[0], 0, objects.data(), kObjects);
	if (got > 0 && !ops.objects_view(&context.layout.facts(), context.env.cpu[0],
					 objects.data(), views.data(), u32(got)))
		judge_counts(count_slabs(views.all().first(size_t(got))),
			     counted_slabs(context, cache, rows.all()), tally);
	else
		tally->broken("the cache could not be filled and looked at");
	if (got > 0)
		(void)ops.objects_free(cache, context.env.cpu[0], objects.data(), u32(got));
	ops.cache_destroy(cache);
}

} // namespace st
