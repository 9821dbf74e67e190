// SPDX-License-Identifier: GPL-2.0
/*
 * window_reader - a thread on a CPU of its own that looks a cache's structure
 * for a node up and uses it, over and over, by one of the ways that users of
 * the kernel have. It judges nothing; window.c holds it.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kthread.h>

#include "compat.h"
#include "fields.h"
#include "window.h"

#define FILES 3

static struct file *slab_dir;	/* /sys/kernel/slab */

static struct {
	struct st_window_spec spec;
	struct file *file[FILES];
	struct task_struct *task;
	atomic64_t reads;
	u64 tried;			/* departures at the last allocation */
	bool rest, resting;
} reader;

void *st_window_twin = &st_window_twin;

/* Out of line, so that it can be probed between the look and the use. */
noinline u64 st_window_twin_use(const u64 *structure)
{
	return structure ? READ_ONCE(*structure) : 0;
}

/* Kernel threads may see another root than the task that loads the module. */
void st_window_init(void)
{
	slab_dir = filp_open("/sys/kernel/slab", O_RDONLY | O_DIRECTORY, 0);
	if (IS_ERR(slab_dir))
		slab_dir = NULL;
}

void st_window_exit(void)
{
	if (slab_dir)
		filp_close(slab_dir, NULL);
}

u64 st_window_reads(void)
{
	return atomic64_read(&reader.reads);
}

static const char *const names[ST_WINDOW_READERS][FILES] = {
	[ST_WINDOW_OBJECTS] = { "objects" },
	[ST_WINDOW_PARTIAL] = { "objects_partial" },
	[ST_WINDOW_SLABS] = { "slabs", "total_objects", "partial" },
	[ST_WINDOW_VALIDATE] = { "validate" },
	[ST_WINDOW_SHRINK] = { "shrink" },
};

static bool writes(void)
{
	return reader.spec.reader == ST_WINDOW_VALIDATE || reader.spec.reader == ST_WINDOW_SHRINK;
}

static void use_file(struct file *file)
{
	char text[64];
	loff_t at = 0;

	if (writes())
		kernel_write(file, "1", 1, &at);
	else
		kernel_read(file, text, sizeof(text), &at);
}

/*
 * Fails, because the last page of that node has gone; slab_out_of_memory() then
 * looks at every node. It says so ten times in five seconds, no oftener.
 */
static bool allocate(void)
{
	struct kmem_cache *cache = (struct kmem_cache *)(unsigned long)reader.spec.cache;
	const u64 departures = st_window_departures();
	void *object;

	if (st_window_phase() != ST_WINDOW_LAST_MOMENT || departures + 1 == reader.tried)
		return false;
	reader.tried = departures + 1;
	object = kmem_cache_alloc_node(cache, GFP_ATOMIC | __GFP_THISNODE, reader.spec.nid);
	if (object)
		kmem_cache_free(cache, object);
	return true;
}

static bool read_once(void)
{
	u32 i;

	if (reader.spec.reader == ST_WINDOW_ALLOC)
		return allocate();
	if (reader.spec.reader == ST_WINDOW_TWIN)
		st_window_twin_use(READ_ONCE(st_window_twin));
	for (i = 0; i < FILES && reader.file[i]; i++)
		use_file(reader.file[i]);
	return true;
}

static int reader_main(void *unused)
{
	while (!kthread_should_stop()) {
		if (READ_ONCE(reader.rest)) {
			/* pairs with the acquire in st_window_reader_rest() */
			smp_store_release(&reader.resting, true);
			usleep_range(100, 300);
			continue;
		}
		if (read_once())
			atomic64_inc(&reader.reads);
		else
			usleep_range(20, 50);
		if (st_window_phase() == ST_WINDOW_QUIET)
			usleep_range(100, 300);
		else
			cond_resched();
	}
	return 0;
}

/*
 * Under emulation (QEMU 7.2, thread=multi) a CPU that runs code while probes
 * come and go in it may be taken down by an int3 that is not there any more.
 */
void st_window_reader_rest(bool rest)
{
	WRITE_ONCE(reader.resting, false);
	WRITE_ONCE(reader.rest, rest);
	/* pairs with the release in reader_main(): nothing of a read is left */
	while (rest && reader.task && !smp_load_acquire(&reader.resting))
		usleep_range(100, 300);
}

static void close_files(void)
{
	u32 i;

	for (i = 0; i < FILES; i++)
		if (reader.file[i])
			filp_close(reader.file[i], NULL);
	memset(reader.file, 0, sizeof(reader.file));
}

struct file *st_window_open(const struct st_layout *layout, u64 cache, const char *name, int flags)
{
	const char *dir = (const char *)(unsigned long)
			  st_field_read((const void *)(unsigned long)cache, layout->cache_name);
	struct file *file;
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = slab_dir ? st_file_open_below(slab_dir, path, flags) : NULL;
	return IS_ERR(file) ? NULL : file;
}

static int open_files(char *reason)
{
	const struct st_window_spec *spec = &reader.spec;
	const char *name;
	u32 i;

	for (i = 0; i < FILES && names[spec->reader][i]; i++) {
		name = names[spec->reader][i];
		reader.file[i] = st_window_open(spec->layout, spec->cache, name,
						writes() ? O_WRONLY : O_RDONLY);
		if (reader.file[i])
			continue;
		snprintf(reason, ST_REASON_BYTES, "/sys/kernel/slab has no file %s for a cache", name);
		close_files();
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Caches that nobody debugs are not validated, from 5.18 on or so. */
static int check_validate(char *reason)
{
	loff_t at = 0;

	if (reader.spec.reader != ST_WINDOW_VALIDATE ||
	    kernel_write(reader.file[0], "1", 1, &at) == 1)
		return 0;
	strscpy(reason, "this kernel does not validate the cache", ST_REASON_BYTES);
	close_files();
	return -EOPNOTSUPP;
}

int st_window_reader_start(const struct st_window_spec *spec, char *reason)
{
	int err;

	memset(&reader, 0, sizeof(reader));
	reader.spec = *spec;
	WRITE_ONCE(st_window_twin, &st_window_twin);
	err = open_files(reason);
	if (!err)
		err = check_validate(reason);
	if (err)
		return err;
	reader.task = kthread_create_on_node(reader_main, NULL, NUMA_NO_NODE, "slubtorture/%u",
					     spec->reader_cpu);
	if (IS_ERR(reader.task)) {
		err = PTR_ERR(reader.task);
		reader.task = NULL;
		close_files();
		strscpy(reason, "a thread for the reader is not to be had", ST_REASON_BYTES);
		return err;
	}
	kthread_bind(reader.task, spec->reader_cpu);
	wake_up_process(reader.task);
	return 0;
}

void st_window_reader_stop(void)
{
	if (reader.task)
		kthread_stop(reader.task);
	reader.task = NULL;
	close_files();
}
