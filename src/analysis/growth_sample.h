// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What is kept of one snapshot once its graph is gone: enough to see what grows.
 *
 * A sample is a list of *tracks*, things that may accumulate, and counts per type:
 *
 *	container   anything with a length of at least GROWTH_LENGTH_MIN
 *	buffer      an object without referents of at least GROWTH_BUFFER_MIN bytes
 *	anchor      a dominator that a person could name: a module, class, frame, or what hangs from
 *one by attributes and keys. Every object belongs to its nearest anchor, so that a thousand small
 *lists, a linked list or a tree show up as growth of their holder.
 *	nest        a container that is an anchor and has anchors below, none of them code: what grows
 *all over a structure of dicts in dicts is the growth of no anchor that stays the same.
 *
 * Objects of CPython do not move: the address with the type is the identity. Where an object is
 * replaced by a bigger one (`text += more`), the owner's address with the type stands in for it,
 *and for the largest ones the path's signature.
 *
 * Which node is an anchor is decided by structure alone (nothing is read from the target): the
 * entries of large containers are not, nor are small ones, nor recursive structures' inner nodes.
 *
 * Memory kept: 152 bytes per track, at most GROWTH_TRACKS_MAX of a kind whatever the size of the
 * process; 40 bytes per pair of anchor and type. While a sample is made: 4 bytes per node more.
 */
#pragma once

#include "analysis/dominators.h"
#include "analysis/paths.h"

/** A shorter container is not worth a suspicion of its own; and one that was not there, or shorter,
 *  counts as this long before. */
#define GROWTH_LENGTH_MIN 16
/** Below this a buffer's growth is lost in the noise of ordinary strings. */
#define GROWTH_BUFFER_MIN 4096
/** Of containers, of buffers and of anchors; the largest are kept. */
#define GROWTH_TRACKS_MAX 131072
/** Items of a container that are remembered, to see whether old ones stay while new ones come. */
#define GROWTH_PROBES     6

/** Objects of a type that are asked who holds them. */
#define GROWTH_EXAMPLES 12

enum growth_track_kind {
	GROWTH_TRACK_CONTAINER,
	GROWTH_TRACK_BUFFER,
	GROWTH_TRACK_ANCHOR,
	GROWTH_TRACK_NEST,
};

struct growth_track {
	uint64_t address;
	uint64_t owner; /* address of the immediate dominator; 0 if that is the root */
	uint64_t probes[GROWTH_PROBES];      /* container: addresses of some items, spread evenly */
	uint32_t probe_edges[GROWTH_PROBES]; /* and which edges they were */
	uint64_t length; /* container: items; buffer: bytes; anchor: its own objects; nest: all */
	uint64_t bytes;  /* anchor: its own objects' bytes; else retained */
	uint64_t retained;
	char *signature; /* of the path, for the largest; NULL otherwise */
	node_id node;
	uint32_t type; /* number in growth_types */
	uint32_t probe_count;
	uint32_t first_seen; /* moment; set when samples are compared */
	bool is_moved;       /* its owner was another once; set likewise */
	enum growth_track_kind kind;
};

/** Objects of one type that belong to one anchor. */
struct growth_group {
	uint64_t anchor; /* its address: GROWTH_OF_ROOT and GROWTH_OF_GARBAGE are none of the
			    process's */
	uint32_t type;
	node_id lowest, highest; /* by address: two samples */
	uint64_t objects, bytes;
};

/** What hangs from no single holder: several hold it, or none is known. */
#define GROWTH_OF_ROOT    0
/** What nothing reaches. */
#define GROWTH_OF_GARBAGE 1

/** Type names by number, the same in all samples: classes of one name are one type here, so that a
 *  class made anew for each request does not hide its instances. */
struct growth_types {
	char **names;
	uint32_t *slots; /* open addressing: number + 1 */
	size_t count, capacity, slot_count;
};

struct error *growth_types_intern(struct growth_types *types, const char *name, uint32_t *ret);
void growth_types_deinit(struct growth_types *types);

struct growth_type_count {
	uint64_t objects, bytes;
	/** Of those that only the root dominates, a random sample. */
	uint64_t of_root;
	node_id examples[GROWTH_EXAMPLES];
};

struct growth_sample {
	struct growth_track *tracks; /* ascending by address, then kind */
	size_t track_count;
	struct growth_group *groups; /* ascending by anchor, then type */
	size_t group_count;
	struct growth_type_count
		*type_counts; /* by number in growth_types; reachable objects only */
	size_t type_count;
	/** Reachable ones; those of them on a GC list. */
	uint64_t objects, bytes, tracked;
	uint64_t garbage_objects, garbage_bytes, garbage_tracked;
	uint64_t modules;
};

struct growth_sample_input {
	const struct heap_graph *graph;
	const struct dominators *dominators;
	const struct paths *paths;
};

struct error *growth_sample_create(const struct growth_sample_input *input,
	struct growth_types *types, struct growth_sample **ret);
void growth_sample_destroy(struct growth_sample *sample);
DEFINE_CLEANUP(struct growth_sample *, growth_sample_destroy)

/** Address of a node as naming says; without naming (a graph made by hand) the node itself, shifted
 *  past the two reserved ones. */
uint64_t growth_address(const struct heap_graph *graph, node_id node);

/**
 * The text of a path with everything taken out that differs from one request to the next: numbers
 * and keys that are no plain identifier. "app.cache['users'][17]" becomes "app.cache['users'][…]".
 * The caller owns the result; NULL without memory.
 */
char *growth_signature(const char *path);
