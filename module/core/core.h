// SPDX-License-Identifier: GPL-2.0
//
// core - what st_core_create() makes: the kernel side, the request, what was
// learned, and room for one report and one tally. Shared by the run as a whole
// (experiment.cc) and by single questions (question.cc).
#pragma once
#include "experiment.h"

// Storage comes from the kernel side, so placement new is all that core needs.
inline void *operator new(size_t, void *at) noexcept { return at; }

struct st_core {
	const st_ops *ops;
	st_request request;
	st_environment env;
	st::Layout layout;
	st::u64 loaded_ns;	// when core was made: the module has just been loaded
	st::Report *report;
	st::Tally *tally;
	alignas(16) st::u8 report_storage[sizeof(st::Report)];
	alignas(16) st::u8 tally_storage[sizeof(st::Tally)];

	st::Tally &fresh_tally() { return *new (tally_storage) st::Tally(ops->now_ns, loaded_ns); }
};
