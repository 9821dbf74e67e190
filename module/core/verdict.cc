// SPDX-License-Identifier: GPL-2.0
//
// verdict - the names of verdict.h, nothing else.
#include "verdict.h"

namespace st {

Text name(Verdict verdict)
{
	static constexpr const char *kNames[] = {"pass", "fail", "skip", "broken"};
	return kNames[static_cast<size_t>(verdict)];
}

Text name(Cause cause)
{
	static constexpr const char *kNames[] = {"none", "truncation", "ordering",
		"corruption", "lifetime", "accounting", "unknown"};
	return kNames[static_cast<size_t>(cause)];
}

Text name(Invariant invariant)
{
	static constexpr const char *kNames[] = {
		"slab-owns-object", "exts-present", "exts-step-matches-layout",
		"exts-in-bounds", "exts-vector-long-enough", "exts-own-slot",
		"exts-names-memcg", "exts-cleared-on-free", "stride-stable-while-live",
		"free-sees-alloc", "node-pointer-kept", "node-barn-kept",
		"node-struct-elsewhere", "offline-node-has-no-slabs", "stride-fits-type",
		"node-struct-present", "node-struct-distinct", "node-struct-home",
		"node-counts-slabs", "kept-under-rcu", "audit-counts-exact", "node-barn-everywhere",
		"charge-reaches-group", "charge-balanced", "charge-dying-goes",
		"inspector-shows-slab", "inspector-shows-object", "inspector-sums-agree",
		"inspector-changes-nothing",
		"exts-aligned", "exts-outside-objects", "exts-names-nobody",
		"exts-owner-kept", "exts-not-inherited",
		"node-initialised-when-visible", "node-counts-match-lists",
		"node-lists-own-slabs", "node-structs-balanced", "node-remove-succeeds",
		"node-refusal-clean",
		"node-paid-once", "node-kept-in-use"};
	static_assert(sizeof(kNames) / sizeof(kNames[0]) == kInvariants);
	return kNames[static_cast<size_t>(invariant)];
}

} // namespace st
