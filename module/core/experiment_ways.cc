// SPDX-License-Identifier: GPL-2.0
//
// experiment_ways - a node's memory goes and comes otherwise than block after
// block through sysfs: node-partial takes a part of it and all of it, in orders
// that follow from the seed; node-remove-add does what a driver does;
// node-unplug-plug has somebody outside pull the DIMMs. Each step and each look
// is an event of the time line.
#include "node_steps.h"
#include "node_watch.h"

namespace st {
namespace {

constexpr u32 kMostBlocks = 64;		// shims/hotplug.c handles no more
constexpr u32 kCycles = 2;		// the second is a return
constexpr int kTries = 5;		// as in node_steps.cc

// Numbers from 0 on in an order that follows from the seed.
class Order {
public:
	Order(Random *random, u32 count) : count_(count < kMostBlocks ? count : kMostBlocks)
	{
		for (u32 i = 0; i < count_; i++)
			at_[i] = i;
		for (u32 i = count_; i > 1; i--)
			swap(i - 1, random->below(i));
	}
	u32 operator[](u32 i) const { return at_[i]; }
	u32 count() const { return count_; }

private:
	void swap(u32 a, u32 b)
	{
		const u32 was = at_[a];
		at_[a] = at_[b];
		at_[b] = was;
	}
	u32 at_[kMostBlocks];
	u32 count_;
};

// One node, watched, with all that is done to it on the time line.
class Walk {
public:
	Walk(const Context &context, s32 nid, bool busted, Tally *tally)
		: context_(context), nid_(nid), tally_(tally), listening_(context, tally),
		  watch_(context, nid, busted, tally)
	{
	}

	bool start() { return listening_ && watch_.start(); }

	bool look(Text event, bool offline)
	{
		if (!watch_.look(event, offline))
			return false;
		listening_.looked(watch_.found());
		return !context_.stopping();
	}

	// The first `count` blocks of an order; gone: they come back by add_memory().
	bool set(const Order &order, u32 count, u32 state, bool gone = false)
	{
		for (u32 i = 0; i < count; i++)
			if (!set_one(order[i], state, gone))
				return false;
		return true;
	}

	// Asks somebody outside, who reads the report.
	void ask(const st_host &host, u32 device, bool plug)
	{
		ask_host(context_.ops, host, device, plug);
		moved_[device] = !moved_[device];
	}

	// And waits for the memory.
	bool ask_and_wait(const st_host &host, u32 device, bool plug, st_node_blocks *now)
	{
		const st_ops &ops = context_.ops;
		const u32 before = now->blocks;
		const u64 begin = ops.now_ns();
		ask(host, device, plug);
		const int err = ops.ways->node_wait(nid_, before, now);
		listening_.done(Way::Outside, plug ? Step::Plug : Step::Unplug, s32(device), err,
				begin);
		if (!err || context_.stopping())
			return !err;
		Line<ST_REASON_BYTES> why;
		why.add(host.device[device]).add(plug ? " was to come" : " was to go");
		why.add(", and node ").add_dec(u64(nid_)).add(" still has ").add_dec(now->blocks);
		why.add(" blocks, ").add_dec(now->online).add(" of them online (errno ");
		tally_->broken(why.add_dec(u64(-err)).add(")").text());
		return false;
	}

	// What a walk that was cut short has left; nobody waits for it any more.
	void ask_back(const st_host &host, bool found_away)
	{
		for (u32 i = 0; i < host.devices; i++)
			if (moved_[i])
				ask(host, i, !found_away);
	}

private:
	bool set_one(u32 block, u32 state, bool gone)
	{
		const st_ops &ops = context_.ops;
		const Way way = gone || state == ST_BLOCK_GONE ? Way::Module : Way::Sysfs;
		int err = kInterrupted;
		for (int i = 0; i < kTries && !ops.stopping(); i++) {
			const u64 begin = ops.now_ns();
			err = ops.block_set(block, state);
			listening_.done(way, step_to(state, gone), s32(block), err, begin);
			if (!err || err == kInterrupted)
				break;
		}
		if (!err || context_.stopping())
			return !err;
		Line<ST_REASON_BYTES> why;
		why.add("block ").add_dec(block).add(" of node ").add_dec(u64(nid_));
		why.add(" refused the step ").add(name(step_to(state, gone))).add(" (errno ");
		tally_->skip(why.add_dec(u64(-err)).add(")").text());
		return false;
	}

	const Context &context_;
	s32 nid_;
	Tally *tally_;
	Listening listening_;
	Watch watch_;
	bool moved_[ST_HOST_DEVICES] = {};	// it is not as it was found
};

// The part comes to the normal zone and goes again, while the rest stays: a
// node's last normal memory is not its last memory.
bool part_as_normal(const Order &order, u32 part, Walk *walk)
{
	return walk->set(order, part, ST_BLOCK_OFFLINE) &&
	       walk->set(order, part, ST_BLOCK_KERNEL) &&
	       walk->look("when a part of its memory came to the normal zone", false) &&
	       walk->set(order, part, ST_BLOCK_OFFLINE) &&
	       walk->look("when its last normal memory went offline, and movable memory stayed",
			  false) &&
	       walk->set(order, part, ST_BLOCK_MOVABLE);
}

void run_partial(const Context &context, const st_hotplug_target &target, bool busted, Walk *walk,
		 Tally *tally)
{
	if (target.blocks < 2)
		return tally->skip("the node has one memory block, which has no part");
	Random random(context.seed);
	const Order going(&random, target.blocks), coming(&random, target.blocks);
	const u32 part = 1 + random.below(target.blocks - 1);
	Line<ST_REASON_BYTES> note;
	note.add("node ").add_dec(u64(target.nid)).add(", ").add_dec(part).add(" of ");
	note.add_dec(target.blocks).add(" blocks, then all");
	tally->note(note.text());
	const bool partly = walk->set(going, part, ST_BLOCK_OFFLINE) &&
			    walk->look("when a part of its memory went offline", false) &&
			    walk->set(coming, coming.count(), ST_BLOCK_MOVABLE) &&
			    walk->look("when that part came online", false);
	if (!partly || !walk->set(going, going.count(), ST_BLOCK_OFFLINE) ||
	    !walk->look("when its last memory went offline", true) || busted)
		return;
	if (!walk->set(coming, coming.count(), ST_BLOCK_MOVABLE) ||
	    !walk->look("when its memory came online", false))
		return;
	if (target.movable_only[0])
		tally->remarks().add(target.movable_only);
	else
		(void)part_as_normal(coming, part, walk);
}

void run_remove_add(const Context &context, const st_hotplug_target &target, bool busted,
		    Walk *walk, Tally *tally)
{
	Random random(context.seed);
	Line<ST_REASON_BYTES> note;
	note.add("node ").add_dec(u64(target.nid)).add(", ").add_dec(target.blocks);
	tally->note(note.add(" blocks, by the kernel's API").text());
	for (u32 i = 0; i < (busted ? 1 : kCycles); i++) {
		const Order going(&random, target.blocks), coming(&random, target.blocks);
		if (!walk->set(going, going.count(), ST_BLOCK_GONE) ||
		    !walk->look("when its memory was removed", true) ||
		    !walk->set(coming, coming.count(), ST_BLOCK_MOVABLE, true) ||
		    !walk->look("when its memory was added", false))
			return;
	}
}

// All devices, one after the other.
bool ask_all(const Context &context, const st_host &host, bool plug, Random *random,
	     st_node_blocks *now, Walk *walk)
{
	const Order order(random, host.devices);
	for (u32 i = 0; i < order.count(); i++) {
		const bool asked = walk->ask_and_wait(host, order[i], plug, now);
		context.ops.ways->rescan(host.nid);
		if (!asked || !walk->look(plug ? "when a DIMM was plugged in" :
						 "when a DIMM was unplugged", !now->blocks))
			return false;
	}
	return true;
}

void run_outside(const Context &context, const st_host &host, bool busted, Walk *walk,
		 Tally *tally)
{
	Random random(context.seed);
	st_node_blocks now;
	context.ops.ways->node_blocks(host.nid, &now);
	const bool away = !now.blocks;	// as found, and as left
	Line<ST_REASON_BYTES> note;
	note.add("node ").add_dec(u64(host.nid)).add(", ").add_dec(host.devices);
	note.add(host.devices == 1 ? " DIMM" : " DIMMs").add(away ? " to come" : "");
	tally->note(note.text());
	for (u32 i = 0; i < 2 * (busted ? 1 : kCycles); i++)
		if (!ask_all(context, host, away == !(i % 2), &random, &now, walk))
			break;
	walk->ask_back(host, away);
}

// Watches a node while `steps` are taken, and puts its blocks back.
template <typename Steps>
void walk_node(const Context &context, s32 nid, bool busted, Tally *tally, Steps steps)
{
	if (busted && context.ops.busted_nodes_start(nid))
		return tally->broken("the control could not listen to memory events");
	{
		Walk walk(context, nid, busted, tally);
		if (walk.start())
			steps(&walk);
	}
	if (busted)
		context.ops.busted_nodes_stop();
	if (context.ops.blocks_restore())
		tally->broken("a memory block could not be put back as it was found");
}

} // namespace

void run_ways(const Context &context, const Scenario &scenario, Tally *tally)
{
	const bool busted = scenario.busted();
	st_hotplug_target target;
	st_host host;
	context.ops.hotplug_target(&target);
	context.ops.ways->host(&host);
	if (scenario.argument == u32(Way::Outside)) {
		if (!host.devices || host.nid < 0)
			return tally->skip(host.reason);
	} else if (target.nid < 0) {
		return tally->skip(target.reason);
	} else if (scenario.argument == u32(Way::Module) && target.no_remove[0]) {
		return tally->skip(target.no_remove);
	}
	if (!can_watch(context, busted, tally))
		return;
	if (scenario.argument == u32(Way::Outside))
		return walk_node(context, host.nid, busted, tally, [&](Walk *walk) {
			run_outside(context, host, busted, walk, tally);
		});
	walk_node(context, target.nid, busted, tally, [&](Walk *walk) {
		if (scenario.argument == u32(Way::Module))
			run_remove_add(context, target, busted, walk, tally);
		else
			run_partial(context, target, busted, walk, tally);
	});
}

} // namespace st
