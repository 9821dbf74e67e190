// SPDX-License-Identifier: GPL-2.0
//
// kmsg - see kmsg.h. The format is that of Documentation/ABI/testing/dev-kmsg:
// "level,sequence,microseconds,flags[,...];text", then lines of properties
// that begin with a blank. Bytes that are not printable, and the backslash,
// come as \xNN; so do the line breaks inside a message.
#include "kmsg.h"

#include "text.h"

#include <charconv>
#include <cstdio>
#include <optional>

namespace guest {
namespace {

constexpr uint64_t kUsecPerSec = 1000000;

std::optional<char> escaped(std::string_view text)
{
	unsigned value = 0;
	if (text.size() < 4 || text[0] != '\\' || text[1] != 'x')
		return {};
	const char *end = text.data() + 4;
	const auto [at, error] = std::from_chars(text.data() + 2, end, value, 16);
	if (error != std::errc() || at != end)
		return {};
	return static_cast<char>(value);
}

std::string unescaped(std::string_view text)
{
	std::string plain;
	while (!text.empty()) {
		const std::optional<char> byte = escaped(text);
		plain.push_back(byte.value_or(text.front()));
		text.remove_prefix(byte ? 4 : 1);
	}
	return plain;
}

// The n-th field of "a,b,c", from 0.
std::string_view field(std::string_view list, unsigned n)
{
	for (; n; n--) {
		const size_t comma = list.find(',');
		if (comma == std::string_view::npos)
			return {};
		list.remove_prefix(comma + 1);
	}
	return list.substr(0, list.find(','));
}

} // namespace

std::string prefixed(std::string_view prefix, std::string_view text)
{
	std::string lines;
	while (!text.empty()) {
		const size_t end = text.find('\n');
		lines.append(prefix).append(text.substr(0, end)).append("\n");
		text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
	}
	return lines;
}

std::string log_lines(std::string_view record)
{
	const size_t begin = record.find(';');
	if (begin == std::string_view::npos)
		return {};
	const std::optional<uint64_t> usec = parse_number(field(record.substr(0, begin), 2));
	if (!usec)
		return {};
	const std::string_view text = record.substr(begin + 1);
	char prefix[48];
	snprintf(prefix, sizeof(prefix), "@ log %llu.%06llu ",
		 static_cast<unsigned long long>(*usec / kUsecPerSec),
		 static_cast<unsigned long long>(*usec % kUsecPerSec));
	return prefixed(prefix, unescaped(text.substr(0, text.find('\n'))));
}

} // namespace guest
