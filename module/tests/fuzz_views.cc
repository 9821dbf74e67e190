// SPDX-License-Identifier: GPL-2.0
//
// fuzz_views - libFuzzer's door to what is made of values read from slabs: a
// layout and views of any content go through observation, every invariant
// about extensions, diagnosis and the inspector's text. Words of a live kernel
// may be torn, stale or somebody else's: none may crash core, stop it from
// coming to its end, or make a step of text larger than was promised.
#include <cstdlib>
#include <cstring>
#include <list>

#include "../core/diagnosis.h"
#include "../core/inspect.h"
#include "../core/invariant.h"
#include "kernel_shapes.h"

using namespace st;

// Everything that core takes from the kernel side is the input, to its end.
struct Input {
	const u8 *data = nullptr;
	size_t left = 0;

	template <typename T> T take()
	{
		T value = {};
		const size_t bytes = left < sizeof(T) ? left : sizeof(T);
		std::memcpy(&value, data, bytes);
		data += bytes;
		left -= bytes;
		return value;
	}
};

#ifdef ST_SEEDS
#include <fstream>
#include <string>

// One plain slab, and the same with a step of 16 bits: DIR/views-0, -1.
int main(int, char **argv)
{
	for (u64 step : {65536, 0}) {
		st_layout layout = {};
		layout.ext_bytes = 8;
		layout.exts_flag_mask = 7;
		layout.step_origin = ST_STEP_FIELD;
		layout.stride = {352, step ? 32u : 16u};
		layout.objects = layout.slab_cache = layout.cache_size = {64, 32};
		layout.cache_object_size = layout.cache_name = layout.cache_list = {64, 64};
		st_slab_view slab = {};
		slab.first.slab = slab.first.slab_base = slab.first.object = 0x40000000;
		slab.first.slab_bytes = 131072;
		slab.first.objects = 2;
		slab.first.exts = 0x4000ffc1;
		slab.first.slot = 0x4000ffc0;
		slab.first.step_bytes = step;
		slab.first.cache_size = 65536;
		slab.first.cache_object_size = 65472;
		std::ofstream file(std::string(argv[1]) + "/views-" + (step ? "0" : "1"),
				   std::ios::binary);
		file.write(reinterpret_cast<const char *>(&layout), sizeof(layout));
		file.write(reinterpret_cast<const char *>(&slab.first), sizeof(slab.first));
		file.write(reinterpret_cast<const char *>(&slab.first), sizeof(slab.first));
		file.write(reinterpret_cast<const char *>(&slab), sizeof(slab));
		file.write(reinterpret_cast<const char *>(&slab.first), sizeof(slab.first));
	}
}
#else
namespace {

Input input;
size_t step_bytes;	// of text, in this call of next()

void judge(const st_layout &layout, const st_object_view &a, const st_object_view &b)
{
	const Finding findings[] = {
		slab_owns_object(a, b.slab_cache), exts_step_matches(a, b, layout),
		exts_in_bounds(a, layout), exts_vector_long_enough(a, layout),
		exts_own_slot(a, b, layout), exts_names_memcg(a, b, a.slot_memcg),
		exts_cleared(a), stride_stable(a, b), stride_fits_type(layout, a.cache_size)};
	for (const Finding &finding : findings)
		for (size_t i = 0; i < kInvariants; i++)
			(void)diagnose(static_cast<Invariant>(i), finding.sighting);
}

int found(st_inspected *cache)
{
	*cache = input.take<st_inspected>();
	cache->name[ST_CACHE_NAME_BYTES - 1] = 0;
	return input.left ? 0 : -2;
}

st_inspect_ops inspect_ops()
{
	st_inspect_ops o = {};
	o.cache_find = [](const st_layout *, const char *, u64, st_inspected *cache) {
		return found(cache);
	};
	o.cache_at = [](const st_layout *, u32, st_inspected *cache) { return found(cache); };
	o.walk_begin = []() -> void * { return &input; };
	o.walk_end = [](void *) {};
	o.walk_next = [](void *, const st_layout *, const st_inspected *, st_slab_view *slab) {
		*slab = input.take<st_slab_view>();
		// the kernel's word is bounded by its field of 15 or 16 bits
		slab->first.objects &= 0xffff;
		return !input.left ? 0 : slab->pfn % 7 == 6 ? -11 : 1;
	};
	o.slab_objects = [](void *, const st_layout *, const st_inspected *, const st_slab_view *,
			    u32, st_object_view *views, u32 count) {
		for (u32 i = 0; i < count; i++)
			views[i] = input.take<st_object_view>();
		return input.left ? int(count) : -11;
	};
	o.owner = [](u64, st_owner *owner) {
		*owner = input.take<st_owner>();
		owner->path[ST_OWNER_PATH_BYTES - 1] = 0;
	};
	return o;
}

void count_text(void *, const char *, size_t bytes) { step_bytes += bytes + 1; }

// Layouts are learned, and have a fuzzer of their own; views are not.
const Layout &kernel(u32 number)
{
	static const std::list<st::test::Learned> kernels = [] {
		std::list<st::test::Learned> all;
		for (const st::test::Shape &shape : st::test::all_shapes())
			all.emplace_back(shape, 1);
		return all;
	}();
	auto at = kernels.begin();
	std::advance(at, number % kernels.size());
	return at->layout;
}

void read_all(Inspection *inspection)
{
	// each call of the kernel side uses the input up, or ends a slab
	for (u64 calls = 0; calls < 2000000; calls++) {
		step_bytes = 0;
		const int more = inspection->next(Sink{count_text, nullptr});
		if (step_bytes > ST_INSPECT_STEP_BYTES)
			std::abort();
		if (more <= 0)
			return;
	}
	std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	input = Input{data, bytes};
	const st_layout facts = input.take<st_layout>();
	const st_object_view a = input.take<st_object_view>(), b = input.take<st_object_view>();
	judge(facts, a, b);
	static const st_inspect_ops inspect = inspect_ops();
	st_ops ops = {};
	ops.inspect = &inspect;
	ops.pointer_text = [](u64, char *text, size_t room) { std::strncpy(text, "0123456789abcdef", room); };
	static const st_environment env = {};	// its texts are empty
	st_inspect_request request = {};
	request.cache.cache = bytes % 8 ? 1 : 0;
	request.objects = u32(bytes % 40);
	request.raw = bytes % 2;
	Inspection inspection(ops, env, kernel(u32(bytes)), request);
	read_all(&inspection);
	return 0;
}
#endif
