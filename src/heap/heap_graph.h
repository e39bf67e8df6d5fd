// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The object graph: the interface of this layer.
 *
 * Nodes are dense 32-bit numbers. Node 0 is the root above all GC roots: an edge from it to each
 * of them. Then come the objects in pymalloc blocks in address order, then all others (large,
 *static). Nothing here knows processes or CPython: a graph can as well be built by hand
 *(heap_graph_create(), tests/support/graph_from.h), and the analyses work on it all the same.
 *
 * Memory, in bytes, for N nodes and E edges:
 *
 *	node_word    4 N    type index (24 bits) and flags (8)
 *	size         2 N    shallow size; sizes past 64 KiB - 2 are in a side table
 *	first_edge   4 N    compressed rows: the edges of n are edges[first_edge[n] …
 *first_edge[n+1]) edges        4 E    referent (31 bits), and HEAP_EDGE_INFERRED
 *
 * Shallow size is what sys.getsizeof says, GC head included the same way; for objects of C types that
 * no reader knows, also the malloc'd blocks that nobody else leads to (heap_blocks.c).
 *
 * Addresses are not kept per node: they follow from pool numbers (heap_addresses.h), through the
 *two functions in struct heap_naming. Edge labels are not kept either: they follow from the
 *object's shape and are read again from the target when somebody asks.
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

typedef uint32_t node_id;

#define HEAP_ROOT          ((node_id)0)
#define HEAP_NODE_NONE     ((node_id)UINT32_MAX)
#define HEAP_EDGE_INFERRED 0x80000000u
#define HEAP_EDGE_NODE     0x7fffffffu

/** Flags of a node: bits 24-31 of its word. */
enum heap_node_flag {
	/** On a GC list: what gc.get_objects() returns. */
	HEAP_NODE_TRACKED = 1u << 24,
	/** A list, dict, set, deque, …: has a length (heap_naming.length). */
	HEAP_NODE_CONTAINER = 1u << 25,
	/** A type object. */
	HEAP_NODE_TYPE = 1u << 26,
	/** A module object. */
	HEAP_NODE_MODULE = 1u << 27,
	/** Statically allocated or immortal: its reference count says nothing. */
	HEAP_NODE_STATIC = 1u << 28,
	/** More references are counted than were found, and no root explains them. */
	HEAP_NODE_UNEXPLAINED = 1u << 29,
	/** Has a legacy finalizer (tp_del): a cycle with it is not collected. */
	HEAP_NODE_UNCOLLECTABLE = 1u << 30,
	/** Tracked, and in the permanent generation: no collection looks at it (gc.freeze(), 3.7 on). */
	HEAP_NODE_PERMANENT = 1u << 31,
};
#define HEAP_NODE_TYPE_MASK 0x00ffffffu

/** In heap_graph.size: the size is in a side table. */
#define HEAP_SIZE_ELSEWHERE UINT16_MAX

/** What a type is for the analyses. */
enum heap_type_role {
	HEAP_TYPE_PLAIN,
	HEAP_TYPE_LIST,
	HEAP_TYPE_TUPLE,
	HEAP_TYPE_DICT,
	HEAP_TYPE_SET,
	HEAP_TYPE_DEQUE,
	HEAP_TYPE_BUFFER, /* str, bytes, bytearray, array, ndarray, …: bytes without references */
	HEAP_TYPE_NUMBER,
	HEAP_TYPE_TYPE,
	HEAP_TYPE_MODULE,
	HEAP_TYPE_FUNCTION,
	HEAP_TYPE_CODE,
	HEAP_TYPE_FRAME,    /* frame, generator, coroutine */
	HEAP_TYPE_INSTANCE, /* of a class made by a class statement */
};
#define HEAP_TYPE_ROLES (HEAP_TYPE_INSTANCE + 1)

/** "list", "buffer", "instance"; "other" for HEAP_TYPE_PLAIN. */
const char *heap_type_role_name(enum heap_type_role role);

struct heap_type {
	/** As a person names it: "list", "collections.OrderedDict", "metrics.Profiler". */
	const char *name;
	node_id node; /* the type object itself, or HEAP_NODE_NONE */
	enum heap_type_role role;
};

/** What makes a node a GC root. The order is that of preference when a path is chosen. */
enum heap_root_kind {
	HEAP_ROOT_MODULES, /* sys.modules itself */
	HEAP_ROOT_FRAME,  /* a local or stack slot of a running frame; thread, function, file, line,
			     name */
	HEAP_ROOT_THREAD, /* a field of a thread state */
	HEAP_ROOT_INTERPRETER, /* a field of the interpreter state */
	HEAP_ROOT_C_GLOBAL,    /* a word in a library's writable data; library and symbol */
	HEAP_ROOT_STATIC,      /* a static object: alive by itself */
	HEAP_ROOT_STACK,       /* a word on a C stack or in a register; inferred */
	HEAP_ROOT_UNEXPLAINED, /* alive, with references that nothing found explains: held by C code
				*/
};

/** "modules", "frame", "C global", …: one word or two, for tables. */
const char *heap_root_kind_name(enum heap_root_kind kind);
/** What a root that has no name is called where a path begins: "sys.modules", "local variable", …. */
const char *heap_root_kind_text(enum heap_root_kind kind);

/** One root. A node may be a root several times; the best kind comes first in the list. */
struct heap_root {
	node_id node;
	enum heap_root_kind kind;
	/** How a person would write it: "sys.modules", "thread 'MainThread' app.main local queue",
	 *  "libfoo.so cache+8". Owned by the graph. NULL if it has no better name than its kind. */
	const char *name;
	/** HEAP_ROOT_FRAME: where it is now, "/srv/app/views.py:42" (no ":42" if the line is not
	 * known); else NULL. */
	const char *file;
};

/** How an edge is called: what a path is made of. */
enum heap_label_kind {
	HEAP_LABEL_NONE,      /* nothing known: inferred */
	HEAP_LABEL_FIELD,     /* a field of a built-in type: text ("__dict__", "func_closure",
				 "tp_dict") */
	HEAP_LABEL_ATTRIBUTE, /* attribute or global: text */
	HEAP_LABEL_KEY, /* value under a dict key: text is the key as Python writes it ('users', 3,
			   (1, 'a')…) */
	HEAP_LABEL_KEY_OBJECT, /* the key itself of a dict */
	HEAP_LABEL_INDEX,      /* list, tuple, deque: index */
	HEAP_LABEL_ITEM,       /* element of a set: unordered */
	HEAP_LABEL_CELL,       /* closure cell: text is the variable */
	HEAP_LABEL_LOCAL,      /* local variable of a frame, generator or coroutine: text */
	HEAP_LABEL_SLOT,       /* __slots__ member: text */
	HEAP_LABEL_STACK,      /* value stack of a frame */
};

struct heap_label {
	enum heap_label_kind kind;
	uint64_t index;
	char text[120]; /* cut at a UTF-8 boundary; "" if there is none or it is private */
};

/**
 * What a graph made from a target can say about a node on demand, by looking again. All take the
 * context first. Any may be NULL in a graph made by hand.
 */
struct heap_naming {
	void *context;
	/** The object's address in the target; 0 if unknown. */
	uint64_t (*address)(void *context, node_id node);
	/** The object at an address, or HEAP_NODE_NONE. */
	node_id (*node_at)(void *context, uint64_t address);
	/** The label of the edge that is number @p edge among those of @p node (0 the first). */
	void (*label)(void *context, node_id node, uint32_t edge, struct heap_label *ret);
	/** Number of items of a container, bytes of a buffer; 0 otherwise. */
	uint64_t (*length)(void *context, node_id node);
	/** The name of a class, function, module, code or generator: "metrics.Profiler",
	 * "app.main"; "" if none. */
	void (*name)(void *context, node_id node, char *ret, size_t size);
	/** The file that a module, function, code or frame comes from; "" if none. */
	void (*file)(void *context, node_id node, char *ret, size_t size);
	/** The greatest length the container lets itself have (a deque's maxlen, an lru_cache's
	 * maxsize); UINT64_MAX if it has no bound. */
	uint64_t (*bound)(void *context, node_id node);
	/** The value of an int; false if it is none, or more than 64 bits. NULL where the contents of objects
	 * are not there, as in a file. */
	bool (*number)(void *context, node_id node, int64_t *ret);
	/** The name of a function's free variable, the item @p index of its closure; "" if unknown.
	 */
	void (*free_variable)(
		void *context, node_id function, uint64_t index, char *ret, size_t size);
	/** Where rows lack references: the number that edge @p edge of the row has among all of the node's, by
	 *  which label() knows it; UINT32_MAX if that is not known. NULL: the same. */
	uint32_t (*edge_number)(void *context, node_id node, uint32_t edge);
};

struct heap_graph {
	uint32_t node_count; /* the root included */
	uint32_t edge_count;
	uint32_t *node_word;
	uint16_t *size;       /* heap_size_of() */
	uint32_t *first_edge; /* node_count + 1; the root's own row is empty, see root_edges */
	uint32_t *edges;
	/** The root's edges: each rooted node once, ascending. Made by heap_graph_finish(). */
	uint32_t *root_edges;
	uint32_t root_edge_count;
	/** Where the rows are if not in first_edge and edges (heap_rows.h); else NULL. */
	const struct heap_row_source *row_source;
	/** By node, where rows lack references (heap_skeleton.h): how many there are. Else NULL. */
	uint32_t *row_length;

	struct heap_type *types; /* types[0] is "<root>" */
	uint32_t type_count;

	/** Sorted by node, then kind. */
	struct heap_root *roots;
	size_t root_count;

	struct heap_naming naming;

	struct heap_graph_private *private; /* who owns what; see heap_graph.c */
};

static inline uint32_t heap_type_of(const struct heap_graph *graph, node_id node)
{
	return graph->node_word[node] & HEAP_NODE_TYPE_MASK;
}

static inline enum heap_type_role heap_role_of(const struct heap_graph *graph, node_id node)
{
	return graph->types[heap_type_of(graph, node)].role;
}

static inline bool heap_has_flag(
	const struct heap_graph *graph, node_id node, enum heap_node_flag flag)
{
	return graph->node_word[node] & (uint32_t)flag;
}

/** The edges of a node, the root included. */
static inline const uint32_t *heap_edges_of(
	const struct heap_graph *graph, node_id node, uint32_t *ret_count)
{
	if (node == HEAP_ROOT) {
		*ret_count = graph->root_edge_count;
		return graph->root_edges;
	}
	*ret_count = graph->first_edge[node + 1] - graph->first_edge[node];
	return graph->edges + graph->first_edge[node];
}

/** How many references a node has, the root included; more than heap_edges_of() gives if rows lack some. */
static inline uint32_t heap_row_length(const struct heap_graph *graph, node_id node)
{
	uint32_t count;

	if (graph->row_length)
		return graph->row_length[node];
	heap_edges_of(graph, node, &count);
	return count;
}

/** The label of edge @p edge of the row that heap_edges_of() gives; HEAP_LABEL_NONE if there is none. */
void heap_label_of(
	const struct heap_graph *graph, node_id node, uint32_t edge, struct heap_label *ret);

/** Shallow size in bytes. */
uint64_t heap_size_of(const struct heap_graph *graph, node_id node);

/** The same where heap_graph.size says HEAP_SIZE_ELSEWHERE. */
uint64_t heap_graph_big_size(const struct heap_graph *graph, node_id node);

/** Set the shallow size; sizes past 16 bits cost a side-table entry (16 bytes). */
struct error *heap_graph_set_size(struct heap_graph *graph, node_id node, uint64_t size);

/** An empty graph with room for @p nodes and @p edges, to be filled in by hand: tests, fuzzers,
 * files. The arrays are zeroed; counts are set to the arguments. */
struct error *heap_graph_create(
	uint32_t nodes, uint32_t edges, uint32_t types, struct heap_graph **ret);
/** Append a root; names are copied. Call heap_graph_finish() when all are there. */
struct error *heap_graph_add_root(struct heap_graph *graph, node_id node, enum heap_root_kind kind,
	const char *name, const char *file);
/** A copy of @p text that lives as long as the graph; equal texts share one copy. NULL without
 * memory. */
const char *heap_graph_intern(struct heap_graph *graph, const char *text);
/** Sort the roots and make the root's edges from them. May be called again after adding roots. */
struct error *heap_graph_finish(struct heap_graph *graph);
void heap_graph_destroy(struct heap_graph *graph);
DEFINE_CLEANUP(struct heap_graph *, heap_graph_destroy)

/** The roots of one node: [*ret_first, return value). */
size_t heap_graph_roots_of(const struct heap_graph *graph, node_id node, size_t *ret_first);

/** Check the invariants: rows ascending and in bounds, types in bounds, roots sorted. For tests and
 *  for graphs from files. */
struct error *heap_graph_check(const struct heap_graph *graph);
