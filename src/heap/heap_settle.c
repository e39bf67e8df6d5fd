// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_words.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/path.h"
#include "base/search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// From the stack pointer upwards: the main thread's usual limit.
#define STACK_BYTES_MAX ((uint64_t)8 << 20)
// The red zone below the stack pointer may hold live words (x86-64 ABI).
#define RED_ZONE_BYTES  128
#define NAME_BYTES      512

// A root by a word that may be no reference: only where the object's count has room for one.
static struct error *claim(struct heap_builder *builder, node_id node, enum heap_root_kind kind,
	const char *name, const char *file)
{
	if (builder->residual[node] <= 0 || builder->graph->node_word[node] & HEAP_NODE_STATIC)
		return NULL;
	builder->residual[node]--;
	if (builder->audit)
		builder->audit->inferred[node]++;
	return heap_graph_add_root(builder->graph, node, kind, name, file);
}

static bool is_consumed(const struct heap_builder *builder, remote_addr word)
{
	return builder->consumed.count &&
	       bsearch(&word, builder->consumed.items, builder->consumed.count, sizeof(word),
		       heap_words_compare);
}

// Binaries opened for the names of their symbols; one is open at a time, words come in address
// order.
struct symbol_source {
	const struct heap_builder *builder;
	const struct mapping *mapping;
	struct elf_file *elf; /* NULL: none could be opened */
	bool is_borrowed;
};

static void close_symbols(struct symbol_source *source)
{
	if (!source->is_borrowed)
		elf_file_destroy(source->elf);
	*source = (struct symbol_source){.builder = source->builder};
}

static void open_symbols(struct symbol_source *source, const struct mapping *mapping)
{
	const struct heap_builder *builder = source->builder;

	if (source->mapping && source->mapping->inode == mapping->inode)
		return;
	close_symbols(source);
	source->mapping = mapping;
	if (builder->place && strcmp(builder->place->path, mapping->path) == 0) {
		source->elf = builder->place->elf;
		source->is_borrowed = true;
	} else {
		error_destroy(elf_file_open(builder->target, mapping, &source->elf));
	}
}

// "libfoo.so cache+8"
static void name_global(struct symbol_source *source, const struct heap_data_range *range,
	remote_addr where, char *ret, size_t size)
{
	const char *library = path_base_name(range->file->path);
	const char *symbol = NULL;
	uint64_t offset = 0;

	open_symbols(source, range->file);
	if (source->elf)
		symbol = elf_file_symbol_at(source->elf, where, &offset);
	if (symbol && offset)
		snprintf(ret, size, "%s %s+%" PRIu64, library, symbol, offset);
	else if (symbol)
		snprintf(ret, size, "%s %s", library, symbol);
	else
		snprintf(ret, size, "%s+%#" PRIx64, library,
			where - range->file->start + range->file->offset);
}

// A word inside a static object is that object's business.
static bool is_in_static_object(
	const struct heap_builder *builder, const struct addr_vector *starts, remote_addr where)
{
	size_t low = partition_point(i, starts->count, starts->items[i] <= where);
	node_id node;

	if (!low)
		return false;
	node = heap_addresses_find(&builder->addresses, starts->items[low - 1]);
	return node != HEAP_NODE_NONE &&
	       where < starts->items[low - 1] + heap_size_of(builder->graph, node);
}

static struct error *list_static_objects(
	const struct heap_builder *builder, struct addr_vector *ret)
{
	const struct heap_addresses *addresses = &builder->addresses;

	for (uint32_t i = 0; i < addresses->other_count; i++) {
		if (builder->graph->node_word[addresses->first_other + i] & HEAP_NODE_STATIC &&
			!addr_vector_push(ret, addresses->others[i]))
			return error_enomem();
	}
	qsort(ret->items, ret->count, sizeof(*ret->items), heap_words_compare);
	return NULL;
}

static struct error *settle_globals(struct heap_builder *builder)
{
	_cleanup_(addr_vector_deinit) struct addr_vector statics = {0};
	struct symbol_source source = {.builder = builder};
	struct heap_data_range range = {0};
	size_t index = 0;
	struct error *err = list_static_objects(builder, &statics);

	for (size_t i = 0; !err && i < builder->global_words.count; i += 2) {
		remote_addr where = builder->global_words.items[i];
		node_id node = heap_addresses_find(
			&builder->addresses, builder->global_words.items[i + 1]);
		char name[NAME_BYTES];

		while (where >= range.end && heap_words_next_range(builder, &index, &range))
			;
		if (node == HEAP_NODE_NONE || builder->residual[node] <= 0 ||
			is_consumed(builder, where) ||
			is_in_static_object(builder, &statics, where))
			continue;
		name_global(&source, &range, where, name, sizeof(name));
		err = claim(builder, node, HEAP_ROOT_C_GLOBAL, name, NULL);
	}
	close_symbols(&source);
	return err;
}

struct stack_search {
	const char *name;
};

static struct error *claim_stack_word(
	struct heap_builder *builder, remote_addr where, uint64_t value, void *user)
{
	const struct stack_search *search = user;
	node_id node = heap_addresses_find(&builder->addresses, value);

	(void)where;
	return node == HEAP_NODE_NONE ? NULL
				      : claim(builder, node, HEAP_ROOT_STACK, search->name, NULL);
}

static struct error *settle_stacks(struct heap_builder *builder)
{
	size_t count;
	const struct target_thread *threads = target_threads(builder->target, &count);

	for (size_t i = 0; i < count; i++) {
		const struct mapping *mapping =
			mappings_find(target_mappings(builder->target), threads[i].stack_pointer);
		remote_addr start = threads[i].stack_pointer - RED_ZONE_BYTES, end;
		char name[64];
		struct stack_search search = {name};
		struct error *err = NULL;

		if (!mapping || !threads[i].stack_pointer)
			continue;
		snprintf(name, sizeof(name), "C stack of thread %d", threads[i].id);
		for (size_t r = 0; !err && r < TARGET_THREAD_REGISTERS; r++)
			err = claim_stack_word(builder, 0, threads[i].registers[r], &search);
		end = mapping->end - start < STACK_BYTES_MAX ? mapping->end
							     : start + STACK_BYTES_MAX;
		if (!err)
			err = heap_words_visit(builder, start, end, claim_stack_word, &search);
		if (err)
			return err;
	}
	return NULL;
}

// Roots whose references are part of the counts come first, then those that only may be: these are
// roots where something is left to explain, and the frames' possible stack words likewise.
static struct error *settle_refs(struct heap_builder *builder, bool counted)
{
	for (size_t i = 0; i < builder->root_refs.count; i++) {
		const struct heap_root_ref *ref = &builder->root_refs.items[i];
		node_id node = heap_addresses_find(&builder->addresses, ref->addr);
		struct error *err;

		if (ref->is_counted != counted || node == HEAP_NODE_NONE)
			continue;
		if (counted) {
			builder->residual[node]--;
			err = heap_graph_add_root(
				builder->graph, node, ref->kind, ref->name, ref->file);
		} else {
			err = claim(builder, node, ref->kind, ref->name, ref->file);
		}
		if (err)
			return err;
	}
	return NULL;
}

static bool is_checked(const struct heap_builder *builder, node_id node)
{
	return !(builder->graph->node_word[node] & HEAP_NODE_STATIC);
}

static void count_exact(struct heap_builder *builder)
{
	for (node_id node = 1; node < builder->graph->node_count; node++) {
		if (builder->audit)
			builder->audit->exact[node] =
				builder->audit->refcnt[node] - (uint32_t)builder->residual[node];
		if (!is_checked(builder, node))
			continue;
		builder->stats.refcounts_checked++;
		builder->stats.refcounts_exact += builder->residual[node] == 0;
	}
}

// A word that looks like a reference to an object whose count is explained without it is none. Edges
// have their places, for labels; such a one leads back to where it begins, which says nothing.
static void drop_edges_without_room(struct heap_builder *builder)
{
	const uint32_t *first_edge = builder->graph->first_edge;

	for (node_id node = 1; node < builder->graph->node_count; node++) {
		for (uint32_t i = first_edge[node]; i < first_edge[node + 1]; i++) {
			node_id referent = builder->edges[i] & HEAP_EDGE_NODE;

			if (builder->edges[i] & HEAP_EDGE_INFERRED &&
				builder->residual[referent] <= 0 &&
				!(builder->graph->node_word[referent] & HEAP_NODE_STATIC))
				builder->edges[i] = node | HEAP_EDGE_INFERRED;
		}
	}
}

static void settle_inferred_edges(struct heap_builder *builder)
{
	for (size_t i = 0; i < builder->inferred.count; i++) {
		node_id node = builder->inferred.items[i];

		if (builder->residual[node] <= 0)
			continue; // a word that only looks like a reference
		builder->residual[node]--;
		if (builder->audit)
			builder->audit->inferred[node]++;
	}
}

static struct error *settle_rest(struct heap_builder *builder)
{
	uint32_t *word = builder->graph->node_word;

	for (node_id node = 1; node < builder->graph->node_count; node++) {
		struct error *err = NULL;

		if (word[node] & HEAP_NODE_STATIC) {
			err = heap_graph_add_root(
				builder->graph, node, HEAP_ROOT_STATIC, NULL, NULL);
		} else if (builder->residual[node] > 0) {
			word[node] |= HEAP_NODE_UNEXPLAINED;
			err = heap_graph_add_root(
				builder->graph, node, HEAP_ROOT_UNEXPLAINED, NULL, NULL);
		} else {
			builder->stats.refcounts_inferred += builder->residual[node] == 0;
		}
		if (err)
			return err;
	}
	return NULL;
}

struct error *heap_roots_settle(struct heap_builder *builder)
{
	struct error *err;

	if (builder->consumed.count)
		qsort(builder->consumed.items, builder->consumed.count,
			sizeof(*builder->consumed.items), heap_words_compare);
	err = settle_refs(builder, true);
	if (err)
		return err;
	count_exact(builder);
	drop_edges_without_room(builder);
	settle_inferred_edges(builder);
	err = settle_refs(builder, false);
	if (!err)
		err = settle_globals(builder);
	if (!err)
		err = settle_stacks(builder);
	return err ? err : settle_rest(builder);
}
