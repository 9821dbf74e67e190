// SPDX-License-Identifier: GPL-2.0
//
// experiment_cost - the benchmarks cost and cost-bare: what barriers beside
// accounted allocations and frees take, for each placement of the extensions
// and for frees on the same and on another CPU. Variants and cells take turns in
// a seeded order, so that a slow moment of the machine hits all of them alike.
// Ratios and intervals are made of the lines by the host.
#include "benchmark.h"

namespace st {
namespace {

// Some 100 us a block, which is less than a scheduler's slice.
constexpr u32 kBlocks = 21, kBareBlocks = 32;
constexpr u32 kLateBlocks = 11;		// of a whole late batch each
constexpr u32 kOperations[ST_COST_PATHS] = {1024, 128, 256};
constexpr u32 kSample = 64;		// objects looked at for their placement
constexpr u32 kBatch = 16;
// More than the stocks per CPU and node keep (7.2: 12 sheaves of 13 such objects
// and five or six empty slabs), so that slabs go and come, each with a new vector.
constexpr u32 kLateBatch = 320;
constexpr u32 kCandidates = 5;

// Objects of about one size but for late ones; the first candidate that this
// kernel places as wanted is taken. What a slab has left over depends on the
// sizes of page and element.
struct Kind {
	const char *name;
	Placement wanted;
	u32 batch;
	st_cache_spec candidates[kCandidates];
};

constexpr u32 kEarly = ST_CACHE_ACCOUNT | ST_CACHE_CTOR;
constexpr Kind kKinds[] = {
	{"external", Placement::External, kBatch,
	 {{248, 8, kEarly}, {256, 8, kEarly}, {240, 8, kEarly}, {504, 8, kEarly}}},
	{"late", Placement::External, kLateBatch,
	 {{1016, 8, ST_CACHE_CTOR}, {1008, 8, ST_CACHE_CTOR}}},
	{"leftover", Placement::Leftover, kBatch,
	 {{240, 8, kEarly}, {312, 8, kEarly}, {496, 8, kEarly}, {992, 8, kEarly},
	  {1992, 8, kEarly}}},
	{"in-object", Placement::InObject, kBatch,
	 {{192, 256, kEarly}, {184, 256, kEarly}, {128, 256, kEarly}, {320, 512, kEarly}}},
};
constexpr u32 kKindCount = sizeof(kKinds) / sizeof(kKinds[0]);

constexpr const char *kVariantNames[ST_COST_VARIANTS] = {
	"bare", "plain", "same", "wmb-rmb", "release-acquire", "twice"};
constexpr const char *kPathNames[ST_COST_PATHS] = {"look-up", "local", "remote"};

// What one benchmark times: which variants, on which paths.
struct Choice {
	const char *name;
	u32 first_path, variants;
	u32 blocks;
};

void shuffle(Span<u32> values, Random *random)
{
	for (u32 i = u32(values.size()); i > 1; i--) {
		const u32 j = random->below(i);
		const u32 value = values[i - 1];
		values[i - 1] = values[j];
		values[j] = value;
	}
}

// What else a machine does only adds to a block's time. Sorts the values.
u32 lower_quartile(Span<u32> values)
{
	for (size_t i = 1; i < values.size(); i++)
		for (size_t j = i; j && values[j] < values[j - 1]; j--) {
			const u32 value = values[j];
			values[j] = values[j - 1];
			values[j - 1] = value;
		}
	return values.empty() ? 0 : values[(values.size() - 1) / 4];
}

void skip(Text benchmark, Text kind, Text why, Report *report)
{
	report->bench(benchmark, 0, [&](ReportLine &row) {
		row.add(" placement=").add(kind).add(" skip=\"").add(why).add("\"");
	});
}

// Of objects in the cache, all placed as wanted; 0: they are not.
u32 objects_per_slab(const Context &context, const Kind &kind, u64 cache)
{
	u64 objects[kSample];
	st_object_view view;
	const u32 cpu = context.env.cpu[0];
	const int got = context.ops.objects_alloc(cache, cpu, 1, objects, kSample);
	if (got <= 0)
		return 0;
	u32 per_slab = 0;
	for (int i = 0; i < got; i++) {
		per_slab = 0;
		if (context.ops.objects_view(&context.layout.facts(), cpu, &objects[i], &view, 1) ||
		    placement_of(view, context.layout.facts()) != kind.wanted)
			break;
		per_slab = view.objects;
	}
	(void)context.ops.objects_free(cache, cpu, objects, u32(got));
	return per_slab;
}

// A cache that lives as long as a scope, or until another takes its place.
class OwnCache {
public:
	explicit OwnCache(const st_ops &ops) : ops_(ops) {}
	~OwnCache() { drop(); }
	OwnCache(const OwnCache &) = delete;
	OwnCache &operator=(const OwnCache &) = delete;
	explicit operator bool() const { return made_; }
	u64 id() const { return id_; }

	// In place of the one there was; false: it is not to be had.
	bool make(const st_cache_spec &spec)
	{
		drop();
		made_ = ops_.cache_create(&spec, &id_) == 0;
		return made_;
	}
	void drop()
	{
		if (made_)
			ops_.cache_destroy(id_);
		made_ = false;
	}

private:
	const st_ops &ops_;
	u64 id_ = 0;
	bool made_ = false;
};

// The caches of a benchmark, one a placement that this kernel has.
class Cells {
public:
	Cells(const Context &context, const Choice &choice, Report *report)
		: context_(context), choice_(choice), report_(report),
		  caches_{OwnCache(context.ops), OwnCache(context.ops), OwnCache(context.ops),
			  OwnCache(context.ops)}
	{
		static_assert(kKindCount == 4, "one cache a kind");
	}

	bool prepare()
	{
		bool any = false;
		for (u32 i = 0; i < kKindCount && !context_.stopping(); i++) {
			find(i);
			any = any || per_slab_[i];
			if (!per_slab_[i])
				skip(choice_.name, kKinds[i].name, why_not(kKinds[i]), report_);
		}
		return any;
	}

	// Every cell once; the first round only warms up. False: it went wrong.
	bool round(u32 number, bool warm, Random *random)
	{
		u32 order[kKindCount * ST_COST_PATHS];
		u32 cells = 0;
		for (u32 kind = 0; kind < kKindCount; kind++)
			for (u32 path = choice_.first_path; path < ST_COST_PATHS; path++)
				if (per_slab_[kind] && (path != ST_COST_REMOTE || context_.two_cpus()))
					order[cells++] = kind * ST_COST_PATHS + path;
		shuffle(Span<u32>(order, cells), random);
		for (u32 i = 0; i < cells && !context_.stopping(); i++)
			if (!one(order[i], number, warm, random))
				return false;
		return true;
	}

private:
	void find(u32 i)
	{
		per_slab_[i] = 0;
		for (const st_cache_spec &spec : kKinds[i].candidates) {
			if (spec.object_bytes && caches_[i].make(spec))
				per_slab_[i] = objects_per_slab(context_, kKinds[i], caches_[i].id());
			if (per_slab_[i])
				return;
		}
		caches_[i].drop();
	}

	Text why_not(const Kind &kind) const
	{
		return kind.wanted != Placement::External && !context_.layout.has_leftover()
			? Text("kernels before 7.0 keep every extension in an external vector")
			: Text("this kernel placed no extension so");
	}

	bool one(u32 cell, u32 number, bool warm, Random *random)
	{
		const u32 kind = cell / ST_COST_PATHS, path = cell % ST_COST_PATHS;
		const u32 first = random->below(context_.env.cpus);
		st_cost_spec spec = {};
		st_cost_counts counts;
		spec.layout = &context_.layout.facts();
		spec.cache = caches_[kind].id();
		spec.path = path;
		spec.batch = path == ST_COST_LOOK_UP ? kSample : kKinds[kind].batch;
		spec.operations = kOperations[path];
		spec.blocks = path == ST_COST_LOCAL && spec.batch > spec.operations ? kLateBlocks
										   : choice_.blocks;
		spec.per_slab = per_slab_[kind];
		spec.cpu = context_.env.cpu[first];
		spec.other_cpu = context_.env.cpu[(first + 1) % context_.env.cpus];
		spec.variants = choice_.variants;
		for (u32 i = 0; i < spec.variants; i++)
			spec.order[i] = i;
		shuffle(Span<u32>(spec.order, spec.variants), random);
		if (context_.ops.cost->run(&spec, &counts)) {
			skip(choice_.name, kKinds[kind].name, "threads or memory are not to be had, "
			     "or the layout is not one that can be copied", report_);
			return false;
		}
		if (!warm && counts.blocks && counts.operations && !context_.stopping())
			tell(kind, path, number, counts);
		return true;
	}

	// Picoseconds for an operation, of each variant's block at the lower quartile.
	void tell(u32 kind, u32 path, u32 number, st_cost_counts &counts)
	{
		report_->bench(choice_.name, number, [&](ReportLine &row) {
			row.add(" placement=").add(kKinds[kind].name);
			row.add(" path=").add(kPathNames[path]);
			if (counts.fresh)
				row.add(" fresh=").add_dec(counts.fresh);
			for (u32 i = 0; i < choice_.variants; i++)
				row.add(" ").add(kVariantNames[i]).add("=").add_dec(
					u64(lower_quartile(Span<u32>(counts.ns[i], counts.blocks))) *
					1000 / counts.operations);
		});
	}

	const Context &context_;
	const Choice &choice_;
	Report *report_;
	OwnCache caches_[kKindCount];
	u32 per_slab_[kKindCount] = {};
};

void measure(const Context &context, const Choice &choice, u32 rounds, Report *report)
{
	if (!context.layout.exts_missing().empty())
		return skip(choice.name, "*", context.layout.exts_missing().text(), report);
	if (!context.env.memcg)
		return skip(choice.name, "*", context.env.memcg_reason, report);
	Random random(context.seed);
	Cells cells(context, choice, report);
	if (!cells.prepare() || !cells.round(0, true, &random))
		return;
	for (u32 number = 0; number < rounds && !context.stopping(); number++) {
		if (!cells.round(number, false, &random))
			return;
		context.ops.settle();
	}
}

} // namespace

void bench_cost(const Context &context, u32 rounds, Report *report)
{
	measure(context, Choice{"cost", ST_COST_LOOK_UP, ST_COST_VARIANTS, kBlocks}, rounds,
		report);
}

void bench_cost_bare(const Context &context, u32 rounds, Report *report)
{
	measure(context, Choice{"cost-bare", ST_COST_LOCAL, ST_COST_BARE + 1, kBareBlocks},
		rounds, report);
}

} // namespace st
