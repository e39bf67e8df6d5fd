// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/path_merge.h"

#include "analysis/growth_sample.h"
#include "analysis/path_groups.h"
#include "analysis/path_pieces.h"
#include "analysis/path_routes.h"
#include "base/sort.h"

#include <string.h>

// Groups that are written, the largest: a tree of more is not read. The others are a sum.
#define GROUPS_MAX 2000

#define NO_STEP UINT32_MAX

// A piece of one or more paths. Number 0 is above all first pieces.
struct step {
	char *text;
	uint32_t child, sibling; /* the first below; the next of the same step; or NO_STEP */
	uint32_t child_count;
	uint32_t type;
	uint64_t count, bytes;
	enum why_verdict verdict;
	bool is_end, is_deeper;
};
DEFINE_VECTOR(step_vector, struct step)

// What is added to each step of a path.
struct weight {
	uint64_t count, bytes;
	bool is_masked, is_deeper;
};

// A step to be written.
struct turn {
	uint32_t step;
	unsigned depth;
	uint64_t rest; /* not a step, but so many that are left out */
	uint64_t count, bytes;
};
DEFINE_VECTOR(turn_vector, struct turn)

static void steps_deinit(struct step_vector *steps)
{
	for (size_t i = 0; i < steps->count; i++)
		mem_free(steps->items[i].text);
	step_vector_deinit(steps);
}

static struct error *begin(struct step_vector *ret)
{
	return step_vector_push(ret, (struct step){.child = NO_STEP, .sibling = NO_STEP})
		       ? NULL
		       : error_enomem();
}

// Growing.

static bool is_worse(enum why_verdict verdict, enum why_verdict than)
{
	static const int order[] = {[WHY_EXPECTED] = 0, [WHY_UNKNOWN] = 1, [WHY_SUSPICIOUS] = 2};

	return order[verdict] > order[than];
}

// Takes @p text.
static struct error *find_step(struct step_vector *steps, uint32_t above, char *text, uint32_t *ret)
{
	struct step step = {.text = text, .child = NO_STEP, .type = UINT32_MAX};
	uint32_t at;

	if (!text)
		return error_enomem();
	for (at = steps->items[above].child; at != NO_STEP; at = steps->items[at].sibling) {
		if (strcmp(steps->items[at].text, text) == 0) {
			mem_free(text);
			*ret = at;
			return NULL;
		}
	}
	step.sibling = steps->items[above].child;
	if (!step_vector_push(steps, step)) {
		mem_free(text);
		return error_enomem();
	}
	*ret = (uint32_t)steps->count - 1;
	steps->items[above].child = *ret;
	steps->items[above].child_count++;
	return NULL;
}

static void weigh(
	struct step *step, const struct weight *weight, uint32_t type, enum why_verdict verdict)
{
	if (step->count && step->type != type)
		step->type = UINT32_MAX;
	else
		step->type = type;
	step->count += weight->count;
	step->bytes += weight->bytes;
	if (is_worse(verdict, step->verdict))
		step->verdict = verdict;
}

// How often steps are repeated, which is part of a folded piece, is no more than an index to a type.
static char *mask(const char *text)
{
	static const char times[] = " ×";
	char *masked = growth_signature(text);
	char *found =
		masked && strncmp(masked, "…", strlen("…")) == 0 ? strstr(masked, times) : NULL;

	if (found)
		*found = '\0';
	return masked;
}

// nodes[i]: to which piece i leads, of which the worst verdict is verdicts[i].
static struct error *grow(struct step_vector *steps, const struct heap_graph *graph,
	const struct piece_vector *pieces, const node_id *nodes, const enum why_verdict *verdicts,
	const struct weight *weight)
{
	uint32_t at = 0;

	steps->items[0].count += weight->count;
	steps->items[0].bytes += weight->bytes;
	for (size_t i = 0; i < pieces->count; i++) {
		const char *text = pieces->items[i].text;
		struct error *err;

		// What leads to a coroutine of one's own is not told.
		if (!*text)
			continue;
		err = find_step(steps, at, weight->is_masked ? mask(text) : mem_strdup(text), &at);
		if (err)
			return err;
		weigh(&steps->items[at], weight, heap_type_of(graph, nodes[i]),
			verdicts ? verdicts[i] : WHY_EXPECTED);
	}
	steps->items[at].is_end = true;
	steps->items[at].is_deeper |= weight->is_deeper;
	return NULL;
}

// Writing.

static int by_size(const void *left, const void *right, void *steps)
{
	const struct step *a = &((const struct step *)steps)[*(const uint32_t *)left];
	const struct step *b = &((const struct step *)steps)[*(const uint32_t *)right];

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return strcmp(a->text, b->text);
}

// How many of a step's children, the largest first, get a line of their own; not all but one.
static uint32_t count_shown(
	const struct step_vector *steps, const uint32_t *children, uint32_t count)
{
	const struct step *all = &steps->items[0];
	uint32_t shown = count < PATH_MERGE_BRANCHES_MAX ? count : PATH_MERGE_BRANCHES_MAX;

	for (; shown > 1; shown--) {
		const struct step *step = &steps->items[children[shown - 1]];

		if (step->count >= all->count / PATH_MERGE_PARTS ||
			step->bytes > all->bytes / PATH_MERGE_PARTS)
			break;
	}
	return shown + 1 == count ? count : shown;
}

// The last of the children comes first off the stack's top: they are pushed the other way round.
static struct error *push_children(
	const struct step_vector *steps, uint32_t above, unsigned depth, struct turn_vector *stack)
{
	uint32_t count = steps->items[above].child_count, kept = 0, shown;
	_cleanup_(mem_free) uint32_t *children = mem_calloc(count, sizeof(*children));
	struct turn rest = {.depth = depth};

	if (!children)
		return error_enomem();
	for (uint32_t at = steps->items[above].child; at != NO_STEP; at = steps->items[at].sibling)
		children[kept++] = at;
	if (kept > 1)
		qsort_r(children, kept, sizeof(*children), by_size, steps->items);
	shown = count_shown(steps, children, kept);
	for (; kept > shown; kept--) {
		rest.rest++;
		rest.count += steps->items[children[kept - 1]].count;
		rest.bytes += steps->items[children[kept - 1]].bytes;
	}
	if (rest.rest && !turn_vector_push(stack, rest))
		return error_enomem();
	for (; kept; kept--) {
		if (!turn_vector_push(
			    stack, (struct turn){.step = children[kept - 1], .depth = depth}))
			return error_enomem();
	}
	return NULL;
}

static char *text_of(const struct piece_vector *run)
{
	char *text = path_pieces_join(run);
	size_t blanks = text ? strspn(text, " ") : 0;

	if (blanks)
		memmove(text, text + blanks, strlen(text + blanks) + 1);
	return text;
}

// From a step down to where it branches, or where a path ends: a line.
static struct error *write_run(const struct step_vector *steps, const struct turn *turn,
	struct path_branch_vector *ret, uint32_t *ret_last)
{
	_cleanup_(piece_vector_deinit) struct piece_vector run = {0};
	struct path_branch branch = {.depth = turn->depth, .verdict = WHY_EXPECTED};
	uint32_t at = turn->step;

	for (;; at = steps->items[at].child) {
		const struct step *step = &steps->items[at];

		// Its text is borrowed.
		if (!piece_vector_push(&run, (struct piece){.text = step->text}))
			return error_enomem();
		if (is_worse(step->verdict, branch.verdict))
			branch.verdict = step->verdict;
		if (step->is_end || step->child_count != 1)
			break;
	}
	branch.text = text_of(&run);
	branch.type = steps->items[at].type;
	branch.count = steps->items[at].count;
	branch.bytes = steps->items[at].bytes;
	branch.is_deeper = steps->items[at].is_deeper;
	*ret_last = at;
	if (branch.text && path_branch_vector_push(ret, branch))
		return NULL;
	mem_free(branch.text);
	return error_enomem();
}

static struct error *write_turn(const struct step_vector *steps, const struct turn *turn,
	struct turn_vector *stack, struct path_branch_vector *ret)
{
	const struct path_branch rest = {.depth = turn->depth,
		.type = UINT32_MAX,
		.count = turn->count,
		.bytes = turn->bytes,
		.branches = turn->rest};
	struct error *err;
	uint32_t last = turn->step;

	if (turn->rest)
		return path_branch_vector_push(ret, rest) ? NULL : error_enomem();
	err = write_run(steps, turn, ret, &last);
	return err ? err : push_children(steps, last, turn->depth + 1, stack);
}

static struct error *write_steps(const struct step_vector *steps, struct path_branch_vector *ret)
{
	_cleanup_(turn_vector_deinit) struct turn_vector stack = {0};
	struct error *err = push_children(steps, 0, 0, &stack);

	while (!err && stack.count) {
		const struct turn turn = stack.items[--stack.count];

		err = write_turn(steps, &turn, &stack, ret);
	}
	return err;
}

// Of a type.

// From the end up: each piece's hops lead to the end of the one before.
static void find_nodes(
	const struct paths *paths, node_id node, const struct piece_vector *pieces, node_id *ret)
{
	for (size_t i = pieces->count; i-- > 0;) {
		ret[i] = node;
		for (uint64_t hop = 0; hop < pieces->items[i].hops && node != HEAP_ROOT; hop++)
			node = paths_parent(paths, node);
	}
}

static struct error *grow_by_group(struct step_vector *steps, const struct heap_graph *graph,
	const struct paths *paths, const struct path_group *group)
{
	const struct weight weight = {group->objects, group->bytes, true, group->is_deeper};
	_cleanup_(path_pieces_deinit) struct path_pieces path = {0};
	_cleanup_(mem_free) node_id *nodes = NULL;
	struct error *err = path_pieces_read(paths, group->example, &path);

	if (err)
		return err;
	nodes = mem_calloc(path.pieces.count, sizeof(*nodes));
	if (!nodes || !path_pieces_fold(&path))
		return error_enomem();
	find_nodes(paths, group->example, &path.pieces, nodes);
	return grow(steps, graph, &path.pieces, nodes, NULL, &weight);
}

static struct error *grow_by_type(struct step_vector *steps, const struct heap_graph *graph,
	const struct paths *paths, const struct path_groups *groups, struct path_merge *ret,
	struct path_branch *ret_others)
{
	struct path_branch others = {.type = UINT32_MAX,
		.count = groups->left_out,
		.bytes = groups->left_out_bytes,
		.branches = groups->left_out > 0};
	struct error *err = NULL;

	for (size_t i = 0; !err && i < groups->groups.count; i++) {
		const struct path_group *group = &groups->groups.items[i];

		if (group->example == HEAP_NODE_NONE) {
			ret->garbage = group->objects;
			ret->garbage_bytes = group->bytes;
		} else if (i < GROUPS_MAX) {
			err = grow_by_group(steps, graph, paths, group);
		} else {
			others.branches++;
			others.count += group->objects;
			others.bytes += group->bytes;
		}
	}
	// All that shares are of.
	steps->items[0].count += others.count;
	steps->items[0].bytes += others.bytes;
	ret->total = groups->total;
	ret->looked_at = groups->looked_at;
	*ret_others = others;
	return err;
}

// To the sum of what is left out at the roots, which comes last, if there is one.
static struct error *write_others(
	const struct path_branch *others, struct path_branch_vector *branches)
{
	struct path_branch *last = branches->count ? &branches->items[branches->count - 1] : NULL;

	if (!others->branches)
		return NULL;
	if (!last || last->text || last->depth)
		return path_branch_vector_push(branches, *others) ? NULL : error_enomem();
	last->branches += others->branches;
	last->count += others->count;
	last->bytes += others->bytes;
	return NULL;
}

struct error *path_merge_type(const struct heap_graph *graph, const struct dominators *dominators,
	const struct paths *paths, const char *type, struct path_merge *ret)
{
	_cleanup_(path_groups_deinit) struct path_groups groups = {0};
	struct path_merge merge = {0};
	struct step_vector steps = {0};
	struct path_branch others = {0};
	struct error *err = path_groups_make(graph, dominators, paths, type, &groups);

	if (!err)
		err = begin(&steps);
	if (!err)
		err = grow_by_type(&steps, graph, paths, &groups, &merge, &others);
	if (!err)
		err = write_steps(&steps, &merge.branches);
	if (!err)
		err = write_others(&others, &merge.branches);
	steps_deinit(&steps);
	if (err)
		path_merge_deinit(&merge);
	else
		*ret = merge;
	return err;
}

// Of an object.

// As above, along a route; of several references that are one piece the worst verdict.
static void find_on_route(const struct path_route *route, const struct piece_vector *pieces,
	const enum why_verdict *verdicts, node_id *ret_nodes, enum why_verdict *ret_verdicts)
{
	uint64_t end = route->count;

	for (size_t i = pieces->count; i-- > 0;) {
		uint64_t hops = i ? pieces->items[i].hops : end;

		ret_nodes[i] = route->nodes[end ? end - 1 : 0];
		ret_verdicts[i] = WHY_EXPECTED;
		for (; hops && end; hops--, end--) {
			if (is_worse(verdicts[end - 1], ret_verdicts[i]))
				ret_verdicts[i] = verdicts[end - 1];
		}
	}
}

static struct error *grow_by_route(
	struct step_vector *steps, const struct heap_graph *graph, const struct path_route *route)
{
	const struct weight weight = {.count = 1};
	_cleanup_(path_pieces_deinit) struct path_pieces path = {0};
	_cleanup_(mem_free) enum why_verdict *of_nodes = NULL, *verdicts = NULL;
	_cleanup_(mem_free) node_id *nodes = NULL;
	struct error *err = path_pieces_of_route(graph, route, &path);

	if (err)
		return err;
	nodes = mem_calloc(path.pieces.count, sizeof(*nodes));
	verdicts = mem_calloc(path.pieces.count, sizeof(*verdicts));
	of_nodes = mem_calloc(route->count, sizeof(*of_nodes));
	if (!nodes || !verdicts || !of_nodes || !path_pieces_fold(&path))
		return error_enomem();
	why_judge(graph, route->root, route->nodes, route->count, of_nodes);
	find_on_route(route, &path.pieces, of_nodes, nodes, verdicts);
	return grow(steps, graph, &path.pieces, nodes, verdicts, &weight);
}

struct error *path_merge_object(const struct heap_graph *graph, const struct paths *paths,
	node_id node, struct path_merge *ret)
{
	_cleanup_(path_routes_deinit) struct path_route_vector routes = {0};
	struct path_merge merge = {0};
	struct step_vector steps = {0};
	struct error *err = path_routes_find(graph, paths, node, PATH_MERGE_ROUTES_MAX, &routes);

	if (!err)
		err = begin(&steps);
	for (size_t i = 0; !err && i < routes.count; i++)
		err = grow_by_route(&steps, graph, &routes.items[i]);
	if (!err)
		err = write_steps(&steps, &merge.branches);
	steps_deinit(&steps);
	if (err)
		path_merge_deinit(&merge);
	else
		*ret = merge;
	return err;
}

void path_merge_deinit(struct path_merge *merge)
{
	for (size_t i = 0; i < merge->branches.count; i++)
		mem_free(merge->branches.items[i].text);
	path_branch_vector_deinit(&merge->branches);
}
