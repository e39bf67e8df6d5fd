// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/path_groups.h"

#include "analysis/growth_sample.h"
#include "analysis/path_tree.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/sort.h"

#include <stdio.h>
#include <string.h>

// Rows up to this length are searched for the reference that reads best, as a path's text has it; of longer
// ones, which would take the square of it, the first reference to a node is taken.
#define SHORT_ROW 64

// Steps up from the end of a way in which one that comes again so often is a repetition.
#define WINDOW      16
#define REPEATS_MAX 3

// More ways than anybody reads: what would be a new one then belongs to the way that it leaves; at a root, to what
// is left out.
#define WAYS_MAX 65536

enum { UNSEEN, OUTSIDE, WITHIN };

// A step of the paths of many. Number 0 is above all roots.
struct way {
	uint32_t parent;
	uint64_t step; /* what the step is called, as a hash */
	node_id example;
	uint64_t objects, bytes;
	bool is_deeper;
};
DEFINE_VECTOR(way_vector, struct way)

// A node whose references are to be followed.
struct visit {
	node_id node;
	uint32_t way;
};
DEFINE_VECTOR(visit_vector, struct visit)

struct maker {
	const struct heap_graph *graph;
	const struct dominators *dominators;
	const struct paths *paths;
	bool *is_asked;             /* by type */
	uint64_t *type_names;       /* hashes, by type: classes of one name are alike */
	uint64_t *on_path, *chosen; /* bits by node */
	uint8_t *places;            /* by node: within another object of the type? */
	struct way_vector ways;
	uint32_t *slots; /* open addressing: a way's number; 0: free */
	struct visit_vector queue;
	struct path_groups *ret;
};

// FNV-1a.
static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return (hash ^ 0xff) * 0x100000001b3;
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
	hash = (hash ^ number) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 32;
}

static bool is_of_type(const struct maker *maker, node_id node)
{
	return maker->is_asked[heap_type_of(maker->graph, node)];
}

static struct error *allocate(struct maker *maker, const char *type)
{
	const struct heap_graph *graph = maker->graph;
	size_t words = bits_words(graph->node_count);

	maker->is_asked = mem_calloc(graph->type_count, sizeof(*maker->is_asked));
	maker->type_names = mem_calloc(graph->type_count, sizeof(*maker->type_names));
	maker->on_path = pages_alloc(words, sizeof(uint64_t));
	maker->chosen = pages_alloc(words, sizeof(uint64_t));
	maker->places = pages_alloc(graph->node_count, 1);
	maker->slots = mem_calloc(2 * (size_t)WAYS_MAX, sizeof(*maker->slots));
	if (!maker->is_asked || !maker->type_names || !maker->on_path || !maker->chosen ||
		!maker->places || !maker->slots ||
		!way_vector_push(&maker->ways, (struct way){.example = HEAP_NODE_NONE}))
		return error_enomem();
	for (uint32_t i = 0; i < graph->type_count; i++) {
		maker->is_asked[i] = strcmp(graph->types[i].name, type) == 0;
		maker->type_names[i] = hash_text(0, graph->types[i].name);
	}
	return NULL;
}

static void maker_deinit(struct maker *maker)
{
	size_t words = bits_words(maker->graph->node_count);

	mem_free(maker->is_asked);
	mem_free(maker->type_names);
	pages_free(maker->on_path, words, sizeof(uint64_t));
	pages_free(maker->chosen, words, sizeof(uint64_t));
	pages_free(maker->places, maker->graph->node_count, 1);
	mem_free(maker->slots);
	way_vector_deinit(&maker->ways);
	visit_vector_deinit(&maker->queue);
}

// Is a dominator of the node of the type? Up the tree to what is known, then the same way again: every node is
// entered once.
static bool is_within(struct maker *maker, node_id node)
{
	const node_id *idom = maker->dominators->idom;
	uint8_t *places = maker->places, place;
	node_id at = idom[node], end;

	while (at != HEAP_NODE_NONE && !places[at] && !is_of_type(maker, at))
		at = idom[at];
	end = at;
	place = at == HEAP_NODE_NONE ? OUTSIDE : is_of_type(maker, at) ? WITHIN : places[at];
	for (at = idom[node]; at != end; at = idom[at])
		places[at] = place;
	return place == WITHIN;
}

static void count(struct maker *maker, node_id node, struct way *way)
{
	way->objects++;
	if (way->example == HEAP_NODE_NONE)
		way->example = node;
	if (!is_within(maker, node))
		way->bytes += dominators_retained(maker->dominators, node);
}

// Spread evenly; and all nodes that their paths lead through.
static void choose(struct maker *maker, struct way *ret_garbage)
{
	const struct heap_graph *graph = maker->graph;
	struct path_groups *ret = maker->ret;
	uint64_t seen = 0, limit;

	for (node_id node = 1; node < graph->node_count; node++)
		ret->total += is_of_type(maker, node);
	limit = ret->total < PATH_GROUPS_OBJECTS_MAX ? ret->total : PATH_GROUPS_OBJECTS_MAX;
	for (node_id node = 1; node < graph->node_count && ret->looked_at < limit; node++) {
		if (!is_of_type(maker, node) || seen++ * limit / ret->total < ret->looked_at)
			continue;
		ret->looked_at++;
		if (paths_parent(maker->paths, node) == HEAP_NODE_NONE) {
			ret_garbage->objects++;
			ret_garbage->bytes += heap_size_of(graph, node);
			continue;
		}
		bits_set(maker->chosen, node);
		for (node_id at = node; at != HEAP_ROOT && !bits_has(maker->on_path, at);
			at = paths_parent(maker->paths, at))
			bits_set(maker->on_path, at);
	}
}

// The hash of a key as people's own ones: 'users'; of others there is but one.
static struct error *hash_key(uint64_t *hash, const char *key)
{
	char text[sizeof(((struct heap_label *)0)->text) + 3];
	char *masked;

	snprintf(text, sizeof(text), "[%s]", key);
	masked = growth_signature(text);
	if (!masked)
		return error_enomem();
	*hash = hash_text(*hash, masked);
	mem_free(masked);
	return NULL;
}

// What code, classes and modules are called is part of a path's text.
static uint64_t hash_object(const struct maker *maker, uint64_t hash, node_id node)
{
	const struct heap_naming *naming = &maker->graph->naming;
	enum heap_type_role role = path_role_of(maker->graph, node);
	char name[LIMIT_NAME_BYTES] = "";

	hash = hash_number(hash, maker->type_names[heap_type_of(maker->graph, node)]);
	if (naming->name &&
		(role == HEAP_TYPE_FRAME || role == HEAP_TYPE_FUNCTION || role == HEAP_TYPE_TYPE ||
			role == HEAP_TYPE_MODULE || role == HEAP_TYPE_CODE))
		naming->name(naming->context, node, name, sizeof(name));
	return hash_text(hash, name);
}

static uint64_t step_of_root(const struct maker *maker, node_id node)
{
	const struct heap_root *root = path_best_root(maker->graph, node);
	uint64_t hash = hash_number(1, root ? root->kind : HEAP_ROOT_UNEXPLAINED);

	return hash_object(maker, hash_text(hash, root && root->name ? root->name : ""), node);
}

static struct error *step_of(const struct maker *maker, node_id from, uint32_t edge, uint32_t row,
	node_id to, uint64_t *ret)
{
	const struct heap_naming *naming = &maker->graph->naming;
	struct heap_label label = {.kind = HEAP_LABEL_NONE};
	uint64_t hash;
	struct error *err = NULL;

	if (row <= SHORT_ROW)
		path_read_label(maker->graph, from, to, &label);
	else if (naming->label)
		naming->label(naming->context, from, edge, &label);
	hash = hash_number(2, label.kind);
	if (label.kind == HEAP_LABEL_KEY)
		err = hash_key(&hash, label.text);
	else if (label.kind != HEAP_LABEL_INDEX && label.kind != HEAP_LABEL_KEY_OBJECT)
		hash = hash_text(hash, label.text);
	*ret = hash_object(maker, hash, to);
	return err;
}

// Where the same step is further up the way, if it is there so often that it is a repetition; else 0.
static uint32_t find_repetition(const struct maker *maker, uint32_t way, uint64_t step)
{
	uint32_t nearest = 0, times = 0;

	for (unsigned i = 0; i < WINDOW && way; i++, way = maker->ways.items[way].parent) {
		if (maker->ways.items[way].step != step)
			continue;
		if (!nearest)
			nearest = way;
		times++;
	}
	return times >= REPEATS_MAX ? nearest : 0;
}

static struct error *go_on(struct maker *maker, uint32_t way, uint64_t step, uint32_t *ret)
{
	size_t slot = hash_number(step, way) & (2 * WAYS_MAX - 1);
	uint32_t found = find_repetition(maker, way, step);

	if (found) {
		maker->ways.items[found].is_deeper = true;
		*ret = found;
		return NULL;
	}
	for (; maker->slots[slot]; slot = (slot + 1) & (2 * WAYS_MAX - 1)) {
		const struct way *other = &maker->ways.items[maker->slots[slot]];

		if (other->parent == way && other->step == step) {
			*ret = maker->slots[slot];
			return NULL;
		}
	}
	if (maker->ways.count >= WAYS_MAX) {
		*ret = way;
		// All begin above the roots: they are not deeper for that.
		maker->ways.items[way].is_deeper |= way != 0;
		return NULL;
	}
	*ret = (uint32_t)maker->ways.count;
	maker->slots[slot] = *ret;
	return way_vector_push(&maker->ways,
		       (struct way){.parent = way, .step = step, .example = HEAP_NODE_NONE})
		       ? NULL
		       : error_enomem();
}

static struct error *enter(struct maker *maker, node_id node, uint32_t way, uint64_t step)
{
	struct visit visit = {.node = node};
	struct error *err = go_on(maker, way, step, &visit.way);

	if (err)
		return err;
	bits_clear(maker->on_path, node);
	if (bits_has(maker->chosen, node))
		count(maker, node, &maker->ways.items[visit.way]);
	return visit_vector_push(&maker->queue, visit) ? NULL : error_enomem();
}

static struct error *enter_roots(struct maker *maker)
{
	const struct heap_graph *graph = maker->graph;
	struct error *err = NULL;

	for (uint32_t i = 0; !err && i < graph->root_edge_count; i++) {
		node_id node = graph->root_edges[i];

		if (bits_has(maker->on_path, node) && paths_parent(maker->paths, node) == HEAP_ROOT)
			err = enter(maker, node, 0, step_of_root(maker, node));
	}
	return err;
}

static struct error *follow(struct maker *maker, struct visit visit)
{
	uint32_t count;
	const uint32_t *edges = heap_edges_of(maker->graph, visit.node, &count);
	struct error *err = NULL;

	for (uint32_t i = 0; !err && i < count; i++) {
		node_id to = edges[i] & HEAP_EDGE_NODE;
		uint64_t step = 0;

		if (!bits_has(maker->on_path, to) || paths_parent(maker->paths, to) != visit.node)
			continue;
		err = step_of(maker, visit.node, i, count, to, &step);
		if (!err)
			err = enter(maker, to, visit.way, step);
	}
	return err;
}

static int by_objects(const void *left, const void *right)
{
	const struct path_group *a = left, *b = right;

	if (a->objects != b->objects)
		return a->objects > b->objects ? -1 : 1;
	return (a->example > b->example) - (a->example < b->example);
}

static struct error *add_group(struct maker *maker, const struct way *way)
{
	const struct path_group group = {way->example, way->objects, way->bytes, way->is_deeper};

	if (!way->objects || path_group_vector_push(&maker->ret->groups, group))
		return NULL;
	return error_enomem();
}

static struct error *make(struct maker *maker, const char *type)
{
	struct path_group_vector *groups = &maker->ret->groups;
	struct way garbage = {.example = HEAP_NODE_NONE};
	struct error *err = allocate(maker, type);

	if (err)
		return err;
	choose(maker, &garbage);
	err = enter_roots(maker);
	for (size_t i = 0; !err && i < maker->queue.count; i++)
		err = follow(maker, maker->queue.items[i]);
	for (size_t i = 1; i < maker->ways.count; i++)
		maker->ways.items[i].is_deeper |=
			maker->ways.items[maker->ways.items[i].parent].is_deeper;
	for (size_t i = 1; !err && i < maker->ways.count; i++)
		err = add_group(maker, &maker->ways.items[i]);
	maker->ret->left_out = maker->ways.items[0].objects;
	maker->ret->left_out_bytes = maker->ways.items[0].bytes;
	if (!err)
		err = add_group(maker, &garbage);
	sort_items(groups->items, groups->count, sizeof(*groups->items), by_objects);
	return err;
}

struct error *path_groups_make(const struct heap_graph *graph, const struct dominators *dominators,
	const struct paths *paths, const char *type, struct path_groups *ret)
{
	struct path_groups groups = {0};
	struct maker maker = {
		.graph = graph, .dominators = dominators, .paths = paths, .ret = &groups};
	struct error *err = make(&maker, type);

	maker_deinit(&maker);
	if (err)
		path_groups_deinit(&groups);
	else
		*ret = groups;
	return err;
}

void path_groups_deinit(struct path_groups *groups)
{
	path_group_vector_deinit(&groups->groups);
}
