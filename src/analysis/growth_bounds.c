// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// How long a container can get: by its type, or by what the code that owns it says.
#include "analysis/growth_internal.h"

#include "analysis/growth_anchors.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

// Globals of a module, attributes of an object: more are no place where somebody keeps a limit.
#define OWNER_EDGES_MAX 4096

// Names that are asked for, of one object: to find one takes as long as the object has references before it.
#define NAMES_ASKED_MAX 64

// References of an object besides its items.
#define FIELDS_MAX 8

// A shorter name is part of many others.
#define NAME_LENGTH_MIN 4

// As long as a label.
#define NAME_SIZE sizeof(((struct heap_label *)0)->text)

// A limit is called so: one of these, and what it limits.
static const char *const limits[] = {"maximum", "max", "capacity", "limit"};
static const char *const measures[] = {
	"size", "length", "len", "items", "entries", "elements", "keys", "count", "number", "num"};

// "_LRUCache__max_size" is "maxsize".
static void plain_name(const char *name, char ret[NAME_SIZE])
{
	const char *mangled = *name == '_' ? strstr(name + 1, "__") : NULL;
	size_t length = 0;

	if (mangled && mangled[2])
		name = mangled + 2;
	for (; *name && length + 1 < NAME_SIZE; name++) {
		if (*name != '_')
			ret[length++] = (char)tolower((unsigned char)*name);
	}
	ret[length] = '\0';
}

static bool take_out(char *name, const char *word)
{
	char *found = strstr(name, word);

	if (!found)
		return false;
	memmove(found, found + strlen(word), strlen(found + strlen(word)) + 1);
	return true;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

// "cache" of "cache", "parsecache"; "connection" of "connections".
static bool is_of(const char *what, const char *container)
{
	char plural[NAME_SIZE + 1];

	snprintf(plural, sizeof(plural), "%ss", what);
	return strlen(what) >= NAME_LENGTH_MIN &&
	       (ends_with(container, what) || ends_with(container, plural));
}

// Does it say how many @p container may have: "maxsize", "capacity", "MAX_CACHE_ENTRIES" of "cache"? In a
// module, where there is much to limit, only the last.
static bool is_limit_of(const char *name, const char *container, bool is_module)
{
	char what[NAME_SIZE], of[NAME_SIZE];
	bool is_limit = false;

	plain_name(name, what);
	plain_name(container, of);
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits) && !is_limit; i++)
		is_limit = take_out(what, limits[i]);
	if (!is_limit)
		return false;
	if (is_of(what, of))
		return true;
	for (size_t i = 0; i < sizeof(measures) / sizeof(*measures); i++) {
		if (take_out(what, measures[i]))
			break;
	}
	return *what ? is_of(what, of) : !is_module;
}

// The attribute's name that an edge of its owner has, "" if that is none. In the dict of a module or an instance
// attributes are keys, 'name'.
static void attribute_of(
	const struct heap_graph *graph, node_id owner, uint32_t edge, char ret[NAME_SIZE])
{
	struct heap_label label;
	size_t length;

	ret[0] = '\0';
	graph->naming.label(graph->naming.context, owner, edge, &label);
	length = strlen(label.text);
	if (label.kind == HEAP_LABEL_ATTRIBUTE || label.kind == HEAP_LABEL_SLOT)
		snprintf(ret, NAME_SIZE, "%s", label.text);
	else if (label.kind == HEAP_LABEL_KEY && length > 2 && label.text[0] == '\'')
		snprintf(ret, NAME_SIZE, "%.*s", (int)length - 2, label.text + 1);
}

// The name that its owner knows it by; false if it has none.
static bool name_in(
	const struct heap_graph *graph, node_id owner, node_id node, char ret[NAME_SIZE])
{
	uint32_t count, asked = 0;
	const uint32_t *edges = heap_edges_of(graph, owner, &count);

	for (uint32_t i = 0; i < count && i < OWNER_EDGES_MAX && asked < NAMES_ASKED_MAX; i++) {
		if ((edges[i] & HEAP_EDGE_NODE) != node)
			continue;
		asked++;
		attribute_of(graph, owner, i, ret);
		if (*ret)
			return true;
	}
	return false;
}

static bool is_int(const struct heap_graph *graph, node_id node)
{
	const char *name = graph->types[heap_type_of(graph, node)].name;

	return strcmp(name, "int") == 0 || strcmp(name, "long") == 0;
}

// The __dict__ of a dict, as Python 2's OrderedDict has one, is no namespace to those who look for anchors.
static bool is_dict_of(const struct heap_graph *graph, node_id object, node_id dict)
{
	struct heap_label label;
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, object, &count);

	for (uint32_t i = 0; i < count; i++) {
		// Before or after all items.
		if (i == FIELDS_MAX && count > 2 * FIELDS_MAX)
			i = count - FIELDS_MAX;
		if ((edges[i] & HEAP_EDGE_NODE) != dict)
			continue;
		graph->naming.label(graph->naming.context, object, i, &label);
		if (label.kind == HEAP_LABEL_FIELD && strcmp(label.text, "__dict__") == 0)
			return true;
	}
	return false;
}

// Whose attribute something is: an object or a module, the node that has its attributes, itself or its dict, and
// what it is called there.
struct place {
	node_id object, attributes;
	char name[NAME_SIZE];
};

static bool find_place(const struct growth_search *search, node_id node, struct place *ret)
{
	const struct heap_graph *graph = search->graph;
	node_id above = paths_parent(search->input->paths, node);

	ret->attributes = ret->object = above;
	if (above == HEAP_ROOT || above == HEAP_NODE_NONE)
		return false;
	if (heap_role_of(graph, above) == HEAP_TYPE_DICT) {
		ret->object = paths_parent(search->input->paths, above);
		if (ret->object == HEAP_ROOT || ret->object == HEAP_NODE_NONE ||
			(!growth_is_namespace(graph, search->input->dominators, above) &&
				!is_dict_of(graph, ret->object, above)))
			return false;
	}
	return name_in(graph, above, node, ret->name);
}

static uint64_t length_of(const struct growth_search *search, node_id node)
{
	const struct heap_naming *naming = &search->graph->naming;

	return naming->length ? naming->length(naming->context, node) : 0;
}

// A limit is part of what a cache of Python code is: jinja2's LRUCache has `_mapping` and `capacity`, the module
// re has `_cache` and `_MAXCACHE`. One that was passed is none.
static uint64_t declared_bound(
	const struct growth_search *search, const struct place *place, uint64_t length)
{
	const struct heap_graph *graph = search->graph;
	const struct heap_naming *naming = &graph->naming;
	bool is_module = heap_role_of(graph, place->object) == HEAP_TYPE_MODULE;
	uint64_t bound = UINT64_MAX;
	char name[NAME_SIZE];
	uint32_t count, asked = 0;
	const uint32_t *edges = heap_edges_of(graph, place->attributes, &count);

	if (!length || !naming->number)
		return bound;
	for (uint32_t i = 0; i < count && i < OWNER_EDGES_MAX && asked < NAMES_ASKED_MAX; i++) {
		node_id to = edges[i] & HEAP_EDGE_NODE;
		int64_t value;

		if (!is_int(graph, to) || !naming->number(naming->context, to, &value) ||
			value < (int64_t)length || (uint64_t)value >= bound)
			continue;
		asked++;
		attribute_of(graph, place->attributes, i, name);
		if (is_limit_of(name, place->name, is_module))
			bound = (uint64_t)value;
	}
	return bound;
}

// That of the container, or of the one that it is a part of and no longer than, as Python 2's OrderedDict has a
// dict of its links.
static uint64_t bound_by_name(const struct growth_search *search, node_id node)
{
	uint64_t length = length_of(search, node), bound, other;
	struct place place, outer;

	if (!search->graph->naming.label || !find_place(search, node, &place))
		return UINT64_MAX;
	bound = declared_bound(search, &place, length);
	if (length_of(search, place.object) < length || !find_place(search, place.object, &outer))
		return bound;
	other = declared_bound(search, &outer, length);
	return other < bound ? other : bound;
}

uint64_t growth_bound_by_type(const struct growth_search *search, node_id node)
{
	const struct heap_naming *naming = &search->graph->naming;
	node_id around[] = {node, search->input->dominators->idom[node],
		paths_parent(search->input->paths, node)};
	uint64_t bound = UINT64_MAX, length = length_of(search, node);

	// An lru_cache's limit is known to the object around its dict. What is longer than that is not what
	// it limits: a list in a deque.
	for (size_t i = 0; i < sizeof(around) / sizeof(*around) && naming->bound; i++) {
		uint64_t other = UINT64_MAX;

		if (around[i] != HEAP_ROOT && around[i] != HEAP_NODE_NONE)
			other = naming->bound(naming->context, around[i]);
		if (other < bound && (i == 0 || other >= length))
			bound = other;
	}
	return bound;
}

uint64_t growth_bound(const struct growth_search *search, node_id node)
{
	uint64_t by_type = growth_bound_by_type(search, node);
	uint64_t by_name = bound_by_name(search, node);

	return by_type < by_name ? by_type : by_name;
}
