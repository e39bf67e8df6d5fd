// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/dominators.h"

#include "base/alloc.h"
#include "base/error.h"

// Semi-NCA numbers nodes in depth-first preorder and works on numbers. Two observations keep it
// lean and quick on heaps, where more than half of the objects are leaves (strings, numbers).
//
// A leaf dominates nothing, so its dominator is the nearest common ancestor, in the dominator tree
// of the others, of its referrers. If that tree is numbered in its own preorder, this is the common
// ancestor of the least and the greatest referrer: two words per leaf and one pass over the edges,
// no list of referrers. Only nodes that have edges take part in Semi-NCA: the inner nodes.
//
// A referrer numbered below the node is a candidate for its semidominator as it stands. Only those
// numbered above have to be remembered until the node's turn, and for a rooted node not even they.
//
// Both searches for an ancestor (the second half of Semi-NCA, and that of the leaves) follow jump
// pointers (E. Myers, "An applicative random-access stack", 1983), so that no shape of graph is
// quadratic: without them a linked list whose values are also in a dict is.
//
// Memory in bytes, I being inner nodes and P remembered referrers, besides the 4 N of idom:
//
//   walk             12 I + (N + E) / 8   vertex, parent, cursor; bits
//   referrers        12 I + 4 P + E / 8   parent, label, first_referrer; referrers; bits
//   semidominators   16 I + 4 P           parent, ancestor, label, semi; referrers
//   dominators       16 I                 dominator, depth, jump; and one while renumbering
//   leaves           12 I + 8 S           dominator, jump, vertex; spans of S shared leaves
//   retained          4 I + 5 N           vertex; the result

// While the work goes on, idom holds the number of an inner node; and for a leaf the number of its
// only referrer, or SPAN and the index of a span. UNREACHED (above all numbers, and HEAP_NODE_NONE)
// is none of these.
#define SPAN      0x80000000u
#define UNREACHED HEAP_NODE_NONE

// How far ahead of their use lines are fetched. The walk looks ahead among siblings: their rows'
// bounds first, then the rows. Passes over all edges are further ahead, having less to do per edge.
#define AHEAD_BOUNDS 8
#define AHEAD_ROW    4
#define AHEAD_PASS   32
#define AHEAD_HALF   16

/** The least and the greatest number among the referrers of a leaf. */
struct span {
	uint32_t low, high;
};

struct work {
	const struct heap_graph *graph;
	struct dominators *result;
	uint32_t inner_count; /* the root included */
	uint32_t reached;     /* inner nodes with a number: 0 … reached - 1; the root is 0 */
	size_t referrer_count;

	// One bit per node: inner. Lets edges to leaves pass without a look at idom.
	uint64_t *inner;
	// One bit per edge: to an inner node, but not in the tree of the walk.
	uint64_t *cross;
	// Arrays of inner_count + 1 numbers that change their meaning from step to step; see above.
	uint32_t *vertex, *parent, *cursor;
	uint32_t *ancestor, *label, *semi, *first_referrer, *referrers;
	uint32_t *dominator, *jump, *depth;
	struct span *spans;
	uint32_t span_count;
};

static bool test_bit(const uint64_t *bits, uint32_t i)
{
	return bits[i >> 6] >> (i & 63) & 1;
}

static void set_bit(uint64_t *bits, uint32_t i, bool value)
{
	bits[i >> 6] |= (uint64_t)value << (i & 63);
}

static size_t bit_words(uint32_t count)
{
	return ((size_t)count + 63) / 64;
}

static uint32_t *numbers_alloc(const struct work *work)
{
	return pages_alloc((size_t)work->inner_count + 1, sizeof(uint32_t));
}

static void numbers_free(const struct work *work, uint32_t **numbers)
{
	pages_free(*numbers, (size_t)work->inner_count + 1, sizeof(uint32_t));
	*numbers = NULL;
}

static void cleanup_work(struct work *work)
{
	pages_free(work->cross, bit_words(work->graph->edge_count), sizeof(uint64_t));
	pages_free(work->inner, bit_words(work->graph->node_count), sizeof(uint64_t));
	numbers_free(work, &work->vertex);
	numbers_free(work, &work->parent);
	numbers_free(work, &work->cursor);
	numbers_free(work, &work->ancestor);
	numbers_free(work, &work->label);
	numbers_free(work, &work->semi);
	numbers_free(work, &work->first_referrer);
	numbers_free(work, &work->dominator);
	numbers_free(work, &work->jump);
	numbers_free(work, &work->depth);
	pages_free(work->spans, work->graph->node_count, sizeof(*work->spans));
	pages_free(work->referrers, work->referrer_count, sizeof(uint32_t));
}

/** Tell inner nodes from leaves. */
static struct error *classify(struct work *work)
{
	const uint32_t *first_edge = work->graph->first_edge;
	uint32_t node_count = work->graph->node_count;
	uint32_t *idom = work->result->idom;

	work->inner = pages_alloc(bit_words(node_count), sizeof(uint64_t));
	if (!work->inner)
		return error_enomem();
	idom[HEAP_ROOT] = 0;
	work->inner_count = 1;
	for (node_id node = 1; node < node_count; node++) {
		bool is_inner = first_edge[node] != first_edge[node + 1];

		idom[node] = UNREACHED;
		set_bit(work->inner, node, is_inner);
		work->inner_count += is_inner;
	}
	return NULL;
}

/** Fetch what the walk will need of the siblings that follow @p edge. */
static inline void prefetch_siblings(const struct work *work, const uint64_t *pending,
	const uint32_t *edges, uint32_t edge, uint32_t end)
{
	const uint32_t *first_edge = work->graph->first_edge;
	node_id node;

	if (edge + AHEAD_BOUNDS < end) {
		node = edges[edge + AHEAD_BOUNDS] & HEAP_EDGE_NODE;
		if (test_bit(pending, node))
			__builtin_prefetch(&first_edge[node]);
	}
	if (edge + AHEAD_ROW < end) {
		node = edges[edge + AHEAD_ROW] & HEAP_EDGE_NODE;
		if (test_bit(pending, node))
			__builtin_prefetch(&work->graph->edges[first_edge[node]]);
	}
}

/**
 * Depth-first walk from one rooted node. The stack is in the arrays: parent leads back, cursor says
 * where in its row a node goes on. Bits of @p pending are inner nodes without a number.
 */
static void walk_from(struct work *work, uint64_t *pending, node_id start)
{
	const uint32_t *first_edge = work->graph->first_edge;
	const uint32_t *edges = work->graph->edges;
	uint32_t *vertex = work->vertex, *parent = work->parent, *cursor = work->cursor;
	uint32_t *number_of = work->result->idom;
	uint32_t count = work->reached;
	uint32_t current = 0, end = 0, edge = 0;
	node_id next = start;

	for (;;) {
		// Enter next.
		pending[next >> 6] &= ~((uint64_t)1 << (next & 63));
		number_of[next] = count;
		vertex[count] = next;
		parent[count] = current;
		current = count++;
		edge = first_edge[next];
		end = first_edge[next + 1];
		for (uint32_t i = edge; i < end && i < edge + AHEAD_BOUNDS; i++) {
			node_id node = edges[i] & HEAP_EDGE_NODE;

			if (test_bit(pending, node))
				__builtin_prefetch(&first_edge[node]);
		}
		// Find the next to enter: in this row, or in those above.
		for (;;) {
			while (edge < end) {
				next = edges[edge] & HEAP_EDGE_NODE;
				prefetch_siblings(work, pending, edges, edge, end);
				edge++;
				if (test_bit(pending, next))
					break;
				set_bit(work->cross, edge - 1, test_bit(work->inner, next));
				next = HEAP_ROOT;
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

/** Number the reached inner nodes in preorder. */
static struct error *walk(struct work *work)
{
	const struct heap_graph *graph = work->graph;
	size_t words = bit_words(graph->node_count);
	uint64_t *pending;

	work->vertex = numbers_alloc(work);
	work->parent = numbers_alloc(work);
	work->cursor = numbers_alloc(work);
	work->cross = pages_alloc(bit_words(graph->edge_count), sizeof(uint64_t));
	pending = pages_alloc(words, sizeof(uint64_t));
	if (!work->vertex || !work->parent || !work->cursor || !work->cross || !pending) {
		pages_free(pending, words, sizeof(uint64_t));
		return error_enomem();
	}
	for (size_t i = 0; i < words; i++)
		pending[i] = work->inner[i];
	work->reached = 1;
	for (uint32_t i = 0; i < graph->root_edge_count; i++) {
		if (test_bit(pending, graph->root_edges[i]))
			walk_from(work, pending, graph->root_edges[i]);
	}
	pages_free(pending, words, sizeof(uint64_t));
	numbers_free(work, &work->vertex);
	numbers_free(work, &work->cursor);
	return NULL;
}

/** Fetch what a pass over cross edges will need of the edges that follow. */
static inline void prefetch_target(const struct work *work, uint32_t edge)
{
	const struct heap_graph *graph = work->graph;
	const uint32_t *number_of = work->result->idom;

	if (edge + AHEAD_PASS >= graph->edge_count)
		return;
	if (test_bit(work->cross, edge + AHEAD_PASS))
		__builtin_prefetch(&number_of[graph->edges[edge + AHEAD_PASS] & HEAP_EDGE_NODE]);
	if (test_bit(work->cross, edge + AHEAD_HALF))
		__builtin_prefetch(&work->first_referrer[number_of[graph->edges[edge + AHEAD_HALF] &
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
	const struct heap_graph *graph = work->graph;
	const uint32_t *number_of = work->result->idom;
	uint32_t *candidate = work->label, *first_referrer = work->first_referrer;

	for (node_id node = 1; node < graph->node_count; node++) {
		uint32_t end = graph->first_edge[node + 1];

		for (uint32_t edge = graph->first_edge[node]; edge < end; edge++) {
			uint32_t number = number_of[node], target;

			prefetch_target(work, edge);
			if (!test_bit(work->cross, edge))
				continue;
			target = number_of[graph->edges[edge] & HEAP_EDGE_NODE];
			if (number > target && candidate[target] != 0) {
				first_referrer[target]++;
				continue;
			}
			if (number < candidate[target])
				candidate[target] = number;
			work->cross[edge >> 6] &= ~((uint64_t)1 << (edge & 63));
		}
	}
}

/** Store those that were counted. */
static void store_referrers(struct work *work)
{
	const struct heap_graph *graph = work->graph;
	const uint32_t *number_of = work->result->idom;

	for (node_id node = 1; node < graph->node_count; node++) {
		uint32_t end = graph->first_edge[node + 1];

		for (uint32_t edge = graph->first_edge[node]; edge < end; edge++) {
			uint32_t target;

			prefetch_target(work, edge);
			if (!test_bit(work->cross, edge))
				continue;
			target = number_of[graph->edges[edge] & HEAP_EDGE_NODE];
			work->referrers[--work->first_referrer[target]] = number_of[node];
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

/** Remember, for each inner node that is not rooted, its referrers with greater numbers; and put
 * the least of the others (at first: the parent) into label. */
static struct error *collect_referrers(struct work *work)
{
	const struct heap_graph *graph = work->graph;
	struct error *error;

	work->label = numbers_alloc(work);
	work->first_referrer = numbers_alloc(work);
	if (!work->label || !work->first_referrer)
		return error_enomem();
	for (uint32_t i = 0; i < work->reached; i++)
		work->label[i] = work->parent[i];
	for (uint32_t i = 0; i < graph->root_edge_count; i++) {
		if (test_bit(work->inner, graph->root_edges[i]))
			work->label[work->result->idom[graph->root_edges[i]]] = 0;
	}
	count_referrers(work);
	error = fill_referrers(work);
	pages_free(work->cross, bit_words(graph->edge_count), sizeof(uint64_t));
	work->cross = NULL;
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

	work->ancestor = numbers_alloc(work);
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
	pages_free(work->referrers, work->referrer_count, sizeof(uint32_t));
	work->referrers = NULL;
	numbers_free(work, &work->ancestor);
	return NULL;
}

/** The nearest ancestor of @p number that is not above @p limit. */
static uint32_t climb(
	const uint32_t *dominator, const uint32_t *jump, uint32_t number, uint32_t limit)
{
	while (number > limit)
		number = jump[number] > limit ? jump[number] : dominator[number];
	return number;
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
		uint32_t above = semi ? climb(dominator, jump, parent, semi) : 0;
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
	uint32_t *by_name = numbers_alloc(work);

	if (!by_name)
		return error_enomem();
	for (uint32_t i = 0; i < work->reached; i++)
		by_name[renamed[i]] = renamed[(*numbers)[i]];
	numbers_free(work, numbers);
	*numbers = by_name;
	return NULL;
}

/**
 * Number the inner nodes anew, in preorder of the dominator tree. dominator and jump are changed to
 * the new numbers, idom of inner nodes likewise, and vertex leads back.
 */
static struct error *renumber(struct work *work)
{
	uint32_t *idom = work->result->idom;
	uint32_t *extent =
		work->depth; /* nodes of the subtree; then: first number that is free in it */
	uint32_t *renamed = work->ancestor = numbers_alloc(work);
	struct error *error;

	if (!renamed)
		return error_enomem();
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
	numbers_free(work, &work->depth);
	if ((error = rename_numbers(work, renamed, &work->dominator)) ||
		(error = rename_numbers(work, renamed, &work->jump)))
		return error;

	work->vertex = numbers_alloc(work);
	if (!work->vertex)
		return error_enomem();
	// Leaves have no numbers yet.
	for (node_id node = 0; node < work->graph->node_count; node++) {
		if (node + AHEAD_PASS < work->graph->node_count &&
			idom[node + AHEAD_PASS] != UNREACHED)
			__builtin_prefetch(&renamed[idom[node + AHEAD_PASS]]);
		if (idom[node] != UNREACHED) {
			idom[node] = renamed[idom[node]];
			work->vertex[idom[node]] = node;
		}
	}
	numbers_free(work, &work->ancestor);
	return NULL;
}

static inline void add_referrer(struct work *work, uint32_t *leaf, uint32_t number)
{
	struct span *span;

	// A single referrer is the ordinary case, and takes no span.
	if (*leaf == UNREACHED)
		*leaf = number;
	if (*leaf == number)
		return;
	if (!(*leaf & SPAN)) {
		work->spans[work->span_count] = (struct span){.low = *leaf, .high = *leaf};
		*leaf = SPAN | work->span_count++;
	}
	span = &work->spans[*leaf & ~SPAN];
	if (number < span->low)
		span->low = number;
	if (number > span->high)
		span->high = number;
}

/** The only referrer, or the span of the referrers, of each leaf; into idom. */
static struct error *find_leaf_referrers(struct work *work)
{
	const struct heap_graph *graph = work->graph;
	const uint32_t *edges = graph->edges;
	uint32_t *numbers = work->result->idom;

	// Room for all; what is not written to is not there.
	work->spans = pages_alloc(graph->node_count, sizeof(*work->spans));
	if (!work->spans)
		return error_enomem();
	for (uint32_t i = 0; i < graph->root_edge_count; i++) {
		if (!test_bit(work->inner, graph->root_edges[i]))
			add_referrer(work, &numbers[graph->root_edges[i]], 0);
	}
	for (node_id node = 1; node < graph->node_count; node++) {
		uint32_t end = graph->first_edge[node + 1];

		// A leaf may have a referrer by now, but its row is empty.
		if (numbers[node] == UNREACHED)
			continue;
		for (uint32_t edge = graph->first_edge[node]; edge < end; edge++) {
			node_id referent = edges[edge] & HEAP_EDGE_NODE;

			if (edge + AHEAD_PASS < graph->edge_count)
				__builtin_prefetch(
					&numbers[edges[edge + AHEAD_PASS] & HEAP_EDGE_NODE]);
			if (!test_bit(work->inner, referent))
				add_referrer(work, &numbers[referent], numbers[node]);
		}
	}
	return NULL;
}

/** From numbers to the result: immediate dominators as nodes. */
static void name_dominators(struct work *work)
{
	uint32_t node_count = work->graph->node_count;
	uint32_t *idom = work->result->idom;

	for (node_id node = 1; node < node_count; node++) {
		uint32_t number = idom[node];

		if (node + AHEAD_PASS < node_count && !(idom[node + AHEAD_PASS] & SPAN))
			__builtin_prefetch(&work->vertex[idom[node + AHEAD_PASS]]);
		if (test_bit(work->inner, node) || number == UNREACHED)
			continue;
		if (number & SPAN) {
			const struct span *span = &work->spans[number & ~SPAN];

			number = climb(work->dominator, work->jump, span->high, span->low);
		}
		idom[node] = work->vertex[number];
	}
	for (uint32_t i = 1; i < work->reached; i++) {
		if (i + AHEAD_PASS < work->reached)
			__builtin_prefetch(&idom[work->vertex[i + AHEAD_PASS]], 1);
		idom[work->vertex[i]] = work->vertex[work->dominator[i]];
	}
	idom[HEAP_ROOT] = HEAP_NODE_NONE;
	numbers_free(work, &work->dominator);
	numbers_free(work, &work->jump);
	pages_free(work->spans, node_count, sizeof(*work->spans));
	work->spans = NULL;
}

static inline void set_retained(struct dominators *result, node_id node, uint64_t bytes)
{
	if (bytes >> 40)
		bytes = ((uint64_t)1 << 40) - 1;
	result->retained_low[node] = (uint32_t)bytes;
	// Nearly all of these stay 0: pages that are never written cost nothing.
	if (result->retained_high[node] != (uint8_t)(bytes >> 32))
		result->retained_high[node] = (uint8_t)(bytes >> 32);
}

static inline void prefetch_retained(const struct dominators *result, node_id node)
{
	if (node != HEAP_NODE_NONE) {
		__builtin_prefetch(&result->retained_low[node], 1);
		__builtin_prefetch(&result->retained_high[node], 1);
	}
}

/** Sum up the sizes: leaves first, in node order, then inner nodes from the last to the first. */
static void sum_retained(const struct work *work)
{
	const struct heap_graph *graph = work->graph;
	struct dominators *result = work->result;
	const uint32_t *idom = result->idom, *vertex = work->vertex;

	for (node_id node = 0; node < graph->node_count; node++)
		set_retained(result, node, heap_size_of(graph, node));
	for (node_id node = 1; node < graph->node_count; node++) {
		node_id above = idom[node];

		if (node + AHEAD_PASS < graph->node_count)
			prefetch_retained(result, idom[node + AHEAD_PASS]);
		if (above != HEAP_NODE_NONE && !test_bit(work->inner, node))
			set_retained(result, above,
				dominators_retained(result, above) +
					dominators_retained(result, node));
	}
	for (uint32_t i = work->reached - 1; i > 0; i--) {
		node_id above = idom[vertex[i]];

		// What is above was met as vertex[j], j < i, or will be: fetching each once is
		// enough.
		if (i > AHEAD_PASS) {
			__builtin_prefetch(&idom[vertex[i - AHEAD_PASS]]);
			prefetch_retained(result, vertex[i - AHEAD_PASS]);
		}
		set_retained(result, above,
			dominators_retained(result, above) +
				dominators_retained(result, vertex[i]));
	}
}

static struct error *fill(struct work *work)
{
	struct error *error;
	size_t node_count = work->graph->node_count;

	if ((error = classify(work)) || (error = walk(work)) || (error = collect_referrers(work)) ||
		(error = find_semidominators(work)))
		return error;
	find_dominators(work);
	if ((error = renumber(work)) || (error = find_leaf_referrers(work)))
		return error;
	name_dominators(work);
	// Not before they are needed: until here the memory was better used.
	work->result->retained_low = pages_alloc(node_count, sizeof(uint32_t));
	work->result->retained_high = pages_alloc(node_count, sizeof(uint8_t));
	if (!work->result->retained_low || !work->result->retained_high)
		return error_enomem();
	sum_retained(work);
	return NULL;
}

struct error *dominators_create(const struct heap_graph *graph, struct dominators **ret)
{
	_cleanup_(dominators_destroy) struct dominators *result = mem_calloc(1, sizeof(*result));
	_cleanup_(work) struct work work = {.graph = graph, .result = result};
	struct error *error;

	if (!result)
		return error_enomem();
	result->node_count = graph->node_count;
	result->idom = pages_alloc(graph->node_count, sizeof(*result->idom));
	if (!result->idom)
		return error_enomem();
	error = fill(&work);
	if (error)
		return error;
	*ret = take(result);
	return NULL;
}

void dominators_destroy(struct dominators *dominators)
{
	if (!dominators)
		return;
	pages_free(dominators->idom, dominators->node_count, sizeof(*dominators->idom));
	pages_free(dominators->retained_low, dominators->node_count,
		sizeof(*dominators->retained_low));
	pages_free(dominators->retained_high, dominators->node_count,
		sizeof(*dominators->retained_high));
	mem_free(dominators);
}
