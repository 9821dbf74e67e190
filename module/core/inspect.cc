// SPDX-License-Identifier: GPL-2.0
//
// inspect - see inspect.h. The rows are 80 columns wide, as long as addresses
// have 16 digits; a call of next() writes kShownAtOnce objects or fewer rows.
#include "core.h"
#include "inspect.h"

namespace st {
namespace {

constexpr int kAgain = -11, kInterrupted = -4;	// EAGAIN, EINTR
constexpr u32 kCachesPerStep = 32;

template <typename L> void add_wide(L *line, Text text, size_t width)
{
	line->add(text);
	for (size_t n = text.size(); n < width; n++)
		line->add_char(' ');
}

// To the right end of the column.
template <typename L> void add_number(L *line, u64 value, size_t width)
{
	Line<24> digits;
	digits.add_dec(value);
	for (size_t n = digits.text().size(); n < width; n++)
		line->add_char(' ');
	line->add(digits.text());
}

bool begins_with(Text text, Text with)
{
	return text.until(with.size()) == with;
}

// Of what layout has to say, the part that is about slabs.
void write_fact(void *arg, const char *text, size_t bytes)
{
	static constexpr const char *kFacts[] = {"exts=", "element=", "stride="};
	const Sink &sink = *static_cast<const Sink *>(arg);
	const Text fact(text, bytes);
	for (const char *name : kFacts) {
		if (!begins_with(fact, name))
			continue;
		Line<232> row;
		add_wide(&row, Text(name).until(length(name) - 1), 11);
		sink(row.add(fact.from(length(name))).text());
	}
}

} // namespace

Inspection::Inspection(const st_ops &ops, const st_environment &env, const Layout &layout,
		       const st_inspect_request &request)
	: ops_(ops), env_(env), layout_(layout), request_(request),
	  stage_(request.cache.cache ? Stage::Head : Stage::Caches)
{
}

Inspection::~Inspection()
{
	if (walk_)
		ops_.inspect->walk_end(walk_);
}

int Inspection::next(Sink sink)
{
	fresh_slab_ = false;
	fresh_views_ = 0;
	switch (stage_) {
	case Stage::Caches: return list(sink);
	case Stage::Head: return head(sink);
	case Stage::Slabs: return next_slab(sink);
	case Stage::Objects: return next_objects(sink);
	case Stage::Sums: return sum_up(sink);
	case Stage::Owners: return name_owners(sink);
	case Stage::Done: break;
	}
	return 0;
}

int Inspection::refuse(Sink sink, Text why)
{
	Line<256> row;
	sink(row.add("cannot be shown: ").add(why).text());
	stage_ = Stage::Done;
	refused_ = true;
	return 1;
}

// Without extensions slabs and objects can be shown all the same.
const char *Inspection::missing() const
{
	const st_layout &f = layout_.facts();
	if (f.slab_cache.bits && f.objects.bits && f.cache_size.bits && f.cache_object_size.bits &&
	    f.cache_name.bits && f.cache_list.bits)
		return env_.nodes_reason[0] ? env_.nodes_reason : nullptr;
	return layout_.exts_missing().empty() ? layout_.nodes_missing().c_str()
					      : layout_.exts_missing().c_str();
}

int Inspection::list(Sink sink)
{
	if (const char *why = missing())
		return refuse(sink, why);
	if (!position_) {
		sink("no cache is chosen; write the name of one to");
		sink("/sys/module/slubtorture/parameters/inspect and read this file again");
		sink("");
		sink("    size  object  cache");
	}
	for (u32 i = 0; i < kCachesPerStep; i++, position_++) {
		st_inspected cache;
		if (ops_.inspect->cache_at(&layout_.facts(), position_, &cache)) {
			stage_ = Stage::Done;
			return 1;
		}
		Row row;
		add_number(&row, cache.size, 8);
		add_number(&row, cache.object_size, 8);
		sink(row.add("  ").add(cache.name).text());
	}
	return 1;
}

void Inspection::add_pointer(Row *row, u64 pointer) const
{
	char hashed[24];
	if (!pointer)
		return add_wide(row, "-", 16);
	if (!request_.raw) {
		ops_.pointer_text(pointer, hashed, sizeof(hashed));
		return add_wide(row, hashed, 16);
	}
	for (int shift = 60; shift >= 0; shift -= 4)
		row->add_char("0123456789abcdef"[(pointer >> shift) & 15]);
}

int Inspection::head(Sink sink)
{
	const st_inspected &cache = request_.cache;
	Line<192> row;
	if (const char *why = missing())
		return refuse(sink, why);
	walk_ = ops_.inspect->walk_begin();
	if (!walk_)
		return refuse(sink, "there is no memory to go over the pages with");
	sink(row.add("cache      ").add(cache.name).add(", objects of ").add_dec(cache.object_size)
		.add(" bytes, one every ").add_dec(cache.size).text());
	row.clear();
	sink(row.add("kernel     ").add(env_.release).text());
	layout_.describe(write_fact, &sink);
	sink(request_.raw ? "addresses  as they are" : "addresses  hashed; inspect_raw=1 at load "
							"shows them as they are");
	row.clear();
	sink(row.add("shown      up to ").add_dec(request_.objects)
		.add(" objects of each slab (inspect_objects); every slab").text());
	sink("           as it was when it was read, not all at one moment");
	sink("");
	sink("     slab             memory              KiB nid    in use placement step");
	stage_ = Stage::Slabs;
	return 1;
}

int Inspection::next_slab(Sink sink)
{
	const int found = ops_.inspect->walk_next(walk_, &layout_.facts(), &request_.cache, &slab_);
	if (found == kInterrupted)
		return found;
	if (found == kAgain) {
		sums_.changed++;
		return 1;
	}
	if (!found) {
		stage_ = Stage::Sums;
		return 1;
	}
	fresh_slab_ = true;
	count_slab();
	slab_row(sink);
	position_ = 0;
	stage_ = Stage::Objects;
	return 1;
}

void Inspection::count_slab()
{
	const Placement placement = placement_of(slab_.first, layout_.facts());
	sums_.slabs++;
	sums_.bytes += slab_.first.slab_bytes;
	sums_.placed[size_t(placement)]++;
	sums_.objects += slab_.first.objects;
	if (slab_.inuse == ST_INUSE_UNKNOWN)
		sums_.in_use_known = false;
	else
		sums_.in_use += slab_.inuse;
	if (placement != Placement::None &&
	    slab_.first.step_bytes != expected_step(slab_.first, layout_.facts(), placement))
		sums_.wrong_steps++;
}

void Inspection::slab_row(Sink sink)
{
	const st_object_view &first = slab_.first;
	const Placement placement = placement_of(first, layout_.facts());
	Row row;
	row.add("slab ");
	add_pointer(&row, first.slab);
	add_pointer(&row.add(" "), first.slab_base);
	add_number(&row, first.slab_bytes / 1024, 7);
	add_number(&row, u64(slab_.nid), 4);
	Line<24> use;
	if (slab_.inuse != ST_INUSE_UNKNOWN)
		use.add_dec(slab_.inuse);
	else
		use.add("?");
	use.add("/").add_dec(first.objects);
	for (size_t n = use.text().size(); n < 10; n++)
		row.add(" ");
	add_wide(&row.add(use.text()).add(" "), name(placement), 9);
	if (placement == Placement::None)
		return sink(row.add(" -").text());
	sink(row.add(" ").add_dec(first.step_bytes).text());
	const u64 right = expected_step(first, layout_.facts(), placement);
	if (first.step_bytes == right)
		return;
	row.clear();
	row.add("     wrong step: ").add_dec(first.step_bytes).add(" where ").add_dec(right);
	row.add(" is right");
	const u32 bits = layout_.facts().stride.bits;
	if (bits && bits < 64 && right >> bits)
		row.add(", which ").add_dec(bits).add(" bits cannot hold");
	sink(row.text());
}

u32 Inspection::owner_number(u64 memcg)
{
	for (u32 i = 0; i < sums_.owners; i++)
		if (sums_.owner[i].memcg == memcg)
			return i + 1;
	if (sums_.owners == kOwners)
		return 0;
	OwnerSum &sum = sums_.owner[sums_.owners++];
	sum.memcg = memcg;
	sum.objects = 0;
	ops_.inspect->owner(memcg, &sum.owner);
	return sums_.owners;
}

void Inspection::count_object(const st_object_view &view)
{
	if (!view.slot)
		return;
	if (!view.slot_readable)
		sums_.unreadable++;
	if (!view.slot_objcg)
		return;
	sums_.owned++;
	const u32 number = view.slot_memcg ? owner_number(view.slot_memcg) : 0;
	if (number)
		sums_.owner[number - 1].objects++;
	else
		sums_.nameless++;
}

void Inspection::object_row(const st_object_view &view, Sink sink)
{
	Row row;
	row.add("  object");
	add_number(&row, view.index, 6);
	add_pointer(&row.add(" "), view.object);
	add_pointer(&row.add(" ext "), view.slot);
	row.add(" owner ");
	const u32 number = view.slot_memcg ? owner_number(view.slot_memcg) : 0;
	if (number)
		row.add_dec(number);
	else if (view.slot && !view.slot_readable)
		row.add("not readable");
	else
		row.add(view.slot_objcg ? "?" : "-");
	sink(row.text());
}

void Inspection::lost_slab(Sink sink)
{
	sums_.changed++;
	sink("     this slab changed while its objects were read");
}

int Inspection::next_objects(Sink sink)
{
	// nothing is to be learned of more objects if there is no extension
	const u32 wanted = slab_.first.slot ? slab_.first.objects
			 : request_.objects < slab_.first.objects ? request_.objects
							      : slab_.first.objects;
	const u32 left = wanted - position_;
	const u32 count = left < kShownAtOnce ? left : kShownAtOnce;
	const int got = count ? ops_.inspect->slab_objects(walk_, &layout_.facts(), &request_.cache,
							   &slab_, position_, views_, count) : 0;
	if (got <= 0) {
		if (got < 0)
			lost_slab(sink);
		stage_ = Stage::Slabs;
		return 1;
	}
	fresh_views_ = u32(got);
	for (const st_object_view &view : objects()) {
		count_object(view);
		if (view.index < request_.objects)
			object_row(view, sink);
	}
	position_ += u32(got);
	return 1;
}

int Inspection::sum_up(Sink sink)
{
	Line<160> row;
	sink("");
	row.add("slabs      ").add_dec(sums_.slabs).add(", ").add_dec(sums_.bytes / 1024).add(" KiB:");
	for (size_t i = kPlacements; i--;)
		row.add(" ").add(name(static_cast<Placement>(i))).add(" ").add_dec(sums_.placed[i]);
	sink(row.text());
	row.clear();
	row.add("step       ").add_dec(sums_.slabs - sums_.placed[0] - sums_.wrong_steps);
	sink(row.add(" right, ").add_dec(sums_.wrong_steps).add(" wrong").text());
	row.clear();
	row.add("objects    ").add_dec(sums_.objects).add(": ");
	if (sums_.in_use_known)
		row.add_dec(sums_.in_use).add(" in use or in a stock, ");
	sink(row.add_dec(sums_.owned).add(" with an owner").text());
	if (sums_.unreadable) {
		row.clear();
		sink(row.add("           ").add_dec(sums_.unreadable)
			.add(" whose extension cannot be read").text());
	}
	if (sums_.changed) {
		row.clear();
		sink(row.add("changed    ").add_dec(sums_.changed)
			.add(" slabs while they were read").text());
	}
	st_inspected now;
	if (ops_.inspect->cache_find(&layout_.facts(), nullptr, request_.cache.cache, &now))
		sink("gone       the cache was destroyed while it was read");
	position_ = 0;
	stage_ = Stage::Owners;
	return 1;
}

int Inspection::name_owners(Sink sink)
{
	for (u32 i = 0; i < sums_.owners; i++) {
		const OwnerSum &sum = sums_.owner[i];
		Line<192> row;
		row.add("owner ");
		add_number(&row, i + 1, 2);
		row.add("   ").add_dec(sum.objects).add(" objects, group ").add(sum.owner.path);
		sink(row.add(", inode ").add_dec(sum.owner.inode).text());
	}
	if (sums_.nameless) {
		Line<96> row;
		sink(row.add("owner ?    ").add_dec(sums_.nameless)
			.add(" objects, of groups that are not listed").text());
	}
	stage_ = Stage::Done;
	return 1;
}

} // namespace st

using namespace st;

struct st_inspection {
	alignas(16) u8 storage[sizeof(Inspection)];

	Inspection &it() { return *reinterpret_cast<Inspection *>(storage); }
};

extern "C" size_t st_inspection_bytes(void)
{
	return sizeof(st_inspection);
}

extern "C" void st_inspection_begin(st_inspection *inspection, const st_core *core,
				    const st_inspect_request *request)
{
	new (inspection->storage) Inspection(*core->ops, core->env, core->layout, *request);
}

extern "C" int st_inspection_next(st_inspection *inspection,
				  void (*write)(void *arg, const char *text, size_t bytes),
				  void *arg)
{
	return inspection->it().next(Sink{write, arg});
}

extern "C" void st_inspection_end(st_inspection *inspection)
{
	inspection->it().~Inspection();
}
