// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_words.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "cpython/pydict.h"
#include "cpython/pymalloc.h"

#include <stdlib.h>
#include <string.h>

// A library's bss follows its file mapping as an anonymous one, which the kernel may have merged
// with other memory; no library in use has more zero-initialised data than this.
#define BSS_BYTES_MAX ((uint64_t)64 << 20)
#define CHUNK_BYTES   65536
// The dict of interned strings has more entries than this as soon as Python has started.
#define INTERNED_MIN  500
#define INTERNED_LOOK 64

// Private writable memory: where objects are.
static bool is_object_memory(const struct heap_builder *builder, remote_addr addr)
{
	return addr % 8 == 0 && mappings_is_writable(target_mappings(builder->target), addr);
}

// The next writable data of a library or executable, with the bss behind it; false at the end.
bool heap_words_next_range(
	const struct heap_builder *builder, size_t *index, struct heap_data_range *ret)
{
	const struct mappings *mappings = target_mappings(builder->target);

	for (; *index < mappings->count; (*index)++) {
		const struct mapping *mapping = &mappings->items[*index];
		const struct mapping *next = *index + 1 < mappings->count ? mapping + 1 : NULL;

		if (!mapping->inode || !mapping->writable || mapping->shared || !mapping->readable)
			continue;
		*ret = (struct heap_data_range){mapping->start, mapping->end, mapping};
		if (next && next->start == mapping->end && !next->inode && next->writable &&
			!next->path[0])
			ret->end = next->end - next->start < BSS_BYTES_MAX
					   ? next->end
					   : next->start + BSS_BYTES_MAX;
		if (builder->data_end > ret->start && builder->data_end < ret->end)
			ret->end = (builder->data_end + 7) & ~7ull;
		(*index)++;
		return true;
	}
	return false;
}

// Visit the aligned words of a range that could be addresses of objects.
struct error *heap_words_visit(struct heap_builder *builder, remote_addr start, remote_addr end,
	heap_word_visitor visit, void *user)
{
	_cleanup_(mem_free) uint64_t *words = mem_alloc(CHUNK_BYTES);

	if (!words)
		return error_enomem();
	start = (start + 7) & ~7ull;
	for (remote_addr at = start; at < end; at += CHUNK_BYTES) {
		size_t size = end - at < CHUNK_BYTES ? end - at : CHUNK_BYTES;

		if (!target_read_some(builder->target, at, words, size))
			continue;
		for (size_t i = 0; i < size / 8; i++) {
			struct error *err = words[i] > 4096 && words[i] % 8 == 0
						    ? visit(builder, at + i * 8, words[i], user)
						    : NULL;

			if (err)
				return err;
		}
	}
	return NULL;
}

// Pools that were merged behind a library's bss are no data of that library. Those without objects
// are not in the table, but may be full of what freed frames once held.
static bool is_in_pool(struct heap_builder *builder, remote_addr where)
{
	const struct pylayout *layout = builder->python->layout;
	const uint8_t *header;

	if (heap_addresses_pool(&builder->addresses, where) != UINT32_MAX)
		return true;
	header = pyreader_bytes(&builder->context.reader,
		where & ~(uint64_t)(layout->traits.pool_bytes - 1), layout->pool.header_size);
	return header && pymalloc_is_pool(layout, header);
}

static struct error *note_global_word(
	struct heap_builder *builder, remote_addr where, uint64_t value, void *user)
{
	struct error *err;

	(void)user;
	if (!is_object_memory(builder, value) || is_in_pool(builder, where))
		return NULL;
	err = heap_builder_note_other(builder, value);
	if (!err && (!addr_vector_push(&builder->global_words, where) ||
			    !addr_vector_push(&builder->global_words, value)))
		err = error_enomem();
	return err;
}

struct error *heap_words_collect(struct heap_builder *builder)
{
	struct heap_data_range range;
	size_t index = 0;

	while (heap_words_next_range(builder, &index, &range)) {
		struct error *err =
			heap_words_visit(builder, range.start, range.end, note_global_word, NULL);

		if (err)
			return err;
	}
	return NULL;
}

struct interned_search {
	remote_addr best;
	uint64_t best_count;
};

// Does a str say that it is interned? (2.7: ob_sstate)
static bool is_interned(struct pycontext *context, remote_addr str)
{
	const struct pylayout *layout = context->python->layout;
	uint32_t state;

	if (pylayout_has(layout->bytes.ob_sstate))
		return pyreader_u32(&context->reader, str + layout->bytes.ob_sstate, &state) &&
		       (state == 1 || state == 2);
	return pyreader_u32(&context->reader, str + layout->str.state, &state) &&
	       state >> (layout->str.interned_bit - layout->str.state * 8) & 3;
}

// Each key is its own value, and a str that says it is interned.
static bool looks_interned(struct heap_builder *builder, remote_addr dict, uint64_t *ret_count)
{
	const struct pylayout *layout = builder->python->layout;
	struct pycontext *context = &builder->context;
	const struct pytypes *types = builder->python->types;
	uint32_t type = pyobject_type(context, dict);
	struct pydict_table table;
	remote_addr key, value;

	if (type == PYTYPE_NONE || types->list.items[type].kind != PYKIND_DICT ||
		!pydict_read(&context->reader, layout, dict, &table) || table.count < INTERNED_MIN)
		return false;
	for (uint64_t i = 0, seen = 0; seen < INTERNED_LOOK; i++) {
		if (!pydict_entry(&context->reader, &table, i, &key, &value))
			return false;
		if (!key || !value)
			continue;
		if (key != value || !is_interned(context, key))
			return false;
		seen++;
	}
	*ret_count = table.count;
	return true;
}

static struct error *try_interned(
	struct heap_builder *builder, remote_addr where, uint64_t value, void *user)
{
	struct interned_search *search = user;
	uint64_t count;

	(void)where;
	if (is_object_memory(builder, value) && looks_interned(builder, value, &count) &&
		count > search->best_count)
		*search = (struct interned_search){value, count};
	return NULL;
}

// From 3.12 each interpreter says where its own is.
static struct error *read_interned(struct heap_builder *builder, struct addr_vector *ret)
{
	const struct python *python = builder->python;

	for (size_t i = 0; i < python->interpreters.count; i++) {
		remote_addr dict = pyreader_pointer(&builder->context.reader,
			python->interpreters.items[i] + python->layout->interp.interned);

		if (dict && !addr_vector_push(ret, dict))
			return error_enomem();
	}
	return NULL;
}

struct error *heap_roots_find_interned(struct heap_builder *builder, struct addr_vector *ret)
{
	struct interned_search search = {0};
	struct heap_data_range range;
	size_t index = 0;

	if (pylayout_has(builder->python->layout->interp.interned))
		return read_interned(builder, ret);

	while (heap_words_next_range(builder, &index, &range)) {
		struct error *err;

		if (builder->place && strcmp(range.file->path, builder->place->path) != 0)
			continue;
		err = heap_words_visit(builder, range.start, range.end, try_interned, &search);
		if (err)
			return err;
	}
	return !search.best || addr_vector_push(ret, search.best) ? NULL : error_enomem();
}

int heap_words_compare(const void *left, const void *right)
{
	remote_addr a = *(const remote_addr *)left, b = *(const remote_addr *)right;

	return (a > b) - (a < b);
}
