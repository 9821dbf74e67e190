/* SPDX-License-Identifier: GPL-2.0 */
/*
 * exts - objects and their extensions: where this kernel keeps what, what one
 * CPU read, the caches that objects come from, controls.
 * Part of abi.h.
 */
#ifndef SLUBTORTURE_ABI_EXTS_H
#define SLUBTORTURE_ABI_EXTS_H

#include "base.h"

/* A field inside a structure. bits == 0: this kernel has no such field. */
struct st_field {
	uint32_t bit_offset;
	uint32_t bits;
};

/* How the distance between two neighbouring extensions is known. */
enum st_step_origin {
	ST_STEP_UNKNOWN = 0,
	ST_STEP_FIELD,		/* slab->stride (7.0 to 7.2) */
	ST_STEP_BITS,		/* slab->obj_exts_in_object (7.3) */
	ST_STEP_ELEMENT_SIZE,	/* size of the vector's element (to 6.19) */
	ST_STEP_IN_OBJECT,	/* s->size, named by a placement, not by a field */
};

/*
 * Where SLUB keeps what in the running kernel, learned from its BTF by
 * core/layout. Structures: S = struct slab, or struct page before 5.17;
 * C = struct kmem_cache; N = struct kmem_cache_node.
 */
struct st_layout {
	struct st_field exts;		/* S: the tagged vector pointer */
	struct st_field stride;		/* S: distance in bytes, 7.0 to 7.2 */
	struct st_field in_object;	/* S: one bit, 7.3 */
	struct st_field needs_objcg;	/* S: one bit, 7.3 */
	struct st_field slab_cache;	/* S: back pointer to C */
	struct st_field objects;	/* S: objects in this slab */
	struct st_field inuse;		/* S: of these, handed out or in a stock */
	struct st_field cache_size;	/* C: bytes from object to object */
	struct st_field cache_object_size; /* C: bytes that the user may use */
	struct st_field cache_red_left;	/* C: bytes in front of each object */
	struct st_field cache_name;	/* C: const char * */
	struct st_field cache_list;	/* C: link in slab_caches */
	struct st_field cache_nodes;	/* C: first element of the node array */
	struct st_field barn_in_node;	/* N: barn pointer, 6.18 to 7.0 */
	struct st_field node_nr_slabs;	/* N: atomic_long_t, SLUB_DEBUG only */
	struct st_field node_total_objects; /* N: the same */
	struct st_field node_list_lock;	/* N: spinlock_t */
	struct st_field node_nr_partial; /* N: slabs on its partial list */
	struct st_field node_partial;	/* N: head of that list */
	struct st_field slab_link;	/* S: link in it */
	struct st_field barn_lock;	/* struct node_barn: spinlock_t */
	struct st_field barn_full, barn_empty;	/* its lists of sheaves */
	struct st_field barn_nr_full, barn_nr_empty;	/* and how many it counts */
	uint32_t node_step_bytes;	/* from one node's element to the next */
	uint32_t node_count;		/* elements in the array, 0: unknown */
	uint32_t node_pointer_offset;	/* of N * in an element */
	int32_t barn_pointer_offset;	/* of the barn in an element, -1: none */
	uint64_t exts_flag_mask;	/* low bits of exts that are no address */
	uint64_t exts_alloc_failed;	/* whole value that means "no vector" */
	uint32_t ext_bytes;		/* one element of a vector */
	uint32_t objcg_offset;		/* of the obj_cgroup pointer in it */
	struct st_field objcg_memcg;	/* struct obj_cgroup: its mem_cgroup */
	uint32_t step_origin;		/* enum st_step_origin */
};

/* What one CPU read about one object. Values, no judgement. */
struct st_object_view {
	uint64_t object;
	uint64_t slab;			/* address of S */
	uint64_t slab_base;		/* first byte of the slab's memory */
	uint64_t slab_bytes;
	uint64_t slab_cache;
	uint64_t exts;			/* raw word, flags included */
	uint64_t step_bytes;		/* as the kernel would use it */
	uint64_t step_again, exts_again; /* both, after a full barrier */
	uint64_t slot;			/* where step and index lead, 0: no vector */
	uint64_t slot_objcg;		/* obj_cgroup pointer found there */
	uint64_t slot_memcg;		/* its mem_cgroup, 0: not readable */
	uint64_t vector_bytes;		/* room behind an external vector, else 0 */
	uint64_t cache_size;
	uint64_t cache_object_size;
	uint32_t index;			/* of the object in its slab */
	uint32_t objects;		/* in this slab */
	uint32_t slot_readable;		/* 0: slot_objcg could not be read */
	uint32_t cpu;			/* that read it */
	uint32_t has_owner;		/* 7.3: 0, its extension names nobody ever */
};

/* Where the extensions of a slab lie; none: it has no vector. */
enum st_placement {
	ST_PLACED_NOWHERE,
	ST_PLACED_EXTERNAL,		/* a vector outside the slab */
	ST_PLACED_LEFTOVER,		/* a vector behind the last object */
	ST_PLACED_IN_OBJECT,		/* each in the padding of its object */
};

enum st_cache_flags {
	ST_CACHE_ACCOUNT = 1,		/* SLAB_ACCOUNT */
	ST_CACHE_CTOR = 2,		/* has a constructor, so is never merged */
	ST_CACHE_TYPESAFE = 0x100,	/* SLAB_TYPESAFE_BY_RCU; the object has a type */
	ST_CACHE_RED_ZONE = 4,		/* SLAB_RED_ZONE and so on: */
	ST_CACHE_POISON = 8,		/* asking for one of these turns the */
	ST_CACHE_STORE_USER = 16,	/* kernel's slub_debug_enabled on for good */
	ST_CACHE_ALONE = 32,		/* not merged, by whatever this kernel has */
};
#define ST_CACHE_DEBUG (ST_CACHE_RED_ZONE | ST_CACHE_POISON | ST_CACHE_STORE_USER)

struct st_cache_spec {
	uint32_t object_bytes;
	uint32_t align_bytes;		/* 0: the allocator's choice */
	uint32_t flags;			/* enum st_cache_flags */
};

/* Who pays for objects, and who asks for it; the accounted argument of both. */
enum st_payer {
	ST_PAY_CACHE = 0,		/* the group, if the cache is accounted */
	ST_PAY_GROUP = 1,		/* the group, by __GFP_ACCOUNT */
	ST_PAY_NOBODY = 2,		/* allocated outside of the group */
	ST_PAY_RECLAIM = 4,		/* kmalloc: and from the reclaimable caches */
};

/* More that can be done with objects; as in struct st_ops. */
struct st_exts_ops {
	/* gives slabs without objects back, CPUs' own included */
	void (*cache_shrink)(uint64_t cache);
	/* kmalloc() on the CPU named; returns how many it got, or -errno */
	int (*kmalloc_many)(uint32_t bytes, uint32_t cpu, uint32_t payer,
			    uint64_t *objects, uint32_t count);
	int (*kfree_many)(uint32_t cpu, const uint64_t *objects, uint32_t count);
};

/* Controls for objects_view: slabs of our own with a known bug in them. */
enum st_busted_slab {
	ST_BUSTED_HALF_STEP,		/* external vector, step half an element */
	ST_BUSTED_OVERLAP,		/* leftover vector begins in an object */
	ST_BUSTED_STRIDE_U16,		/* in-object step kept in 16 bits */
	/* those below: objects twice, first as before, then as after */
	ST_BUSTED_STALE,		/* step late on the reading CPU */
	ST_BUSTED_UNALIGNED,		/* objects, and slots, of an odd size */
	ST_BUSTED_SHARED,		/* two slabs with one vector */
	ST_BUSTED_IN_BODY,		/* vector lies in a live object */
	ST_BUSTED_FORMER_OWNER,		/* slot names who paid for the last object */
	ST_BUSTED_OWNER_LOST,		/* slot emptied when a neighbour was freed */
	ST_BUSTED_INHERITED,		/* new slab with a former one's vector */
	ST_BUSTED_RED_ZONE,		/* slot in front of the left red zone */
	ST_BUSTED_SHORT_VECTOR,		/* vector with room for half of the objects */
	ST_BUSTED_SLABS,
};

#endif
