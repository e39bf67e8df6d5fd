// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "scene.h"

#include "base/error.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scene_edge {
	node_id to;
	enum heap_label_kind kind;
	char text[48];
};

struct scene_node {
	uint64_t address, size, bound, length;
	int64_t number; /* of an int */
	bool is_int;
	uint32_t type, flags;
	node_id dict; /* __dict__, 0 if none */
	char name[48];
	struct scene_edge *edges;
	uint32_t edge_count, edge_capacity;
};

struct scene_root {
	node_id node;
	enum heap_root_kind kind;
	char name[64];
};

#define TYPES_MAX 256
#define ROOTS_MAX 64

struct scene {
	struct scene_node *nodes;
	uint32_t count, capacity;
	char types[TYPES_MAX][48];
	uint32_t type_count;
	struct scene_root roots[ROOTS_MAX];
	size_t root_count;
	node_id modules;      /* sys.modules */
	uint32_t *by_address; /* nodes, ascending */
	struct heap_graph *graph;
};

static const struct {
	const char *type;
	enum heap_type_role role;
	uint32_t flags;
	uint64_t size, item_size;
} shapes[] = {
	{"list", HEAP_TYPE_LIST, HEAP_NODE_TRACKED | HEAP_NODE_CONTAINER, 72, 8},
	{"dict", HEAP_TYPE_DICT, HEAP_NODE_TRACKED | HEAP_NODE_CONTAINER, 80, 24},
	{"set", HEAP_TYPE_SET, HEAP_NODE_TRACKED | HEAP_NODE_CONTAINER, 232, 16},
	{"collections.deque", HEAP_TYPE_DEQUE, HEAP_NODE_TRACKED | HEAP_NODE_CONTAINER, 640, 8},
	{"tuple", HEAP_TYPE_TUPLE, HEAP_NODE_TRACKED, 56, 8},
	{"module", HEAP_TYPE_MODULE, HEAP_NODE_TRACKED | HEAP_NODE_MODULE, 72, 0},
	{"type", HEAP_TYPE_TYPE, HEAP_NODE_TRACKED | HEAP_NODE_TYPE, 1064, 0},
	{"float", HEAP_TYPE_NUMBER, 0, 24, 0},
	{"int", HEAP_TYPE_NUMBER, 0, 28, 0},
	{"str", HEAP_TYPE_BUFFER, 0, 60, 0},
	{"bytearray", HEAP_TYPE_BUFFER, 0, 60, 0},
};

// What is no built-in type is a class of somebody's.
static size_t shape_of(const char *type)
{
	size_t i = 0;

	while (i < sizeof(shapes) / sizeof(*shapes) && strcmp(shapes[i].type, type) != 0)
		i++;
	return i;
}

static bool has_shape(size_t shape)
{
	return shape < sizeof(shapes) / sizeof(*shapes);
}

static uint32_t type_number(struct scene *scene, const char *type)
{
	for (uint32_t i = 1; i < scene->type_count; i++) {
		if (strcmp(scene->types[i], type) == 0)
			return i;
	}
	assert(scene->type_count < TYPES_MAX);
	snprintf(scene->types[scene->type_count], sizeof(scene->types[0]), "%s", type);
	return scene->type_count++;
}

node_id scene_object(struct scene *scene, uint64_t address, const char *type)
{
	size_t shape = shape_of(type);
	struct scene_node *node;

	if (scene->count == scene->capacity) {
		scene->capacity = scene->capacity ? scene->capacity * 2 : 1024;
		scene->nodes = realloc(scene->nodes, scene->capacity * sizeof(*scene->nodes));
		assert(scene->nodes);
	}
	node = &scene->nodes[scene->count];
	*node = (struct scene_node){
		.address = address,
		.bound = UINT64_MAX,
		.size = has_shape(shape) ? shapes[shape].size : 64,
		.flags = has_shape(shape) ? shapes[shape].flags : (uint32_t)HEAP_NODE_TRACKED,
		.type = type_number(scene, type),
	};
	return scene->count++;
}

struct scene *scene_create(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert(scene);
	scene->type_count = 1;
	scene_object(scene, 0, "<root>");
	scene->modules = scene_object(scene, 0x100, "dict");
	scene_root(scene, scene->modules, HEAP_ROOT_MODULES, "sys.modules");
	return scene;
}

void scene_edge(
	struct scene *scene, node_id from, node_id to, enum heap_label_kind kind, const char *text)
{
	struct scene_node *node = &scene->nodes[from];
	struct scene_edge *edge;

	if (node->edge_count == node->edge_capacity) {
		node->edge_capacity = node->edge_capacity ? node->edge_capacity * 2 : 4;
		node->edges = realloc(node->edges, node->edge_capacity * sizeof(*node->edges));
		assert(node->edges);
	}
	edge = &node->edges[node->edge_count++];
	*edge = (struct scene_edge){.to = to, .kind = kind};
	snprintf(edge->text, sizeof(edge->text), "%s", text);
}

static void add_entry(struct scene *scene, node_id dict, node_id value, const char *key)
{
	char quoted[56];

	snprintf(quoted, sizeof(quoted), "'%s'", key);
	scene_edge(scene, dict, value, HEAP_LABEL_KEY, quoted);
	scene->nodes[dict].length++;
	scene->nodes[dict].size += 24;
}

node_id scene_module(struct scene *scene, uint64_t address, const char *name)
{
	node_id module = scene_object(scene, address, "module");

	snprintf(scene->nodes[module].name, sizeof(scene->nodes[module].name), "%s", name);
	add_entry(scene, scene->modules, module, name);
	return module;
}

node_id scene_int(struct scene *scene, uint64_t address, int64_t value)
{
	node_id node = scene_object(scene, address, "int");

	scene->nodes[node].number = value;
	scene->nodes[node].is_int = true;
	return node;
}

void scene_set_size(struct scene *scene, node_id node, uint64_t size)
{
	scene->nodes[node].size = size;
}

void scene_set_bound(struct scene *scene, node_id node, uint64_t bound)
{
	scene->nodes[node].bound = bound;
}

void scene_attribute(struct scene *scene, node_id owner, node_id value, const char *name)
{
	if (!scene->nodes[owner].dict) {
		node_id dict = scene_object(scene, scene->nodes[owner].address + 8, "dict");

		scene->nodes[owner].dict = dict;
		scene_edge(scene, owner, dict, HEAP_LABEL_FIELD, "__dict__");
	}
	add_entry(scene, scene->nodes[owner].dict, value, name);
}

void scene_item(struct scene *scene, node_id container, node_id item)
{
	struct scene_node *node = &scene->nodes[container];
	size_t shape = shape_of(scene->types[node->type]);
	enum heap_type_role role = has_shape(shape) ? shapes[shape].role : HEAP_TYPE_PLAIN;
	char text[24] = "";

	if (role == HEAP_TYPE_DICT)
		snprintf(text, sizeof(text), "%u", node->edge_count);
	scene_edge(scene, container, item,
		role == HEAP_TYPE_DICT  ? HEAP_LABEL_KEY
		: role == HEAP_TYPE_SET ? HEAP_LABEL_ITEM
					: HEAP_LABEL_INDEX,
		text);
	node = &scene->nodes[container];
	node->length++;
	node->size += has_shape(shape) ? shapes[shape].item_size : 8;
}

void scene_fill(struct scene *scene, node_id container, uint64_t address, unsigned count,
	const char *type, uint64_t size)
{
	for (unsigned i = 0; i < count; i++) {
		node_id item = scene_object(scene, address + 64 * i, type);

		scene_set_size(scene, item, size);
		scene_item(scene, container, item);
	}
}

node_id scene_at(const struct scene *scene, uint64_t address)
{
	for (node_id node = 1; node < scene->count; node++) {
		if (scene->nodes[node].address == address)
			return node;
	}
	assert(!"nothing at this address");
	return HEAP_NODE_NONE;
}

void scene_root(struct scene *scene, node_id node, enum heap_root_kind kind, const char *name)
{
	struct scene_root *root = &scene->roots[scene->root_count++];

	assert(scene->root_count <= ROOTS_MAX);
	*root = (struct scene_root){.node = node, .kind = kind};
	snprintf(root->name, sizeof(root->name), "%s", name);
}

static uint64_t name_address(void *context, node_id node)
{
	return ((struct scene *)context)->nodes[node].address;
}

static node_id name_node_at(void *context, uint64_t address)
{
	const struct scene *scene = context;
	uint32_t low = 0, high = scene->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (scene->nodes[scene->by_address[middle]].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < scene->count && scene->nodes[scene->by_address[low]].address == address)
		return scene->by_address[low];
	return HEAP_NODE_NONE;
}

static void name_label(void *context, node_id node, uint32_t edge, struct heap_label *ret)
{
	const struct scene *scene = context;
	const struct scene_edge *label = &scene->nodes[node].edges[edge];

	*ret = (struct heap_label){.kind = label->kind, .index = edge};
	snprintf(ret->text, sizeof(ret->text), "%s", label->text);
}

static uint64_t name_length(void *context, node_id node)
{
	return ((struct scene *)context)->nodes[node].length;
}

static void name_name(void *context, node_id node, char *ret, size_t size)
{
	snprintf(ret, size, "%s", ((struct scene *)context)->nodes[node].name);
}

static void name_file(void *context, node_id node, char *ret, size_t size)
{
	const char *name = ((struct scene *)context)->nodes[node].name;

	snprintf(ret, size, *name ? "/srv/%s.py" : "%s", name);
}

static uint64_t name_bound(void *context, node_id node)
{
	return ((struct scene *)context)->nodes[node].bound;
}

static bool name_number(void *context, node_id node, int64_t *ret)
{
	const struct scene *scene = context;

	*ret = scene->nodes[node].number;
	return scene->nodes[node].is_int;
}

static const struct scene *sorted;

static int compare_addresses(const void *left, const void *right)
{
	uint64_t a = sorted->nodes[*(const uint32_t *)left].address;
	uint64_t b = sorted->nodes[*(const uint32_t *)right].address;

	return a < b ? -1 : a > b;
}

static void check(struct error *err)
{
	if (err)
		fprintf(stderr, "scene: %s\n", error_message(err));
	assert(!err);
}

static void fill_types(const struct scene *scene, struct heap_graph *graph)
{
	for (uint32_t i = 0; i < scene->type_count; i++) {
		size_t shape = shape_of(scene->types[i]);

		graph->types[i] = (struct heap_type){
			.name = heap_graph_intern(graph, scene->types[i]),
			.node = HEAP_NODE_NONE,
			.role = has_shape(shape) ? shapes[shape].role : HEAP_TYPE_INSTANCE,
		};
	}
}

static void index_addresses(struct scene *scene)
{
	scene->by_address = calloc(scene->count, sizeof(*scene->by_address));
	assert(scene->by_address);
	for (uint32_t i = 0; i < scene->count; i++)
		scene->by_address[i] = i;
	sorted = scene;
	qsort(scene->by_address, scene->count, sizeof(*scene->by_address), compare_addresses);
}

struct heap_graph *scene_finish(struct scene *scene)
{
	struct heap_graph *graph;
	uint32_t edges = 0;

	for (uint32_t i = 0; i < scene->count; i++)
		edges += scene->nodes[i].edge_count;
	check(heap_graph_create(scene->count, edges, scene->type_count, &graph));
	fill_types(scene, graph);
	edges = 0;
	for (uint32_t i = 0; i < scene->count; i++) {
		const struct scene_node *node = &scene->nodes[i];

		graph->node_word[i] = (i ? node->type : 0) | node->flags;
		graph->first_edge[i] = edges;
		if (i)
			check(heap_graph_set_size(graph, i, node->size));
		for (uint32_t k = 0; k < node->edge_count; k++)
			graph->edges[edges++] = node->edges[k].to;
	}
	graph->node_word[0] = 0;
	graph->first_edge[scene->count] = edges;
	for (size_t i = 0; i < scene->root_count; i++)
		check(heap_graph_add_root(graph, scene->roots[i].node, scene->roots[i].kind,
			scene->roots[i].name, NULL));
	check(heap_graph_finish(graph));
	check(heap_graph_check(graph));
	index_addresses(scene);
	graph->naming = (struct heap_naming){.context = scene,
		.address = name_address,
		.node_at = name_node_at,
		.label = name_label,
		.length = name_length,
		.name = name_name,
		.file = name_file,
		.bound = name_bound,
		.number = name_number};
	scene->graph = graph;
	return graph;
}

struct heap_graph *scene_take_graph(struct scene *scene)
{
	return take(scene->graph);
}

void scene_destroy(struct scene *scene)
{
	if (!scene)
		return;
	heap_graph_destroy(scene->graph);
	for (uint32_t i = 0; i < scene->count; i++)
		free(scene->nodes[i].edges);
	free(scene->nodes);
	free(scene->by_address);
	free(scene);
}
