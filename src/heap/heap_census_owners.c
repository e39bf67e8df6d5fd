// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/*
 * Who leads to memory that is nobody's yet: a word in a library's data, or a block that such a word leads
 * to, and so on. A guess, as with all words that look like addresses, and named as such.
 */
#include "heap/heap_census.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/search.h"
#include "base/sort.h"
#include "heap/heap_words.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES     512
// Bytes of C code's blocks that are read for what they lead to.
#define CHASE_BYTES    ((uint64_t)256 << 20)
// Of one block: in what is longer, text is likelier than pointers.
#define BLOCK_BYTES    65536
#define BLOCK_HEAD_MAX 64
#define OWNERS_MAX     4096
#define OWNERS_SHOWN   64

struct owner_search {
	struct census *census;
	uint32_t *owner; /* by loose: index of an owner + 1 */
	struct owner_vector owners;
	struct node_vector queue; /* loose blocks whose words are to be read */
	const struct mapping *file;
	struct elf_file *elf;
	bool is_borrowed;
};

// A pointer to the beginning of a block, or behind a head that a library puts before what it hands out; or
// to a page of a mapping. What points elsewhere is likelier a number.
static bool is_led_to(const struct census_loose *loose, remote_addr addr)
{
	return addr >= loose->start &&
	       (loose->is_chunk ? addr - loose->start <= BLOCK_HEAD_MAX : addr % 4096 == 0);
}

// The loose memory that @p addr leads to, or SIZE_MAX.
static size_t find_loose(const struct census *census, remote_addr addr)
{
	size_t low = partition_point(i, census->loose.count, census->loose.items[i].end <= addr);

	return low < census->loose.count && is_led_to(&census->loose.items[low], addr) ? low
										       : SIZE_MAX;
}

static struct error *own_text(struct heap_memory_figures *figures, const char *text, char **ret)
{
	char **texts =
		mem_realloc_array(figures->texts, figures->text_count + 1, sizeof(*figures->texts));

	if (!texts)
		return error_enomem();
	figures->texts = texts;
	*ret = mem_strdup(text);
	if (!*ret)
		return error_enomem();
	texts[figures->text_count++] = *ret;
	return NULL;
}

// The owner for a word of the library at hand; its number + 1, 0 if there are too many.
static struct error *add_owner(struct owner_search *search, bool is_chunk, uint32_t *ret)
{
	enum heap_memory_part part = is_chunk ? HEAP_PART_C_OTHER : HEAP_PART_MAPPED;
	const char *library = path_base_name(search->file->path);
	struct heap_memory_owner owner = {.part = part, .is_library = true};
	char *name = NULL;
	struct error *err;

	for (uint32_t i = 0; i < search->owners.count; i++) {
		if (search->owners.items[i].part == part &&
			strcmp(search->owners.items[i].name, library) == 0) {
			*ret = i + 1;
			return NULL;
		}
	}
	*ret = 0;
	if (search->owners.count == OWNERS_MAX)
		return NULL;
	err = own_text(search->census->figures, library, &name);
	if (err)
		return err;
	owner.name = name;
	if (!owner_vector_push(&search->owners, owner))
		return error_enomem();
	*ret = (uint32_t)search->owners.count;
	return NULL;
}

static struct error *own(struct owner_search *search, size_t loose, uint32_t owner)
{
	struct census_loose *block = &search->census->loose.items[loose];

	block->is_owned = true;
	search->owner[loose] = owner;
	if (!owner)
		return NULL;
	search->owners.items[owner - 1].bytes += block->resident;
	search->owners.items[owner - 1].count++;
	return node_vector_push(&search->queue, (uint32_t)loose) ? NULL : error_enomem();
}

static struct error *try_word(
	struct heap_builder *builder, remote_addr where, uint64_t value, void *user)
{
	struct owner_search *search = user;
	size_t loose = find_loose(search->census, value);
	uint32_t owner;
	struct error *err;

	(void)builder;
	(void)where;
	if (loose == SIZE_MAX || search->census->loose.items[loose].is_owned)
		return NULL;
	err = add_owner(search, search->census->loose.items[loose].is_chunk, &owner);
	return err ? err : own(search, loose, owner);
}

// Words of blocks that have an owner lead to others, which are then that one's.
static struct error *chase(struct owner_search *search)
{
	struct census *census = search->census;
	uint64_t left = CHASE_BYTES;

	for (size_t i = 0; i < search->queue.count; i++) {
		uint32_t from = search->queue.items[i];
		const struct census_loose *block = &census->loose.items[from];
		uint64_t size = block->end - block->start;
		const uint64_t *words = (const uint64_t *)(const void *)census->window;

		if (!block->is_chunk || size > BLOCK_BYTES || size > left)
			continue;
		left -= size;
		if (!target_read_some(census->builder->target, block->start, census->window, size))
			continue;
		for (uint64_t w = 0; w < size / 8; w++) {
			size_t loose = words[w] < 4096 || words[w] % 8
					       ? SIZE_MAX
					       : find_loose(census, words[w]);
			struct error *err;

			if (loose == SIZE_MAX || census->loose.items[loose].is_owned)
				continue;
			err = own(search, loose, search->owner[from]);
			if (err)
				return err;
		}
	}
	return NULL;
}

// What was unexplained is explained if somebody leads to it.
static void settle_mappings(struct census *census)
{
	struct heap_memory_figures *figures = census->figures;
	size_t at = 0;

	for (size_t i = 0; i < census->loose.count; i++) {
		const struct census_loose *loose = &census->loose.items[i];

		if (loose->is_chunk || !loose->is_owned)
			continue;
		figures->part_bytes[HEAP_PART_UNEXPLAINED] -= loose->resident;
		figures->part_count[HEAP_PART_UNEXPLAINED]--;
		figures->part_bytes[HEAP_PART_MAPPED] += loose->resident;
		figures->part_count[HEAP_PART_MAPPED]++;
		while (at < figures->mapping_count && figures->mappings[at].end <= loose->start)
			at++;
		if (at < figures->mapping_count) {
			figures->mappings[at].unexplained -= loose->resident;
			if (figures->mappings[at].main_part == HEAP_PART_UNEXPLAINED)
				figures->mappings[at].main_part = HEAP_PART_MAPPED;
		}
	}
}

static struct error *add_types(struct owner_search *search)
{
	const struct heap_graph *graph = search->census->builder->graph;
	const struct heap_memory_figures *figures = search->census->figures;

	for (uint32_t i = 0; i < figures->type_count; i++) {
		const struct heap_memory_type *type = &figures->types[i];

		if (type->c_bytes &&
			!owner_vector_push(&search->owners,
				(struct heap_memory_owner){graph->types[i].name, HEAP_PART_C_OWNED,
					false, type->c_bytes, type->c_blocks}))
			return error_enomem();
		if (type->mapped_bytes &&
			!owner_vector_push(&search->owners,
				(struct heap_memory_owner){graph->types[i].name, HEAP_PART_MAPPED,
					false, type->mapped_bytes, 1}))
			return error_enomem();
	}
	return NULL;
}

static int compare_owners(const void *left, const void *right)
{
	const struct heap_memory_owner *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return strcmp(a->name, b->name);
}

static struct error *search_data(struct owner_search *search)
{
	struct heap_builder *builder = search->census->builder;
	struct heap_data_range range;
	struct error *err = NULL;
	size_t index = 0;

	while (!err && heap_words_next_range(builder, &index, &range)) {
		search->file = range.file;
		err = heap_words_visit(builder, range.start, range.end, try_word, search);
		// What one library leads to, before another one does.
		if (!err)
			err = chase(search);
		search->queue.count = 0;
	}
	return err;
}

struct error *census_find_owners(struct census *census)
{
	struct owner_search search = {.census = census};
	struct error *err = NULL;

	search.owner = mem_calloc(census->loose.count, sizeof(*search.owner));
	if (!search.owner)
		return error_enomem();
	if (census->loose.count)
		err = search_data(&search);
	if (!err)
		err = add_types(&search);
	settle_mappings(census);
	sort_items(search.owners.items, search.owners.count, sizeof(*search.owners.items),
		compare_owners);
	census->figures->owner_count =
		search.owners.count < OWNERS_SHOWN ? search.owners.count : OWNERS_SHOWN;
	census->figures->owners = search.owners.items;
	node_vector_deinit(&search.queue);
	mem_free(search.owner);
	return err;
}
