// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/why.h"

#include "analysis/path_tree.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/human.h"
#include "base/sort.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *why_verdict_name(enum why_verdict verdict)
{
	static const char *const names[] = {
		[WHY_EXPECTED] = "expected",
		[WHY_SUSPICIOUS] = "suspicious",
		[WHY_UNKNOWN] = "unknown",
	};

	return names[verdict];
}

void why_label_text(const struct heap_label *label, char *ret, size_t size)
{
	const char *text = *label->text ? label->text : "…";

	switch (label->kind) {
	case HEAP_LABEL_FIELD:
	case HEAP_LABEL_ATTRIBUTE:
	case HEAP_LABEL_SLOT:
		snprintf(ret, size, ".%s", text);
		break;
	case HEAP_LABEL_KEY:
		snprintf(ret, size, "[%s]", text);
		break;
	case HEAP_LABEL_KEY_OBJECT:
		snprintf(ret, size, ".keys()");
		break;
	case HEAP_LABEL_INDEX:
		snprintf(ret, size, "[%" PRIu64 "]", label->index);
		break;
	case HEAP_LABEL_ITEM:
		snprintf(ret, size, "{…}");
		break;
	case HEAP_LABEL_CELL:
		snprintf(ret, size, "closure %s", text);
		break;
	case HEAP_LABEL_LOCAL:
		snprintf(ret, size, "local %s", text);
		break;
	case HEAP_LABEL_STACK:
		snprintf(ret, size, "value stack");
		break;
	case HEAP_LABEL_NONE:
		snprintf(ret, size, "→");
		break;
	}
}

// The first reference from one node to another, rather one that has a name.
static bool find_edge(const struct heap_graph *graph, node_id from, node_id to, uint32_t *ret)
{
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, from, &count);
	bool is_found = false;

	for (uint32_t i = 0; i < count; i++) {
		if ((edges[i] & HEAP_EDGE_NODE) != to)
			continue;
		if (!is_found)
			*ret = i;
		is_found = true;
		if (!(edges[i] & HEAP_EDGE_INFERRED)) {
			*ret = i;
			return true;
		}
	}
	return is_found;
}

static void read_label(
	const struct heap_graph *graph, node_id from, node_id to, struct heap_label *ret)
{
	uint32_t edge;

	*ret = (struct heap_label){0};
	if (graph->naming.label && find_edge(graph, from, to, &edge))
		graph->naming.label(graph->naming.context, from, edge, ret);
}

// What is known on the way: does all up to here live as long as the program?
struct judge {
	const struct heap_graph *graph;
	bool is_permanent;
	bool is_namespace; /* the dict at hand holds the names of a module, a class or an instance */
};

static void say(struct why_step *step, enum why_verdict verdict, const char *reason)
{
	step->verdict = verdict;
	snprintf(step->reason, sizeof(step->reason), "%s", reason);
}

static void judge_root(struct judge *judge, struct why_step *step)
{
	static const struct {
		enum why_verdict verdict;
		bool is_permanent;
		const char *reason;
	} kinds[] = {
		[HEAP_ROOT_MODULES] = {WHY_EXPECTED, true, "modules stay"},
		[HEAP_ROOT_FRAME] = {WHY_EXPECTED, false,
			"a variable of a running function: until it returns"},
		[HEAP_ROOT_THREAD] = {WHY_EXPECTED, false,
			"a thread's state: until the thread ends"},
		[HEAP_ROOT_INTERPRETER] = {WHY_EXPECTED, true, "the interpreter's own"},
		[HEAP_ROOT_C_GLOBAL] = {WHY_UNKNOWN, true, "a variable of C code"},
		[HEAP_ROOT_STATIC] = {WHY_EXPECTED, true, "static or immortal"},
		[HEAP_ROOT_STACK] = {WHY_UNKNOWN, false, "a word on a stack: may be none"},
		[HEAP_ROOT_UNEXPLAINED] = {WHY_UNKNOWN, false,
			"held by C code that cannot be looked into"},
	};
	enum heap_root_kind kind = step->root ? step->root->kind : HEAP_ROOT_UNEXPLAINED;

	judge->is_permanent = kinds[kind].is_permanent;
	judge->is_namespace = kind == HEAP_ROOT_MODULES;
	say(step, kinds[kind].verdict, kinds[kind].reason);
}

static void judge_item(struct judge *judge, node_id container, struct why_step *step)
{
	const struct heap_naming *naming = &judge->graph->naming;
	uint64_t bound = naming->bound ? naming->bound(naming->context, container) : UINT64_MAX;
	uint64_t length = naming->length ? naming->length(naming->context, container) : 0;

	if (bound != UINT64_MAX) {
		say(step, WHY_EXPECTED, "the container has a bound of its own");
	} else if (judge->is_permanent && length >= WHY_ITEMS_MIN) {
		step->verdict = WHY_SUSPICIOUS;
		snprintf(step->reason, sizeof(step->reason),
			"one of %s items of a container that stays, without a bound",
			human_count(length).text);
	} else {
		say(step, WHY_UNKNOWN,
			judge->is_permanent ? "an item of a short container that stays"
					    : "an item of a container");
	}
	// Whatever it is, it may be taken out again.
	judge->is_permanent = false;
}

static void judge_step(struct judge *judge, node_id from, struct why_step *step)
{
	enum heap_type_role role = path_role_of(judge->graph, from);
	bool was_namespace = judge->is_namespace;

	judge->is_namespace = strcmp(step->label.text, "__dict__") == 0 ||
			      strcmp(step->label.text, "tp_dict") == 0 ||
			      strcmp(step->label.text, "md_dict") == 0;
	if (step->label.kind == HEAP_LABEL_NONE) {
		say(step, WHY_UNKNOWN, "inferred: words that look like a reference");
		judge->is_permanent = false;
	} else if (role == HEAP_TYPE_MODULE || role == HEAP_TYPE_TYPE ||
		   role == HEAP_TYPE_FUNCTION || role == HEAP_TYPE_CODE) {
		say(step, WHY_EXPECTED, "code and its names stay");
	} else if (role == HEAP_TYPE_FRAME) {
		say(step, WHY_EXPECTED, "a variable of a function that has not ended");
		judge->is_permanent = false;
	} else if (was_namespace) {
		say(step, judge->is_permanent ? WHY_EXPECTED : WHY_UNKNOWN,
			judge->is_permanent ? "a name of a module, a class or an object that stays"
					    : "an attribute");
	} else if (judge->is_namespace) {
		say(step, WHY_EXPECTED, "an object's attributes live as long as it does");
	} else if (heap_has_flag(judge->graph, from, HEAP_NODE_CONTAINER)) {
		judge_item(judge, from, step);
	} else {
		say(step, WHY_UNKNOWN, "an attribute or a field");
	}
}

// Backwards: the node, its parent, …; of a long path the ends.
static size_t collect(const struct paths *paths, node_id node, struct why_step *steps)
{
	uint64_t length = 0, at;
	size_t count = 0;

	if (paths_parent(paths, node) == HEAP_NODE_NONE)
		return 0;
	for (node_id n = node; n != HEAP_ROOT; n = paths_parent(paths, n))
		length++;
	at = length;
	for (node_id n = node; n != HEAP_ROOT; n = paths_parent(paths, n)) {
		uint64_t skipped = length > WHY_STEPS_MAX ? length - WHY_STEPS_MAX : 0;

		at--;
		if (at >= WHY_STEPS_MAX / 2 && at < WHY_STEPS_MAX / 2 + skipped)
			continue;
		steps[count] = (struct why_step){.node = n};
		// The first that is kept behind the gap.
		if (skipped && at == WHY_STEPS_MAX / 2 + skipped)
			steps[count].skipped = skipped;
		count++;
	}
	for (size_t i = 0; i < count / 2; i++) {
		struct why_step step = steps[i];

		steps[i] = steps[count - 1 - i];
		steps[count - 1 - i] = step;
	}
	return count;
}

struct error *why_path(const struct heap_graph *graph, const struct paths *paths, node_id node,
	struct why_step **ret_steps, size_t *ret_count)
{
	struct why_step *steps = mem_calloc(WHY_STEPS_MAX + 1, sizeof(*steps));
	struct judge judge = {.graph = graph};
	size_t count;

	if (!steps)
		return error_enomem();
	count = collect(paths, node, steps);
	for (size_t i = 0; i < count; i++) {
		node_id parent = paths_parent(paths, steps[i].node);

		if (parent == HEAP_ROOT) {
			steps[i].root = path_best_root(graph, steps[i].node);
			judge_root(&judge, &steps[i]);
			continue;
		}
		read_label(graph, parent, steps[i].node, &steps[i].label);
		judge_step(&judge, parent, &steps[i]);
	}
	*ret_steps = steps;
	*ret_count = count;
	return NULL;
}

void why_judge(const struct heap_graph *graph, const struct heap_root *root, const node_id *nodes,
	uint64_t count, enum why_verdict *ret)
{
	struct judge judge = {.graph = graph};

	for (uint64_t i = 0; i < count; i++) {
		struct why_step step = {.node = nodes[i], .root = root};

		ret[i] = WHY_UNKNOWN;
		if (i >= WHY_STEPS_MAX / 2 && i + WHY_STEPS_MAX / 2 < count) {
			judge.is_permanent = judge.is_namespace = false;
			continue;
		}
		if (i == 0) {
			judge_root(&judge, &step);
		} else {
			read_label(graph, nodes[i - 1], nodes[i], &step.label);
			judge_step(&judge, nodes[i - 1], &step);
		}
		ret[i] = step.verdict;
	}
}

struct error *why_referrers(const struct heap_graph *graph, node_id node, size_t limit,
	struct why_referrer_vector *ret, uint64_t *ret_total)
{
	uint64_t total = 0;

	for (node_id from = 1; from < graph->node_count; from++) {
		uint32_t count;
		const uint32_t *edges = heap_edges_of(graph, from, &count);

		for (uint32_t i = 0; i < count; i++) {
			if ((edges[i] & HEAP_EDGE_NODE) != node || from == node)
				continue;
			if (total++ < limit &&
				!why_referrer_vector_push(ret, (struct why_referrer){from, i}))
				return error_enomem();
			break;
		}
	}
	*ret_total = total;
	return NULL;
}

static int by_bytes(const void *left, const void *right)
{
	const struct why_type *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	if (a->objects != b->objects)
		return a->objects > b->objects ? -1 : 1;
	return (a->type > b->type) - (a->type < b->type);
}

static struct error *keep_used(
	const struct why_type *types, uint32_t count, struct why_type_vector *ret)
{
	for (uint32_t i = 0; i < count; i++) {
		struct why_type type = types[i];

		type.type = i;
		if (type.objects && !why_type_vector_push(ret, type))
			return error_enomem();
	}
	sort_items(ret->items, ret->count, sizeof(*ret->items), by_bytes);
	return NULL;
}

enum { UNSEEN, OUTSIDE, INSIDE };

// Up the tree to what is known, then the same way again: every node is entered once.
static uint8_t place_of(const struct dominators *dominators, uint8_t *places, node_id node)
{
	node_id at = node;
	uint8_t place;

	while (at != HEAP_NODE_NONE && !places[at])
		at = dominators->idom[at];
	place = at == HEAP_NODE_NONE ? OUTSIDE : places[at];
	for (at = node; at != HEAP_NODE_NONE && !places[at]; at = dominators->idom[at])
		places[at] = place;
	return place;
}

struct error *why_freed(const struct heap_graph *graph, const struct dominators *dominators,
	node_id node, struct why_type_vector *ret)
{
	_cleanup_(mem_free) struct why_type *types = mem_calloc(graph->type_count, sizeof(*types));
	uint8_t *places = pages_alloc(graph->node_count, 1);
	struct error *err;

	if (!types || !places) {
		pages_free(places, graph->node_count, 1);
		return error_enomem();
	}
	places[HEAP_ROOT] = OUTSIDE;
	places[node] = INSIDE;
	for (node_id n = 1; n < graph->node_count; n++) {
		struct why_type *type = &types[heap_type_of(graph, n)];

		if (place_of(dominators, places, n) != INSIDE)
			continue;
		type->objects++;
		type->bytes += heap_size_of(graph, n);
	}
	err = keep_used(types, graph->type_count, ret);
	pages_free(places, graph->node_count, 1);
	return err;
}

struct error *why_holds(const struct heap_graph *graph, const struct dominators *dominators,
	node_id node, struct why_type_vector *ret)
{
	_cleanup_(mem_free) struct why_type *types = mem_calloc(graph->type_count, sizeof(*types));
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, node, &count);

	if (!types)
		return error_enomem();
	for (uint32_t i = 0; i < count; i++) {
		node_id item = edges[i] & HEAP_EDGE_NODE;
		struct why_type *type = &types[heap_type_of(graph, item)];

		type->objects++;
		if (dominators->idom[item] == node)
			type->bytes += dominators_retained(dominators, item);
	}
	return keep_used(types, graph->type_count, ret);
}
