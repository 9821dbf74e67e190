// SPDX-License-Identifier: GPL-2.0
/*
 * compiled_layout - see compiled_layout.h. The only file that includes SLUB's
 * private header; which members it has Kbuild found out (STK_HAS_*).
 */
#include <linux/build_bug.h>
#include <linux/memcontrol.h>
#include <linux/string.h>
#include <linux/types.h>

#include "mm/slab.h"

#include "bitfields.h"
#include "compiled_layout.h"

#define AT(type, member) ((struct st_field){ offsetof(type, member) * 8, \
					     sizeof(((type *)NULL)->member) * 8 })
static const struct st_field no_such_field;

#ifdef STK_HAS_STRUCT_SLAB
static void tell_slab(struct st_layout *told)
{
	told->slab_cache = AT(struct slab, slab_cache);
	told->objects = STK_BITS(struct slab, objects);
	told->inuse = STK_BITS(struct slab, inuse);
#if defined(STK_HAS_OBJ_EXTS) && defined(CONFIG_SLAB_OBJ_EXT)
	told->exts = AT(struct slab, obj_exts);
#endif
	told->stride = told->in_object = told->needs_objcg = no_such_field;
#if defined(STK_HAS_STRIDE) && defined(CONFIG_64BIT)
	told->stride = STK_BITS(struct slab, stride);
#endif
#if defined(STK_HAS_EXT_BITS) && defined(CONFIG_64BIT)
	told->in_object = STK_BITS(struct slab, obj_exts_in_object);
	told->needs_objcg = STK_BITS(struct slab, obj_exts_needs_objcg);
#endif
}
#else
static void tell_slab(struct st_layout *told) { }
#endif

static void tell_element(struct st_layout *told)
{
#if defined(STK_HAS_OBJ_EXTS) && defined(CONFIG_MEMCG)
	told->exts_flag_mask = OBJEXTS_FLAGS_MASK;
	told->exts_alloc_failed = OBJEXTS_ALLOC_FAIL;
	told->objcg_memcg = AT(struct obj_cgroup, memcg);
#ifndef STK_HAS_OBJCG_UNION
	told->ext_bytes = sizeof(struct slabobj_ext);
	told->objcg_offset = offsetof(struct slabobj_ext, objcg);
#else
	told->objcg_offset = offsetof(struct slabobj_ext, _objcg);
	/* with code tags it is two elements or one, as a static key says */
	if (!IS_ENABLED(CONFIG_MEM_ALLOC_PROFILING))
		told->ext_bytes = sizeof(struct slabobj_ext);
#endif
#endif
}

static void tell_cache(struct st_layout *told)
{
	const struct kmem_cache *s = NULL;

	told->cache_size = AT(struct kmem_cache, size);
	told->cache_object_size = AT(struct kmem_cache, object_size);
	told->cache_red_left = AT(struct kmem_cache, red_left_pad);
	told->cache_name = AT(struct kmem_cache, name);
	told->cache_list = AT(struct kmem_cache, list);
#ifdef STK_HAS_PER_NODE
	told->cache_nodes = AT(struct kmem_cache, per_node);
	told->node_step_bytes = sizeof(s->per_node[0]);
	told->node_count = ARRAY_SIZE(s->per_node);
	told->node_pointer_offset = offsetof(typeof(s->per_node[0]), node);
	told->barn_pointer_offset = offsetof(typeof(s->per_node[0]), barn);
#else
	told->cache_nodes = AT(struct kmem_cache, node);
	told->node_step_bytes = sizeof(s->node[0]);
	told->node_count = ARRAY_SIZE(s->node);
	told->node_pointer_offset = 0;
	told->barn_pointer_offset = -1;
#endif
#if defined(STK_HAS_NODE) && defined(CONFIG_SLUB_DEBUG)
	told->node_nr_slabs = AT(struct kmem_cache_node, nr_slabs);
#endif
}

bool stk_compiled_layout(struct st_layout *told)
{
	memset(told, STK_UNTOLD, sizeof(*told));
	tell_slab(told);
	tell_element(told);
	tell_cache(told);
	return true;
}

#ifdef STK_HAS_STRUCT_SLAB
void stk_compiled_example(u32 pattern, struct stk_example *example)
{
	const u64 word = pattern ? 0x5aa5c33c96695aa5ull : ~0x5aa5c33c96695aa5ull;
	struct slab slab;

	BUILD_BUG_ON(sizeof(slab) > sizeof(example->slab));
	memset(&slab, pattern ? 0 : 0xff, sizeof(slab));
	slab.objects = word;
	example->objects = slab.objects;
#if defined(STK_HAS_OBJ_EXTS) && defined(CONFIG_SLAB_OBJ_EXT)
	slab.obj_exts = word;
	example->exts = slab.obj_exts;
#endif
#if defined(STK_HAS_STRIDE) && defined(CONFIG_64BIT)
	slab.stride = word;
	example->stride = slab.stride;
#endif
	memcpy(example->slab, &slab, sizeof(slab));
}
#else
void stk_compiled_example(u32 pattern, struct stk_example *example)
{
	memset(example, 0, sizeof(*example));
}
#endif
