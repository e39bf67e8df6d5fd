// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/path_routes.h"

#include "analysis/path_tree.h"
#include "base/bits.h"
#include "base/search.h"
#include "base/sort.h"

#include <stdlib.h>
#include <string.h>

// Of a node so many referrers are followed, and so many nodes are asked for theirs.
#define REFERRERS_MAX 32
#define ASKED_MAX     512
// Routes that are looked at, also those that turn out to lead through themselves.
#define TRIES_MAX     1024

// Paths are not added up further than this: they are long, and come last.
#define HOPS_MAX  4096
#define COST_LONG 1000000

struct link {
	node_id to, from;
};
DEFINE_VECTOR(link_vector, struct link)
DEFINE_VECTOR(node_vector, node_id)

// A node of routes that are being made: what comes below it is known, above it the tree goes on.
struct stage {
	node_id node;
	uint32_t below;               /* number of the stage; NO_STAGE: it is the object */
	uint64_t cost, cost_below;    /* of the whole route, and from the node down */
	const struct heap_root *root; /* the route begins here, at this root; else NULL */
	bool is_route;                /* waits for its turn */
};
DEFINE_VECTOR(stage_vector, struct stage)

#define NO_STAGE UINT32_MAX

struct finder {
	const struct heap_graph *graph;
	const struct paths *paths;
	struct link_vector links; /* ascending by to, then from */
	struct node_vector asked; /* whose referrers the links are */
	struct stage_vector stages;
	size_t limit;
	struct path_route_vector *ret;
};

static int by_node(const void *left, const void *right)
{
	node_id a = *(const node_id *)left, b = *(const node_id *)right;

	return (a > b) - (a < b);
}

static int by_link(const void *left, const void *right)
{
	const struct link *a = left, *b = right;

	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	return (a->from > b->from) - (a->from < b->from);
}

// Links

static bool is_names_of(const struct finder *finder, node_id dict)
{
	node_id owner = paths_parent(finder->paths, dict);
	enum heap_type_role role;

	if (owner == HEAP_ROOT || owner == HEAP_NODE_NONE)
		return owner == HEAP_ROOT;
	role = path_role_of(finder->graph, owner);
	return role == HEAP_TYPE_MODULE || role == HEAP_TYPE_TYPE;
}

// Who refers to a class, a module or its names says nothing of what those hold; and a frame that runs is there
// because it runs, whoever else refers to it (the frame of the function that it has called).
static bool is_worth_asking(const struct finder *finder, node_id node)
{
	enum heap_type_role role = path_role_of(finder->graph, node);

	if (role == HEAP_TYPE_MODULE || role == HEAP_TYPE_TYPE)
		return false;
	if (role == HEAP_TYPE_FRAME && paths_parent(finder->paths, node) == HEAP_ROOT)
		return false;
	return role != HEAP_TYPE_DICT || !is_names_of(finder, node);
}

static bool is_useful(const struct finder *finder, node_id from, node_id to)
{
	return from != to && paths_parent(finder->paths, from) != HEAP_NODE_NONE &&
	       path_step_cost(finder->graph, from, to) < PATH_STEP_BACK;
}

// How many referrers a node of a round has so far, and the last of them: several references of one are one.
struct referrers {
	uint32_t count;
	node_id last;
};

// All references to the nodes of which a bit is set.
static struct error *scan(struct finder *finder, const uint64_t *bits, const node_id *round,
	size_t count, struct referrers *referrers)
{
	const struct heap_graph *graph = finder->graph;

	for (node_id from = 1; from < graph->node_count; from++) {
		uint32_t row;
		const uint32_t *edges = heap_edges_of(graph, from, &row);

		for (uint32_t i = 0; i < row; i++) {
			node_id to = edges[i] & HEAP_EDGE_NODE;
			const node_id *found;
			struct referrers *its;

			if (!bits_has(bits, to))
				continue;
			found = bsearch(&to, round, count, sizeof(*round), by_node);
			its = &referrers[found - round];
			if (its->last == from || its->count == REFERRERS_MAX ||
				!is_useful(finder, from, to))
				continue;
			*its = (struct referrers){its->count + 1, from};
			if (!link_vector_push(&finder->links, (struct link){to, from}))
				return error_enomem();
		}
	}
	return NULL;
}

static struct error *ask(struct finder *finder, const node_id *round, size_t count)
{
	size_t words = bits_words(finder->graph->node_count);
	uint64_t *bits = pages_alloc(words, sizeof(*bits));
	_cleanup_(mem_free) struct referrers *referrers = mem_calloc(count, sizeof(*referrers));
	struct error *err = bits && referrers ? NULL : error_enomem();

	for (size_t i = 0; !err && i < count; i++)
		bits_set(bits, round[i]);
	if (!err)
		err = scan(finder, bits, round, count, referrers);
	pages_free(bits, words, sizeof(*bits));
	return err;
}

// Ascending, each once.
static size_t make_unique(node_id *nodes, size_t count)
{
	size_t kept = 0;

	sort_items(nodes, count, sizeof(*nodes), by_node);
	for (size_t i = 0; i < count; i++) {
		if (!kept || nodes[kept - 1] != nodes[i])
			nodes[kept++] = nodes[i];
	}
	return kept;
}

static bool was_asked(const struct finder *finder, node_id node)
{
	for (size_t i = 0; i < finder->asked.count; i++) {
		if (finder->asked.items[i] == node)
			return true;
	}
	return false;
}

// What the last round found, and the tree's own way up, is asked for its referrers in the next.
static struct error *next_round(struct finder *finder, size_t first_link, struct node_vector *round)
{
	struct node_vector next = {0};
	struct error *err = NULL;

	for (size_t i = first_link; !err && i < finder->links.count; i++) {
		node_id node = finder->links.items[i].from;

		if (!was_asked(finder, node) && is_worth_asking(finder, node) &&
			finder->asked.count + next.count < ASKED_MAX &&
			!node_vector_push(&next, node))
			err = error_enomem();
	}
	node_vector_deinit(round);
	*round = next;
	round->count = make_unique(round->items, round->count);
	return err;
}

static struct error *find_links(struct finder *finder, node_id node)
{
	_cleanup_(node_vector_deinit) struct node_vector round = {0};
	struct error *err = node_vector_push(&round, node) ? NULL : error_enomem();

	for (unsigned i = 0; !err && i < PATH_ROUTES_ROUNDS && round.count; i++) {
		size_t first = finder->links.count;

		for (size_t k = 0; !err && k < round.count; k++) {
			if (!node_vector_push(&finder->asked, round.items[k]))
				err = error_enomem();
		}
		if (!err)
			err = ask(finder, round.items, round.count);
		if (!err)
			err = next_round(finder, first, &round);
	}
	sort_items(finder->links.items, finder->links.count, sizeof(*finder->links.items), by_link);
	return err;
}

static size_t first_link(const struct finder *finder, node_id to)
{
	return partition_point(i, finder->links.count, finder->links.items[i].to < to);
}

// Routes

static uint64_t step_cost(const struct finder *finder, node_id from, node_id to)
{
	unsigned cost = path_step_cost(finder->graph, from, to);

	if (path_role_of(finder->graph, to) != HEAP_TYPE_MODULE ||
		paths_parent(finder->paths, from) != HEAP_ROOT)
		return cost;
	// From sys.modules: a module of one's own rather than a library's.
	return path_is_user_module(finder->graph, to) ? 2 : 14;
}

// Of the tree's path to the node.
static uint64_t path_cost(const struct finder *finder, node_id node)
{
	uint64_t cost = 0;

	for (unsigned hops = 0; hops < HOPS_MAX; hops++) {
		node_id above = paths_parent(finder->paths, node);

		if (above == HEAP_ROOT) {
			const struct heap_root *root = path_best_root(finder->graph, node);

			return cost + (root ? path_root_cost(root) : 0);
		}
		cost += step_cost(finder, above, node);
		node = above;
	}
	return COST_LONG;
}

static bool is_below(const struct finder *finder, uint32_t stage, node_id node)
{
	for (; stage != NO_STAGE; stage = finder->stages.items[stage].below) {
		if (finder->stages.items[stage].node == node)
			return true;
	}
	return false;
}

static struct error *push(struct finder *finder, struct stage stage)
{
	return stage_vector_push(&finder->stages, stage) ? NULL : error_enomem();
}

// The references to a stage's node, but for that of the tree.
static struct error *deviate(struct finder *finder, uint32_t below)
{
	const struct stage stage = finder->stages.items[below];
	node_id above = paths_parent(finder->paths, stage.node);
	struct error *err = NULL;

	for (size_t i = first_link(finder, stage.node);
		!err && i < finder->links.count && finder->links.items[i].to == stage.node; i++) {
		node_id from = finder->links.items[i].from;
		uint64_t cost = stage.cost_below + step_cost(finder, from, stage.node);

		if (from == above || is_below(finder, below, from))
			continue;
		err = push(finder, (struct stage){.node = from,
					   .below = below,
					   .cost_below = cost,
					   .cost = cost + path_cost(finder, from),
					   .is_route = true});
	}
	return err;
}

static bool is_weak(const struct heap_root *root)
{
	return root->kind == HEAP_ROOT_STATIC || root->kind == HEAP_ROOT_STACK ||
	       root->kind == HEAP_ROOT_UNEXPLAINED;
}

// A root that is called like the one before, or in no way, is no other.
static bool is_another_root(const struct heap_root *root, const struct heap_root *before)
{
	return !is_weak(root) && root->name &&
	       (!before || !before->name || strcmp(root->name, before->name) != 0);
}

static struct error *deviate_to_roots(struct finder *finder, uint32_t below)
{
	const struct heap_graph *graph = finder->graph;
	const struct stage stage = finder->stages.items[below];
	const struct heap_root *before = paths_parent(finder->paths, stage.node) == HEAP_ROOT
						 ? path_best_root(graph, stage.node)
						 : NULL;
	size_t first, end = heap_graph_roots_of(graph, stage.node, &first);
	struct error *err = NULL;

	for (size_t i = first; !err && i < end; i++) {
		const struct heap_root *root = &graph->roots[i];

		if (root == before || !is_another_root(root, before))
			continue;
		// The stage above a root's node is that node once more, as a beginning.
		err = push(finder, (struct stage){.node = stage.node,
					   .below = stage.below,
					   .cost_below = stage.cost_below,
					   .cost = stage.cost_below + path_root_cost(root),
					   .root = root,
					   .is_route = true});
	}
	return err;
}

// Of the route and those that leave it further up.
static struct error *deviate_all(struct finder *finder, uint32_t route)
{
	uint32_t stage = route;
	struct error *err = NULL;

	while (!err && was_asked(finder, finder->stages.items[stage].node)) {
		const struct stage last = finder->stages.items[stage];
		node_id above = paths_parent(finder->paths, last.node);

		err = deviate(finder, stage);
		if (!err)
			err = deviate_to_roots(finder, stage);
		if (above == HEAP_ROOT || is_below(finder, stage, above))
			break;
		if (!err)
			err = push(
				finder, (struct stage){.node = above,
						.below = stage,
						.cost_below = last.cost_below +
							      step_cost(finder, above, last.node)});
		stage = (uint32_t)finder->stages.count - 1;
	}
	return err;
}

// How long the tree's path to the stage's node is; 0 if it leads through what is below.
static uint64_t count_above(const struct finder *finder, uint32_t stage)
{
	const struct stage *top = &finder->stages.items[stage];
	uint64_t count = 0;

	for (node_id at = top->node; !top->root && at != HEAP_ROOT;
		at = paths_parent(finder->paths, at)) {
		if (is_below(finder, top->below, at))
			return 0;
		count++;
	}
	return top->root ? 1 : count;
}

static struct error *emit(struct finder *finder, uint32_t number)
{
	const struct stage *top = &finder->stages.items[number];
	uint64_t above = count_above(finder, number), count = above, place = above;
	struct path_route route = {.root = top->root};
	node_id at = top->node;

	if (!above)
		return NULL;
	for (uint32_t i = top->below; i != NO_STAGE; i = finder->stages.items[i].below)
		count++;
	route.nodes = mem_calloc(count, sizeof(*route.nodes));
	if (!route.nodes)
		return error_enomem();
	for (; place; at = paths_parent(finder->paths, at))
		route.nodes[--place] = at;
	place = above;
	for (uint32_t i = top->below; i != NO_STAGE; i = finder->stages.items[i].below)
		route.nodes[place++] = finder->stages.items[i].node;
	route.count = count;
	if (!route.root)
		route.root = path_best_root(finder->graph, route.nodes[0]);
	if (path_route_vector_push(finder->ret, route))
		return NULL;
	mem_free(route.nodes);
	return error_enomem();
}

static uint32_t cheapest(const struct finder *finder)
{
	uint32_t best = NO_STAGE;

	for (uint32_t i = 0; i < finder->stages.count; i++) {
		const struct stage *stage = &finder->stages.items[i];

		if (stage->is_route &&
			(best == NO_STAGE || stage->cost < finder->stages.items[best].cost))
			best = i;
	}
	return best;
}

static struct error *find(struct finder *finder, node_id node)
{
	struct error *err = find_links(finder, node);

	if (!err)
		err = push(finder, (struct stage){.node = node,
					   .below = NO_STAGE,
					   .cost = path_cost(finder, node),
					   .is_route = true});
	for (unsigned i = 0; !err && i < TRIES_MAX && finder->ret->count < finder->limit; i++) {
		uint32_t number = cheapest(finder);

		if (number == NO_STAGE)
			break;
		finder->stages.items[number].is_route = false;
		err = emit(finder, number);
		if (!err && !finder->stages.items[number].root)
			err = deviate_all(finder, number);
	}
	return err;
}

struct error *path_routes_find(const struct heap_graph *graph, const struct paths *paths,
	node_id node, size_t limit, struct path_route_vector *ret)
{
	struct path_route_vector routes = {0};
	struct finder finder = {.graph = graph, .paths = paths, .limit = limit, .ret = &routes};
	struct error *err = NULL;

	if (node != HEAP_ROOT && paths_parent(paths, node) != HEAP_NODE_NONE)
		err = find(&finder, node);
	link_vector_deinit(&finder.links);
	node_vector_deinit(&finder.asked);
	stage_vector_deinit(&finder.stages);
	if (err)
		path_routes_deinit(&routes);
	else
		*ret = routes;
	return err;
}

void path_routes_deinit(struct path_route_vector *routes)
{
	for (size_t i = 0; i < routes->count; i++)
		mem_free(routes->items[i].nodes);
	path_route_vector_deinit(routes);
}
