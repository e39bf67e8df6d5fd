// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/heap_diff.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/sort.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct heap_diff_row *)left)->name,
		((const struct heap_diff_row *)right)->name);
}

static struct error *list_types(
	struct heap_file *const *files, size_t count, struct heap_diff_vector *ret)
{
	size_t kept = 0;

	for (size_t f = 0; f < count; f++) {
		uint32_t type_count;
		const struct heap_file_type *types = heap_file_types(files[f], &type_count);

		for (uint32_t i = 0; i < type_count; i++) {
			struct heap_diff_row row = {.name = types[i].name};

			row.objects[f] = types[i].objects;
			row.bytes[f] = types[i].bytes;
			if (!heap_diff_vector_push(ret, row))
				return error_enomem();
		}
	}
	sort_items(ret->items, ret->count, sizeof(*ret->items), by_name);
	// Types of one name are one row.
	for (size_t i = 0; i < ret->count; i++) {
		struct heap_diff_row *row = &ret->items[i];

		if (!kept || by_name(&ret->items[kept - 1], row) != 0) {
			ret->items[kept++] = *row;
			continue;
		}
		for (size_t f = 0; f < count; f++) {
			ret->items[kept - 1].objects[f] += row->objects[f];
			ret->items[kept - 1].bytes[f] += row->bytes[f];
		}
	}
	ret->count = kept;
	return NULL;
}

// What of a file is needed to know its objects again.
struct side {
	const struct heap_file *file;
	struct heap_addresses addresses;
	uint32_t *words;
	uint16_t *sizes;
	uint32_t *row_of; /* by type */
	uint64_t nodes;
};

static void release(struct side *side)
{
	heap_addresses_deinit(&side->addresses);
	pages_free(side->words, side->nodes + 1, sizeof(uint32_t));
	pages_free(side->sizes, side->nodes, sizeof(uint16_t));
	mem_free(side->row_of);
}

static struct error *load(
	const struct heap_file *file, const struct heap_diff_vector *rows, struct side *ret)
{
	uint32_t count;
	const struct heap_file_type *types = heap_file_types(file, &count);
	struct error *err;

	ret->file = file;
	ret->nodes = heap_file_figure(file, HEAP_FIGURE_NODES);
	ret->row_of = mem_calloc(count, sizeof(*ret->row_of));
	if (!ret->row_of)
		return error_enomem();
	for (uint32_t i = 0; i < count; i++) {
		const struct heap_diff_row key = {.name = types[i].name};
		const struct heap_diff_row *row =
			bsearch(&key, rows->items, rows->count, sizeof(key), by_name);

		ret->row_of[i] = (uint32_t)(row - rows->items);
	}
	err = heap_file_load_addresses(file, &ret->addresses);
	if (!err)
		err = heap_file_load_words(file, &ret->words);
	if (!err)
		err = heap_file_load_sizes(file, &ret->sizes);
	return err;
}

static inline uint32_t row_of(const struct side *side, node_id node)
{
	return side->row_of[side->words[node] & HEAP_NODE_TYPE_MASK];
}

// Two nodes at one address.
static inline bool is_same(const struct side *first, node_id a, const struct side *last, node_id b)
{
	return row_of(first, a) == row_of(last, b) &&
	       (last->words[b] & HEAP_NODE_CONTAINER || first->sizes[a] == last->sizes[b]);
}

static void compare(struct heap_diff_row *rows, const struct side *first, node_id a,
	const struct side *last, node_id b)
{
	if (is_same(first, a, last, b))
		return;
	rows[row_of(first, a)].gone++;
	rows[row_of(last, b)].added++;
}

// A pool that is in both files, or in one: the objects at the same place, and those that are alone.
static void compare_pools(struct heap_diff_row *rows, const struct side *first,
	const struct heap_granules *a, const struct side *last, const struct heap_granules *b)
{
	uint32_t words = (last ? last : first)->addresses.words_per_pool;

	for (uint32_t i = 0; i < words; i++) {
		uint64_t left = a ? a[i].starts : 0, right = b ? b[i].starts : 0;
		node_id old = a ? a[i].base : 0, new = b ? b[i].base : 0;

		for (uint64_t all = left | right; all; all &= all - 1) {
			uint64_t bit = all & -all;

			if (left & right & bit)
				compare(rows, first, old, last, new);
			else if (left & bit)
				rows[row_of(first, old)].gone++;
			else
				rows[row_of(last, new)].added++;
			old += (left & bit) != 0;
			new += (right & bit) != 0;
		}
	}
}

static void compare_all_pools(
	struct heap_diff_row *rows, const struct side *first, const struct side *last)
{
	const struct heap_addresses *a = &first->addresses, *b = &last->addresses;
	size_t words_a = a->words_per_pool, words_b = b->words_per_pool;
	uint32_t i = 0, k = 0;

	while (i < a->pool_count || k < b->pool_count) {
		bool has_a = i < a->pool_count &&
			     (k == b->pool_count || a->pool_addr[i] <= b->pool_addr[k]);
		bool has_b = k < b->pool_count &&
			     (i == a->pool_count || b->pool_addr[k] <= a->pool_addr[i]);

		compare_pools(rows, first, has_a ? a->granules + i * words_a : NULL, last,
			has_b ? b->granules + k * words_b : NULL);
		i += has_a;
		k += has_b;
	}
}

static void compare_others(
	struct heap_diff_row *rows, const struct side *first, const struct side *last)
{
	const struct heap_addresses *a = &first->addresses, *b = &last->addresses;

	for (uint32_t i = 0; i < b->other_count; i++) {
		node_id node = b->first_other + i;
		node_id old = heap_addresses_other(a, b->others[i]);

		if (old == HEAP_NODE_NONE)
			rows[row_of(last, node)].added++;
		else
			compare(rows, first, old, last, node);
	}
	for (uint32_t i = 0; i < a->other_count; i++) {
		if (heap_addresses_other(b, a->others[i]) == HEAP_NODE_NONE)
			rows[row_of(first, a->first_other + i)].gone++;
	}
}

static bool have_pools_alike(const struct heap_file *a, const struct heap_file *b)
{
	return heap_file_figure(a, HEAP_FIGURE_POOL_BYTES) ==
		       heap_file_figure(b, HEAP_FIGURE_POOL_BYTES) &&
	       heap_file_figure(a, HEAP_FIGURE_GRANULE_BYTES) ==
		       heap_file_figure(b, HEAP_FIGURE_GRANULE_BYTES);
}

struct error *heap_diff_types(struct heap_file *const *files, size_t count, struct heap_diff *ret)
{
	struct heap_diff diff = {.file_count = count};
	struct side first = {0}, last = {0};
	struct error *err = list_types(files, count, &diff.rows);

	if (!err && !have_pools_alike(files[0], files[count - 1]))
		err = error_create(ERROR_USAGE,
			"the two are of different versions of Python, not of one process");
	if (!err)
		err = load(files[0], &diff.rows, &first);
	if (!err)
		err = load(files[count - 1], &diff.rows, &last);
	if (!err) {
		compare_all_pools(diff.rows.items, &first, &last);
		compare_others(diff.rows.items, &first, &last);
	}
	release(&first);
	release(&last);
	if (err) {
		heap_diff_deinit(&diff);
		return err;
	}
	*ret = diff;
	return NULL;
}

void heap_diff_deinit(struct heap_diff *diff)
{
	for (size_t i = 0; diff->by != HEAP_DIFF_TYPE && i < diff->rows.count; i++)
		mem_free((void *)diff->rows.items[i].name);
	heap_diff_vector_deinit(&diff->rows);
}
