// SPDX-License-Identifier: GPL-2.0
//
// inspect_test - the inspector over a fake kernel: what it writes of a cache,
// line by line, for every kernel shape; what it says when a slab, a cache or a
// fact is not to be had; and that inspect fails on an inspector that is wrong.
// Walking over real pages is left to the guest.
#include <sstream>

#include "../core/scenario.h"
#include "fake_kernel.h"

using namespace st;
using namespace st::test;

namespace {

struct Shown {
	int result = 1;		// of the last call
	size_t longest_step = 0;
	std::vector<std::string> rows;

	std::string all() const
	{
		std::string text;
		for (const std::string &row : rows)
			text += row + "\n";
		return text;
	}
	std::string row(const std::string &begin) const
	{
		for (const std::string &row : rows)
			if (row.rfind(begin, 0) == 0)
				return row;
		return "";
	}
	size_t count(const std::string &begin) const
	{
		return size_t(std::count_if(rows.begin(), rows.end(), [&](const std::string &row) {
			return row.rfind(begin, 0) == 0;
		}));
	}
};

void take(void *to, const char *text, size_t bytes)
{
	static_cast<Shown *>(to)->rows.emplace_back(text, bytes);
}

// Reads to the end; at most `calls` times.
Shown read_all(st_core *core, const st_inspect_request &request, u32 calls = 100000)
{
	const std::unique_ptr<u8[]> storage(new u8[st_inspection_bytes()]);
	st_inspection *inspection = reinterpret_cast<st_inspection *>(storage.get());
	Shown shown;
	st_inspection_begin(inspection, core, &request);
	while (calls-- && shown.result > 0) {
		const size_t before = shown.all().size();
		shown.result = st_inspection_next(inspection, take, &shown);
		shown.longest_step = std::max(shown.longest_step, shown.all().size() - before);
	}
	st_inspection_end(inspection);
	return shown;
}

// A cache of `spec` with five objects, read while it is there.
Shown inspect(FakeKernel &k, const st_cache_spec &spec, u32 objects = 64, u32 raw = 1,
	      u32 calls = 100000)
{
	Shown shown;
	k.with_core([&](st_core *core, const st_ops &ops) {
		u64 cache, object[5];
		st_inspect_request request = {};
		ASSERT_EQ(ops.cache_create(&spec, &cache), 0);
		ASSERT_EQ(ops.objects_alloc(cache, 0, spec.flags & ST_CACHE_ACCOUNT, object, 5), 5);
		ASSERT_EQ(ops.inspect->cache_find(&k.learned.facts(), "fake-0", 0, &request.cache), 0);
		request.objects = objects;
		request.raw = raw;
		shown = read_all(core, request, calls);
		ops.objects_free(cache, 0, object, 5);
		ops.cache_destroy(cache);
	});
	return shown;
}

constexpr st_cache_spec kExternal{248, 8, ST_CACHE_ACCOUNT}, kInObject{65472, 65536, ST_CACHE_ACCOUNT},
	kPlain{248, 8, 0};

std::string hex16(u64 value)
{
	char text[20];
	snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(value));
	return text;
}

} // namespace

TEST(Inspect, ShowsPlacementStepAndOwnersInEveryShape)
{
	for (const Shape &shape : all_shapes()) {
		if (shape.stride_bits == 16)
			continue;
		SCOPED_TRACE(shape.name);
		FakeKernel k(shape, shape.codetag ? 1 : -1);
		const bool young = shape.stride_bits || shape.bits;
		const Shown shown = inspect(k, kInObject);
		EXPECT_EQ(shown.result, 0);
		EXPECT_EQ(shown.row("cache"), "cache      fake-0, objects of 65472 bytes, one every 65536");
		EXPECT_NE(shown.row("kernel").find(shape.name), std::string::npos);
		EXPECT_NE(shown.row("stride").find("origin "), std::string::npos);
		EXPECT_NE(shown.row("exts").find(shape.exts), std::string::npos);
		EXPECT_EQ(shown.count("slab "), 2u) << shown.all();
		EXPECT_EQ(shown.count("  object"), 8u);
		EXPECT_NE(shown.row("slab ").find(young ? "4/4 in-object 65536" : "4/4 external "),
			  std::string::npos) << shown.row("slab ");
		EXPECT_EQ(shown.row("step"), "step       2 right, 0 wrong");
		EXPECT_EQ(shown.row("objects "), "objects    8: 5 in use or in a stock, 5 with an owner");
		EXPECT_EQ(shown.row("owner"), "owner  1   5 objects, group /guest, inode 77");
		EXPECT_EQ(shown.row("slabs"), young ?
			  "slabs      2, 512 KiB: in-object 2 leftover 0 external 0 none 0" :
			  "slabs      2, 512 KiB: in-object 0 leftover 0 external 2 none 0");
		EXPECT_EQ(shown.count("changed") + shown.count("gone"), 0u);
	}
}

TEST(Inspect, StepOf16BitsIsShownAsItIsAndCalledWrong)
{
	FakeKernel k(shape_7_0(16));
	const Shown shown = inspect(k, kInObject);
	EXPECT_NE(shown.row("slab ").find("4/4 in-object 0"), std::string::npos);
	EXPECT_EQ(shown.count("     wrong step: 0 where 65536 is right, which 16 bits cannot hold"), 2u);
	EXPECT_EQ(shown.row("step"), "step       0 right, 2 wrong");
	// and is not where it is no bug
	FakeKernel small(shape_7_0(16));
	EXPECT_EQ(inspect(small, kExternal).count("     wrong"), 0u);
}

TEST(Inspect, SlabWithoutExtensionsHasObjectsAndNoOwners)
{
	FakeKernel k(shape_7_1());
	const Shown shown = inspect(k, kPlain);
	EXPECT_EQ(shown.count("slab "), 1u);
	EXPECT_NE(shown.row("slab ").find("none      -"), std::string::npos) << shown.row("slab ");
	EXPECT_EQ(shown.count("  object"), 16u);
	EXPECT_EQ(shown.row("step"), "step       0 right, 0 wrong");
	EXPECT_EQ(shown.count("owner"), 0u);
}

TEST(Inspect, FewerObjectsCanBeShownAndAllAreCounted)
{
	for (u32 limit : {0u, 1u, 3u, 15u, 16u, 17u}) {
		FakeKernel k(shape_7_1());
		const Shown shown = inspect(k, kExternal, limit);
		EXPECT_EQ(shown.count("  object"), std::min(limit, 16u)) << limit;
		EXPECT_NE(shown.row("objects ").find("16: 5 in use or in a stock, 5 with an owner"),
			  std::string::npos) << limit;
	}
}

TEST(Inspect, AddressesAreHashedUnlessAskedFor)
{
	FakeKernel k(shape_7_1());
	u64 first = 0;
	k.on_slab = [&](st_slab_view &slab) { first = slab.first.slab; return 1; };
	EXPECT_NE(inspect(k, kExternal, 64, 1).all().find(hex16(first)), std::string::npos);
	u32 hashed = 0;
	k.on_pointer = [&](u64) { hashed++; return std::string("hashed"); };
	const Shown shown = inspect(k, kExternal, 64, 0);
	EXPECT_EQ(shown.all().find(hex16(first)), std::string::npos);
	EXPECT_NE(shown.all().find("hashed; inspect_raw=1"), std::string::npos);
	EXPECT_EQ(hashed, 2u + 2 * 16);		// slab and memory, object and extension
}

TEST(Inspect, RowsKeepTo80ColumnsAndStepsToTheirSize)
{
	for (const st_cache_spec &spec : {kExternal, kInObject, kPlain}) {
		FakeKernel k(shape_7_1());
		const Shown shown = inspect(k, spec);
		for (const std::string &row : shown.rows)
			EXPECT_LE(row.size(), 80u) << row;
		EXPECT_LE(shown.longest_step, size_t(ST_INSPECT_STEP_BYTES));
	}
}

TEST(Inspect, SlabsThatChangeAreCountedAndNotShown)
{
	FakeKernel k(shape_7_1());
	u32 seen = 0;
	k.on_slab = [&](st_slab_view &) { return ++seen == 1 ? -11 : 1; };
	Shown shown = inspect(k, kInObject);
	EXPECT_EQ(shown.count("slab "), 1u);
	EXPECT_EQ(shown.row("changed"), "changed    1 slabs while they were read");
	k.failing = {"slab_objects"};
	shown = inspect(k, kInObject);
	EXPECT_EQ(shown.count("     this slab changed"), 2u);
	EXPECT_EQ(shown.result, 0);
}

TEST(Inspect, ReaderThatIsKilledIsToldAtOnce)
{
	FakeKernel k(shape_7_1());
	k.failing = {"walk_next"};
	EXPECT_EQ(inspect(k, kInObject).result, -4);
	// and one that leaves in the middle leaves nothing behind
	for (u32 calls = 0; calls < 8; calls++)
		inspect(k, kInObject, 64, 1, calls);
}

TEST(Inspect, UnreadableExtensionsAndUnknownGroupsAreSaid)
{
	FakeKernel k(shape_7_1());
	k.on_inspected = [](st_object_view &view) {
		if (view.index == 1)
			view.slot_readable = view.slot_objcg = view.slot_memcg = 0;
		if (view.index == 2)
			view.slot_memcg = 0;
	};
	const Shown shown = inspect(k, kExternal);
	EXPECT_NE(shown.all().find("owner not readable"), std::string::npos);
	EXPECT_NE(shown.all().find("owner ?\n"), std::string::npos);
	EXPECT_EQ(shown.row("           1"), "           1 whose extension cannot be read");
	EXPECT_EQ(shown.row("owner ?"), "owner ?    1 objects, of groups that are not listed");
}

TEST(Inspect, MoreGroupsThanHaveRoomAreCountedTogether)
{
	FakeKernel k(shape_7_1());
	u64 group = 0x1000;
	k.on_inspected = [&](st_object_view &view) {
		view.slot_objcg = view.slot_memcg = group += 8;
	};
	const Shown shown = inspect(k, {120, 8, ST_CACHE_ACCOUNT});
	EXPECT_EQ(shown.count("owner "), 25u);
	EXPECT_EQ(shown.row("owner ?"), "owner ?    8 objects, of groups that are not listed");
	EXPECT_LE(shown.longest_step, size_t(ST_INSPECT_STEP_BYTES));
}

TEST(Inspect, WithoutACacheAllAreListed)
{
	FakeKernel k(shape_7_1());
	k.with_core([&](st_core *core, const st_ops &ops) {
		std::vector<u64> caches(70);
		for (u64 &cache : caches)
			ASSERT_EQ(ops.cache_create(&kPlain, &cache), 0);
		const Shown shown = read_all(core, st_inspect_request{});
		EXPECT_EQ(shown.result, 0);
		EXPECT_NE(shown.row("no cache is chosen"), "");
		EXPECT_EQ(shown.rows.back(), "     256     248  fake-69");
		EXPECT_EQ(shown.rows.size(), 4u + 70);
		EXPECT_LE(shown.longest_step, size_t(ST_INSPECT_STEP_BYTES));
		for (u64 cache : caches)
			ops.cache_destroy(cache);
	});
}

TEST(Inspect, WhatIsMissingIsNamed)
{
	Shape shape = shape_7_1();
	shape.without = "slab.objects";
	FakeKernel k(shape);
	EXPECT_NE(inspect(k, kPlain).row("cannot be shown").find("slab.objects"), std::string::npos);
	FakeKernel unlisted(shape_7_1());
	strcpy(unlisted.env.nodes_reason, "slab_caches is not to be found");
	EXPECT_NE(inspect(unlisted, kPlain).row("cannot be shown").find("slab_caches"), std::string::npos);
	FakeKernel poor(shape_7_1());
	poor.failing = {"walk_begin"};
	EXPECT_NE(inspect(poor, kPlain).row("cannot be shown").find("memory"), std::string::npos);
	// extensions that are unknown leave slabs and objects
	shape = shape_6_10();
	shape.without = "slabobj_ext.objcg";
	FakeKernel plain(shape);
	EXPECT_EQ(inspect(plain, kPlain).count("slab "), 1u);
}

// What inspect fails on, beside its control: an inspector with a bug.
TEST(Inspect, WrongInspectorIsFound)
{
	const struct {
		const char *invariant;
		std::function<int(st_slab_view &)> on_slab;
		std::function<void(st_object_view &)> on_inspected;
	} bugs[] = {
		{"inspector-shows-slab", [](st_slab_view &) { return 0; }, {}},
		{"inspector-shows-slab", [](st_slab_view &s) { s.first.slab += 64; return 1; }, {}},
		{"inspector-shows-object", {}, [](st_object_view &v) { v.exts ^= 64; }},
		{"inspector-shows-object", {}, [](st_object_view &v) { v.object += 8; }},
		{"inspector-shows-object", {}, [](st_object_view &v) { v.slot_memcg += 8; }},
		{"inspector-sums-agree", {}, [](st_object_view &v) { v.slot_objcg |= !v.slot_objcg; }},
	};
	for (const auto &bug : bugs) {
		FakeKernel k(shape_7_1());
		k.on_slab = bug.on_slab;
		k.on_inspected = bug.on_inspected;
		ASSERT_EQ(k.run("inspect"), 0);
		EXPECT_EQ(k.field("inspect", "verdict"), "fail") << bug.invariant;
		EXPECT_EQ(k.field("inspect", "invariant"), bug.invariant);
	}
	FakeKernel k(shape_7_1());
	u32 looks = 0;
	k.on_view = [&](st_object_view &view) { view.slot_objcg += ++looks > 5 ? 8 : 0; };
	ASSERT_EQ(k.run("inspect"), 0);
	EXPECT_EQ(k.field("inspect", "invariant"), "inspector-changes-nothing");
}
