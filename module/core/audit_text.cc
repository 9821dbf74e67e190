// SPDX-License-Identifier: GPL-2.0
//
// audit_text - what a user says to the audit and reads of it: commands, the
// table, and records of the same for programs. The tables are in audit.cc.
#include "audit.h"

namespace st {

u32 percent_of(u64 part, u64 whole)
{
	if (!part || !whole)
		return 0;
	// no overflow: counts of objects stay far below 2^57
	const u64 percent = part * 100 / whole;
	return percent ? u32(percent) : 1;
}

u32 age_quantile(const st_audit_pair &pair, u32 per_mille)
{
	u64 all = 0, sum = 0;
	for (u64 count : pair.ages)
		all += count;
	for (u32 bucket = 0; bucket < ST_AUDIT_AGES; bucket++) {
		sum += pair.ages[bucket];
		if (sum && sum * 1000 >= all * per_mille)
			return bucket;
	}
	return ST_AUDIT_AGES - 1;
}

Line<16> age_text(u32 bucket)
{
	static constexpr const char *kUnits[] = {" ns", " us", " ms", " s"};
	const bool last = bucket == ST_AUDIT_AGES - 1;
	u64 ns = 1ull << (bucket + ST_AUDIT_AGE_SHIFT + !last);
	u32 unit = 0;
	while (ns >= 1000 && unit < 3) {
		ns /= 1000;
		unit++;
	}
	Line<16> text(last ? ">" : "<");
	text.add_dec(ns).add(kUnits[unit]);
	return text;
}

namespace {

using Row = Line<96>;
constexpr size_t kWidth = 80;

struct Sink {
	st_audit_write write;
	void *arg;
	template <size_t Bytes> void put(const Line<Bytes> &line) const
	{
		write(arg, line.c_str(), line.text().size());
	}
};

Row &right(Row &row, Text text, size_t width)
{
	for (size_t i = text.size(); i < width; i++)
		row.add_char(' ');
	return row.add(text);
}

Row &right(Row &row, u64 value, size_t width)
{
	return right(row, Line<24>().add_dec(value).text(), width);
}

Row &percent(Row &row, u64 part, u64 whole, size_t width)
{
	return right(row, Line<24>().add_dec(percent_of(part, whole)).add("%").text(), width);
}

bool always(const st_audit_settings &s) { return s.slice_ms == s.every_ms; }

void show_status(const Sink &out, const st_audit_status &status)
{
	const st_audit_settings &s = status.settings;
	Row row("audit ");
	row.add(s.on ? "on" : "off").add(": ");
	if (s.sample == 1)
		row.add("every object");
	else
		row.add("1 object in ").add_dec(s.sample);
	if (always(s))
		row.add(", always");
	else
		row.add(", ").add_dec(s.slice_ms).add(" of every ").add_dec(s.every_ms)
			.add(" ms");
	row.add("; so far ").add_dec(status.windows).add(" windows, ");
	out.put(row.add_dec(status.watched_ns / 1000000).add(" ms"));
}

void show_counts(const Sink &out, const st_audit_counts &c)
{
	out.put(Row("seen      ").add_dec(c.allocated).add(" allocated, ").add_dec(c.freed)
		.add(" freed, ").add_dec(c.live).add(" alive"));
	out.put(Row("unpaired  ").add_dec(c.unknown).add(" freed but not seen allocated, ")
		.add_dec(c.outlived).add(" outlived a window,"));
	out.put(Row("          ").add_dec(c.reused).add(" allocated anew but not seen freed"));
	out.put(Row("lost      ").add_dec(c.no_slot).add(" allocations and ").add_dec(c.no_pair)
		.add(" frees without room in a table,"));
	out.put(Row("          ").add_dec(c.nested).add(" events inside another one"));
}

void show_site(const Sink &out, const char *label, u64 site, st_audit_symbol symbol)
{
	char name[160] = "";
	symbol(site, name, sizeof(name));
	Row row("  ");
	row.add(label);
	const size_t room = kWidth - row.text().size();
	const Text text(name);
	out.put(row.add(text.size() > room ? text.until(room - 3) : text)
		.add(text.size() > room ? "..." : ""));
}

void show_pair(const Sink &out, const st_audit_pair &pair, st_audit_symbol symbol)
{
	Row row;
	right(row, pair.freed, 11);
	right(row, pair.other_cpu, 11);
	percent(row, pair.other_cpu, pair.freed, 5);
	right(row, pair.other_node, 11);
	right(row, age_text(age_quantile(pair, 500)).text(), 9);
	right(row, age_text(age_quantile(pair, 900)).text(), 9);
	for (u64 count : pair.contexts)
		percent(row, count, pair.freed, 5);
	out.put(row);
	show_site(out, "from ", pair.alloc_site, symbol);
	show_site(out, "to   ", pair.free_site, symbol);
}

void add_counts(Line<1024> *row, const st_audit_counts &c)
{
	const struct { const char *name; u64 value; } fields[] = {
		{" allocated=", c.allocated}, {" freed=", c.freed}, {" alive=", c.live},
		{" unknown=", c.unknown}, {" reused=", c.reused}, {" outlived=", c.outlived},
		{" no_slot=", c.no_slot}, {" no_pair=", c.no_pair}, {" nested=", c.nested}};
	for (const auto &field : fields)
		row->add(field.name).add_dec(field.value);
}

void add_symbol(Line<1024> *row, const char *key, u64 site, st_audit_symbol symbol)
{
	char name[160] = "";
	symbol(site, name, sizeof(name));
	row->add(key).add("\"").add(name).add("\"");
}

void add_pair(Line<1024> *row, const st_audit_pair &pair, st_audit_symbol symbol)
{
	static constexpr const char *kContexts[] = {" task=", " softirq=", " hardirq=", " nmi="};
	add_symbol(row, " alloc=", pair.alloc_site, symbol);
	add_symbol(row, " free=", pair.free_site, symbol);
	row->add(" freed=").add_dec(pair.freed).add(" other_cpu=").add_dec(pair.other_cpu);
	row->add(" other_node=").add_dec(pair.other_node);
	for (u32 i = 0; i < ST_AUDIT_CONTEXTS; i++)
		row->add(kContexts[i]).add_dec(pair.contexts[i]);
	for (u32 i = 0; i < ST_AUDIT_AGES; i++)
		row->add(i ? "," : " ages=").add_dec(pair.ages[i]);
}

// --- commands ---

constexpr bool blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == ',' || c == '=' || c == 0;
}

Text next_word(Text *rest)
{
	size_t begin = 0;
	while (begin < rest->size() && blank((*rest)[begin]))
		begin++;
	size_t end = begin;
	while (end < rest->size() && !blank((*rest)[end]))
		end++;
	const Text word = rest->from(begin).until(end - begin);
	*rest = rest->from(end);
	return word;
}

bool number_in(Text word, u32 least, u32 most, u32 *value)
{
	u64 sum = 0;
	if (word.empty() || word.size() > 9)
		return false;
	for (size_t i = 0; i < word.size(); i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		sum = sum * 10 + u64(word[i] - '0');
	}
	*value = u32(sum);
	return sum >= least && sum <= most;
}

using Why = Line<ST_REASON_BYTES>;

bool take_sample(Text *rest, st_audit_settings *s, Why *why)
{
	const Text word = next_word(rest);
	if (number_in(word, 1, ST_AUDIT_SAMPLE_MOST, &s->sample))
		return true;
	why->add("sample '").add(word.until(20)).add("' is not a number from 1 to ")
		.add_dec(ST_AUDIT_SAMPLE_MOST);
	return false;
}

bool take_slice(Text *rest, st_audit_settings *s, Why *why)
{
	const Text slice = next_word(rest), every = next_word(rest);
	if (number_in(slice, ST_AUDIT_SLICE_LEAST_MS, ST_AUDIT_SLICE_MOST_MS, &s->slice_ms) &&
	    number_in(every, s->slice_ms, ST_AUDIT_SLICE_MOST_MS, &s->every_ms))
		return true;
	why->add("slice '").add(slice.until(20)).add(" ").add(every.until(20))
		.add("' is not two numbers of ms from ").add_dec(ST_AUDIT_SLICE_LEAST_MS)
		.add(" to ").add_dec(ST_AUDIT_SLICE_MOST_MS).add(", the first not above the other");
	return false;
}

// One word and what belongs to it.
bool take(Text word, Text *rest, st_audit_settings *s, Why *why)
{
	if (word == "on" || word == "1" || word == "off" || word == "0") {
		s->on = word == "on" || word == "1";
	} else if (word == "reset") {
		s->reset = 1;
	} else if (word == "exact") {
		s->sample = 1;
		s->slice_ms = s->every_ms;
	} else if (word == "default") {
		const u32 on = s->on, reset = s->reset;
		st_audit_defaults(s);
		s->on = on;
		s->reset = reset;
	} else if (word == "sample") {
		return take_sample(rest, s, why);
	} else if (word == "slice") {
		return take_slice(rest, s, why);
	} else {
		why->add("'").add(word.until(40)).add("' is none of on, off, reset, exact, default, "
						      "sample N, slice MS EVERY_MS");
		return false;
	}
	return true;
}

} // namespace
} // namespace st

using namespace st;

extern "C" void st_audit_defaults(st_audit_settings *settings)
{
	// An empty probe alone costs a third of a loop of kmalloc and kfree under
	// emulation, so sampling objects is not enough: time is sampled, too.
	*settings = st_audit_settings{0, 0, 16, 20, 1000};
}

extern "C" int st_audit_command(const char *text, size_t bytes, st_audit_settings *settings,
				char *reason)
{
	st_audit_settings wanted = *settings;
	Text rest(text, bytes);
	Why why;
	bool good = true, any = false;
	for (Text word = next_word(&rest); good && !word.empty(); word = next_word(&rest)) {
		any = true;
		good = take(word, &rest, &wanted, &why);
	}
	if (good && !any) {
		why.add("nothing was said: on, off, reset, exact, default, sample N or "
			"slice MS EVERY_MS");
		good = false;
	}
	if (good) {
		*settings = wanted;
		return 0;
	}
	__builtin_memcpy(reason, why.c_str(), why.text().size() + 1);
	return -22; // -EINVAL
}

extern "C" void st_audit_show(const st_audit *audit, const st_audit_status *status,
			      st_audit_pair *room, st_audit_symbol symbol, st_audit_write write,
			      void *arg)
{
	const Sink out{write, arg};
	st_audit_counts counts;
	st_audit_count(audit, &counts);
	const u32 pairs = st_audit_top(audit, room, ST_AUDIT_SHOWN);
	show_status(out, *status);
	show_counts(out, counts);
	out.put(Row());
	if (!pairs)
		return out.put(Row("no object was seen allocated and freed"));
	out.put(Row("      freed  other CPU       other node   50% by   90% by "
		    "task soft hard  nmi"));
	for (u32 i = 0; i < pairs; i++)
		show_pair(out, room[i], symbol);
}

extern "C" void st_audit_records(const st_audit *audit, const st_audit_status *status,
				 st_audit_pair *room, st_audit_symbol symbol,
				 st_audit_write write, void *arg)
{
	const Sink out{write, arg};
	st_audit_counts counts;
	st_audit_count(audit, &counts);
	const u32 pairs = st_audit_top(audit, room, ST_AUDIT_RECORDED);
	const st_audit_settings &s = status->settings;
	Line<1024> row("audit on=");
	row.add_dec(s.on).add(" sample=").add_dec(s.sample).add(" slice_ms=").add_dec(s.slice_ms);
	row.add(" every_ms=").add_dec(s.every_ms).add(" windows=").add_dec(status->windows);
	row.add(" watched_ns=").add_dec(status->watched_ns);
	row.add(" age_shift=").add_dec(ST_AUDIT_AGE_SHIFT).add(" pairs=").add_dec(pairs);
	add_counts(&row, counts);
	out.put(row);
	for (u32 i = 0; i < pairs; i++) {
		row.clear();
		row.add("pair");
		add_pair(&row, room[i], symbol);
		out.put(row);
	}
}
