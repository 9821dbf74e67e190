// SPDX-License-Identifier: GPL-2.0
//
// experiment_publication - node-publication: when a node's structure is
// published, does the first CPU that sees its pointer see it initialised?
// node-publication-met-*: and what becomes of a reader of the kernel's which
// uses one that is not? Asked where structures are published while others run:
// a node gets its first memory, from outside if it has none yet, or, on kernels
// that free them, gets memory again.
#include "node_steps.h"

namespace st {
namespace {

constexpr int kNotHere = -95;		// -EOPNOTSUPP
// Longer than the kernel takes to report a stalled CPU, which is evidence.
constexpr u32 kPatienceMs = 30000;
constexpr u32 kTwinPatienceMs = 300;
constexpr u32 kTwinTimes = 3;

Text field_name(u32 field)
{
	static constexpr const char *kNames[] = {"partial.next", "partial.prev", "nr_slabs"};
	return field < ST_PUBLICATION_FIELDS ? kNames[field] : "?";
}

// Where the structures' node gets its memory from.
struct Place {
	st_hotplug_target target;
	st_host host;
	bool outside;		// it has none, and somebody can plug some in

	explicit Place(const st_ops &ops)
	{
		st_node_blocks now = {};
		ops.hotplug_target(&target);
		ops.ways->host(&host);
		if (target.nid < 0 && host.nid >= 0)
			ops.ways->node_blocks(host.nid, &now);
		outside = target.nid < 0 && host.nid >= 0 && host.devices && !now.blocks;
	}
	s32 nid() const { return outside ? host.nid : target.nid; }
};

bool can_ask(const Context &context, const Place &place, bool busted, Tally *tally)
{
	if (!busted && !place.outside && !has_target(place.target, tally))
		return false;
	if (!context.two_cpus())
		tally->skip("two CPUs are needed: one looks while the other publishes");
	else if (!knows_nodes(context, false, tally))
		return false;
	else if (!context.layout.facts().node_partial.bits)
		tally->skip("this kernel does not tell where kmem_cache_node has its partial list");
	else
		return true;
	return false;
}

void describe_meeting(Evidence &evidence, const st_publication_counts &counts)
{
	evidence.add("; list_lock ").add(counts.lock ? "taken" : "free").add(", nr_partial ");
	evidence.add(!counts.nr_partial ? "0" : "not 0").add("; ").add(counts.reader);
	switch (counts.meeting) {
	case ST_MET_DEAD: evidence.add(" met it and died"); break;
	case ST_MET_LOST: evidence.add(" met it and never came back"); break;
	default:
		evidence.add(" met it and came back after ").add_dec(counts.inside_us / 1000);
		evidence.add(" ms with ").add(counts.result < 0 ? "-" : "");
		evidence.add_dec(u64(counts.result < 0 ? -counts.result : counts.result));
		if (counts.told[0])
			evidence.add(": ").add(counts.told);
	}
}

void describe(Evidence &evidence, const Context &context, const st_publication_counts &counts,
	      s32 nid)
{
	char seen[24];
	context.ops.pointer_text(counts.seen, seen, sizeof(seen));
	evidence.add("node ").add_dec(u64(nid)).add(": ").add_dec(counts.early).add(" of ");
	evidence.add_dec(counts.published).add(" structures were seen before they were initialised; ");
	evidence.add(field_name(counts.field)).add(" was ").add(seen);
	if (counts.meeting == ST_MET_NOBODY)
		evidence.add(counts.later == counts.expected ? ", right a little later"
							     : ", and stayed wrong");
	if (counts.where[0])
		evidence.add("; publisher held in ").add(counts.where);
	if (counts.meeting != ST_MET_NOBODY)
		describe_meeting(evidence, counts);
}

// A reader that is lost has not let anybody look once more: what it met was
// initialised by its publisher, who goes on whatever becomes of the reader.
bool mended(const st_publication_counts &counts)
{
	return counts.meeting >= ST_MET_DEAD || counts.later == counts.expected;
}

void judge(const Context &context, s32 nid, const st_publication_counts &counts, Tally *tally)
{
	tally->observed(counts.published);
	tally->overlapped(counts.published);
	tally->held(Invariant::NodeInitialisedWhenVisible, counts.published - counts.early);
	if (counts.early) {
		tally->ask(Invariant::NodeInitialisedWhenVisible,
			   node_initialised_when_visible(0, mended(counts)),
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
	held.add_dec(context.seed).add("; ").add_dec(counts.blind);
	tally->remarks().add(held.add(" times it was the observer's own").text());
}

// Blocks that are there go and come. Returns the errno of a step, negative.
int cycle_blocks(const Context &context, const st_hotplug_target &target,
		 st_publication_counts *counts)
{
	const st_ops &ops = context.ops;
	const u64 end = ops.now_ns() + context.duration_ns;
	int err = 0;
	for (u32 i = 0; !context.stopping() && !err && !counts->early; i++) {
		if (i > 1 && ops.now_ns() >= end)
			break;
		err = i % 2 ? through_normal_zone(ops, target.blocks - 1)
			    : through_movable_zone(ops, target.blocks);
		ops.publication->counts(counts);
	}
	return err;
}

// Its first memory comes once, from outside.
int plug_in(const Context &context, const st_host &host, st_publication_counts *counts)
{
	st_node_blocks now = {};
	ask_host(context.ops, host, 0, true);
	const int err = context.ops.ways->node_wait(host.nid, 0, &now);
	context.ops.publication->counts(counts);
	return err;
}

void unplug(const Context &context, const st_host &host)
{
	st_node_blocks now = {};
	context.ops.ways->node_blocks(host.nid, &now);
	if (!now.blocks)
		return;
	ask_host(context.ops, host, 0, false);
	(void)context.ops.ways->node_wait(host.nid, now.blocks, &now);
	context.ops.ways->rescan(host.nid);
}

int publish_twins(const Context &context, st_publication_counts *counts)
{
	for (u32 i = 0; i < kTwinTimes && !counts->early && !context.stopping(); i++) {
		context.ops.publication->publish();
		context.ops.publication->counts(counts);
	}
	return 0;
}

void publish(const Context &context, const Place &place, bool busted, Tally *tally)
{
	st_publication_counts counts = {};
	const int err = busted ? publish_twins(context, &counts) :
		place.outside ? plug_in(context, place.host, &counts) :
				cycle_blocks(context, place.target, &counts);
	if (context.ops.publication->end())
		tally->abandon();
	if (err && !context.stopping() && !counts.early) {
		Line<ST_REASON_BYTES> why("blocks of the node could not be set (errno ");
		tally->skip(why.add_dec(u64(-err)).add(")").text());
	}
	judge(context, place.nid(), counts, tally);
}

// Caches that nobody allocates from; only one with debugging is validated by
// later kernels. How many could be had.
u32 make_caches(const st_ops &ops, u32 wanted, bool validate, u64 *caches)
{
	const st_cache_spec cache{64, 0, validate ? u32(ST_CACHE_CTOR) | ST_CACHE_STORE_USER
						  : u32(ST_CACHE_CTOR)};
	u32 made = 0;
	while (made < wanted && !ops.cache_create(&cache, &caches[made]))
		made++;
	return made;
}

} // namespace

void run_publication(const Context &context, const Scenario &scenario, Tally *tally)
{
	const Place place(context.ops);
	const bool busted = scenario.busted();
	const u32 mode = scenario.argument % ST_PUBLICATION_MODES;
	if (!can_ask(context, place, busted, tally))
		return;
	st_publication_spec spec = {};
	spec.mode = mode;
	spec.meeter = scenario.argument / ST_PUBLICATION_MODES;
	const bool watches = mode == ST_PUBLICATION_WATCH;
	spec.caches = make_caches(context.ops, watches ? ST_PUBLICATION_CACHES : 1,
				  spec.meeter == ST_MEETER_VALIDATE, spec.cache);
	if (!spec.caches)
		return tally->broken("a cache is not to be had");
	spec.layout = &context.layout.facts();
	spec.seed = context.seed;
	spec.nid = place.nid();
	spec.patience_ms = busted ? kTwinPatienceMs : kPatienceMs;
	spec.runner_cpu = context.env.cpu[0];
	spec.observer_cpu = context.env.cpu[1];
	char reason[ST_REASON_BYTES] = "";
	const int err = context.ops.publication->begin(&spec, reason);
	if (err == kNotHere)
		tally->skip(reason);
	else if (err)
		tally->broken(reason);
	else
		publish(context, place, busted, tally);
	if (tally->abandoned())
		return;
	for (u32 i = 0; i < spec.caches; i++)
		context.ops.cache_destroy(spec.cache[i]);
	if (busted)
		return;		// which touches no memory block
	if (place.outside)
		unplug(context, place.host);
	else if (context.ops.blocks_restore())
		tally->broken("a memory block could not be put back as it was found");
}

} // namespace st
