// SPDX-License-Identifier: GPL-2.0
/*
 * racers_read - racers that come by SLUB's files: attributes of caches in
 * /sys/kernel/slab, /proc/slabinfo, and the files by which caches are shrunk
 * and validated. The directory and /proc are looked up at load, by a task that
 * is sure to see them; caches may go under a reader, which is what is wanted.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/namei.h>
#include <linux/seq_file.h>
#include <linux/uio.h>

#include "compat.h"
#include "racers.h"

#define NAMES_BYTES 32768
#define TEXT_BYTES 4096

static struct {
	struct path slab;	/* /sys/kernel/slab */
	struct file *slabinfo;
} files;

void st_racers_files_init(void)
{
	if (kern_path("/sys/kernel/slab", LOOKUP_DIRECTORY, &files.slab))
		files.slab.dentry = NULL;
	files.slabinfo = filp_open("/proc/slabinfo", O_RDONLY, 0);
}

void st_racers_files_exit(void)
{
	if (files.slab.dentry)
		path_put(&files.slab);
	if (!IS_ERR(files.slabinfo))
		filp_close(files.slabinfo, NULL);
	memset(&files, 0, sizeof(files));
}

/* Names in a directory, one behind the other, each with its NUL. */
struct names {
	struct dir_context context;
	char *text;
	size_t used, at;
};

static ST_FILLDIR_RESULT one_name(struct dir_context *context, const char *name, int bytes,
				  loff_t offset, u64 inode, unsigned int type)
{
	struct names *names = container_of(context, struct names, context);

	/* links are second names of merged caches */
	if (name[0] == '.' || type == DT_LNK || names->used + bytes + 1 > NAMES_BYTES)
		return ST_FILLDIR_GO_ON;
	memcpy(names->text + names->used, name, bytes);
	names->used += bytes;
	names->text[names->used++] = '\0';
	return ST_FILLDIR_GO_ON;
}

static int list(struct file *dir, struct names *names)
{
	struct dir_context context = { .actor = one_name };

	memcpy(&names->context, &context, sizeof(context));
	names->used = names->at = 0;
	return iterate_dir(dir, &names->context);
}

/* What a racer of this file needs: names of caches, of files, a text. */
struct reader {
	struct names caches, attributes;
	char *text;
	char path[160];
};

/* One for each of the racers that go along the caches. */
static struct reader readers[3];

static struct reader *reader_of(const struct st_racer_self *racer)
{
	if (racer->lap == st_racer_attributes.lap)
		return &readers[0];
	return &readers[racer->lap == st_racer_shrink.lap ? 1 : 2];
}

static const char *prepare(struct st_racer_self *racer)
{
	struct reader *reader = reader_of(racer);

	if (!files.slab.dentry)
		return "there is no /sys/kernel/slab (CONFIG_SYSFS, CONFIG_SLUB_DEBUG)";
	memset(reader, 0, sizeof(*reader));
	reader->caches.text = kvmalloc(NAMES_BYTES, GFP_KERNEL);
	reader->attributes.text = kvmalloc(NAMES_BYTES, GFP_KERNEL);
	reader->text = kvmalloc(TEXT_BYTES, GFP_KERNEL);
	return reader->caches.text && reader->attributes.text && reader->text
	       ? NULL : "there is no memory for names of caches";
}

static void finish(struct st_racer_self *racer)
{
	struct reader *reader = reader_of(racer);

	kvfree(reader->caches.text);
	kvfree(reader->attributes.text);
	kvfree(reader->text);
	memset(reader, 0, sizeof(*reader));
}

/* The next cache's directory; once around, those that there are now. */
static const char *next_cache(struct reader *reader)
{
	struct names *names = &reader->caches;
	const char *name;

	if (names->at >= names->used) {
		struct file *dir = dentry_open(&files.slab, O_RDONLY | O_DIRECTORY,
					       current_cred());

		if (IS_ERR(dir))
			return NULL;
		list(dir, names);
		filp_close(dir, NULL);
		if (!names->used)
			return NULL;
	}
	name = names->text + names->at;
	names->at += strlen(name) + 1;
	return name;
}

static struct file *open_file(struct reader *reader, const char *cache, const char *file,
			      int flags)
{
	if (snprintf(reader->path, sizeof(reader->path), "%s/%s", cache, file) >=
	    (int)sizeof(reader->path))
		return ERR_PTR(-ENAMETOOLONG);
	return st_file_open_in(&files.slab, reader->path, flags);
}

/* Bytes that were read, or -errno. */
static ssize_t read_file(struct reader *reader, const char *cache, const char *name)
{
	struct file *file = open_file(reader, cache, name, O_RDONLY);
	loff_t at = 0;
	ssize_t got;

	if (IS_ERR(file))
		return PTR_ERR(file);
	got = kernel_read(file, reader->text, TEXT_BYTES, &at);
	filp_close(file, NULL);
	return got;
}

static ssize_t write_one(struct reader *reader, const char *cache, const char *name)
{
	struct file *file = open_file(reader, cache, name, O_WRONLY);
	loff_t at = 0;
	ssize_t wrote;

	if (IS_ERR(file))
		return PTR_ERR(file);
	wrote = kernel_write(file, "1", 1, &at);
	filp_close(file, NULL);
	return wrote;
}

/* --- attributes: every file of one cache a lap --- */

static void read_attributes(struct st_racer_self *racer)
{
	struct reader *reader = reader_of(racer);
	struct names *names = &reader->attributes;
	const char *cache = next_cache(reader);
	struct file *dir = cache ? st_file_open_in(&files.slab, cache, O_RDONLY | O_DIRECTORY)
				 : ERR_PTR(-ENOENT);

	if (IS_ERR(dir)) {
		ST_RACER_ADD(racer, refused, 1);	/* it has been destroyed */
		return;
	}
	list(dir, names);
	filp_close(dir, NULL);
	while (names->at < names->used && !st_race_over()) {
		const char *name = names->text + names->at;

		if (read_file(reader, cache, name) > 0)
			ST_RACER_ADD(racer, done, 1);
		else
			ST_RACER_ADD(racer, refused, 1);
		names->at += strlen(name) + 1;
	}
	ST_RACER_ADD(racer, laps, 1);
}

const struct st_racer_self st_racer_attributes = {
	.prepare = prepare, .lap = read_attributes, .finish = finish, .pause_us = 3000,
};

/* --- slabinfo: from its beginning to its end --- */

static const char *prepare_slabinfo(struct st_racer_self *racer)
{
	if (IS_ERR_OR_NULL(files.slabinfo))
		return "/proc/slabinfo cannot be opened here";
	return files.slabinfo->f_op->read == seq_read ||
	       files.slabinfo->f_op->read_iter == seq_read_iter ||
	       files.slabinfo->private_data ? NULL : "/proc/slabinfo is no seq_file here";
}

/*
 * kernel_read() refuses files of /proc whose ->read is seq_read(); what is
 * behind that takes kernel memory as well (d4d50710a8b4, 5.10).
 */
static void read_slabinfo(struct st_racer_self *racer)
{
	char *text = kvmalloc(TEXT_BYTES, GFP_KERNEL);
	struct kiocb kiocb;
	ssize_t got = 0;

	if (!text)
		return;
	init_sync_kiocb(&kiocb, files.slabinfo);
	kiocb.ki_pos = 0;
	do {
		struct kvec vec = { .iov_base = text, .iov_len = TEXT_BYTES };
		struct iov_iter iter;

		iov_iter_kvec(&iter, ST_ITER_DEST, &vec, 1, vec.iov_len);
		got = seq_read_iter(&kiocb, &iter);
		if (got > 0)
			ST_RACER_ADD(racer, done, got);
	} while (got > 0 && !st_race_over());
	if (got < 0)
		ST_RACER_ADD(racer, refused, 1);
	else
		ST_RACER_ADD(racer, laps, 1);
	kvfree(text);
}

const struct st_racer_self st_racer_slabinfo = {
	.prepare = prepare_slabinfo, .lap = read_slabinfo, .pause_us = 20000,
};

/* --- shrink, validate: one cache a lap --- */

static void shrink_one(struct st_racer_self *racer)
{
	struct reader *reader = reader_of(racer);
	const char *cache = next_cache(reader);

	if (!cache || write_one(reader, cache, "shrink") < 0) {
		ST_RACER_ADD(racer, refused, 1);
		return;
	}
	ST_RACER_ADD(racer, done, 1);
	ST_RACER_ADD(racer, laps, 1);
}

const struct st_racer_self st_racer_shrink = {
	.prepare = prepare, .lap = shrink_one, .finish = finish, .pause_us = 15000,
};

/*
 * Only caches with debugging may be asked: others are refused from 6.0 on, and
 * before that such a walk reported errors that were none (c7323a5ad078).
 */
static bool debugged(struct reader *reader, const char *cache)
{
	static const char *const flags[] = { "sanity_checks", "red_zone", "poison", "store_user" };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (read_file(reader, cache, flags[i]) > 0 && reader->text[0] == '1')
			return true;
	return false;
}

static const char *prepare_validate(struct st_racer_self *racer)
{
	const char *why = prepare(racer);

	/* turns slub_debug_enabled on for good, so only for who says its name */
	if (!why && racer->by_name && IS_ENABLED(CONFIG_SLUB_DEBUG))
		racer->cache = kmem_cache_create("slubtorture-validate", 192, 0,
						 SLAB_RED_ZONE | SLAB_POISON, NULL);
	return why;
}

static void validate_one(struct st_racer_self *racer)
{
	struct reader *reader = reader_of(racer);
	const char *cache = next_cache(reader);
	void *object;

	if (!cache || !debugged(reader, cache))
		return;
	object = racer->cache ? kmem_cache_alloc(racer->cache, ST_GFP) : NULL;
	if (write_one(reader, cache, "validate") < 0) {
		ST_RACER_ADD(racer, refused, 1);
	} else {
		ST_RACER_ADD(racer, done, 1);
		ST_RACER_ADD(racer, laps, 1);
	}
	if (object)
		kmem_cache_free(racer->cache, object);
}

static void finish_validate(struct st_racer_self *racer)
{
	kmem_cache_destroy(racer->cache);
	finish(racer);
}

static const char *validated_nothing(const struct st_racer_self *racer)
{
	return racer->cache ? NULL : "no cache here is debugged; it makes one if asked for by its "
				     "whole name";
}

const struct st_racer_self st_racer_validate = {
	.prepare = prepare_validate, .lap = validate_one, .finish = finish_validate,
	.in_vain = validated_nothing, .pause_us = 5000,
};
