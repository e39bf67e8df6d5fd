// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "target/memory_image.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "target/target_ops.h"

#include <inttypes.h>
#include <string.h>

#define PAGE_BYTES 4096

struct memory_image {
	struct target target;
	struct memory_image_segment *segments; /* as many as there are mappings */
	size_t count;
};

static const struct memory_image *image_of(const struct target *target)
{
	return (const struct memory_image *)target;
}

static const void *image_borrow(const struct target *target, remote_addr addr, size_t *ret_size)
{
	const struct memory_image *image = image_of(target);
	size_t i = mappings_lower_bound(&target->mappings, addr);
	const struct memory_image_segment *segment;

	if (i == image->count || image->segments[i].addr > addr)
		return NULL;
	segment = &image->segments[i];
	*ret_size = segment->size - (addr - segment->addr);
	return (const char *)segment->bytes + (addr - segment->addr);
}

static size_t image_read(const struct target *target, remote_addr addr, void *buffer, size_t size)
{
	size_t available;
	const void *bytes = image_borrow(target, addr, &available);

	if (!bytes)
		return 0;
	if (size > available)
		size = available;
	memcpy(buffer, bytes, size);
	return size;
}

static void image_destroy(struct target *target)
{
	mem_free(((struct memory_image *)target)->segments);
	mem_free(target);
}

static const struct target_ops image_ops = {
	.read = image_read,
	.borrow = image_borrow,
	.destroy = image_destroy,
};

static struct error *check_segments(const struct memory_image_segment *segments, size_t count)
{
	remote_addr end = 0;

	if (count > LIMIT_MAPPINGS)
		return error_create(ERROR_BAD_DATA, "a memory image of %zu segments", count);
	for (size_t i = 0; i < count; i++) {
		const struct memory_image_segment *segment = &segments[i];

		if (segment->addr % PAGE_BYTES || segment->size % PAGE_BYTES ||
			segment->addr < end || segment->addr + segment->size < segment->addr ||
			segment->size == 0)
			return error_create(ERROR_BAD_DATA,
				"segment %zu at 0x%" PRIx64 " of a memory image is misplaced", i,
				segment->addr);
		end = segment->addr + segment->size;
	}
	return NULL;
}

// The paths live one behind the other in mappings->text.
static struct error *describe(
	const struct memory_image_segment *segments, size_t count, struct mappings *ret)
{
	size_t text_size = 0;
	char *text;

	for (size_t i = 0; i < count; i++)
		text_size += strlen(segments[i].path ? segments[i].path : "") + 1;
	ret->items = mem_calloc(count, sizeof(*ret->items));
	ret->text = text = mem_alloc(text_size);
	if (!ret->items || !text)
		return error_enomem();
	for (size_t i = 0; i < count; i++) {
		ret->items[i] = (struct mapping){
			.start = segments[i].addr,
			.end = segments[i].addr + segments[i].size,
			.readable = true,
			.writable = segments[i].writable,
			.inode = segments[i].inode,
			.path = text,
		};
		text = stpcpy(text, segments[i].path ? segments[i].path : "") + 1;
	}
	ret->count = count;
	return NULL;
}

struct error *memory_image_create(
	const struct memory_image_segment *segments, size_t count, struct target **ret)
{
	struct error *error = check_segments(segments, count);
	struct memory_image *image;

	if (error)
		return error;
	image = mem_calloc(1, sizeof(*image));
	if (!image)
		return error_enomem();
	image->target.ops = &image_ops;
	image->count = count;
	image->segments = mem_calloc(count, sizeof(*segments));
	error = image->segments ? describe(segments, count, &image->target.mappings)
				: error_enomem();
	if (error) {
		target_destroy(&image->target);
		return error;
	}
	if (count)
		memcpy(image->segments, segments, count * sizeof(*segments));
	*ret = &image->target;
	return NULL;
}
