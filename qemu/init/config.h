// SPDX-License-Identifier: GPL-2.0
//
// config - what the host asked of this guest: key=value lines of /guest.conf.
// Pure parsing; the steps that act on it are in init.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace guest {

enum class Mode { run, bare, cycles };

struct Config {
	Mode mode = Mode::run;
	std::string module;	// path of the module to load
	std::string args;	// its parameters
	std::string follow;	// file to copy to the verdict channel while it grows
	unsigned cycles = 0;	// of loading and unloading
	uint64_t seed = 1;	// for the delays of mode=cycles
	bool rescue = false;	// a shell on the console at the end
};

// False, with what is wrong in *error: a line that is not understood is not
// passed over, because the host would then wait for something else.
bool parse(std::string_view text, Config *config, std::string *error);

} // namespace guest
