// SPDX-License-Identifier: GPL-2.0
//
// config - see config.h.
#include "config.h"

#include <charconv>

namespace guest {
namespace {

template <typename Number> bool to_number(std::string_view text, Number *number)
{
	const auto end = text.data() + text.size();
	const auto [at, error] = std::from_chars(text.data(), end, *number);
	return error == std::errc() && at == end && !text.empty();
}

bool to_mode(std::string_view text, Mode *mode)
{
	if (text == "run")
		*mode = Mode::run;
	else if (text == "bare")
		*mode = Mode::bare;
	else if (text == "cycles")
		*mode = Mode::cycles;
	else
		return false;
	return true;
}

bool set(std::string_view key, std::string_view value, Config *config)
{
	unsigned flag = 0;
	if (key == "mode")
		return to_mode(value, &config->mode);
	if (key == "module")
		return config->module = value, true;
	if (key == "args")
		return config->args = value, true;
	if (key == "follow")
		return config->follow = value, true;
	if (key == "cycles")
		return to_number(value, &config->cycles);
	if (key == "seed")
		return to_number(value, &config->seed);
	if (key == "rescue" && to_number(value, &flag) && flag <= 1)
		return config->rescue = flag, true;
	return false;
}

} // namespace

bool parse(std::string_view text, Config *config, std::string *error)
{
	while (!text.empty()) {
		const size_t end = text.find('\n');
		const std::string_view line = text.substr(0, end);
		text = end == text.npos ? std::string_view() : text.substr(end + 1);
		if (line.empty())
			continue;
		const size_t equals = line.find('=');
		if (equals == line.npos ||
		    !set(line.substr(0, equals), line.substr(equals + 1), config)) {
			*error = "not understood: " + std::string(line);
			return false;
		}
	}
	return true;
}

} // namespace guest
