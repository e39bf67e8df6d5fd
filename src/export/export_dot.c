// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// The objects that retain most, each below the nearest of them that dominates it.
#include "export/export_heap.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"
#include "base/sort.h"
#include "base/utf8.h"
#include "base/vector.h"

#include <inttypes.h>
#include <stdlib.h>

// What has less than this part of the heap is not worth a box.
#define PARTS 1000

// The next of a linked list is some steps below: its node's dict, its node.
#define CHAIN_STEPS 3

struct box {
	node_id node;
	uint64_t retained;
};

DEFINE_VECTOR(box_vector, struct box)

static int by_retained(const void *left, const void *right)
{
	const struct box *a = left, *b = right;

	if (a->retained != b->retained)
		return a->retained > b->retained ? -1 : 1;
	return (a->node > b->node) - (a->node < b->node);
}

static int by_node(const void *left, const void *right)
{
	const struct box *a = left, *b = right;

	return (a->node > b->node) - (a->node < b->node);
}

// One that holds nearly all that another of its type holds, which holds it: a chain is one box.
static bool is_link(const struct export_input *input, node_id node)
{
	const struct dominators *dominators = input->dominators;
	uint32_t type = heap_type_of(input->graph, node);
	node_id above = node;

	for (unsigned i = 0; i < CHAIN_STEPS; i++) {
		above = dominators->idom[above];
		if (above == HEAP_ROOT)
			return false;
		if (heap_type_of(input->graph, above) == type)
			return dominators_retained(dominators, node) >=
			       dominators_retained(dominators, above) / 10 * 9;
	}
	return false;
}

static struct error *choose_boxes(const struct export_input *input, struct box_vector *ret)
{
	const struct dominators *dominators = input->dominators;
	uint64_t bytes_min = dominators_retained(dominators, HEAP_ROOT) / PARTS;

	for (node_id node = 1; node < input->graph->node_count; node++) {
		uint64_t retained = dominators_retained(dominators, node);

		if (!dominators_is_reachable(dominators, node) || retained < bytes_min ||
			is_link(input, node))
			continue;
		if (!box_vector_push(ret, (struct box){node, retained}))
			return error_enomem();
	}
	sort_items(ret->items, ret->count, sizeof(*ret->items), by_retained);
	if (ret->count > input->limit)
		ret->count = input->limit;
	sort_items(ret->items, ret->count, sizeof(*ret->items), by_node);
	return NULL;
}

// A double-quoted string of the dot language; \l, \n and the like are escapes in labels.
static struct error *write_text(FILE *out, const char *text)
{
	_cleanup_(mem_free) char *clean = utf8_clean(text, true);

	if (!clean)
		return error_enomem();
	for (const char *at = clean; *at; at++) {
		if (*at == '"' || *at == '\\')
			putc('\\', out);
		putc(*at, out);
	}
	return NULL;
}

static struct error *write_box(const struct export_input *input, const struct box *box, FILE *out)
{
	const struct heap_graph *graph = input->graph;
	uint64_t total = dominators_retained(input->dominators, HEAP_ROOT);
	struct path_description path = {0};
	struct error *err = paths_describe(input->paths, box->node, &path);

	if (err)
		return err;
	fprintf(out, "\tn%u [label=\"", box->node);
	err = write_text(out, path.text);
	fputs("\\n", out);
	if (!err)
		err = write_text(out, graph->types[heap_type_of(graph, box->node)].name);
	fprintf(out, ", %s (%.1f %%)\"];\n", human_bytes((double)box->retained).text,
		total ? 100.0 * (double)box->retained / (double)total : 0.0);
	path_description_deinit(&path);
	return err;
}

// What is between two boxes may be a link, or retain the same and be left out by the limit.
static node_id nearest_box(
	const struct export_input *input, const struct box_vector *boxes, node_id node)
{
	do {
		node = input->dominators->idom[node];
	} while (node != HEAP_ROOT && !bsearch(&(struct box){.node = node}, boxes->items,
					      boxes->count, sizeof(*boxes->items), by_node));
	return node;
}

struct error *export_dot(const struct export_input *input, FILE *out)
{
	_cleanup_(box_vector_deinit) struct box_vector boxes = {0};
	struct error *err = choose_boxes(input, &boxes);

	if (err)
		return err;
	fputs("digraph dominators {\n\trankdir=LR;\n\tnode [shape=box, fontname=\"sans-serif\"];\n"
	      "\tn0 [label=\"",
		out);
	err = write_text(out, input->name ? input->name : "heap");
	fprintf(out, "\\n%s\"];\n",
		human_bytes((double)dominators_retained(input->dominators, HEAP_ROOT)).text);
	for (size_t i = 0; !err && i < boxes.count; i++) {
		err = write_box(input, &boxes.items[i], out);
		fprintf(out, "\tn%u -> n%u;\n", nearest_box(input, &boxes, boxes.items[i].node),
			boxes.items[i].node);
	}
	fputs("}\n", out);
	return err;
}
