// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A heap that tables are about, of which each part is made when it is first needed.
 *
 * A scan of objects needs their words and sizes only, a histogram by type the objects in the order of
 * their types, a path the whole graph. Nothing is made twice; all lives until the heap is destroyed.
 *
 * Memory, in bytes, for N nodes and E references, besides the graph and what analyses take: 6 N for a
 * scan of a file; 6 N in the order of types; 4 N + 4 E to find who refers to an object, 8 N what an
 * object dominates, 4 N depths.
 */
#pragma once

#include "base/vector.h"
#include "heap/heap_open.h"

struct dominators;
struct error;
struct paths;

enum sql_part {
	SQL_NODES = 1,    /* nodes: words, sizes and types */
	SQL_TYPES = 2,    /* types: how many objects, and their bytes */
	SQL_GRAPH = 4,    /* graph: also references, roots, names */
	SQL_FACTS = 8,    /* facts */
	SQL_BY_TYPE = 16, /* by_type, sizes_by_type */
	SQL_BY_DST = 32,
	SQL_DOMINATORS = 64,
	SQL_BY_IDOM = 128,
	SQL_DEPTHS = 256,
	SQL_PATHS = 512,
};

/** Rows by a key: those of key k are items[first[k]] … items[first[k + 1]], ascending. */
struct sql_index {
	uint32_t *first, *items;
	uint32_t key_count;
	uint64_t count;
};

struct sql_type_row {
	const char *name;
	int name_bytes; /* strlen() of it */
	node_id node;   /* HEAP_NODE_NONE */
	enum heap_type_role role;
	uint64_t objects, bytes;
};

struct sql_heap {
	char *word;                     /* what it is called: of a file, its name */
	struct heap_source *source;     /* NULL: a graph by hand */
	struct heap_snapshot *snapshot; /* or NULL */
	struct heap_graph *own_nodes;
	unsigned parts; /* that are there: enum sql_part */

	const struct heap_graph *nodes; /* may have neither references, roots nor naming */
	const struct heap_graph *graph;
	const struct heap_facts *facts; /* NULL of a graph by hand */
	struct sql_type_row *types;
	uint32_t type_count;
	uint32_t *type_order; /* types by name, then number */
	uint32_t *type_rank;  /* the place of a type there: the key of by_type */
	struct sql_index by_type, by_dst, by_idom;
	uint16_t *
		sizes_by_type; /* sizes of by_type.items: read in sequence, not all over the heap */
	struct dominators *dominators;
	struct paths *paths;
	/** Steps from the root in the tree of dominators; UINT32_MAX: not in it. */
	uint32_t *depths;
};

/** Open what @p word stands for (heap_source_open()): of a process, a snapshot is taken at once. */
struct error *sql_heap_open(const char *word, const struct heap_source_options *places,
	const struct heap_snapshot_options *options, struct sql_heap **ret);
/** The same for a graph by hand, which is borrowed. */
struct error *sql_heap_of_graph(
	const char *word, const struct heap_graph *graph, struct sql_heap **ret);
void sql_heap_destroy(struct sql_heap *heap);
DEFINE_CLEANUP(struct sql_heap *, sql_heap_destroy)

/** Make what of @p parts is not there yet, and what that needs. */
struct error *sql_heap_need(struct sql_heap *heap, unsigned parts);

/** Nodes, the root included, without making anything: for estimates. */
uint64_t sql_heap_node_count(const struct sql_heap *heap);

DEFINE_VECTOR(sql_heap_vector, struct sql_heap *)
