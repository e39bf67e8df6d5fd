// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "graph_from.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
	char *name, *type, *python_name, *file;
	uint64_t size, length;
	uint32_t flags;
};

struct edge {
	node_id from, to;
	bool is_inferred;
	struct heap_label label;
	enum heap_root_kind root_kind;
};

DEFINE_VECTOR(node_vector, struct node)
DEFINE_VECTOR(edge_vector, struct edge)

struct graph_from_private {
	struct node_vector nodes;
	struct edge_vector edges; /* sorted by source, stably */
};

static const struct {
	const char *name;
	enum heap_type_role role;
	uint32_t flags;
} types[] = {
	{"object", HEAP_TYPE_PLAIN, 0},
	{"cell", HEAP_TYPE_PLAIN, 0},
	{"method", HEAP_TYPE_PLAIN, 0},
	{"functools._lru_cache_wrapper", HEAP_TYPE_PLAIN, 0},
	{"list", HEAP_TYPE_LIST, HEAP_NODE_CONTAINER},
	{"tuple", HEAP_TYPE_TUPLE, 0},
	{"dict", HEAP_TYPE_DICT, HEAP_NODE_CONTAINER},
	{"set", HEAP_TYPE_SET, HEAP_NODE_CONTAINER},
	{"deque", HEAP_TYPE_DEQUE, HEAP_NODE_CONTAINER},
	{"str", HEAP_TYPE_BUFFER, 0},
	{"int", HEAP_TYPE_NUMBER, 0},
	{"type", HEAP_TYPE_TYPE, HEAP_NODE_TYPE},
	{"module", HEAP_TYPE_MODULE, HEAP_NODE_MODULE},
	{"function", HEAP_TYPE_FUNCTION, 0},
	{"code", HEAP_TYPE_CODE, 0},
	{"frame", HEAP_TYPE_FRAME, 0},
	{"generator", HEAP_TYPE_FRAME, 0},
	{"coroutine", HEAP_TYPE_FRAME, 0},
};

static const struct {
	const char *name;
	enum heap_node_flag flag;
} flags[] = {
	{"tracked", HEAP_NODE_TRACKED},
	{"container", HEAP_NODE_CONTAINER},
	{"type", HEAP_NODE_TYPE},
	{"module", HEAP_NODE_MODULE},
	{"static", HEAP_NODE_STATIC},
	{"unexplained", HEAP_NODE_UNEXPLAINED},
	{"uncollectable", HEAP_NODE_UNCOLLECTABLE},
	{"permanent", HEAP_NODE_PERMANENT},
};

static const struct {
	const char *name;
	enum heap_root_kind kind;
} root_kinds[] = {
	{"modules", HEAP_ROOT_MODULES},
	{"frame", HEAP_ROOT_FRAME},
	{"thread", HEAP_ROOT_THREAD},
	{"interpreter", HEAP_ROOT_INTERPRETER},
	{"global", HEAP_ROOT_C_GLOBAL},
	{"static", HEAP_ROOT_STATIC},
	{"stack", HEAP_ROOT_STACK},
	{"unexplained", HEAP_ROOT_UNEXPLAINED},
};

#define must(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

static void fail(const char *condition, int line)
{
	fprintf(stderr, "graph_from.c:%d: %s\n", line, condition);
	abort();
}

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static node_id find_node(const struct graph_from_private *private, const char *name)
{
	for (size_t i = 0; i < private->nodes.count; i++) {
		if (strcmp(private->nodes.items[i].name, name) == 0)
			return (node_id)i;
	}
	return HEAP_NODE_NONE;
}

static node_id get_node(struct graph_from_private *private, const char *name)
{
	node_id node = find_node(private, name);

	if (node != HEAP_NODE_NONE)
		return node;
	must(*name);
	must(node_vector_push(&private->nodes, (struct node){.name = mem_strdup(name), .size = 1}));
	return (node_id)(private->nodes.count - 1);
}

static enum heap_root_kind root_kind_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(root_kinds); i++) {
		if (strcmp(root_kinds[i].name, name) == 0)
			return root_kinds[i].kind;
	}
	must(!"a known root kind");
	abort();
}

static struct heap_label parse_label(const char *text)
{
	static const struct {
		char mark;
		enum heap_label_kind kind;
	} marks[] = {
		{'.', HEAP_LABEL_ATTRIBUTE},
		{'@', HEAP_LABEL_FIELD},
		{'\'', HEAP_LABEL_KEY},
		{'[', HEAP_LABEL_INDEX},
		{'{', HEAP_LABEL_ITEM},
		{'%', HEAP_LABEL_CELL},
		{'$', HEAP_LABEL_LOCAL},
		{'~', HEAP_LABEL_SLOT},
		{'!', HEAP_LABEL_STACK},
		{'^', HEAP_LABEL_KEY_OBJECT},
	};
	struct heap_label label = {.kind = HEAP_LABEL_NONE};

	for (size_t i = 0; i < COUNT_OF(marks); i++) {
		if (marks[i].mark == *text)
			label.kind = marks[i].kind;
	}
	must(label.kind != HEAP_LABEL_NONE);
	if (label.kind == HEAP_LABEL_INDEX) {
		label.index = strtoull(text + 1, NULL, 10);
	} else if (label.kind != HEAP_LABEL_ITEM) {
		snprintf(label.text, sizeof(label.text), "%s",
			text + (label.kind != HEAP_LABEL_KEY));
		for (char *c = label.text; *c; c++)
			*c = *c == '_' && label.kind == HEAP_LABEL_KEY ? ' ' : *c;
	}
	return label;
}

static void parse_edges(struct graph_from_private *private, const char *from, char *list)
{
	node_id source = get_node(private, from);
	char *rest = NULL;

	for (char *word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		struct edge edge = {.from = source, .root_kind = HEAP_ROOT_C_GLOBAL};
		char *target = strrchr(word, '>');

		if (target) {
			*target++ = '\0';
			if (source == HEAP_ROOT)
				edge.root_kind = root_kind_of(word);
			else
				edge.label = parse_label(word);
		} else {
			target = word;
		}
		edge.is_inferred = target[strlen(target) - 1] == '?';
		if (edge.is_inferred)
			target[strlen(target) - 1] = '\0';
		edge.to = get_node(private, target);
		must(edge_vector_push(&private->edges, edge));
	}
}

static void set_type(struct node *node, const char *name)
{
	node->type = mem_strdup(name);
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (strcmp(types[i].name, name) == 0)
			node->flags |= types[i].flags;
	}
}

static void set_flag(struct node *node, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(flags); i++) {
		if (strcmp(flags[i].name, name) == 0) {
			node->flags |= (uint32_t)flags[i].flag;
			return;
		}
	}
	must(!"a known flag");
}

static void parse_word(struct graph_from_private *private, char *word)
{
	size_t length = strcspn(word, ":=/+\"@#");
	char mark = word[length];
	char *value = word + length + 1;
	struct node *node;
	node_id id;

	must(mark && length);
	word[length] = '\0';
	if (mark == ':') {
		parse_edges(private, word, value);
		return;
	}
	// A new node may move them all.
	id = get_node(private, word);
	node = &private->nodes.items[id];
	if (mark == '=')
		node->size = strtoull(value, NULL, 10);
	else if (mark == '#')
		node->length = strtoull(value, NULL, 10);
	else if (mark == '/')
		set_type(node, value);
	else if (mark == '+')
		set_flag(node, value);
	else if (mark == '@')
		node->file = mem_strdup(value);
	else
		node->python_name = mem_strndup(value, strcspn(value, "\""));
}

static const struct edge *find_edge(
	const struct graph_from_private *private, node_id node, uint32_t number)
{
	for (size_t i = 0; i < private->edges.count; i++) {
		if (private->edges.items[i].from == node)
			return &private->edges.items[i + number];
	}
	abort();
}

static void label_of(void *context, node_id node, uint32_t edge, struct heap_label *ret)
{
	struct graph_from *from = context;

	from->label_calls++;
	*ret = find_edge(from->private, node, edge)->label;
}

static void name_of(void *context, node_id node, char *ret, size_t size)
{
	const struct graph_from *from = context;
	const char *name = from->private->nodes.items[node].python_name;

	snprintf(ret, size, "%s", name ? name : "");
}

static void file_of(void *context, node_id node, char *ret, size_t size)
{
	struct graph_from *from = context;
	const char *file = from->private->nodes.items[node].file;

	from->file_calls++;
	snprintf(ret, size, "%s", file ? file : "");
}

static uint64_t length_of(void *context, node_id node)
{
	const struct graph_from *from = context;

	return from->private->nodes.items[node].length;
}

// A type per distinct name; those of the table have its roles, all others are classes.
static uint32_t type_index(struct heap_graph *graph, const char *name)
{
	uint32_t i;

	if (!name)
		name = "object";
	for (i = 1; i < graph->type_count; i++) {
		if (strcmp(graph->types[i].name, name) == 0)
			return i;
		if (graph->types[i].name[0] == '?')
			break;
	}
	must(i < graph->type_count);
	graph->types[i].name = heap_graph_intern(graph, name);
	graph->types[i].role = HEAP_TYPE_INSTANCE;
	for (size_t j = 0; j < COUNT_OF(types); j++) {
		if (strcmp(types[j].name, name) == 0)
			graph->types[i].role = types[j].role;
	}
	return i;
}

static void build(struct graph_from *from)
{
	struct graph_from_private *private = from->private;
	struct edge_vector *edges = &private->edges;
	uint32_t root_edges = 0;
	struct heap_graph *graph;

	// Insertion sort: stable.
	for (size_t i = 1; i < edges->count; i++) {
		for (size_t j = i; j > 0 && edges->items[j - 1].from > edges->items[j].from; j--) {
			struct edge other = edges->items[j];

			edges->items[j] = edges->items[j - 1];
			edges->items[j - 1] = other;
		}
	}
	while (root_edges < edges->count && edges->items[root_edges].from == HEAP_ROOT)
		root_edges++;
	must(!heap_graph_create((uint32_t) private->nodes.count,
		(uint32_t)edges->count - root_edges, (uint32_t) private->nodes.count + 2, &graph));
	from->graph = graph;
	for (size_t i = 0; i < edges->count; i++) {
		const struct edge *edge = &edges->items[i];

		if (edge->from == HEAP_ROOT) {
			must(!heap_graph_add_root(graph, edge->to, edge->root_kind, NULL, NULL));
			continue;
		}
		graph->edges[i - root_edges] =
			edge->to | (edge->is_inferred ? HEAP_EDGE_INFERRED : 0);
		graph->first_edge[edge->from + 1]++;
	}
	for (node_id node = 0; node < graph->node_count; node++) {
		const struct node *text = &private->nodes.items[node];

		graph->first_edge[node + 1] += graph->first_edge[node];
		graph->node_word[node] = text->flags | (node ? type_index(graph, text->type) : 0);
		must(!heap_graph_set_size(graph, node, node ? text->size : 0));
	}
	graph->naming = (struct heap_naming){
		.context = from,
		.label = label_of,
		.name = name_of,
		.file = file_of,
		.length = length_of,
	};
	must(!heap_graph_finish(graph));
	must(!heap_graph_check(graph));
}

struct graph_from *graph_from(const char *text)
{
	struct graph_from *from = mem_calloc(1, sizeof(*from));
	_cleanup_(mem_free) char *copy = mem_strdup(text);
	char *rest = NULL;

	must(from && copy);
	from->private = mem_calloc(1, sizeof(*from->private));
	must(from->private);
	get_node(from->private, "root");
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		parse_word(from->private, word);
	build(from);
	return from;
}

void graph_from_destroy(struct graph_from *from)
{
	if (!from)
		return;
	for (size_t i = 0; i < from->private->nodes.count; i++) {
		struct node *node = &from->private->nodes.items[i];

		mem_free(node->name);
		mem_free(node->type);
		mem_free(node->python_name);
		mem_free(node->file);
	}
	node_vector_deinit(&from->private->nodes);
	edge_vector_deinit(&from->private->edges);
	heap_graph_destroy(from->graph);
	mem_free(from->private);
	mem_free(from);
}

node_id graph_from_node(const struct graph_from *from, const char *name)
{
	node_id node = find_node(from->private, name);

	must(node != HEAP_NODE_NONE);
	return node;
}

void graph_from_root(struct graph_from *from, const char *node, enum heap_root_kind kind,
	const char *name, const char *file)
{
	must(!heap_graph_add_root(from->graph, graph_from_node(from, node), kind, name, file));
	must(!heap_graph_finish(from->graph));
}
