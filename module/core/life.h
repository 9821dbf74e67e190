// SPDX-License-Identifier: GPL-2.0
//
// life - the life of one cache's slabs from the first object to the next slab
// in the same memory, with a look at every object wherever something could have
// gone wrong: what the scenarios do with each of their caches.
#pragma once
#include "examine.h"

namespace st {

// How extensions came to be where they are.
enum class Placed : u8 { ExternalEarly, ExternalLate, Leftover, InObject, Count };
constexpr size_t kPlaced = static_cast<size_t>(Placed::Count);

Text name(Placed placed);

// Where objects come from; CPUs are numbers of the kernel.
class Source {
public:
	// cache 0: kmalloc(bytes), with payer in addition to what is asked for
	Source(const Context &context, u64 cache, u32 bytes, u32 payer)
		: context_(context), cache_(cache), bytes_(bytes), payer_(payer)
	{
	}
	u32 get(u32 cpu, u32 payer, u64 *objects, u32 count) const;
	void put(u32 cpu, const u64 *objects, u32 count) const;
	void shrink() const;

private:
	const Context &context_;
	u64 cache_;
	u32 bytes_, payer_;
};

struct LifeSpec {
	u32 writer, reader;	// CPUs, numbers of the kernel
	u32 objects;		// to be charged for
	u32 payer;		// enum st_payer: how the group is asked to pay
	bool own_slabs;		// nobody else's objects are in them
	bool late;		// a new slab has no vector: only __GFP_ACCOUNT asks
	u32 turn;		// number of this life: which other CPUs look
};

struct LifeSeen {
	u32 observed = 0;	// objects, in all looks
	u32 objects = 0;	// that were charged for
	u32 placed[kPlaced] = {};
	u32 reused = 0;		// new slabs in memory of former ones
};

// False: objects could not be had or not be looked at. Everything is given
// back in any case.
bool live(const Source &source, const Subject &subject, const LifeSpec &spec, Workspace *work,
	  LifeSeen *seen, Tally *tally);

} // namespace st
