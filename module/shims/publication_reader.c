// SPDX-License-Identifier: GPL-2.0
/*
 * publication_reader - ways by which users of the kernel follow the pointer to
 * a node's structure without a lock, each once. It judges nothing; what may
 * become of the caller where the structure is not initialised is for
 * publication.c and core.
 */
#include <linux/fs.h>

#include "compat.h"
#include "publication.h"
#include "window.h"

#define FILES 2

static const struct {
	const char *name;		/* for people: the user's way, and SLUB's function */
	const char *file[FILES];
	bool writes;
} meeters[ST_MEETERS] = {
	[ST_MEETER_OBJECTS] = { "sysfs objects (show_slab_objects, count_partial)",
				{ "objects", "total_objects" } },
	[ST_MEETER_PARTIAL] = { "sysfs objects_partial (count_partial)", { "objects_partial" } },
	[ST_MEETER_SLABS] = { "sysfs slabs, partial (show_slab_objects)",
			      { "slabs", "partial" } },
	[ST_MEETER_SHRINK] = { "sysfs shrink (__kmem_cache_do_shrink)", { "shrink" }, true },
	[ST_MEETER_VALIDATE] = { "sysfs validate (validate_slab_cache)", { "validate" }, true },
	[ST_MEETER_ALLOC] = { "kmem_cache_alloc_node (get_partial, slab_out_of_memory)" },
};

static struct file *files[FILES];

const char *st_meeter_name(u32 meeter)
{
	return meeter < ST_MEETERS ? meeters[meeter].name : "";
}

void st_meeter_close(void)
{
	u32 i;

	for (i = 0; i < FILES; i++)
		if (files[i])
			filp_close(files[i], NULL);
	memset(files, 0, sizeof(files));
}

/* Caches that nobody debugs are not validated, from 5.18 on or so. */
static int check_validate(char *reason)
{
	loff_t at = 0;

	if (kernel_write(files[0], "1", 1, &at) == 1)
		return 0;
	strscpy(reason, "this kernel does not validate the cache", ST_REASON_BYTES);
	return -EOPNOTSUPP;
}

int st_meeter_open(const struct st_publication_spec *spec, char *reason)
{
	u32 i;
	int err;

	for (i = 0; i < FILES && meeters[spec->meeter].file[i]; i++) {
		files[i] = st_window_open(spec->layout, spec->cache[0],
					  meeters[spec->meeter].file[i],
					  meeters[spec->meeter].writes ? O_WRONLY : O_RDONLY);
		if (files[i])
			continue;
		snprintf(reason, ST_REASON_BYTES, "/sys/kernel/slab has no file %s for a cache",
			 meeters[spec->meeter].file[i]);
		st_meeter_close();
		return -EOPNOTSUPP;
	}
	err = spec->meeter == ST_MEETER_VALIDATE ? check_validate(reason) : 0;
	if (err)
		st_meeter_close();
	return err;
}

static int allocate(const struct st_publication_spec *spec)
{
	struct kmem_cache *cache = (struct kmem_cache *)(unsigned long)spec->cache[0];
	void *object = kmem_cache_alloc_node(cache, GFP_ATOMIC | __GFP_THISNODE, spec->nid);

	if (!object)
		return -ENOMEM;
	kmem_cache_free(cache, object);
	return 0;
}

static void one_line(char *text)
{
	for (; *text; text++)
		if (*text == '\n' || *text == '"')
			*text = ' ';
}

int st_meet(const struct st_publication_spec *spec, char *told, size_t bytes)
{
	size_t used = 0;
	ssize_t got = 0;
	u32 i;

	if (spec->meeter == ST_MEETER_ALLOC)
		return allocate(spec);
	for (i = 0; i < FILES && files[i] && got >= 0; i++) {
		loff_t at = 0;

		if (meeters[spec->meeter].writes) {
			got = kernel_write(files[i], "1", 1, &at);
			continue;
		}
		used += scnprintf(told + used, bytes - used, "%s: ",
				  meeters[spec->meeter].file[i]);
		got = kernel_read(files[i], told + used, bytes - 1 - used, &at);
		used += max_t(ssize_t, got, 0);
		told[used] = '\0';
	}
	one_line(told);
	return got;
}
