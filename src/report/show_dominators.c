// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// The dominator tree, as far as its branches are worth a line.
#include "report/show_rows.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/search.h"
#include "base/sort.h"
#include "base/vector.h"

enum { RETAINED, SHARE, DEPTH, TYPE, PATH, COLUMNS };

static const struct show_column columns[COLUMNS] = {
	[RETAINED] = {"retained_bytes", "retained", SHOW_BYTES, false},
	[SHARE] = {"share", "share", SHOW_SHARE, false},
	[DEPTH] = {"depth", "depth", SHOW_COUNT, false},
	[TYPE] = {"type", "type", SHOW_TEXT, false},
	[PATH] = {"path", "path", SHOW_TEXT, false},
};

// A branch is shown if it has this part of all: at most so many of a depth are.
#define PARTS 200

struct branch {
	node_id node, parent;
	uint64_t retained;
};

DEFINE_VECTOR(branch_vector, struct branch)

static int by_parent(const void *left, const void *right)
{
	const struct branch *a = left, *b = right;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	if (a->retained != b->retained)
		return a->retained > b->retained ? -1 : 1;
	return (a->node > b->node) - (a->node < b->node);
}

static struct error *list_branches(
	const struct show_input *input, uint64_t bytes_min, struct branch_vector *ret)
{
	const struct dominators *dominators = input->dominators;

	for (node_id node = 1; node < input->graph->node_count; node++) {
		uint64_t retained = dominators_retained(dominators, node);

		if (!dominators_is_reachable(dominators, node) || retained < bytes_min || !retained)
			continue;
		if (!branch_vector_push(
			    ret, (struct branch){node, dominators->idom[node], retained}))
			return error_enomem();
	}
	sort_items(ret->items, ret->count, sizeof(*ret->items), by_parent);
	return NULL;
}

static size_t first_child(const struct branch_vector *branches, node_id parent)
{
	return partition_point(i, branches->count, branches->items[i].parent < parent);
}

static struct error *add_branch(const struct show_input *input, const struct branch *branch,
	size_t depth, struct show_report *ret)
{
	const struct heap_type *type =
		&input->graph->types[heap_type_of(input->graph, branch->node)];
	const char *path = NULL;
	struct error *err = NULL;

	if (ret->row_count < input->limit)
		err = show_path(input, branch->node, ret, &path);
	const struct show_row row = {
		.cells = {
			[RETAINED] = cell_count(branch->retained),
			[SHARE] = cell_share(branch->retained, ret->target.bytes),
			[DEPTH] = cell_count(depth),
			[TYPE] = cell_text(type->name),
			[PATH] = cell_text(path),
		}};

	return err ? err : show_add_row(input, &row, ret);
}

// In the order of a walk from the root, the largest branch first: next[depth] is where it goes on.
static struct error *walk(const struct show_input *input, const struct branch_vector *branches,
	struct show_report *ret)
{
	size_t next[SHOW_DEPTH_MAX] = {0}, depth = 0;
	node_id parent[SHOW_DEPTH_MAX] = {HEAP_ROOT};
	size_t depth_max = input->depth < SHOW_DEPTH_MAX ? input->depth : SHOW_DEPTH_MAX;

	for (;;) {
		const struct branch *branch = &branches->items[next[depth]];
		struct error *err;

		if (next[depth] >= branches->count || branch->parent != parent[depth]) {
			if (depth == 0)
				return NULL;
			depth--;
			continue;
		}
		next[depth]++;
		err = add_branch(input, branch, depth + 1, ret);
		if (err)
			return err;
		if (depth + 1 < depth_max) {
			depth++;
			parent[depth] = branch->node;
			next[depth] = first_child(branches, branch->node);
		}
	}
}

struct error *show_dominators(const struct show_input *input, struct show_report *ret)
{
	_cleanup_(branch_vector_deinit) struct branch_vector branches = {0};
	struct error *err = list_branches(input, ret->target.bytes / PARTS, &branches);

	ret->columns = columns;
	ret->column_count = COLUMNS;
	return err ? err : walk(input, &branches, ret);
}
