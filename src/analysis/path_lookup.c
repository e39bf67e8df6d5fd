// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/path_lookup.h"

#include "analysis/path_names.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/vector.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES 256
// Paths that are written before every container's is.
#define TRIES_MAX  20000
// What a name is looked for in: an object, its __dict__, its class, and the bases of that.
#define PLACES_MAX 64

DEFINE_VECTOR(node_vector, node_id)

// Where a name is looked for: in what a node's edges are called, or (the __dict__ of something) in its
// keys.
struct place {
	node_id node;
	bool is_namespace;
};

struct lookup {
	const struct heap_graph *graph;
	struct place places[PLACES_MAX];
	size_t count;
};

static void get_label(
	const struct heap_graph *graph, node_id node, uint32_t edge, struct heap_label *ret)
{
	*ret = (struct heap_label){.kind = HEAP_LABEL_NONE};
	if (graph->naming.label)
		graph->naming.label(graph->naming.context, node, edge, ret);
}

static void add_place(struct lookup *lookup, node_id node, bool is_namespace)
{
	for (size_t i = 0; i < lookup->count; i++) {
		if (lookup->places[i].node == node)
			return;
	}
	if (lookup->count < PLACES_MAX)
		lookup->places[lookup->count++] = (struct place){node, is_namespace};
}

// What is not written in paths, but led through: the __dict__ of anything, what a cell or a proxy is
// for; after that the class, and its bases in order.
static void add_places_behind(struct lookup *lookup, node_id node)
{
	const struct heap_graph *graph = lookup->graph;
	bool is_type = heap_has_flag(graph, node, HEAP_NODE_TYPE);
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, node, &count);

	for (uint32_t i = 0; i < count; i++) {
		struct heap_label label;
		const char *name;
		node_id to = edges[i] & HEAP_EDGE_NODE;

		get_label(graph, node, i, &label);
		if (label.kind != HEAP_LABEL_FIELD)
			continue;
		name = path_field_name(label.text);
		if (strcmp(name, "__dict__") == 0)
			add_place(lookup, to, true);
		else if (!*name || (is_type && strcmp(name, "__base__") == 0))
			add_place(lookup, to, false);
	}
}

static void gather_places(struct lookup *lookup, node_id node)
{
	node_id type = lookup->graph->types[heap_type_of(lookup->graph, node)].node;

	lookup->count = 0;
	add_place(lookup, node, false);
	for (size_t i = 0; i < lookup->count; i++) {
		if (!lookup->places[i].is_namespace)
			add_places_behind(lookup, lookup->places[i].node);
		// Once all that is the object's own is there.
		if (i + 1 == lookup->count && type != HEAP_NODE_NONE) {
			add_place(lookup, type, false);
			type = HEAP_NODE_NONE;
		}
	}
}

// Is the edge called by this name, as an attribute?
static bool is_attribute(const struct heap_label *label, bool is_namespace, const char *name)
{
	char key[NAME_BYTES];

	switch (label->kind) {
	case HEAP_LABEL_ATTRIBUTE:
	case HEAP_LABEL_SLOT:
	case HEAP_LABEL_LOCAL:
		return strcmp(label->text, name) == 0;
	case HEAP_LABEL_FIELD:
		return strcmp(path_field_name(label->text), name) == 0;
	case HEAP_LABEL_KEY:
		return is_namespace && path_unquote(label->text, false, key, sizeof(key)) &&
		       strcmp(key, name) == 0;
	default:
		return false;
	}
}

static node_id find_attribute(struct lookup *lookup, node_id node, const char *name)
{
	gather_places(lookup, node);
	for (size_t i = 0; i < lookup->count; i++) {
		const struct place *place = &lookup->places[i];
		uint32_t count;
		const uint32_t *edges = heap_edges_of(lookup->graph, place->node, &count);

		for (uint32_t k = 0; k < count; k++) {
			struct heap_label label;

			get_label(lookup->graph, place->node, k, &label);
			if (is_attribute(&label, place->is_namespace, name))
				return edges[k] & HEAP_EDGE_NODE;
		}
	}
	return HEAP_NODE_NONE;
}

// "[…]" at @p text: which edge that is. Keys are as Python writes them, and may have brackets.
static bool is_item(const struct heap_label *label, const char *text, size_t *ret_length)
{
	char item[sizeof(label->text) + 3];

	if (label->kind == HEAP_LABEL_INDEX)
		snprintf(item, sizeof(item), "[%" PRIu64 "]", label->index);
	else if (label->kind == HEAP_LABEL_KEY)
		snprintf(item, sizeof(item), "[%s]", label->text);
	else
		return false;
	*ret_length = strlen(item);
	return strncmp(text, item, *ret_length) == 0;
}

static node_id find_item(struct lookup *lookup, node_id node, const char **text)
{
	// The containers that an object is for: a proxy's mapping, a cell's value.
	gather_places(lookup, node);
	for (size_t i = 0; i < lookup->count; i++) {
		uint32_t count;
		const uint32_t *edges =
			heap_edges_of(lookup->graph, lookup->places[i].node, &count);

		for (uint32_t k = 0; k < count; k++) {
			struct heap_label label;
			size_t length;

			get_label(lookup->graph, lookup->places[i].node, k, &label);
			if (is_item(&label, *text, &length)) {
				*text += length;
				return edges[k] & HEAP_EDGE_NODE;
			}
		}
	}
	return HEAP_NODE_NONE;
}

static node_id find_closure(struct lookup *lookup, node_id node, const char *name)
{
	const struct heap_graph *graph = lookup->graph;
	const struct heap_naming *naming = &graph->naming;
	node_id closure = find_attribute(lookup, node, "__closure__"), cell = HEAP_NODE_NONE;
	uint32_t count = 0;
	const uint32_t *edges =
		closure == HEAP_NODE_NONE ? NULL : heap_edges_of(graph, closure, &count);

	for (uint32_t i = 0; i < count && naming->free_variable; i++) {
		char variable[NAME_BYTES] = "";
		struct heap_label label;

		get_label(graph, closure, i, &label);
		if (label.kind == HEAP_LABEL_INDEX)
			naming->free_variable(
				naming->context, node, label.index, variable, sizeof(variable));
		if (strcmp(variable, name) == 0)
			cell = edges[i] & HEAP_EDGE_NODE;
	}
	if (cell == HEAP_NODE_NONE)
		return cell;
	edges = heap_edges_of(graph, cell, &count);
	return count ? edges[0] & HEAP_EDGE_NODE : HEAP_NODE_NONE;
}

// A name at @p text; the length of it, 0 if there is none.
static size_t read_name(const char *text, char ret[NAME_BYTES])
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) || text[length] == '_' ||
		(unsigned char)text[length] >= 0x80)
		length++;
	if (length >= NAME_BYTES)
		return 0;
	memcpy(ret, text, length);
	ret[length] = '\0';
	return length;
}

// One step of the path; *text goes on behind it. HEAP_NODE_NONE if it leads nowhere.
static node_id follow_step(struct lookup *lookup, node_id node, const char **text)
{
	static const char closure[] = " closure ";
	char name[NAME_BYTES];
	size_t length;

	if (**text == '[')
		return find_item(lookup, node, text);
	if (**text == '.') {
		length = read_name(*text + 1, name);
		*text += length + 1;
		return length ? find_attribute(lookup, node, name) : HEAP_NODE_NONE;
	}
	if (strncmp(*text, closure, strlen(closure)) != 0)
		return HEAP_NODE_NONE;
	length = read_name(*text + strlen(closure), name);
	*text += strlen(closure) + length;
	return length ? find_closure(lookup, node, name) : HEAP_NODE_NONE;
}

// The module whose name the path begins with: of "a" and "a.b", the longer one.
static node_id find_module(const struct heap_graph *graph, const char *text, size_t *ret_length)
{
	node_id found = HEAP_NODE_NONE;

	*ret_length = 0;
	for (size_t i = 0; i < graph->root_count; i++) {
		node_id modules = graph->roots[i].node;
		uint32_t count;
		const uint32_t *edges = heap_edges_of(graph, modules, &count);

		for (uint32_t k = 0; graph->roots[i].kind == HEAP_ROOT_MODULES && k < count; k++) {
			struct heap_label label;
			char name[NAME_BYTES];
			size_t length;

			get_label(graph, modules, k, &label);
			if (label.kind != HEAP_LABEL_KEY ||
				!path_unquote(label.text, true, name, sizeof(name)))
				continue;
			length = strlen(name);
			if (length > *ret_length && strncmp(text, name, length) == 0 &&
				strchr(".[ ", text[length])) {
				*ret_length = length;
				found = edges[k] & HEAP_EDGE_NODE;
			}
		}
	}
	return found;
}

static struct error *follow(const struct heap_graph *graph, node_id module, const char *text,
	size_t start, node_id *ret)
{
	struct lookup lookup = {.graph = graph};
	const char *at = text + start;
	node_id node = module;

	while (*at) {
		const char *before = at;
		node_id next = follow_step(&lookup, node, &at);

		if (next == HEAP_NODE_NONE)
			return error_create(ERROR_NOT_FOUND, "%.*s (%s) has no %s",
				(int)(before - text), text,
				graph->types[heap_type_of(graph, node)].name,
				*before == '.' ? before + 1 : before);
		node = next;
	}
	*ret = node;
	return NULL;
}

// Describe a node. Is it called so, or is what it is called where the text begins?
static struct error *try_node(const struct paths *paths, node_id node, const char *text,
	bool *ret_is_it, bool *ret_begins)
{
	struct path_description description;
	struct error *err = paths_describe(paths, node, &description);

	if (err)
		return err;
	*ret_is_it = strcmp(description.text, text) == 0;
	*ret_begins = strncmp(description.text, text, strlen(description.text)) == 0;
	path_description_deinit(&description);
	return NULL;
}

static bool is_among(const struct node_vector *nodes, size_t first, node_id node)
{
	for (size_t i = first; i < nodes->count; i++) {
		if (nodes->items[i] == node)
			return true;
	}
	return false;
}

// Down the tree of paths along those that the text begins with. A field (a __dict__) may be part of a path
// without being written.
static struct error *find_along(
	const struct heap_graph *graph, const struct paths *paths, const char *text, node_id *ret)
{
	_cleanup_(node_vector_deinit) struct node_vector queue = {0};
	size_t tries = 0;

	*ret = HEAP_NODE_NONE;
	if (!node_vector_push(&queue, HEAP_ROOT))
		return error_enomem();
	for (size_t i = 0; i < queue.count; i++) {
		uint32_t count;
		const uint32_t *edges = heap_edges_of(graph, queue.items[i], &count);
		size_t of_row = queue.count;

		for (uint32_t k = 0; k < count; k++) {
			node_id to = edges[k] & HEAP_EDGE_NODE;
			struct heap_label label = {.kind = HEAP_LABEL_NONE};
			bool is_it, begins;
			struct error *err;

			if (paths_parent(paths, to) != queue.items[i])
				continue;
			if (++tries > TRIES_MAX)
				return NULL;
			err = try_node(paths, to, text, &is_it, &begins);
			if (err)
				return err;
			if (is_it) {
				*ret = to;
				return NULL;
			}
			if (queue.items[i] != HEAP_ROOT)
				get_label(graph, queue.items[i], k, &label);
			// Of several references from its parent one is enough.
			if ((begins || label.kind == HEAP_LABEL_FIELD) &&
				!is_among(&queue, of_row, to) && !node_vector_push(&queue, to))
				return error_enomem();
		}
	}
	return NULL;
}

// Only of containers: describing every object would take minutes.
static struct error *find_anywhere(
	const struct heap_graph *graph, const struct paths *paths, const char *text, node_id *ret)
{
	for (node_id node = 1; node < graph->node_count; node++) {
		struct error *err;
		bool is_it, begins;

		if (!heap_has_flag(graph, node, HEAP_NODE_CONTAINER) ||
			paths_parent(paths, node) == HEAP_NODE_NONE)
			continue;
		err = try_node(paths, node, text, &is_it, &begins);
		if (err)
			return err;
		if (is_it) {
			*ret = node;
			return NULL;
		}
	}
	return error_create(
		ERROR_NOT_FOUND, "'%s' begins with no module, and no container is called so", text);
}

struct error *paths_find(
	const struct heap_graph *graph, const struct paths *paths, const char *text, node_id *ret)
{
	size_t length;
	node_id module = find_module(graph, text, &length), found;
	struct error *err;

	if (module != HEAP_NODE_NONE)
		return follow(graph, module, text, length, ret);
	err = find_along(graph, paths, text, &found);
	if (err || found == HEAP_NODE_NONE)
		return err ? err : find_anywhere(graph, paths, text, ret);
	*ret = found;
	return NULL;
}
