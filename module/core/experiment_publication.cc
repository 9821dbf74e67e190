// SPDX-License-Identifier: GPL-2.0
//
// experiment_publication - node-publication: when a node's structure is
// published, does the first CPU that sees its pointer see it initialised?
// Asked where structures are published while others run: a node gets its first
// memory, or, on kernels that free them, gets memory again.
#include "node_steps.h"

namespace st {
namespace {

constexpr int kNotHere = -95;		// -EOPNOTSUPP

Text field_name(u32 field)
{
	static constexpr const char *kNames[] = {"partial.next", "partial.prev", "nr_slabs"};
	return field < ST_PUBLICATION_FIELDS ? kNames[field] : "?";
}

bool can_ask(const Context &context, const st_hotplug_target &target, Tally *tally)
{
	if (target.nid < 0)
		tally->skip(target.reason);
	else if (!context.two_cpus())
		tally->skip("two CPUs are needed: one looks while the other publishes");
	else if (!context.layout.nodes_missing().empty())
		tally->skip(context.layout.nodes_missing().text());
	else if (!context.layout.facts().node_partial.bits)
		tally->skip("this kernel does not tell where kmem_cache_node has its partial list");
	else
		return true;
	return false;
}

void describe(Evidence &evidence, const Context &context, const st_publication_counts &counts,
	      s32 nid)
{
	char seen[24];
	context.ops.pointer_text(counts.seen, seen, sizeof(seen));
	evidence.add("node ").add_dec(u64(nid)).add(": ").add_dec(counts.early).add(" of ");
	evidence.add_dec(counts.published).add(" structures were seen before they were initialised; ");
	evidence.add(field_name(counts.field)).add(" was ").add(seen);
	evidence.add(counts.later == counts.expected ? ", right a little later" : ", and stayed wrong");
	if (counts.where[0])
		evidence.add("; publisher held in ").add(counts.where);
	if (counts.told[0])
		evidence.add("; meanwhile sysfs objects told ").add(counts.told);
}

void judge(const Context &context, s32 nid, const st_publication_counts &counts, Tally *tally)
{
	tally->observed(counts.published);
	tally->overlapped(counts.published);
	tally->held(Invariant::NodeInitialisedWhenVisible, counts.published - counts.early);
	if (counts.early) {
		tally->ask(Invariant::NodeInitialisedWhenVisible,
			   node_initialised_when_visible(0, counts.later == counts.expected),
			   [&](Evidence &e) { describe(e, context, counts, nid); });
		tally->broke(Invariant::NodeInitialisedWhenVisible, counts.early - 1);
	}
	if (!counts.published)
		tally->skip("nothing was published: this kernel keeps the structures of a node that "
			    "it had before (as it should, from 5.12 on)");
	Remark line("published: ");
	line.add_dec(counts.published).add(" pointers, seen by another CPU without a lock; ");
	tally->remarks().add(line.add_dec(counts.early).add(" too early").text());
	Remark held("widened: publishing CPU held ");
	held.add_dec(counts.held).add(" times for up to ").add_dec(counts.most_us).add(" us, by seed ");
	tally->remarks().add(held.add_dec(context.seed).text());
}

// The control has its answer after one cycle.
void cycles(const Context &context, const st_hotplug_target &target, bool busted, Tally *tally)
{
	const st_ops &ops = context.ops;
	const u64 end = ops.now_ns() + context.duration_ns;
	st_publication_counts counts = {};
	int err = 0;
	for (u32 i = 0; !context.stopping() && !err && !counts.early; i++) {
		if (i > 1 && (busted || ops.now_ns() >= end))
			break;
		err = i % 2 ? through_normal_zone(ops, target.blocks - 1)
			    : through_movable_zone(ops, target.blocks);
		ops.publication->counts(&counts);
	}
	ops.publication->end();
	ops.publication->counts(&counts);
	if (err && !context.stopping() && !counts.early) {
		Line<ST_REASON_BYTES> why("blocks of the node could not be set (errno ");
		tally->skip(why.add_dec(u64(-err)).add(")").text());
	}
	judge(context, target.nid, counts, tally);
}

} // namespace

void run_publication(const Context &context, const Scenario &scenario, Tally *tally)
{
	st_hotplug_target target;
	context.ops.hotplug_target(&target);
	if (!can_ask(context, target, tally))
		return;
	const st_cache_spec cache{64, 0, ST_CACHE_CTOR};
	st_publication_spec spec = {};
	if (context.ops.cache_create(&cache, &spec.cache))
		return tally->broken("a cache is not to be had");
	spec.layout = &context.layout.facts();
	spec.seed = context.seed;
	spec.nid = target.nid;
	spec.mode = scenario.argument;
	spec.runner_cpu = context.env.cpu[0];
	spec.observer_cpu = context.env.cpu[1];
	char reason[ST_REASON_BYTES] = "";
	const int err = context.ops.publication->begin(&spec, reason);
	if (err == kNotHere)
		tally->skip(reason);
	else if (err)
		tally->broken(reason);
	else
		cycles(context, target, scenario.busted(), tally);
	context.ops.cache_destroy(spec.cache);
	if (context.ops.blocks_restore())
		tally->broken("a memory block could not be put back as it was found");
}

} // namespace st
