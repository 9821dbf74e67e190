// SPDX-License-Identifier: GPL-2.0
//
// engine - what scenarios and benchmarks of handoffs share: a cache for the
// objects, the CPUs and the memory that make a place, a spec for a pair.
#pragma once
#include "experiment.h"

namespace st {

// A cache of its own while a scenario lasts.
class Cache {
public:
	Cache(const st_ops &ops, u32 flags);
	~Cache();
	Cache(const Cache &) = delete;
	Cache &operator=(const Cache &) = delete;
	explicit operator bool() const { return made_; }
	u64 id() const { return id_; }

private:
	const st_ops &ops_;
	u64 id_ = 0;
	bool made_;
};

// Which CPUs and which memory make a place (enum st_place).
class Places {
public:
	explicit Places(const Context &context);
	// Another pair of CPUs for each number; false: there is no such place.
	bool choose(u32 place, u64 number, st_handoff_spec *spec) const;
	// Any two CPUs, of one node if there are.
	void choose_two(u64 number, st_handoff_spec *spec) const
	{
		if (!choose(ST_PLACE_SAME_NODE, number, spec))
			choose(ST_PLACE_OTHER_NODE, number, spec);
	}

private:
	bool has_cpu(s32 nid) const;
	bool fits(u32 place, u32 x, u32 y) const;

	const st_environment &env_;
	s32 node_[ST_MAX_CPUS];
	bool many_nodes_ = false;	// that have CPUs
	s32 memory_ = -1;		// a node of memory alone
};

// Accounted objects in a thread, from any node; CPUs are left to Places.
st_handoff_spec spec_for(const Context &context, const Pair &pair, u32 mode, u64 cache);

} // namespace st
