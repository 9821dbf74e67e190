// SPDX-License-Identifier: GPL-2.0
//
// verdict - the vocabulary: verdicts, causes and invariants with their names,
// as they stand in table, KTAP, records and documentation.
#pragma once
#include "base.h"

namespace st {

enum class Verdict : u8 { Pass, Fail, Skip, Broken };
enum class Cause : u8 { None, Truncation, Ordering, Corruption, Lifetime, Accounting, Unknown };

enum class Invariant : u8 {
	SlabOwnsObject,		// slab->slab_cache is the cache it came from
	ExtsPresent,		// an accounted object's slab has a vector
	ExtsStepMatchesLayout,	// distance between extensions as placed
	ExtsInBounds,		// slot inside vector, leftover space or padding
	ExtsVectorLongEnough,	// external vector has room for every object
	ExtsOwnSlot,		// no two objects share a byte of extension
	ExtsNamesMemcg,		// slot leads to the cgroup that was charged
	ExtsClearedOnFree,	// a freed object's slot names nobody
	StrideStableWhileLive,	// same vector and step from every CPU, always
	FreeSeesAlloc,		// freeing CPU sees what the allocating one wrote
	NodePointerKept,	// kmem_cache_node stays when its node goes
	NodeBarnKept,		// and so does the barn
	NodeStructElsewhere,	// neither lies in the memory that goes
	OfflineNodeHasNoSlabs,
	StrideFitsType,		// slab->stride can hold the largest step there is
	NodeStructPresent,	// a node with memory has every cache's structure
	NodeStructDistinct,	// which no other cache or node shares
	NodeStructHome,		// and which lies in memory that is there
	NodeCountsSlabs,	// nodes count the slabs that a cache has
	KeptUnderRcu,		// what RCU must keep after a free is as it was
	AuditCountsExact,	// the audit counts what was done, no more, no less
	NodeBarnEverywhere,	// a cache has a barn on all such nodes or on none
	ChargeReachesGroup,	// what lives is charged to the group it was made in
	ChargeBalanced,		// all that was charged is uncharged when all is freed
	ChargeDyingGoes,	// a removed group goes when its objects are freed
	InspectorShowsSlab,	// debugfs inspect shows every slab, once
	InspectorShowsObject,	// and its objects as they are
	InspectorSumsAgree,	// its rows and sums agree
	InspectorChangesNothing, // and nothing is different afterwards
	ExtsAligned,		// slot at a multiple of a word
	ExtsOutsideObjects,	// no extension lies in an object's own bytes
	ExtsNamesNobody,	// slot of an object without owner is empty, after reuse, too
	ExtsOwnerKept,		// owner stays while others of the slab come and go
	ExtsNotInherited,	// a new slab has no vector of a former one
	NodeInitialisedWhenVisible, // a structure is whole when its pointer appears
	NodeCountsMatchLists,	// what a node or a barn counts is on its lists
	NodeListsOwnSlabs,	// slabs on a node's list are its cache's, and there
	NodeStructsBalanced,	// there are as many structures as caches name
	NodeRemoveSucceeds,	// memory goes when nothing on it must stay
	NodeRefusalClean,	// or stays, and is as good as before
	NodePaidOnce,		// a node that returns gets what was kept for it
	NodeKeptInUse,		// what a reader looked up is there until it has used it
	Count,
};

constexpr size_t kInvariants = static_cast<size_t>(Invariant::Count);

Text name(Verdict verdict);
Text name(Cause cause);
Text name(Invariant invariant);

} // namespace st
