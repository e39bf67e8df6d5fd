// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_graph_build.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/search.h"
#include "base/vector.h"

#include <stdlib.h>
#include <string.h>

// A size that does not fit in 16 bits is kept in a side table; the node's entry is this.
#define SIZE_ELSEWHERE HEAP_SIZE_ELSEWHERE

struct big_size {
	node_id node;
	uint64_t size;
};

DEFINE_VECTOR(root_vector, struct heap_root)
DEFINE_VECTOR(big_size_vector, struct big_size)

struct heap_graph_private {
	/* As given to pages_alloc(): of node_word and first_edge, of size, of edges. */
	size_t node_capacity, size_capacity, edge_capacity;
	struct root_vector roots;
	struct big_size_vector big_sizes; /* ascending by node */
	// Interned texts: open addressing, a power of two of slots, at most half full.
	char **texts;
	size_t text_count, text_slots;
	uint32_t root_edge_capacity;
};

static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash ^ hash >> 29;
}

static char **find_text_slot(char **texts, size_t slots, const char *text)
{
	size_t i = hash_text(text) & (slots - 1);

	while (texts[i] && strcmp(texts[i], text) != 0)
		i = (i + 1) & (slots - 1);
	return &texts[i];
}

static bool grow_texts(struct heap_graph_private *private)
{
	size_t slots = private->text_slots ? private->text_slots * 2 : 256;
	char **texts = mem_calloc(slots, sizeof(*texts));

	if (!texts)
		return false;
	for (size_t i = 0; i < private->text_slots; i++) {
		if (private->texts[i])
			*find_text_slot(texts, slots, private->texts[i]) = private->texts[i];
	}
	mem_free(private->texts);
	private->texts = texts;
	private->text_slots = slots;
	return true;
}

const char *heap_type_role_name(enum heap_type_role role)
{
	static const char *const names[] = {
		[HEAP_TYPE_PLAIN] = "other",
		[HEAP_TYPE_LIST] = "list",
		[HEAP_TYPE_TUPLE] = "tuple",
		[HEAP_TYPE_DICT] = "dict",
		[HEAP_TYPE_SET] = "set",
		[HEAP_TYPE_DEQUE] = "deque",
		[HEAP_TYPE_BUFFER] = "buffer",
		[HEAP_TYPE_NUMBER] = "number",
		[HEAP_TYPE_TYPE] = "type",
		[HEAP_TYPE_MODULE] = "module",
		[HEAP_TYPE_FUNCTION] = "function",
		[HEAP_TYPE_CODE] = "code",
		[HEAP_TYPE_FRAME] = "frame",
		[HEAP_TYPE_INSTANCE] = "instance",
	};

	return names[role];
}

static const struct {
	const char *name, *text;
} root_kinds[] = {
	[HEAP_ROOT_MODULES] = {"modules", "sys.modules"},
	[HEAP_ROOT_FRAME] = {"frame", "local variable"},
	[HEAP_ROOT_THREAD] = {"thread", "thread state"},
	[HEAP_ROOT_INTERPRETER] = {"interpreter", "interpreter state"},
	[HEAP_ROOT_C_GLOBAL] = {"C global", "C global"},
	[HEAP_ROOT_STATIC] = {"static", "static"},
	[HEAP_ROOT_STACK] = {"C stack", "C stack"},
	[HEAP_ROOT_UNEXPLAINED] = {"held by C code", "held by C code"},
};

const char *heap_root_kind_name(enum heap_root_kind kind)
{
	return root_kinds[kind].name;
}

const char *heap_root_kind_text(enum heap_root_kind kind)
{
	return root_kinds[kind].text;
}

const char *heap_graph_intern(struct heap_graph *graph, const char *text)
{
	struct heap_graph_private *private = graph->private;
	char **slot;

	if (private->text_count * 2 >= private->text_slots && !grow_texts(private))
		return NULL;
	slot = find_text_slot(private->texts, private->text_slots, text);
	if (!*slot) {
		*slot = mem_strdup(text);
		if (*slot)
		private->text_count++;
	}
	return *slot;
}

struct error *heap_graph_create(
	uint32_t nodes, uint32_t edges, uint32_t types, struct heap_graph **ret)
{
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = mem_calloc(1, sizeof(*graph));

	if (!graph)
		return error_enomem();
	graph->private = mem_calloc(1, sizeof(*graph->private));
	if (!graph->private)
		return error_enomem();
	graph->private->node_capacity = graph->private->size_capacity = (size_t)nodes + 1;
	graph->private->edge_capacity = edges;
	graph->node_count = nodes;
	graph->edge_count = edges;
	graph->type_count = types;
	graph->node_word = pages_alloc((size_t)nodes + 1, sizeof(uint32_t));
	graph->size = pages_alloc((size_t)nodes + 1, sizeof(uint16_t));
	graph->first_edge = pages_alloc((size_t)nodes + 1, sizeof(uint32_t));
	graph->edges = pages_alloc(edges, sizeof(uint32_t));
	graph->types = mem_calloc(types, sizeof(*graph->types));
	if (!graph->node_word || !graph->size || !graph->first_edge || !graph->edges ||
		!graph->types)
		return error_enomem();
	for (uint32_t i = 0; i < types; i++)
		graph->types[i] = (struct heap_type){.name = "?", .node = HEAP_NODE_NONE};
	if (types)
		graph->types[0].name = "<root>";
	*ret = take(graph);
	return NULL;
}

void heap_graph_destroy(struct heap_graph *graph)
{
	struct heap_graph_private *private;

	if (!graph)
		return;
	private = graph->private;
	if (private) {
		pages_free(graph->node_word, private->node_capacity, sizeof(uint32_t));
		pages_free(graph->size, private->size_capacity, sizeof(uint16_t));
		pages_free(graph->first_edge, private->node_capacity, sizeof(uint32_t));
		pages_free(graph->edges, private->edge_capacity, sizeof(uint32_t));
		pages_free(graph->row_length, graph->node_count, sizeof(uint32_t));
		for (size_t i = 0; i < private->text_slots; i++)
			mem_free(private->texts[i]);
		mem_free(private->texts);
		root_vector_deinit(&private->roots);
		big_size_vector_deinit(&private->big_sizes);
	}
	mem_free(graph->root_edges);
	mem_free(graph->types);
	mem_free(private);
	mem_free(graph);
}

struct error *heap_graph_resize_nodes(struct heap_graph *graph, uint32_t nodes)
{
	struct heap_graph_private *private = graph->private;
	void **const words[] = {(void **)&graph->node_word, (void **)&graph->first_edge};
	void **const sizes[] = {(void **)&graph->size};
	size_t capacity = private->size_capacity;

	while (capacity < (size_t)nodes + 1)
		capacity += capacity / 8 + 4096;
	if (capacity > private->node_capacity) {
		if (!pages_realloc_all(
			    words, 2, private->node_capacity, capacity, sizeof(uint32_t)))
			return error_enomem();
		private->node_capacity = capacity;
	}
	if (capacity > private->size_capacity) {
		if (!pages_realloc_all(
			    sizes, 1, private->size_capacity, capacity, sizeof(uint16_t)))
			return error_enomem();
		private->size_capacity = capacity;
	}
	graph->node_count = nodes;
	return NULL;
}

void heap_graph_expect_few(struct heap_graph *graph)
{
	const struct heap_graph_private *private = graph->private;

	pages_expect_few(graph->node_word, private->node_capacity, sizeof(uint32_t));
	pages_expect_few(graph->first_edge, private->node_capacity, sizeof(uint32_t));
	pages_expect_few(graph->size, private->size_capacity, sizeof(uint16_t));
	pages_expect_few(graph->edges, private->edge_capacity, sizeof(uint32_t));
}

void heap_graph_adopt_edges(
	struct heap_graph *graph, uint32_t *edges, uint32_t count, size_t capacity)
{
	pages_free(graph->edges, graph->private->edge_capacity, sizeof(uint32_t));
	graph->edges = edges;
	graph->edge_count = count;
	graph->private->edge_capacity = capacity;
}

void heap_graph_adopt_rows(
	struct heap_graph *graph, uint32_t *first_edge, uint32_t *edges, uint32_t count)
{
	pages_free(graph->first_edge, graph->private->node_capacity, sizeof(uint32_t));
	graph->first_edge = first_edge;
	graph->private->node_capacity = (size_t)graph->node_count + 1;
	heap_graph_adopt_edges(graph, edges, count, count);
}

void heap_label_of(
	const struct heap_graph *graph, node_id node, uint32_t edge, struct heap_label *ret)
{
	const struct heap_naming *naming = &graph->naming;

	*ret = (struct heap_label){.kind = HEAP_LABEL_NONE};
	if (naming->edge_number)
		edge = naming->edge_number(naming->context, node, edge);
	if (naming->label && edge != UINT32_MAX)
		naming->label(naming->context, node, edge, ret);
}

// Where a node is in the table, or would be.
static size_t find_big_size(const struct big_size_vector *big, node_id node)
{
	return partition_point(i, big->count, big->items[i].node < node);
}

uint64_t heap_graph_big_size(const struct heap_graph *graph, node_id node)
{
	const struct big_size_vector *big = &graph->private->big_sizes;
	size_t i = find_big_size(big, node);

	return i < big->count && big->items[i].node == node ? big->items[i].size : SIZE_ELSEWHERE;
}

uint64_t heap_size_of(const struct heap_graph *graph, node_id node)
{
	return graph->size[node] != SIZE_ELSEWHERE ? graph->size[node]
						   : heap_graph_big_size(graph, node);
}

struct error *heap_graph_set_size(struct heap_graph *graph, node_id node, uint64_t size)
{
	struct big_size_vector *big = &graph->private->big_sizes;
	size_t i;

	if (size < SIZE_ELSEWHERE) {
		graph->size[node] = (uint16_t)size;
		return NULL;
	}
	graph->size[node] = SIZE_ELSEWHERE;
	i = find_big_size(big, node);
	if (i < big->count && big->items[i].node == node) {
		big->items[i].size = size;
		return NULL;
	}
	if (!big_size_vector_push(big, (struct big_size){0}))
		return error_enomem();
	memmove(&big->items[i + 1], &big->items[i], (big->count - 1 - i) * sizeof(*big->items));
	big->items[i] = (struct big_size){.node = node, .size = size};
	return NULL;
}

struct error *heap_graph_add_root(struct heap_graph *graph, node_id node, enum heap_root_kind kind,
	const char *name, const char *file)
{
	struct heap_root root = {.node = node, .kind = kind};

	if (name && !(root.name = heap_graph_intern(graph, name)))
		return error_enomem();
	if (file && !(root.file = heap_graph_intern(graph, file)))
		return error_enomem();
	if (!root_vector_push(&graph->private->roots, root))
		return error_enomem();
	graph->roots = graph->private->roots.items;
	graph->root_count = graph->private->roots.count;
	return NULL;
}

static int compare_roots(const void *left, const void *right)
{
	const struct heap_root *a = left, *b = right;

	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return (a->kind > b->kind) - (a->kind < b->kind);
}

struct error *heap_graph_finish(struct heap_graph *graph)
{
	uint32_t count = 0;
	uint32_t *edges = mem_realloc_array(graph->root_edges, graph->root_count, sizeof(*edges));

	if (!edges)
		return error_enomem();
	graph->root_edges = edges;
	if (graph->root_count)
		qsort(graph->roots, graph->root_count, sizeof(*graph->roots), compare_roots);
	for (size_t i = 0; i < graph->root_count; i++) {
		if (!count || edges[count - 1] != graph->roots[i].node)
			edges[count++] = graph->roots[i].node;
	}
	graph->root_edge_count = count;
	return NULL;
}

size_t heap_graph_roots_of(const struct heap_graph *graph, node_id node, size_t *ret_first)
{
	size_t low = partition_point(i, graph->root_count, graph->roots[i].node < node);

	*ret_first = low;
	while (low < graph->root_count && graph->roots[low].node == node)
		low++;
	return low;
}

struct error *heap_graph_check(const struct heap_graph *graph)
{
	if (graph->node_count < 1 || graph->node_count > LIMIT_NODES)
		return error_create(ERROR_BAD_DATA, "graph of %u nodes", graph->node_count);
	if (graph->first_edge[0] != 0 || graph->first_edge[1] != 0)
		return error_create(ERROR_BAD_DATA, "the root has a row of its own");
	if (graph->first_edge[graph->node_count] != graph->edge_count)
		return error_create(ERROR_BAD_DATA, "the last row does not end with the edges");
	for (node_id node = 0; node < graph->node_count; node++) {
		if (graph->first_edge[node] > graph->first_edge[node + 1])
			return error_create(ERROR_BAD_DATA, "row %u runs backwards", node);
		if (heap_type_of(graph, node) >= graph->type_count)
			return error_create(ERROR_BAD_DATA, "node %u has no type", node);
	}
	for (uint32_t edge = 0; edge < graph->edge_count; edge++) {
		node_id referent = graph->edges[edge] & HEAP_EDGE_NODE;

		if (referent == HEAP_ROOT || referent >= graph->node_count)
			return error_create(ERROR_BAD_DATA, "edge %u leads nowhere", edge);
	}
	for (size_t i = 0; i < graph->root_count; i++) {
		if (graph->roots[i].node == HEAP_ROOT || graph->roots[i].node >= graph->node_count)
			return error_create(ERROR_BAD_DATA, "root %zu is no node", i);
		if (i && compare_roots(&graph->roots[i - 1], &graph->roots[i]) > 0)
			return error_create(ERROR_BAD_DATA, "roots are not sorted");
	}
	return NULL;
}
