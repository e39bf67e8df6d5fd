// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/path_tree.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/sort.h"

#include <ctype.h>
#include <string.h>

// Costs. They are small, so that a byte holds a path's, and never 0, so that a node is settled when
// its bucket's turn comes. Labels would say more than roles, but reading one costs as much as
// thousands of steps of this search; names are asked for only where few edges are: at modules.
//
// The unit is a step that a person reads without noticing: from a module or an instance to its
// __dict__. A step that is written down costs 2 (a key, an attribute), 3 (an index), 4 (an item of
// a set). What nobody would write costs more than a whole path of these:
//
// - COST_LIBRARY, added where a path enters a module of the standard library or of an installed
//   package. The user's own global that holds the same object by a few more steps wins.
// - COST_FOREIGN, added for a class or function in the namespace of a module that only imported it.
//   Above COST_LIBRARY: requests.sessions.Session.x is better than app.Session.x.
// - COST_INTERNAL: from anything to its class, to a base class, through __mro__; and to a module by
//   another way than sys.modules. Above both: every class and module has a better path.
// - COST_GLOBALS: from a function to a dict, which is its module's as a rule; and to a module's dict
//   by another way than the module: every module has that of builtins as its __builtins__.
// - COST_PRIVATE: a module with a private name does the work of a public one that has what it holds
//   as well: warnings.filters rather than _warnings.filters.
// - Root kinds: in the order of heap_root_kind. A frame's local variable costs as much as a global
//   and five or six steps from it: what a module or class owns is called by that owner, although a
//   frame has it in hand just now.
//
// STATIC, STACK and UNEXPLAINED roots do not compete at all: they get what the others do not reach.
// Otherwise the far part of a long linked list would be called by whatever stray word on a stack
// refers to it.
#define COST_PRIVATE  2
#define COST_LIBRARY  12
#define COST_FOREIGN  15
#define COST_GLOBALS  PATH_STEP_BACK
#define COST_INTERNAL 30
#define COST_INFERRED 40

// Path costs saturate. Past that (some 80 plain steps) buckets being queues, fewer steps win.
#define COST_MAX       254
#define COST_UNREACHED 255

#define ROLES (HEAP_TYPE_INSTANCE + 1)
#define ANY   (-1)

static const struct {
	int from, to;
	uint8_t cost;
} cost_rules[] = {
	// The later rule wins.
	{ANY, ANY, 3},
	{ANY, HEAP_TYPE_FUNCTION, 6},
	{ANY, HEAP_TYPE_FRAME, 6},
	{ANY, HEAP_TYPE_CODE, 12},
	{ANY, HEAP_TYPE_TYPE, COST_INTERNAL},
	{HEAP_TYPE_DICT, ANY, 2},
	{HEAP_TYPE_DICT, HEAP_TYPE_TYPE, 8},
	{HEAP_TYPE_LIST, HEAP_TYPE_TYPE, 8},
	{HEAP_TYPE_SET, ANY, 4},
	{HEAP_TYPE_SET, HEAP_TYPE_TYPE, 8},
	{HEAP_TYPE_MODULE, ANY, 6},
	{HEAP_TYPE_MODULE, HEAP_TYPE_DICT, 1},
	{HEAP_TYPE_INSTANCE, HEAP_TYPE_DICT, 1},
	// May as well point back at what holds the instance; a class's attribute never does.
	{HEAP_TYPE_INSTANCE, HEAP_TYPE_INSTANCE, 4},
	{HEAP_TYPE_TYPE, ANY, 4},
	{HEAP_TYPE_TYPE, HEAP_TYPE_DICT, 1},
	{HEAP_TYPE_TYPE, HEAP_TYPE_TUPLE, COST_INTERNAL}, /* __mro__, __bases__ */
	{HEAP_TYPE_TYPE, HEAP_TYPE_TYPE, COST_INTERNAL},
	{HEAP_TYPE_FUNCTION, ANY, 8},
	{HEAP_TYPE_FUNCTION, HEAP_TYPE_DICT, COST_GLOBALS},
	{HEAP_TYPE_FUNCTION, HEAP_TYPE_TYPE, COST_INTERNAL},
	{HEAP_TYPE_CODE, ANY, 6},
	{HEAP_TYPE_FRAME, HEAP_TYPE_DICT, 6}, /* a local variable, or f_globals */
	{ANY, HEAP_TYPE_MODULE, COST_INTERNAL},
};

static const struct {
	uint8_t cost;
	bool is_weak; /* gets what others do not reach */
} root_costs[] = {
	[HEAP_ROOT_MODULES] = {1, false},
	[HEAP_ROOT_FRAME] = {20, false},
	[HEAP_ROOT_THREAD] = {34, false},
	[HEAP_ROOT_INTERPRETER] = {36, false},
	[HEAP_ROOT_C_GLOBAL] = {40, false},
	[HEAP_ROOT_STATIC] = {60, true},
	[HEAP_ROOT_STACK] = {80, true},
	[HEAP_ROOT_UNEXPLAINED] = {90, true},
};

#define CHUNK_NODES 1020

/** Part of a bucket's queue. */
struct chunk {
	struct chunk *next;
	uint32_t count;
	node_id nodes[CHUNK_NODES];
};

struct search {
	const struct heap_graph *graph;
	node_id *parent;
	uint8_t *cost;
	uint8_t *role_of_type;
	uint8_t step_cost[ROLES][ROLES];
	struct {
		struct chunk *first, *last;
	} buckets[COST_MAX + 1];
	struct chunk *free_chunks;
	node_id *namespaces; /* the dicts of modules, ascending */
	size_t namespace_count;
	bool failed; /* no memory for a chunk */
};

static bool is_component(const char *file, const char *name)
{
	const char *found = file;
	size_t length = strlen(name);

	while ((found = strstr(found, name))) {
		if ((found == file || found[-1] == '/') && found[length] == '/')
			return true;
		found += length;
	}
	return false;
}

/** Is there a component "lib" or "lib64" that is followed by one like "python3.11"? */
static bool is_in_python_lib(const char *file)
{
	const char *found = file;

	while ((found = strstr(found, "/lib"))) {
		found += strlen("/lib");
		if (strncmp(found, "64", 2) == 0 || strncmp(found, "32", 2) == 0)
			found += 2;
		if (strncmp(found, "/python", 7) == 0 && isdigit((unsigned char)found[7]) &&
			found[8] == '.' && isdigit((unsigned char)found[9])) {
			found += 10;
			found += strspn(found, "0123456789td");
			// "python311.zip" and the like have no dot: see paths_is_library_file().
			if (*found == '/')
				return true;
		}
	}
	return false;
}

bool paths_is_library_file(const char *file)
{
	static const char *const marks[] = {"<frozen ", "<__array_function__", "<attrs generated"};
	const char *name;

	if (!file || !*file)
		return false;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		if (strncmp(file, marks[i], strlen(marks[i])) == 0)
			return true;
	}
	if (is_component(file, "site-packages") || is_component(file, "dist-packages") ||
		is_in_python_lib(file))
		return true;
	// The standard library in one archive: …/python311.zip/threading.py.
	name = strstr(file, "/python");
	if (name && isdigit((unsigned char)name[7])) {
		name += 7;
		name += strspn(name, "0123456789");
		return strncmp(name, ".zip/", 5) == 0;
	}
	return false;
}

enum heap_type_role path_role_of(const struct heap_graph *graph, node_id node)
{
	if (heap_has_flag(graph, node, HEAP_NODE_TYPE))
		return HEAP_TYPE_TYPE;
	if (heap_has_flag(graph, node, HEAP_NODE_MODULE))
		return HEAP_TYPE_MODULE;
	return heap_role_of(graph, node);
}

bool path_is_user_module(const struct heap_graph *graph, node_id module)
{
	const struct heap_naming *naming = &graph->naming;
	char text[LIMIT_NAME_BYTES] = "";

	if (naming->file)
		naming->file(naming->context, module, text, sizeof(text));
	if (*text)
		return !paths_is_library_file(text);
	if (naming->name)
		naming->name(naming->context, module, text, sizeof(text));
	return strcmp(text, "__main__") == 0;
}

unsigned path_root_cost(const struct heap_root *root)
{
	unsigned cost = root_costs[root->kind].cost;

	if (root->kind == HEAP_ROOT_FRAME && (!root->file || paths_is_library_file(root->file)))
		cost += COST_LIBRARY;
	return cost;
}

static bool has_cost(size_t rule, int from, int to)
{
	return (cost_rules[rule].from == ANY || cost_rules[rule].from == from) &&
	       (cost_rules[rule].to == ANY || cost_rules[rule].to == to);
}

unsigned path_step_cost(const struct heap_graph *graph, node_id from, node_id to)
{
	int role_from = path_role_of(graph, from), role_to = path_role_of(graph, to);
	unsigned cost = 0;

	for (size_t i = 0; i < sizeof(cost_rules) / sizeof(*cost_rules); i++) {
		if (has_cost(i, role_from, role_to))
			cost = cost_rules[i].cost;
	}
	return cost;
}

static inline unsigned role_in_search(const struct search *search, node_id node)
{
	uint32_t word = search->graph->node_word[node];

	if (word & (HEAP_NODE_TYPE | HEAP_NODE_MODULE))
		return word & HEAP_NODE_TYPE ? HEAP_TYPE_TYPE : HEAP_TYPE_MODULE;
	return search->role_of_type[word & HEAP_NODE_TYPE_MASK];
}

static void push(struct search *search, unsigned cost, node_id node)
{
	struct chunk *last = search->buckets[cost].last;

	if (!last || last->count == CHUNK_NODES) {
		struct chunk *chunk = search->free_chunks;

		if (chunk)
			search->free_chunks = chunk->next;
		else
			chunk = mem_alloc(sizeof(*chunk));
		if (!chunk) {
			search->failed = true;
			return;
		}
		chunk->next = NULL;
		chunk->count = 0;
		if (last)
			last->next = chunk;
		else
			search->buckets[cost].first = chunk;
		search->buckets[cost].last = last = chunk;
	}
	last->nodes[last->count++] = node;
}

static void relax(struct search *search, node_id from, node_id to, unsigned cost)
{
	if (cost > COST_MAX)
		cost = COST_MAX;
	if (cost >= search->cost[to])
		return;
	search->cost[to] = (uint8_t)cost;
	search->parent[to] = from;
	if (search->graph->first_edge[to] != search->graph->first_edge[to + 1])
		push(search, cost, to);
}

static int compare_nodes(const void *left, const void *right)
{
	node_id a = *(const node_id *)left, b = *(const node_id *)right;

	return a < b ? -1 : a > b;
}

/** The dicts of all modules: before one of them is expanded, since they refer to one another. */
static void list_namespaces(struct search *search, node_id modules)
{
	uint32_t count, field_count;
	const uint32_t *edges = heap_edges_of(search->graph, modules, &count);

	if (search->namespaces)
		return;
	search->namespaces = mem_calloc((size_t)count + 1, sizeof(*search->namespaces));
	search->failed = search->failed || !search->namespaces;
	for (uint32_t i = 0; i < count && !search->failed; i++) {
		node_id node = edges[i] & HEAP_EDGE_NODE;
		const uint32_t *fields = heap_edges_of(search->graph, node, &field_count);

		if (role_in_search(search, node) != HEAP_TYPE_MODULE)
			continue;
		for (uint32_t k = 0; k < field_count; k++) {
			node_id field = fields[k] & HEAP_EDGE_NODE;

			if (role_in_search(search, field) != HEAP_TYPE_DICT)
				continue;
			search->namespaces[search->namespace_count++] = field;
			break;
		}
	}
	sort_items(search->namespaces, search->namespace_count, sizeof(*search->namespaces),
		compare_nodes);
}

static bool is_namespace(const struct search *search, node_id dict)
{
	return search->namespace_count > 0 &&
	       bsearch(&dict, search->namespaces, search->namespace_count,
		       sizeof(*search->namespaces), compare_nodes);
}

static bool is_private_module(const struct heap_graph *graph, node_id module)
{
	char name[LIMIT_NAME_BYTES] = "";

	if (graph->naming.name)
		graph->naming.name(graph->naming.context, module, name, sizeof(name));
	return name[0] == '_';
}

/** sys.modules: this is where a path is the user's or a library's. */
static void expand_modules(struct search *search, node_id modules)
{
	uint32_t count;
	const uint32_t *edges = heap_edges_of(search->graph, modules, &count);
	unsigned base = search->cost[modules];

	list_namespaces(search, modules);
	for (uint32_t i = 0; i < count; i++) {
		node_id node = edges[i] & HEAP_EDGE_NODE;
		unsigned cost = base + 2;

		if (cost >= search->cost[node])
			continue;
		if (role_in_search(search, node) == HEAP_TYPE_MODULE) {
			// os.path is posixpath as well: do not ask again.
			if (search->parent[node] == modules)
				continue;
			if (!path_is_user_module(search->graph, node))
				cost += COST_LIBRARY +
					(is_private_module(search->graph, node) ? COST_PRIVATE : 0);
		}
		relax(search, modules, node, cost);
	}
}

/** Was the class or function defined in this module? Its name says so; nested ones count as
 * foreign. */
static bool is_at_home(const struct heap_graph *graph, node_id node, const char *module)
{
	char name[LIMIT_NAME_BYTES] = "";
	size_t length = strlen(module);

	if (!graph->naming.name)
		return true;
	graph->naming.name(graph->naming.context, node, name, sizeof(name));
	if (!strchr(name, '.'))
		return true;
	return strncmp(name, module, length) == 0 && name[length] == '.' &&
	       !strchr(name + length + 1, '.');
}

/** A module's __dict__. */
static void expand_namespace(struct search *search, node_id dict)
{
	const struct heap_naming *naming = &search->graph->naming;
	uint32_t count;
	const uint32_t *edges = heap_edges_of(search->graph, dict, &count);
	unsigned base = search->cost[dict];
	char module[LIMIT_NAME_BYTES] = "";

	if (naming->name)
		naming->name(naming->context, search->parent[dict], module, sizeof(module));
	for (uint32_t i = 0; i < count; i++) {
		node_id node = edges[i] & HEAP_EDGE_NODE;
		unsigned role = role_in_search(search, node);
		unsigned cost = base + 2;

		if (base >= search->cost[node])
			continue;
		if (role == HEAP_TYPE_MODULE)
			cost += COST_INTERNAL;
		else if (role == HEAP_TYPE_DICT && is_namespace(search, node))
			cost += COST_GLOBALS;
		else if ((role == HEAP_TYPE_TYPE || role == HEAP_TYPE_FUNCTION) && *module &&
			 !is_at_home(search->graph, node, module))
			cost += COST_FOREIGN;
		relax(search, dict, node, cost);
	}
}

static void expand(struct search *search, node_id from)
{
	const struct heap_graph *graph = search->graph;
	unsigned role = role_in_search(search, from), base = search->cost[from];
	node_id parent = search->parent[from];
	const uint8_t *step_cost = search->step_cost[role];
	const uint32_t *edges;
	uint32_t count;

	if (role == HEAP_TYPE_DICT && parent == HEAP_ROOT &&
		base == root_costs[HEAP_ROOT_MODULES].cost) {
		expand_modules(search, from);
		return;
	}
	if (role == HEAP_TYPE_DICT && role_in_search(search, parent) == HEAP_TYPE_MODULE) {
		expand_namespace(search, from);
		return;
	}
	edges = heap_edges_of(graph, from, &count);
	for (uint32_t i = 0; i < count; i++) {
		node_id to = edges[i] & HEAP_EDGE_NODE;
		unsigned cost;

		if (i + 12 < count) {
			node_id ahead = edges[i + 12] & HEAP_EDGE_NODE;

			__builtin_prefetch(&search->cost[ahead], 1);
			__builtin_prefetch(&graph->node_word[ahead]);
			__builtin_prefetch(&graph->first_edge[ahead]);
		}
		// No step is free; at COST_MAX only what has no path yet passes.
		if (base >= search->cost[to])
			continue;
		cost = base + step_cost[role_in_search(search, to)];
		if (edges[i] & HEAP_EDGE_INFERRED)
			cost += COST_INFERRED;
		relax(search, from, to, cost);
	}
}

/** Fetch what the nodes that follow number @p i of @p chunk will need. */
static inline void prefetch_queue(
	const struct search *search, const struct chunk *chunk, uint32_t i)
{
	const struct heap_graph *graph = search->graph;

	if (i + 16 < chunk->count) {
		__builtin_prefetch(&graph->first_edge[chunk->nodes[i + 16]]);
		__builtin_prefetch(&graph->node_word[chunk->nodes[i + 16]]);
	}
	if (i + 8 < chunk->count)
		__builtin_prefetch(&graph->edges[graph->first_edge[chunk->nodes[i + 8]]]);
	if (i + 4 < chunk->count) {
		uint32_t count;
		const uint32_t *edges = heap_edges_of(graph, chunk->nodes[i + 4], &count);

		for (uint32_t j = 0; j < count && j < 12; j++) {
			node_id node = edges[j] & HEAP_EDGE_NODE;

			__builtin_prefetch(&search->cost[node], 1);
			__builtin_prefetch(&graph->node_word[node]);
			__builtin_prefetch(&graph->first_edge[node]);
		}
	}
}

/** Empty all buckets, from the cheapest on. */
static void run(struct search *search)
{
	for (unsigned cost = 0; cost <= COST_MAX; cost++) {
		struct chunk *chunk;

		while ((chunk = search->buckets[cost].first)) {
			// Only the last bucket grows while it is emptied.
			for (uint32_t i = 0; i < chunk->count && !search->failed; i++) {
				prefetch_queue(search, chunk, i);
				// A node that became cheaper is in an earlier bucket as well.
				if (search->cost[chunk->nodes[i]] == cost)
					expand(search, chunk->nodes[i]);
			}
			search->buckets[cost].first = chunk->next;
			if (!chunk->next)
				search->buckets[cost].last = NULL;
			chunk->next = search->free_chunks;
			search->free_chunks = chunk;
		}
	}
}

static void start(struct search *search, bool is_weak)
{
	const struct heap_graph *graph = search->graph;

	for (size_t i = 0; i < graph->root_count; i++) {
		if (root_costs[graph->roots[i].kind].is_weak == is_weak)
			relax(search, HEAP_ROOT, graph->roots[i].node,
				path_root_cost(&graph->roots[i]));
	}
}

static void cleanup_search(struct search *search)
{
	struct chunk *chunk;

	while ((chunk = search->free_chunks)) {
		search->free_chunks = chunk->next;
		mem_free(chunk);
	}
	pages_free(search->cost, search->graph->node_count, sizeof(*search->cost));
	mem_free(search->role_of_type);
	mem_free(search->namespaces);
}

static void fill_costs(struct search *search)
{
	const struct heap_graph *graph = search->graph;

	for (size_t i = 0; i < sizeof(cost_rules) / sizeof(*cost_rules); i++) {
		for (int from = 0; from < ROLES; from++) {
			for (int to = 0; to < ROLES; to++) {
				if (has_cost(i, from, to))
					search->step_cost[from][to] = cost_rules[i].cost;
			}
		}
	}
	for (uint32_t type = 0; type < graph->type_count; type++)
		search->role_of_type[type] = (uint8_t)graph->types[type].role;
	for (node_id node = 0; node < graph->node_count; node++) {
		search->cost[node] = COST_UNREACHED;
		search->parent[node] = HEAP_NODE_NONE;
	}
	search->cost[HEAP_ROOT] = 0;
}

struct error *paths_create(const struct heap_graph *graph, struct paths **ret)
{
	_cleanup_(paths_destroy) struct paths *paths = mem_calloc(1, sizeof(*paths));
	_cleanup_(search) struct search search = {.graph = graph};

	if (!paths)
		return error_enomem();
	paths->graph = graph;
	paths->parent = search.parent = pages_alloc(graph->node_count, sizeof(*paths->parent));
	search.cost = pages_alloc(graph->node_count, sizeof(*search.cost));
	search.role_of_type = mem_calloc(graph->type_count, sizeof(*search.role_of_type));
	if (!paths->parent || !search.cost || !search.role_of_type)
		return error_enomem();
	fill_costs(&search);

	start(&search, false);
	run(&search);
	// What has a path keeps it: nothing is less than 0.
	for (node_id node = 0; node < graph->node_count; node++)
		search.cost[node] = search.cost[node] == COST_UNREACHED ? COST_UNREACHED : 0;
	start(&search, true);
	run(&search);
	if (search.failed)
		return error_enomem();
	*ret = take(paths);
	return NULL;
}

void paths_destroy(struct paths *paths)
{
	if (!paths)
		return;
	pages_free(paths->parent, paths->graph->node_count, sizeof(*paths->parent));
	mem_free(paths);
}

node_id paths_parent(const struct paths *paths, node_id node)
{
	return paths->parent[node];
}
