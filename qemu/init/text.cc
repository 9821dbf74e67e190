// SPDX-License-Identifier: GPL-2.0
//
// text - see text.h. Splits and counts; never allocates more than the values
// it returns, and takes malformed input for absent, not for zero.
#include "text.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>
#include <vector>

namespace guest {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trim(std::string_view text)
{
	const size_t first = text.find_first_not_of(kBlanks);
	if (first == std::string_view::npos)
		return {};
	return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Removes and returns everything before the next `end`, or all there is.
std::string_view take(std::string_view *rest, char end)
{
	const size_t at = rest->find(end);
	const std::string_view head = rest->substr(0, at);
	rest->remove_prefix(at == std::string_view::npos ? rest->size() : at + 1);
	return head;
}

std::string_view take_word(std::string_view *rest)
{
	*rest = trim(*rest);
	const size_t at = rest->find_first_of(kBlanks);
	const std::string_view word = rest->substr(0, at);
	rest->remove_prefix(word.size());
	return word;
}

template <typename T> bool set_number(std::string_view value, T *to)
{
	const std::optional<uint64_t> number = parse_number(value);
	if (!number || *number > static_cast<T>(~T{0}))
		return false;
	*to = static_cast<T>(*number);
	return true;
}

bool set_mode(std::string_view value, Mode *mode)
{
	if (value == "bare")
		*mode = Mode::Bare;
	else if (value == "run")
		*mode = Mode::Run;
	else if (value == "cycles")
		*mode = Mode::Cycles;
	else if (value == "kunit")
		*mode = Mode::Kunit;
	else if (value == "turns")
		*mode = Mode::Turns;
	else if (value == "inspect")
		*mode = Mode::Inspect;
	else if (value == "churn")
		*mode = Mode::Churn;
	else if (value == "soak")
		*mode = Mode::Soak;
	else if (value == "kselftest")
		*mode = Mode::Kselftest;
	else
		return false;
	return true;
}

struct TextKey {
	std::string_view key;
	std::string Config::*member;
};

struct NumberKey {
	std::string_view key;
	uint32_t Config::*member;
};

constexpr TextKey kTexts[] = {
	{"module", &Config::module}, {"follow", &Config::follow}, {"args", &Config::args},
	{"workload", &Config::workload}, {"show", &Config::show},
	{"cut_args", &Config::cut_args}, {"inspect", &Config::inspect},
	{"channel", &Config::channel}, {"console", &Config::console},
	{"other", &Config::other}, {"other_follow", &Config::other_follow},
	{"other_args", &Config::other_args},
};

constexpr NumberKey kNumbers[] = {
	{"workload_ms", &Config::workload_ms}, {"turns", &Config::turns},
	{"cycles", &Config::cycles}, {"cut_max_ms", &Config::cut_max_ms},
	{"node", &Config::node}, {"points", &Config::points}, {"leaks", &Config::leaks},
	{"seconds", &Config::seconds},
};

bool apply(Config *config, std::string_view key, std::string_view value)
{
	for (const TextKey &text : kTexts)
		if (key == text.key) {
			(config->*text.member).assign(value);
			return true;
		}
	for (const NumberKey &number : kNumbers)
		if (key == number.key)
			return set_number(value, &(config->*number.member));
	if (key == "mode")
		return set_mode(value, &config->mode);
	if (key == "seed")
		return set_number(value, &config->seed);
	if (key == "rescue") {
		config->rescue = value == "1";
		return value == "0" || value == "1";
	}
	return false;
}

using Lines = std::map<std::string_view, std::string_view>;

// The lines of slabinfo that are about a cache, by the cache's name.
Lines cache_lines(std::string_view slabinfo)
{
	Lines lines;
	while (!slabinfo.empty()) {
		const std::string_view line = take(&slabinfo, '\n');
		std::string_view rest = line;
		const std::string_view name = take_word(&rest);
		if (parse_number(take_word(&rest)))
			lines[name] = line;
	}
	return lines;
}

uint64_t active_of(std::string_view line)
{
	take_word(&line);
	return parse_number(take_word(&line)).value_or(0);
}

// One "A" or "A-B" of a CPU list.
std::optional<uint64_t> range_size(std::string_view range)
{
	const std::string_view whole = range;
	const std::optional<uint64_t> first = parse_number(take(&range, '-'));
	if (!first)
		return {};
	if (whole.find('-') == std::string_view::npos)
		return 1;
	const std::optional<uint64_t> last = parse_number(range);
	if (!last || *last < *first)
		return {};
	return *last - *first + 1;
}

} // namespace

std::optional<uint64_t> parse_number(std::string_view text)
{
	uint64_t value = 0;
	const char *end = text.data() + text.size();
	const auto [at, error] = std::from_chars(text.data(), end, value);
	if (text.empty() || error != std::errc() || at != end)
		return {};
	return value;
}

Config parse_config(std::string_view text)
{
	Config config;
	while (!text.empty()) {
		const std::string_view line = trim(take(&text, '\n'));
		if (line.empty() || line.front() == '#')
			continue;
		std::string_view value = line;
		const std::string_view key = trim(take(&value, '='));
		if (!apply(&config, key, trim(value)) && config.problem.empty())
			config.problem.assign(line);
	}
	if (config.cut_args.empty())
		config.cut_args = config.args;
	return config;
}

std::optional<uint32_t> count_list(std::string_view list)
{
	std::string_view rest = trim(list);
	while (!rest.empty() && rest.back() == '\n')
		rest = trim(rest.substr(0, rest.size() - 1));
	uint64_t members = 0;
	while (!rest.empty()) {
		const std::optional<uint64_t> size = range_size(take(&rest, ','));
		if (!size)
			return {};
		members += *size;
	}
	return static_cast<uint32_t>(members);
}

std::optional<uint64_t> meminfo_kb(std::string_view text, std::string_view name)
{
	while (!text.empty()) {
		std::string_view line = take(&text, '\n');
		if (take(&line, ':') == name)
			return parse_number(take_word(&line));
	}
	return {};
}

std::optional<uint64_t> node_mib(std::string_view meminfo)
{
	while (!meminfo.empty()) {
		std::string_view line = take(&meminfo, '\n');
		take_word(&line); // Node
		take_word(&line); // its number
		if (take_word(&line) != "MemTotal:")
			continue;
		const std::optional<uint64_t> kb = parse_number(take_word(&line));
		return kb ? std::optional<uint64_t>(*kb / 1024) : kb;
	}
	return {};
}

std::string with_commas(std::string_view words)
{
	std::string text;
	for (std::string_view w = take_word(&words); !w.empty(); w = take_word(&words))
		text.append(text.empty() ? "" : ",").append(w);
	return text;
}

std::optional<uint64_t> parse_hex(std::string_view text)
{
	uint64_t value = 0;
	const char *end = text.data() + text.size();
	const auto [at, error] = std::from_chars(text.data(), end, value, 16);
	if (text.empty() || error != std::errc() || at != end)
		return {};
	return value;
}

std::optional<uint64_t> node_number(std::string_view name)
{
	constexpr std::string_view kPrefix = "node";
	if (!name.starts_with(kPrefix))
		return {};
	return parse_number(name.substr(kPrefix.size()));
}

SlabTotals slab_totals(std::string_view slabinfo)
{
	SlabTotals totals;
	while (!slabinfo.empty()) {
		std::string_view line = take(&slabinfo, '\n');
		const std::string_view name = take_word(&line);
		const std::optional<uint64_t> active = parse_number(take_word(&line));
		if (!active || name.empty() || name.front() == '#')
			continue; // the two title lines
		totals.caches++;
		totals.active_objects += *active;
		const size_t slabdata = line.find("slabdata");
		if (slabdata == std::string_view::npos)
			continue;
		line.remove_prefix(slabdata + 8);
		take_word(&line); // active slabs; with SLUB the same number
		totals.slabs += parse_number(take_word(&line)).value_or(0);
	}
	return totals;
}

std::string lowest_slabinfo(std::string_view before, std::string_view now)
{
	const Lines old = cache_lines(before);
	std::string lowest;
	while (!now.empty()) {
		std::string_view line = take(&now, '\n');
		std::string_view rest = line;
		const auto was = old.find(take_word(&rest));
		if (was != old.end() && active_of(was->second) < active_of(line))
			line = was->second;
		lowest.append(line).append("\n");
	}
	return lowest;
}

void Looks::take(std::string slabinfo)
{
	const uint64_t now = slab_totals(slabinfo).active_objects;
	quiet_ = now < least_ - least_ / kShare ? 0 : quiet_ + 1;
	least_ = std::min(least_, now);
	last_.push_back(std::move(slabinfo));
	if (last_.size() > kQuiet)
		last_.pop_front();
}

std::string Looks::lowest() const
{
	std::string lowest;
	for (const std::string &look : last_)
		lowest = lowest_slabinfo(lowest, look);
	return lowest;
}

std::string cache_growth(std::string_view before, std::string_view after, size_t most)
{
	const Lines old = cache_lines(before);
	std::vector<std::pair<uint64_t, std::string_view>> grown;
	for (const auto &[name, line] : cache_lines(after)) {
		const auto was = old.find(name);
		const uint64_t from = was == old.end() ? 0 : active_of(was->second);
		const uint64_t count = active_of(line);
		if (count > from)
			grown.emplace_back(count - from, name);
	}
	std::sort(grown.rbegin(), grown.rend());
	std::string text;
	for (size_t i = 0; i < std::min(most, grown.size()); i++) {
		text.append(i ? " " : "").append(grown[i].second).append(":+");
		text.append(std::to_string(grown[i].first));
	}
	return text;
}

bool is_memory_block(std::string_view name)
{
	constexpr std::string_view kPrefix = "memory";
	return name.starts_with(kPrefix) && parse_number(name.substr(kPrefix.size()));
}

bool has_word(std::string_view list, std::string_view word)
{
	while (!list.empty()) {
		std::string_view line = take(&list, '\n');
		for (std::string_view w = take_word(&line); !w.empty(); w = take_word(&line))
			if (w == word)
				return true;
	}
	return false;
}

uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state ? *state : 0x9e3779b97f4a7c15;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1d;
}

} // namespace guest
