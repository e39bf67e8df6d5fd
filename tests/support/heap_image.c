// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap_image.h"

#include "base/alloc.h"
#include "base/error.h"
#include "cpython/pyruntime_place.h"
#include "target/capture.h"

#include <stdio.h>
#include <string.h>

#define MAGIC        "SHKIMAG2"
#define PAGE_BYTES   4096
#define SEGMENTS_MAX 4096
#define PATH_MAX_    4096
#define SEGMENT_MAX  (64u << 20)

static bool put(FILE *file, const void *bytes, size_t size)
{
	return size == 0 || fwrite(bytes, size, 1, file) == 1;
}

static bool is_wanted(const struct mapping *mapping, const char *binary)
{
	return mapping->readable && !mapping->executable && !mapping->shared &&
	       mapping->end - mapping->start <= SEGMENT_MAX &&
	       strcmp(mapping->path, "[vvar]") != 0 &&
	       (mapping->writable || strcmp(mapping->path, binary) == 0);
}

static bool put_segment(FILE *file, const struct target *target, const struct mapping *mapping)
{
	const uint64_t place[3] = {mapping->start, mapping->end - mapping->start, mapping->inode};
	const uint32_t rest[2] = {mapping->writable, (uint32_t)strlen(mapping->path)};
	uint8_t page[PAGE_BYTES];

	if (!put(file, place, sizeof(place)) || !put(file, rest, sizeof(rest)) ||
		!put(file, mapping->path, rest[1]))
		return false;
	for (remote_addr at = mapping->start; at < mapping->end; at += PAGE_BYTES) {
		target_read_some(target, at, page, sizeof(page));
		if (!put(file, page, sizeof(page)))
			return false;
	}
	return true;
}

// Where the interpreter's variables are, in the order of the file.
#define PLACE_WORDS 5

static void place_words(struct pyruntime_place *place, remote_addr *ret[PLACE_WORDS])
{
	ret[0] = &place->runtime;
	ret[1] = &place->type_type;
	ret[2] = &place->interpreters_head;
	ret[3] = &place->generation0;
	ret[4] = &place->current_thread;
}

static bool put_place(FILE *file, struct pyruntime_place place)
{
	remote_addr *words[PLACE_WORDS];
	bool good = true;

	place_words(&place, words);
	for (unsigned i = 0; i < PLACE_WORDS; i++)
		good = good && put(file, words[i], sizeof(*words[i]));
	return good;
}

static bool put_image(FILE *file, const struct target *target, const struct pyruntime_place *place)
{
	const struct mappings *mappings = target_mappings(target);
	uint32_t count = 0, path_size = (uint32_t)strlen(place->path);

	for (size_t i = 0; i < mappings->count; i++)
		count += is_wanted(&mappings->items[i], place->path);
	if (!put(file, MAGIC, 8) || !put(file, &place->version_hex, 4) || !put(file, &count, 4) ||
		!put_place(file, *place) || !put(file, &path_size, 4) ||
		!put(file, place->path, path_size))
		return false;
	for (size_t i = 0; i < mappings->count; i++) {
		if (is_wanted(&mappings->items[i], place->path) &&
			!put_segment(file, target, &mappings->items[i]))
			return false;
	}
	return true;
}

struct error *heap_image_write(
	const struct target *target, const struct pyruntime_place *place, const char *path)
{
	FILE *file = fopen(path, "wb");
	bool good = file && put_image(file, target, place);

	if (file)
		good = fclose(file) == 0 && good;
	return good ? NULL : error_create(ERROR_SYSTEM, "cannot write %s", path);
}

struct error *heap_image_record(pid_t pid, const char *path)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	_cleanup_(target_destroy) struct target *target = NULL;
	struct capture_options options = {.mode = CAPTURE_AUTO};
	struct capture_report report;
	struct pyruntime_place place = {0};
	struct error *err = process_open(pid, &process);

	if (!err)
		err = capture_take(process, &options, &target, &report);
	if (!err)
		err = pyruntime_find(target, &place);
	if (err)
		return err;
	err = heap_image_write(target, &place, path);
	pyruntime_place_deinit(&place);
	return err;
}

static bool get(FILE *file, void *bytes, size_t size)
{
	return size == 0 || fread(bytes, size, 1, file) == 1;
}

static char *get_text(FILE *file, uint32_t size)
{
	char *text = size <= PATH_MAX_ ? mem_calloc((size_t)size + 1, 1) : NULL;

	if (text && !get(file, text, size)) {
		mem_free(text);
		return NULL;
	}
	return text;
}

static bool get_segment(FILE *file, struct heap_image *image)
{
	struct memory_image_segment *segment = &image->segments[image->count];
	uint64_t place[3];
	uint32_t rest[2];
	uint8_t *bytes;

	if (!get(file, place, sizeof(place)) || !get(file, rest, sizeof(rest)) ||
		place[1] > SEGMENT_MAX)
		return false;
	*segment = (struct memory_image_segment){.addr = place[0],
		.size = place[1],
		.inode = place[2],
		.writable = rest[0],
		.path = get_text(file, rest[1])};
	// Exactly as large as the segment, so that a read past its end is seen.
	segment->bytes = image->bytes[image->count++] = bytes = mem_alloc(place[1]);
	return segment->path && bytes && get(file, bytes, place[1]);
}

static bool get_place(FILE *file, struct pyruntime_place *ret)
{
	remote_addr *words[PLACE_WORDS];
	bool good = true;

	place_words(ret, words);
	for (unsigned i = 0; i < PLACE_WORDS; i++)
		good = good && get(file, words[i], sizeof(*words[i]));
	return good;
}

static bool get_image(FILE *file, struct heap_image *ret)
{
	char magic[8];
	uint32_t count, path_size;

	if (!get(file, magic, 8) || memcmp(magic, MAGIC, 8) != 0 ||
		!get(file, &ret->place.version_hex, 4) || !get(file, &count, 4) ||
		!get_place(file, &ret->place) || !get(file, &path_size, 4) || count > SEGMENTS_MAX)
		return false;
	ret->place.path = get_text(file, path_size);
	ret->segments = mem_calloc(count, sizeof(*ret->segments));
	ret->bytes = mem_calloc(count, sizeof(*ret->bytes));
	if (!ret->place.path || !pylayout_next(ret->place.version_hex, NULL) || !ret->segments ||
		!ret->bytes)
		return false;
	while (ret->count < count) {
		if (!get_segment(file, ret))
			return false;
	}
	return true;
}

struct error *heap_image_load(const char *path, struct heap_image *ret)
{
	FILE *file = fopen(path, "rb");
	bool good;

	if (!file)
		return error_create(ERROR_SYSTEM, "cannot read %s", path);
	*ret = (struct heap_image){0};
	good = get_image(file, ret);
	fclose(file);
	if (good)
		return NULL;
	heap_image_deinit(ret);
	return error_create(ERROR_BAD_DATA, "%s is no image of a heap", path);
}

void heap_image_deinit(struct heap_image *image)
{
	for (size_t i = 0; i < image->count; i++) {
		mem_free((char *)image->segments[i].path);
		mem_free(image->bytes[i]);
	}
	mem_free(image->segments);
	mem_free(image->bytes);
	pyruntime_place_deinit(&image->place);
	*image = (struct heap_image){0};
}

uint8_t *heap_image_at(const struct heap_image *image, remote_addr addr, size_t size)
{
	for (size_t i = 0; i < image->count; i++) {
		const struct memory_image_segment *segment = &image->segments[i];

		if (addr >= segment->addr && addr - segment->addr < segment->size)
			return segment->size - (addr - segment->addr) >= size
				       ? image->bytes[i] + (addr - segment->addr)
				       : NULL;
	}
	return NULL;
}
