// SPDX-License-Identifier: GPL-2.0
//
// fake_kernel - the kernel side of abi.h in plain memory: caches with slabs
// and extensions in all three placements, in the structures of any shape, and
// threads that only report. It is right until a test makes it wrong: by a hook,
// by an operation that fails, or by stopping in the middle.
#pragma once
#include <memory>
#include <cstring>
#include <algorithm>
#include <gtest/gtest.h>
#include <bit>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>

#include "fake_charge.h"
#include "fake_racers.h"
#include "fake_slab.h"
#include "fake_window.h"
#include "kernel_shapes.h"

namespace st::test {

class FakeKernel {
public:
	explicit FakeKernel(const Shape &of, s32 codetags = -1)
		: shape(of), btf(ShapeBtf(of).blob()), learned(of, codetags)
	{
		self = this;
		strcpy(env.release, of.name.c_str());
		env.page_bytes = 4096;
		env.cpus = 2;
		env.cpu[1] = 1;
		env.memcg = address(memcg);
		env.max_object_bytes = 1 << 18;
		env.max_kmalloc_bytes = 8192;
		env.slub_debug = 1;
		env.btf = btf.data();
		env.btf_bytes = btf.size();
		env.codetags = codetags;
		put(owner + kOwnerMemcgAt, env.memcg, 8);
	}
	~FakeKernel()
	{
		EXPECT_EQ(buffers, 0) << "buffers are not given back";
		EXPECT_EQ(widening, 0) << "windows are left wide";
		EXPECT_EQ(listening, 0) << "listeners are left behind";
		EXPECT_FALSE(timing) << "the callback's probe is left behind";
		for (const auto &[bytes, id] : kmallocs)
			destroy(id);
		EXPECT_EQ(leaked, 0u) << "objects are not given back";
		// nothing is taken from under somebody who is lost in the kernel
		EXPECT_EQ(caches.empty(), !publication.lost) << "caches are not given back";
		EXPECT_FALSE(groups.open) << "cgroups are not given back";
		EXPECT_FALSE(races.running || races.watching) << "threads are left behind";
		EXPECT_FALSE(races.pinned) << "a page is not given back";
		EXPECT_FALSE(window.open) << "readers are still held";
		EXPECT_FALSE(publication.open) << "an observer is left";
	}

	Shape shape;
	std::vector<u8> btf;
	Learned learned;
	st_environment env = {};
	std::set<std::string> failing;		// operations that return -ENOMEM
	u64 stop_at = 0;			// number of calls after which to stop
	s32 asked_nid = 0;			// by the last node_rows()
	bool kept_on_free = false;		// a freed object's slot is not cleared
	bool kept_on_shrink = false;		// a slab's vector is found in the next one
	std::function<void(st_object_view &)> on_view;
	std::function<int(const st_audit_drill &, st_audit_drilled &)> on_drill;
	std::function<void(const st_handoff_spec &, st_handoff_counts &)> on_handoff;
	std::function<void(const st_litmus_spec &, st_litmus_counts &)> on_litmus;
	std::vector<s32> cpu_nodes;		// all on node 0 when empty
	u32 sampling = 0;			// asked for; 0: the default
	const char *racers = nullptr;		// asked for; null: all
	u32 churn_cycles = 0;			// asked for; 0: as time allows
	u32 normal_nodes = 1;			// nodes whose memory slabs may use
	const char *context_lacks[ST_FREE_CONTEXTS] = {};
	std::function<void(const st_late_spec &, st_late_counts &)> on_late;
	std::function<void(const st_counters_spec &, st_counters_counts &)> on_counters;
	std::vector<st_widen_row> widened;	// what the kernel side says it did
	int widening = 0;			// begun and not ended
	std::function<void(const st_cost_spec &, st_cost_counts &)> on_cost;
	std::function<void(st_node_row &, bool offline, bool normal)> on_row;
	std::function<int(u32 block, u32 state)> on_block;
	std::function<void(const st_charge_spec &, st_charge_counts &)> on_charge;
	std::function<void(u32 group, st_charge_books &)> on_books;
	static bool away(u32 state) { return state == ST_BLOCK_OFFLINE || state == ST_BLOCK_GONE; }
	st_node_blocks present() const
	{
		st_node_blocks now = {};
		for (u32 state : blocks) {
			now.blocks += state != ST_BLOCK_GONE;
			now.online += !away(state);
		}
		return now;
	}
	std::string no_remove, movable_only;	// of the target
	std::vector<std::string> devices = {"dimm1"};	// that somebody outside has
	std::vector<std::string> asked_host;	// lines that he answered
	st_notices told = {};
	int listening = 0;
	FakeWindow window;
	FakePublication publication;
	std::string no_groups;		// why cgroups cannot be made
	int open_error = -12;		// when opening them fails
	std::function<int(st_slab_view &)> on_slab;	// what walk_next() returns
	std::function<void(st_object_view &)> on_inspected;
	FakeRacers races;
	std::function<std::string(u64)> on_pointer;	// what pointer_text() writes

	u32 blocks[2] = {ST_BLOCK_MOVABLE, ST_BLOCK_MOVABLE};
	std::function<void(st_price_row &, bool offline)> on_price;
	u64 price_calls = 1, price_busted_stops = 0;
	bool timing = false;

	std::vector<std::string> lines, marks;
	std::map<std::string, std::string> records;	// of lines, by scenario
	std::map<std::string, u64> calls;
	int buffers = 0;
	u64 all_calls = 0, leaked = 0;

	// Runs core from creation to end; returns what st_core_create() returned.
	int run(const char *scenario, u32 seconds = 1, u32 bench = 0,
		const char *benchmark = "*")
	{
		const st_request request{scenario, seconds, 42, bench, benchmark, sampling,
					 racers, churn_cycles};
		const std::unique_ptr<u8[]> storage(new u8[st_core_bytes()]);
		st_core *core = reinterpret_cast<st_core *>(storage.get());
		const st_ops table = ops();
		if (const int err = st_core_create(core, &table, &request, reason))
			return err;
		st_core_learn(core, &env);
		totals = {};
		st_core_run(core, &totals);
		return 0;
	}
	// One question to core, as KUnit suites ask them.
	st_answer ask(const std::function<void(st_core *, st_answer *)> &question)
	{
		st_answer answer;
		std::memset(&answer, 0xa5, sizeof(answer));
		with_core([&](st_core *core, const st_ops &) { question(core, &answer); });
		return answer;
	}
	// Core that has learned, and the kernel side to work with.
	void with_core(const std::function<void(st_core *, const st_ops &)> &work)
	{
		const st_request request{"*", 1, 42, 0, "*", 0, nullptr, 0};
		const std::unique_ptr<u8[]> storage(new u8[st_core_bytes()]);
		st_core *core = reinterpret_cast<st_core *>(storage.get());
		const st_ops table = ops();
		ASSERT_EQ(st_core_create(core, &table, &request, reason), 0);
		st_core_learn(core, &env);
		work(core, table);
	}
	// One line of the report, kept; records also by their scenarios.
	void emitted(const std::string &line)
	{
		static const std::string kRecord = "# record scenario=";
		if (line.rfind(kRecord, 0) == 0)
			records.emplace(line.substr(kRecord.size(),
						    line.find(' ', kRecord.size()) - kRecord.size()), line);
		lines.push_back(line);
	}
	std::string record(const std::string &scenario) const
	{
		const auto at = records.find(scenario);
		return at == records.end() ? "" : at->second;
	}
	// Lines that begin so, one after the other, without so many characters.
	std::string said(const std::string &begin = "", size_t without = 0) const
	{
		std::string all;
		for (const std::string &line : lines)
			if (line.rfind(begin, 0) == 0)
				all += line.substr(without) + "\n";
		return all;
	}
	std::string field(const std::string &scenario, const std::string &key) const
	{
		const std::string line = record(scenario);
		size_t at = line.find(" " + key + "=");
		if (at == std::string::npos)
			return "";
		at += key.size() + 2;
		const bool quoted = line[at] == '"';
		at += quoted;
		return line.substr(at, line.find(quoted ? '"' : ' ', at) - at);
	}

	char reason[ST_REASON_BYTES] = {};
	st_totals totals = {};

private:
	static st_ops ops();
	static const st_window_ops *window_ops();
	static const st_publication_ops *publication_ops();

	// every operation comes by here: it may stop the run, or fail
	bool enter(const char *operation)
	{
		calls[operation]++;
		all_calls++;
		return !failing.count(operation);
	}
	bool stopped() const { return stop_at && all_calls >= stop_at; }

	u64 ext_bytes() const { return learned.facts().ext_bytes; }

	// fake_memory.h
	int create(const st_cache_spec &spec, u64 *id);
	int make(const st_cache_spec &spec, u64 *id);
	void destroy(u64 id);
	void shrink(u64 id);
	u64 kmalloc_cache(u32 bytes, u32 payer);
	int kmalloc(u32 bytes, u32 payer, u64 *objects, u32 count);
	int kfree(const u64 *objects, u32 count);
	FakeSlab *grow(FakeCache &cache);
	void place(const FakeCache &cache, FakeSlab *slab);
	void own(FakeSlab &slab, u32 index, u64 whose);
	u64 allocate(FakeCache &cache, u32 payer);
	int alloc(u64 id, u32 payer, u64 *objects, u32 count);
	void free_one(u64 object);
	int free_all(u64, const u64 *objects, u32 count);
	bool readable(const FakeSlab &slab, u64 slot) const;
	void view(const st_layout &layout, u32 cpu, u64 object, st_object_view *v);
	void view_slot(const st_layout &layout, u32 cpu, const FakeSlab &slab, u32 index,
		       st_object_view *v);
	// fake_inspect.h
	void inspected(const FakeCache &cache, u32 number, st_inspected *found);
	int find_cache(const char *name, u64 wanted, s64 position, st_inspected *found);
	int walk_next(u32 *walk, const st_layout &layout, const st_inspected &cache,
		      st_slab_view *slab);
	int slab_objects(u32 walk, const st_layout &layout, const st_inspected &cache,
			 const st_slab_view &slab, u32 first, st_object_view *views, u32 count);
	static const st_inspect_ops *inspect_ops();

	int busted_views(u32 kind, st_layout *layout, st_object_view *views, u32 max);
	int busted_pair(u32 kind, st_object_view *views);
	int handoff(const st_handoff_spec &spec, st_handoff_counts *counts);
	int litmus(const st_litmus_spec &spec, st_litmus_counts *counts);
	static const st_handoff_ops *handoff_ops();
	int counters(const st_counters_spec &spec, st_counters_counts *counts);
	static const st_widen_ops *widen_ops();
	int late(const st_late_spec &spec, st_late_counts *counts);
	int drill(const st_audit_drill &drill, st_audit_drilled *drilled);
	static const st_audit_ops kFakeAudit;
	int cost(const st_cost_spec &spec, st_cost_counts *counts);
	int rows(bool busted, st_node_row *row, u32 max);
	int price_rows(bool busted, s32 nid, st_price_row *prices, u32 max);
	static const st_price_ops *price_ops();
	int block_set(u32 block, u32 state)
	{
		clock += 20000000;	// what it takes, so that timed cycles end
		if (!enter("block_set"))
			return -16;
		if (const int err = on_block ? on_block(block, state) : 0)
			return err;
		if (races.refuses(block, state))
			return -16;
		told.count[away(state) ? ST_NOTICE_OFFLINE : ST_NOTICE_ONLINE]++;
		blocks[block] = state;
		if (state == ST_BLOCK_OFFLINE)
			window.block_went();
		else
			publication.block_came();
		normal = state == ST_BLOCK_OFFLINE ? normal : state == ST_BLOCK_KERNEL;
		return 0;
	}

	// Does what the last line asked of somebody outside; with two devices each
	// has one block.
	void answer_host()
	{
		const std::string &line = lines.back();
		const bool plug = line.find("# host plug ") != std::string::npos;
		for (u32 i = 0; i < 2; i++)
			if (devices.size() < 2 || line.ends_with(devices[i]))
				blocks[i] = plug ? ST_BLOCK_MOVABLE : ST_BLOCK_GONE;
		asked_host.push_back(line);
		if (plug)
			publication.block_came();
	}

	static const st_ways_ops *ways_ops();
	static const st_charge_ops *charge_ops();
	static const st_racers_ops *racers_ops();

	static inline FakeKernel *self;
	FakeGroups groups;
	u64 clock = 1000;
	u8 memcg[8] = {}, owner[64] = {};
	std::map<u64, std::unique_ptr<FakeCache>> caches;
	std::map<u64, FakeSlab *> slab_of;
	std::map<std::pair<u32, bool>, u64> kmallocs;	// caches that stay
	u64 inherited = 0;
	bool normal = false;
	bool price_was_offline = false;
	u64 price_returns = 0;
};

} // namespace st::test

#include "fake_memory.h"
#include "fake_ops.h"
