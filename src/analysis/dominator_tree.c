// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/dominator_tree.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"

// Semi-NCA numbers nodes in depth-first preorder and works on numbers.
//
// A referrer numbered below the node is a candidate for its semidominator as it stands. Only those
// numbered above have to be remembered until the node's turn, and for a rooted node not even they.
//
// The search for an ancestor (the second half of Semi-NCA, and whoever asks for a common one) follows jump
// pointers (E. Myers, "An applicative random-access stack", 1983), so that no shape of graph is
// quadratic: without them a linked list whose values are also in a dict is.

#define UNREACHED DOMINATOR_UNREACHED

// How far ahead of their use lines are fetched. The walk looks ahead among siblings: their rows'
// bounds first, then the rows. Passes over all references are further ahead, having less to do for each.
#define AHEAD_BOUNDS 8
#define AHEAD_ROW    4
#define AHEAD_PASS   32
#define AHEAD_HALF   16

struct work {
	const struct inner_graph *inner;
	uint32_t count;   /* nodes */
	uint32_t reached; /* those with a number: 0 … reached - 1; the root is 0 */
	size_t referrer_count;

	// One bit per edge: not in the tree of the walk.
	uint64_t *cross;
	// By node: its number.
	uint32_t *number_of;
	// Arrays of count + 1 numbers that change their meaning from step to step.
	uint32_t *vertex, *parent, *cursor;
	uint32_t *ancestor, *label, *semi, *first_referrer, *referrers;
	uint32_t *dominator, *jump, *depth;
};

static uint32_t *numbers_alloc(uint32_t count)
{
	return pages_alloc((size_t)count + 1, sizeof(uint32_t));
}

static void numbers_free(uint32_t count, uint32_t **numbers)
{
	pages_free(take(*numbers), (size_t)count + 1, sizeof(uint32_t));
}

static void cleanup_work(struct work *work)
{
	uint32_t **const all[] = {&work->number_of, &work->vertex, &work->parent, &work->cursor,
		&work->ancestor, &work->label, &work->semi, &work->first_referrer, &work->dominator,
		&work->jump, &work->depth};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		numbers_free(work->count, all[i]);
	pages_free(work->cross, bits_words(work->inner->edge_count), sizeof(uint64_t));
	pages_free(work->referrers, work->referrer_count, sizeof(uint32_t));
}

/** Fetch what the walk will need of the siblings that follow @p edge. */
static inline void prefetch_siblings(
	const struct inner_graph *inner, const uint64_t *pending, uint32_t edge, uint32_t end)
{
	uint32_t node;

	if (edge + AHEAD_BOUNDS < end) {
		node = inner->edges[edge + AHEAD_BOUNDS] & HEAP_EDGE_NODE;
		if (bits_has(pending, node))
			__builtin_prefetch(&inner->first_edge[node]);
	}
	if (edge + AHEAD_ROW < end) {
		node = inner->edges[edge + AHEAD_ROW] & HEAP_EDGE_NODE;
		if (bits_has(pending, node))
			__builtin_prefetch(&inner->edges[inner->first_edge[node]]);
	}
}

/**
 * Depth-first walk from one rooted node. The stack is in the arrays: parent leads back, cursor says
 * where in its row a node goes on. Bits of @p pending are nodes without a number.
 */
static void walk_from(struct work *work, uint64_t *pending, uint32_t start)
{
	const uint32_t *first_edge = work->inner->first_edge, *edges = work->inner->edges;
	uint32_t *vertex = work->vertex, *parent = work->parent, *cursor = work->cursor;
	uint32_t count = work->reached;
	uint32_t current = 0, end = 0, edge = 0;
	uint32_t next = start;

	for (;;) {
		// Enter next.
		bits_clear(pending, next);
		work->number_of[next] = count;
		vertex[count] = next;
		parent[count] = current;
		current = count++;
		edge = first_edge[next];
		end = first_edge[next + 1];
		for (uint32_t i = edge; i < end && i < edge + AHEAD_BOUNDS; i++) {
			if (bits_has(pending, edges[i] & HEAP_EDGE_NODE))
				__builtin_prefetch(&first_edge[edges[i] & HEAP_EDGE_NODE]);
		}
		// Find the next to enter: in this row, or in those above.
		for (;;) {
			for (next = HEAP_ROOT; edge < end && next == HEAP_ROOT; edge++) {
				prefetch_siblings(work->inner, pending, edge, end);
				if (bits_has(pending, edges[edge] & HEAP_EDGE_NODE))
					next = edges[edge] & HEAP_EDGE_NODE;
				else
					bits_set(work->cross, edge);
			}
			if (next != HEAP_ROOT)
				break;
			current = parent[current];
			if (!current) {
				work->reached = count;
				return;
			}
			edge = cursor[current];
			end = first_edge[vertex[current] + 1];
		}
		cursor[current] = edge;
	}
}

/** Number what is reached in preorder. */
static struct error *walk(struct work *work)
{
	const struct inner_graph *inner = work->inner;
	uint64_t *pending = pages_alloc(bits_words(work->count), sizeof(uint64_t));

	work->number_of = numbers_alloc(work->count);
	work->vertex = numbers_alloc(work->count);
	work->parent = numbers_alloc(work->count);
	work->cursor = numbers_alloc(work->count);
	work->cross = pages_alloc(bits_words(inner->edge_count), sizeof(uint64_t));
	if (!work->number_of || !work->vertex || !work->parent || !work->cursor || !work->cross ||
		!pending) {
		pages_free(pending, bits_words(work->count), sizeof(uint64_t));
		return error_enomem();
	}
	for (uint32_t node = 1; node < work->count; node++) {
		work->number_of[node] = UNREACHED;
		bits_set(pending, node);
	}
	work->reached = 1;
	for (uint32_t i = 0; i < inner->root_count; i++) {
		if (bits_has(pending, inner->roots[i]))
			walk_from(work, pending, inner->roots[i]);
	}
	pages_free(pending, bits_words(work->count), sizeof(uint64_t));
	numbers_free(work->count, &work->vertex);
	numbers_free(work->count, &work->cursor);
	return NULL;
}

/** Fetch what a pass over cross edges will need of the edges that follow. */
static inline void prefetch_target(const struct work *work, uint32_t edge)
{
	const uint32_t *edges = work->inner->edges;

	if (edge + AHEAD_PASS >= work->inner->edge_count)
		return;
	if (bits_has(work->cross, edge + AHEAD_PASS))
		__builtin_prefetch(&work->number_of[edges[edge + AHEAD_PASS] & HEAP_EDGE_NODE]);
	if (bits_has(work->cross, edge + AHEAD_HALF))
		__builtin_prefetch(&work->first_referrer[work->number_of[edges[edge + AHEAD_HALF] &
									 HEAP_EDGE_NODE]],
			1);
}

/**
 * Look at every cross edge: one from a lower number lowers the target's candidate (label), and is
 * done with; any other is counted for the target. The parent is a candidate already.
 *
 * In node order, not in preorder: then rows are read in sequence.
 */
static void count_referrers(struct work *work)
{
	const struct inner_graph *inner = work->inner;
	uint32_t *candidate = work->label, *first_referrer = work->first_referrer;

	for (uint32_t node = 1; node < work->count; node++) {
		uint32_t end = inner->first_edge[node + 1], number = work->number_of[node];

		for (uint32_t edge = inner->first_edge[node]; edge < end; edge++) {
			uint32_t target;

			prefetch_target(work, edge);
			if (!bits_has(work->cross, edge))
				continue;
			target = work->number_of[inner->edges[edge] & HEAP_EDGE_NODE];
			if (number > target && candidate[target] != 0) {
				first_referrer[target]++;
				continue;
			}
			if (number < candidate[target])
				candidate[target] = number;
			bits_clear(work->cross, edge);
		}
	}
}

/** Store those that were counted. */
static void store_referrers(struct work *work)
{
	const struct inner_graph *inner = work->inner;

	for (uint32_t node = 1; node < work->count; node++) {
		uint32_t end = inner->first_edge[node + 1];

		for (uint32_t edge = inner->first_edge[node]; edge < end; edge++) {
			uint32_t target;

			prefetch_target(work, edge);
			if (!bits_has(work->cross, edge))
				continue;
			target = work->number_of[inner->edges[edge] & HEAP_EDGE_NODE];
			work->referrers[--work->first_referrer[target]] = work->number_of[node];
		}
	}
}

/** Fill referrers and first_referrer (each row's start), once they are counted. */
static struct error *fill_referrers(struct work *work)
{
	size_t total = 0;

	// Each row's end; storing backwards turns it into the row's start.
	for (uint32_t i = 0; i < work->reached; i++) {
		total += work->first_referrer[i];
		work->first_referrer[i] = (uint32_t)total;
	}
	work->first_referrer[work->reached] = (uint32_t)total;
	work->referrer_count = total;
	work->referrers = pages_alloc(total, sizeof(uint32_t));
	if (!work->referrers)
		return error_enomem();
	store_referrers(work);
	return NULL;
}

/** Remember, for each node that is not rooted, its referrers with greater numbers; and put
 * the least of the others (at first: the parent) into label. */
static struct error *collect_referrers(struct work *work)
{
	const struct inner_graph *inner = work->inner;
	struct error *error;

	work->label = numbers_alloc(work->count);
	work->first_referrer = numbers_alloc(work->count);
	if (!work->label || !work->first_referrer)
		return error_enomem();
	for (uint32_t i = 0; i < work->reached; i++)
		work->label[i] = work->parent[i];
	for (uint32_t i = 0; i < inner->root_count; i++)
		work->label[work->number_of[inner->roots[i]]] = 0;
	count_referrers(work);
	error = fill_referrers(work);
	pages_free(take(work->cross), bits_words(inner->edge_count), sizeof(uint64_t));
	return error;
}

/**
 * The least label on the way from @p number up to the last ancestor that is above @p linked, with
 * the way compressed. Pointers are turned round on the way up, to be found again on the way down.
 */
static uint32_t evaluate(uint32_t *ancestor, uint32_t *label, uint32_t number, uint32_t linked)
{
	uint32_t below = 0, top = number, above, least;

	while (ancestor[top] > linked) {
		uint32_t up = ancestor[top];

		ancestor[top] = below;
		below = top;
		top = up;
	}
	above = ancestor[top];
	least = label[top];
	while (below) {
		uint32_t down = ancestor[below];

		if (label[below] > least)
			label[below] = least;
		least = label[below];
		ancestor[below] = above;
		below = down;
	}
	return least;
}

/** Semidominators, from the last number to the first. All above the current one are linked. */
static struct error *find_semidominators(struct work *work)
{
	uint32_t *ancestor, *label = work->label, *semi;
	const uint32_t *referrers = work->referrers;

	work->ancestor = numbers_alloc(work->count);
	if (!work->ancestor)
		return error_enomem();
	ancestor = work->ancestor;
	for (uint32_t i = 0; i < work->reached; i++)
		ancestor[i] = work->parent[i];

	// A row's start is not needed once its node has had its turn, but for the row before, whose
	// end it is: that is carried along.
	semi = work->semi = take(work->first_referrer);
	for (uint32_t i = work->reached - 1, row_end = semi[work->reached]; i > 0; i--) {
		uint32_t row = semi[i], least = label[i];

		// The compiler cannot see that these depend on nothing before them.
		if (row >= 16)
			__builtin_prefetch(&ancestor[referrers[row - 16]]);
		for (uint32_t j = row; j < row_end && least > 0; j++) {
			uint32_t candidate = evaluate(ancestor, label, referrers[j], i);

			if (candidate < least)
				least = candidate;
		}
		row_end = row;
		semi[i] = label[i] = least;
	}
	semi[0] = 0;
	pages_free(take(work->referrers), work->referrer_count, sizeof(uint32_t));
	numbers_free(work->count, &work->ancestor);
	return NULL;
}

/**
 * idom(w) is the nearest ancestor of parent(w), in the tree so far, not above semi(w).
 *
 * parent and semi of a node are not needed after its turn: its dominator and depth take their
 * place.
 */
static void find_dominators(struct work *work)
{
	uint32_t *dominator = work->dominator = take(work->parent);
	uint32_t *depth = work->depth = take(work->semi);
	uint32_t *jump = work->jump = take(work->label);

	dominator[0] = jump[0] = depth[0] = 0;
	for (uint32_t i = 1; i < work->reached; i++) {
		uint32_t parent = dominator[i], semi = depth[i];
		uint32_t above = semi ? dominator_tree_climb(dominator, jump, parent, semi) : 0;
		uint32_t far = jump[above];

		dominator[i] = above;
		depth[i] = depth[above] + 1;
		// Two jumps of equal length make one of twice the length and one.
		jump[i] = depth[above] - depth[far] == depth[far] - depth[jump[far]] ? jump[far]
										     : above;
	}
}

/** Entry i of @p numbers moves to renamed[i], and is itself renamed. */
static struct error *rename_numbers(
	const struct work *work, const uint32_t *renamed, uint32_t **numbers)
{
	uint32_t *by_name = numbers_alloc(work->count);

	if (!by_name)
		return error_enomem();
	for (uint32_t i = 0; i < work->reached; i++)
		by_name[renamed[i]] = renamed[(*numbers)[i]];
	numbers_free(work->count, numbers);
	*numbers = by_name;
	return NULL;
}

/** The number that each will have in preorder of the dominator tree; takes the place of depth. */
static void choose_names(struct work *work, uint32_t *renamed)
{
	// Nodes of the subtree; then: first number that is free in it.
	uint32_t *extent = work->depth;

	for (uint32_t i = 0; i < work->reached; i++)
		extent[i] = 1;
	for (uint32_t i = work->reached - 1; i > 0; i--)
		extent[work->dominator[i]] += extent[i];
	extent[0] = 1;
	for (uint32_t i = 1; i < work->reached; i++) {
		uint32_t size = extent[i], above = work->dominator[i];

		renamed[i] = extent[above];
		extent[above] += size;
		extent[i] = renamed[i] + 1;
	}
	numbers_free(work->count, &work->depth);
}

/** Number anew, in preorder of the dominator tree. */
static struct error *renumber(struct work *work)
{
	uint32_t *renamed = work->ancestor = numbers_alloc(work->count);
	struct error *error;

	if (!renamed)
		return error_enomem();
	choose_names(work, renamed);
	if ((error = rename_numbers(work, renamed, &work->dominator)) ||
		(error = rename_numbers(work, renamed, &work->jump)))
		return error;
	for (uint32_t node = 0; node < work->count; node++) {
		if (node + AHEAD_PASS < work->count &&
			work->number_of[node + AHEAD_PASS] != UNREACHED)
			__builtin_prefetch(&renamed[work->number_of[node + AHEAD_PASS]]);
		if (work->number_of[node] != UNREACHED)
			work->number_of[node] = renamed[work->number_of[node]];
	}
	return NULL;
}

struct error *dominator_tree_init(
	struct dominator_tree *tree, struct inner_graph *inner, bool keep_rows)
{
	_cleanup_(work) struct work work = {.inner = inner, .count = inner->nodes.count};
	struct error *error;

	*tree = (struct dominator_tree){0};
	if ((error = walk(&work)) || (error = collect_referrers(&work)))
		return error;
	if (!keep_rows)
		inner_graph_drop_rows(inner);
	error = find_semidominators(&work);
	if (error)
		return error;
	find_dominators(&work);
	error = renumber(&work);
	if (error)
		return error;
	*tree = (struct dominator_tree){.node_count = work.count, .reached = work.reached};
	tree->number = take(work.number_of);
	tree->dominator = take(work.dominator);
	tree->jump = take(work.jump);
	return NULL;
}

void dominator_tree_drop_jumps(struct dominator_tree *tree)
{
	numbers_free(tree->node_count, &tree->jump);
}

void dominator_tree_deinit(struct dominator_tree *tree)
{
	numbers_free(tree->node_count, &tree->number);
	numbers_free(tree->node_count, &tree->dominator);
	numbers_free(tree->node_count, &tree->jump);
}
