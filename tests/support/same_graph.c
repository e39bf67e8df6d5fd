// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "same_graph.h"

#include "base/error.h"

#include <inttypes.h>
#include <string.h>

// A container's references that are asked for their labels, from both ends: asking is slow.
#define LABELS_MAX 6

struct pair {
	const struct heap_graph *a, *b;
	unsigned label_stride;
	struct same_graph_result *result;
};

#define DIFFERENT(...) error_create(ERROR_BAD_DATA, __VA_ARGS__)

static bool same_text(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static struct error *compare_label(const struct pair *pair, node_id node, uint32_t edge)
{
	const struct heap_naming *a = &pair->a->naming, *b = &pair->b->naming;
	struct heap_label left, right;

	a->label(a->context, node, edge, &left);
	b->label(b->context, node, edge, &right);
	// What has no name may have been found at some index.
	if (left.kind != right.kind ||
		(left.kind == HEAP_LABEL_INDEX && left.index != right.index) ||
		strcmp(left.text, right.text) != 0)
		return DIFFERENT("object %u (%s), reference %u: label %d %" PRIu64
				 " '%s', then %d %" PRIu64 " '%s'",
			node, pair->a->types[heap_type_of(pair->a, node)].name, edge, left.kind,
			left.index, left.text, right.kind, right.index, right.text);
	pair->result->labels += left.kind != HEAP_LABEL_NONE;
	return NULL;
}

static struct error *compare_edges(const struct pair *pair, node_id node)
{
	uint32_t count, other;
	const uint32_t *a = heap_edges_of(pair->a, node, &count);
	const uint32_t *b = heap_edges_of(pair->b, node, &other);

	if (count != other || (count && memcmp(a, b, count * sizeof(*a)) != 0))
		return DIFFERENT("object %u: other references", node);
	pair->result->edges += count;
	for (uint32_t i = 0; i < count && node % pair->label_stride == 0; i++) {
		struct error *err;

		if (i >= LABELS_MAX && i + LABELS_MAX < count)
			i = count - LABELS_MAX;
		err = compare_label(pair, node, i);
		if (err)
			return err;
	}
	return NULL;
}

static struct error *compare_names(const struct pair *pair, node_id node)
{
	const struct heap_naming *a = &pair->a->naming, *b = &pair->b->naming;
	char left[512], right[512];

	a->name(a->context, node, left, sizeof(left));
	b->name(b->context, node, right, sizeof(right));
	if (strcmp(left, right) != 0)
		return DIFFERENT("object %u: name '%s', then '%s'", node, left, right);
	pair->result->names += left[0] != '\0';
	a->file(a->context, node, left, sizeof(left));
	b->file(b->context, node, right, sizeof(right));
	if (strcmp(left, right) != 0)
		return DIFFERENT("object %u: file '%s', then '%s'", node, left, right);
	pair->result->files += left[0] != '\0';
	for (uint64_t i = 0; i < 4; i++) {
		if (pair->a->types[heap_type_of(pair->a, node)].role != HEAP_TYPE_FUNCTION)
			break;
		a->free_variable(a->context, node, i, left, sizeof(left));
		b->free_variable(b->context, node, i, right, sizeof(right));
		if (strcmp(left, right) != 0)
			return DIFFERENT(
				"function %u: free variable '%s', then '%s'", node, left, right);
		pair->result->free_variables += left[0] != '\0';
	}
	return NULL;
}

static struct error *compare_numbers(const struct pair *pair, node_id node)
{
	const struct heap_naming *a = &pair->a->naming, *b = &pair->b->naming;
	uint64_t length = 0, bound = a->bound(a->context, node);

	if (a->address && b->address &&
		(a->address(a->context, node) != b->address(b->context, node) ||
			b->node_at(b->context, b->address(b->context, node)) != node))
		return DIFFERENT("object %u: another address", node);
	if (pair->a->node_word[node] != pair->b->node_word[node] ||
		heap_size_of(pair->a, node) != heap_size_of(pair->b, node))
		return DIFFERENT("object %u: another type, flag or size", node);
	if (bound != b->bound(b->context, node))
		return DIFFERENT("object %u: another bound", node);
	pair->result->bounds += bound != UINT64_MAX;
	if (!heap_has_flag(pair->a, node, HEAP_NODE_CONTAINER))
		return NULL;
	length = a->length(a->context, node);
	if (length != b->length(b->context, node))
		return DIFFERENT("object %u: length %" PRIu64 ", then %" PRIu64, node, length,
			b->length(b->context, node));
	pair->result->lengths += length > 0;
	return NULL;
}

static struct error *compare_roots(const struct pair *pair)
{
	if (pair->a->root_count != pair->b->root_count)
		return DIFFERENT("another number of roots");
	for (size_t i = 0; i < pair->a->root_count; i++) {
		const struct heap_root *a = &pair->a->roots[i], *b = &pair->b->roots[i];

		if (a->node != b->node || a->kind != b->kind || !same_text(a->name, b->name) ||
			!same_text(a->file, b->file))
			return DIFFERENT("root %zu is another", i);
		pair->result->roots++;
	}
	return NULL;
}

static struct error *compare_types(const struct pair *pair)
{
	if (pair->a->type_count != pair->b->type_count)
		return DIFFERENT("another number of types");
	for (uint32_t i = 0; i < pair->a->type_count; i++) {
		const struct heap_type *a = &pair->a->types[i], *b = &pair->b->types[i];

		if (!same_text(a->name, b->name) || a->node != b->node || a->role != b->role)
			return DIFFERENT("type %u is another", i);
	}
	return NULL;
}

struct error *same_graph(const struct heap_graph *a, const struct heap_graph *b,
	unsigned label_stride, struct same_graph_result *ret)
{
	const struct pair pair = {a, b, label_stride, ret};
	struct error *err = NULL;

	*ret = (struct same_graph_result){0};
	if (a->node_count != b->node_count || a->edge_count != b->edge_count)
		return DIFFERENT("another number of objects or references");
	err = compare_types(&pair);
	for (node_id node = 1; !err && node < a->node_count; node++) {
		err = compare_numbers(&pair, node);
		if (!err)
			err = compare_edges(&pair, node);
		if (!err)
			err = compare_names(&pair, node);
		ret->nodes++;
	}
	return err ? err : compare_roots(&pair);
}
