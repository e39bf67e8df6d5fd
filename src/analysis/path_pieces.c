// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/path_pieces.h"

#include "analysis/path_names.h"
#include "analysis/path_tree.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/path.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Labels are expensive. Of a longer path only both ends are looked at; what is between is taken for
// more of the same if the ends agree.
#define END_HOPS 256

// Of several edges between two nodes so many are asked for their labels.
#define CANDIDATES_MAX 8

struct hop {
	node_id from, to;
	struct heap_label label;
	bool is_inferred, is_last;
};

enum closure_state {
	CLOSURE_NONE,
	CLOSURE_TUPLE, /* the next hop leads from the tuple to a cell */
	CLOSURE_CELL,  /* the next hop leads out of the cell */
};

struct writer {
	const struct heap_graph *graph;
	struct path_pieces *ret;
	uint64_t pending_hops; /* those that nothing was written for yet */
	bool is_namespace;     /* in a __dict__: keys are attributes */
	bool is_in_modules;    /* in sys.modules: the key is a module */
	bool is_thread_local;  /* in a threading.local: the key is a thread's */
	enum closure_state closure;
	node_id function, generator; /* whose closure, whose frame; else HEAP_NODE_NONE */
	node_id running;             /* the root, if it is the frame that a thread runs */
	char variable[128];
	bool failed;
};

static char *format_text(const char *format, va_list arguments)
{
	char text[LINE_MAX];

	vsnprintf(text, sizeof(text), format, arguments);
	return mem_strdup(text);
}

/** Write a piece for this hop and those pending. */
__attribute__((__format__(__printf__, 2, 3))) static void write_piece(
	struct writer *writer, const char *format, ...)
{
	struct piece piece = {.hops = writer->pending_hops + 1};
	va_list arguments;

	va_start(arguments, format);
	piece.text = format_text(format, arguments);
	va_end(arguments);
	writer->pending_hops = 0;
	if (!piece.text || !piece_vector_push(&writer->ret->pieces, piece)) {
		mem_free(piece.text);
		writer->failed = true;
	}
}

/** The last piece written is this on its own. */
__attribute__((__format__(__printf__, 2, 3))) static void write_step(
	struct writer *writer, const char *format, ...)
{
	va_list arguments;
	char *step;

	if (writer->failed)
		return;
	va_start(arguments, format);
	step = format_text(format, arguments);
	va_end(arguments);
	if (!step)
		writer->failed = true;
	writer->ret->pieces.items[writer->ret->pieces.count - 1].step = step;
}

static void get_name(const struct heap_graph *graph, node_id node, char *ret, size_t size)
{
	*ret = '\0';
	if (graph->naming.name && node != HEAP_NODE_NONE)
		graph->naming.name(graph->naming.context, node, ret, size);
}

static const char *type_name(const struct heap_graph *graph, node_id node)
{
	return graph->types[heap_type_of(graph, node)].name;
}

/** What follows says by itself what it is: in the text it begins anew, in the steps it goes on. */
static void restart_text(struct writer *writer)
{
	struct piece_vector *pieces = &writer->ret->pieces;

	for (size_t i = 0; i < pieces->count; i++) {
		char *empty = mem_strdup("");

		if (!empty) {
			writer->failed = true;
			return;
		}
		if (pieces->items[i].step) {
			mem_free(pieces->items[i].text);
		} else {
			char *text = pieces->items[i].text;
			size_t skipped = strspn(text, ". ");

			memmove(text, text + skipped, strlen(text + skipped) + 1);
			pieces->items[i].step = text;
		}
		pieces->items[i].text = empty;
	}
	writer->ret->is_root_apart = false;
}

static void write_module(struct writer *writer, const struct hop *hop)
{
	const char *key = hop->label.kind == HEAP_LABEL_KEY ? hop->label.text : "";
	char name[256], quoted[300];

	if (!path_unquote(key, true, name, sizeof(name)))
		get_name(writer->graph, hop->to, name, sizeof(name));
	snprintf(quoted, sizeof(quoted), "'%s'", name);
	writer->ret->is_user_code = path_is_user_module(writer->graph, hop->to);
	writer->ret->pieces.count--;
	mem_free(writer->ret->pieces.items[writer->ret->pieces.count].text);
	mem_free(writer->ret->pieces.items[writer->ret->pieces.count].step);
	if (*name)
		write_piece(writer, "%s", name);
	else
		write_piece(writer, "sys.modules[%s]", *key ? key : "…");
	write_step(writer, "sys.modules[%s]", *key ? key : *name ? quoted : "…");
}

const struct heap_root *path_best_root(const struct heap_graph *graph, node_id node)
{
	size_t first, end = heap_graph_roots_of(graph, node, &first);
	size_t best = first;

	for (size_t i = first; i < end; i++) {
		if (path_root_cost(&graph->roots[i]) < path_root_cost(&graph->roots[best]))
			best = i;
	}
	return first < end ? &graph->roots[best] : NULL;
}

/** Up to 3.10 what a thread runs is a frame object; the root is called "thread 'M' app.main" then. */
static bool is_running_frame(const struct heap_graph *graph, const struct heap_root *root,
	node_id node, const char *name)
{
	size_t length = strlen(name), root_length;

	if (!root || root->kind != HEAP_ROOT_FRAME || !root->name || !length ||
		path_role_of(graph, node) != HEAP_TYPE_FRAME || strstr(root->name, " local "))
		return false;
	root_length = strlen(root->name);
	return root_length > length && root->name[root_length - length - 1] == ' ' &&
	       strcmp(root->name + root_length - length, name) == 0;
}

static void write_root(struct writer *writer, node_id node, const struct heap_root *root)
{
	enum heap_root_kind kind = root ? root->kind : HEAP_ROOT_UNEXPLAINED;
	char name[256];

	get_name(writer->graph, node, name, sizeof(name));
	if (is_running_frame(writer->graph, root, node, name))
		writer->running = node;
	// Some are named by their kind alone.
	writer->ret->is_named =
		kind == HEAP_ROOT_MODULES || kind == HEAP_ROOT_STATIC || (root && root->name);
	if (kind == HEAP_ROOT_STACK || kind == HEAP_ROOT_UNEXPLAINED)
		writer->ret->is_named = false;
	writer->is_in_modules = kind == HEAP_ROOT_MODULES;
	writer->ret->is_root_apart = kind != HEAP_ROOT_MODULES && kind != HEAP_ROOT_FRAME;
	writer->ret->is_user_code =
		kind == HEAP_ROOT_FRAME && root->file && !paths_is_library_file(root->file);
	if (root && root->name && kind != HEAP_ROOT_UNEXPLAINED) {
		write_piece(writer, "%s", root->name);
		// Where the frame is now: two frames of one function are told apart by it.
		if (root->file && *root->file)
			write_step(writer, "%s (%s)", root->name, path_base_name(root->file));
	} else if (root && root->name)
		write_piece(writer, "%s: %s", heap_root_kind_text(kind), root->name);
	else if (kind != HEAP_ROOT_MODULES)
		write_piece(writer, "%s: %s", heap_root_kind_text(kind),
			*name ? name : type_name(writer->graph, node));
	else
		write_piece(writer, "%s", heap_root_kind_text(kind));
}

static void write_closure(struct writer *writer)
{
	char function[256];
	const char *last;

	get_name(writer->graph, writer->function, function, sizeof(function));
	last = strrchr(function, '.');
	last = last ? last + 1 : function;
	write_piece(writer, " closure %s", writer->variable);
	if (*last)
		write_step(writer, "closure variable %s of %s", writer->variable, last);
	else
		write_step(writer, "closure variable %s", writer->variable);
	writer->closure = CLOSURE_NONE;
}

/** From a function's closure tuple to a cell, and out of the cell: one piece, " closure x". */
static void write_closure_hop(struct writer *writer, const struct hop *hop)
{
	const struct heap_naming *naming = &writer->graph->naming;
	bool has_name = hop->label.kind == HEAP_LABEL_CELL && *hop->label.text;

	if (has_name)
		snprintf(writer->variable, sizeof(writer->variable), "%s", hop->label.text);
	else if (writer->closure == CLOSURE_TUPLE && naming->free_variable)
		naming->free_variable(naming->context, writer->function, hop->label.index,
			writer->variable, sizeof(writer->variable));
	if (writer->closure == CLOSURE_TUPLE && !*writer->variable)
		snprintf(writer->variable, sizeof(writer->variable), "[%" PRIu64 "]",
			hop->label.index);
	if (writer->closure == CLOSURE_TUPLE && !hop->is_last) {
		writer->closure = CLOSURE_CELL;
		writer->pending_hops++;
	} else {
		write_closure(writer);
	}
}

/** A field of a built-in type. Some are never written, unless the path ends there. */
static void write_field(struct writer *writer, const struct hop *hop)
{
	enum heap_type_role from = path_role_of(writer->graph, hop->from);
	const char *name = path_field_name(hop->label.text);

	if (!*name) {
		writer->pending_hops++;
	} else if (strcmp(name, "dummies") == 0) {
		writer->is_thread_local = true;
		writer->pending_hops++;
	} else if (!hop->is_last && strcmp(name, "__dict__") == 0) {
		writer->is_namespace = true;
		writer->pending_hops++;
	} else if (!hop->is_last && strcmp(name, "__closure__") == 0) {
		writer->closure = CLOSURE_TUPLE;
		writer->variable[0] = '\0';
		writer->function = hop->from;
		writer->pending_hops++;
	} else if (!hop->is_last && from == HEAP_TYPE_FRAME &&
		   path_role_of(writer->graph, hop->to) == HEAP_TYPE_FRAME &&
		   strstr(name, "_frame")) {
		// A generator's frame is the generator, to a reader.
		writer->generator = hop->from;
		writer->pending_hops++;
	} else {
		write_piece(writer, ".%s", name);
	}
}

static bool is_user_frame(const struct heap_graph *graph, node_id frame)
{
	char file[LIMIT_NAME_BYTES] = "";

	if (graph->naming.file)
		graph->naming.file(graph->naming.context, frame, file, sizeof(file));
	return *file && !paths_is_library_file(file);
}

static void write_local(struct writer *writer, const struct hop *hop)
{
	node_id generator = writer->generator != HEAP_NODE_NONE ? writer->generator : hop->from;
	const char *type = type_name(writer->graph, generator);
	bool is_stack = hop->label.kind == HEAP_LABEL_STACK;
	const char *variable = is_stack ? "value stack" : hop->label.text;
	char name[256];

	if (hop->from == writer->running) {
		write_piece(writer, "%s %s", is_stack ? "" : " local", variable);
		write_step(writer, "%s%s", is_stack ? "" : "local ", variable);
		return;
	}
	get_name(writer->graph, generator, name, sizeof(name));
	if (!writer->ret->is_user_code && is_user_frame(writer->graph, generator)) {
		// Of the event loop that runs it nobody asked. A thread's frame is called like this.
		restart_text(writer);
		writer->ret->is_user_code = true;
		write_piece(writer, "%s %s%s %s", type, name, is_stack ? "" : " local", variable);
	} else if (is_stack) {
		write_piece(writer, " <%s %s> stack", type, name);
	} else {
		write_piece(writer, " <%s %s>.%s", type, name, variable);
	}
	write_step(writer, "%s%s of %s %s", is_stack ? "" : "local ", variable, type, name);
}

static void write_key(struct writer *writer, const struct hop *hop, bool is_namespace)
{
	static const char context_variable[] = "<ContextVar ";
	size_t length = strlen(hop->label.text);
	char name[128];

	if (strncmp(hop->label.text, context_variable, strlen(context_variable)) == 0 &&
		!writer->ret->is_user_code) {
		// Which context it is that the event loop has in hand is of no interest.
		restart_text(writer);
		write_piece(writer, "context variable %.*s",
			(int)(length - strlen(context_variable) - 1),
			hop->label.text + strlen(context_variable));
	} else if (is_namespace && path_unquote(hop->label.text, false, name, sizeof(name)))
		write_piece(writer, ".%s", name);
	else
		write_piece(writer, "[%s]", *hop->label.text ? hop->label.text : "…");
}

static void write_hop(struct writer *writer, const struct hop *hop)
{
	const char *text = hop->label.text;
	bool is_namespace = writer->is_namespace, is_in_modules = writer->is_in_modules;
	bool is_thread_local = writer->is_thread_local;

	writer->is_namespace = writer->is_in_modules = writer->is_thread_local = false;
	if (hop->is_inferred || hop->label.kind == HEAP_LABEL_NONE)
		writer->ret->is_named = false;
	if (is_in_modules && hop->label.kind != HEAP_LABEL_KEY_OBJECT) {
		write_module(writer, hop);
		return;
	}
	if (writer->closure != CLOSURE_NONE) {
		write_closure_hop(writer, hop);
		return;
	}
	if (is_thread_local && !hop->is_last && hop->label.kind == HEAP_LABEL_KEY) {
		// Which thread's it is has no name.
		writer->is_namespace = true;
		writer->pending_hops++;
		return;
	}
	switch (hop->label.kind) {
	case HEAP_LABEL_NONE:
		write_piece(writer, "→%s", type_name(writer->graph, hop->to));
		break;
	case HEAP_LABEL_FIELD:
		write_field(writer, hop);
		break;
	case HEAP_LABEL_ATTRIBUTE:
	case HEAP_LABEL_SLOT:
		write_piece(writer, ".%s", *text ? text : "…");
		break;
	case HEAP_LABEL_KEY:
		write_key(writer, hop, is_namespace);
		break;
	case HEAP_LABEL_KEY_OBJECT:
		write_piece(writer, ".keys()");
		break;
	case HEAP_LABEL_INDEX:
		write_piece(writer, "[%" PRIu64 "]", hop->label.index);
		break;
	case HEAP_LABEL_ITEM:
		write_piece(writer, "{…}");
		break;
	case HEAP_LABEL_CELL:
		snprintf(writer->variable, sizeof(writer->variable), "%s", text);
		writer->function = path_role_of(writer->graph, hop->from) == HEAP_TYPE_FUNCTION
					   ? hop->from
					   : HEAP_NODE_NONE;
		write_closure(writer);
		break;
	case HEAP_LABEL_LOCAL:
	case HEAP_LABEL_STACK:
		write_local(writer, hop);
		break;
	}
	if (!writer->pending_hops)
		writer->generator = HEAP_NODE_NONE;
}

/** The better a label reads, the less. */
static unsigned rank_label(enum heap_label_kind kind)
{
	static const uint8_t ranks[] = {
		[HEAP_LABEL_ATTRIBUTE] = 0,
		[HEAP_LABEL_SLOT] = 0,
		[HEAP_LABEL_KEY] = 0,
		[HEAP_LABEL_LOCAL] = 1,
		[HEAP_LABEL_CELL] = 1,
		[HEAP_LABEL_FIELD] = 2,
		[HEAP_LABEL_INDEX] = 2,
		[HEAP_LABEL_ITEM] = 3,
		[HEAP_LABEL_KEY_OBJECT] = 4,
		[HEAP_LABEL_STACK] = 5,
		[HEAP_LABEL_NONE] = 6,
	};

	return ranks[kind];
}

bool path_read_label(
	const struct heap_graph *graph, node_id from, node_id to, struct heap_label *ret)
{
	unsigned candidates = 0, best = UINT_MAX;
	bool best_is_inferred = false;
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, from, &count);

	*ret = (struct heap_label){.kind = HEAP_LABEL_NONE};

	for (uint32_t i = 0; i < count && candidates < CANDIDATES_MAX; i++) {
		struct heap_label label = {.kind = HEAP_LABEL_NONE};
		bool is_inferred = edges[i] & HEAP_EDGE_INFERRED;
		unsigned rank;

		if ((edges[i] & HEAP_EDGE_NODE) != to)
			continue;
		candidates++;
		heap_label_of(graph, from, i, &label);
		rank = rank_label(label.kind) + (is_inferred ? 10 : 0);
		if (rank < best) {
			best = rank;
			*ret = label;
			best_is_inferred = is_inferred;
		}
	}
	return !best_is_inferred;
}

/** Leave out hops, of which the last leads from @p before to @p last. */
static void write_gap(struct writer *writer, uint64_t hops, node_id before, node_id last)
{
	struct piece piece = {.is_gap = true, .hops = writer->pending_hops + hops};
	struct hop hop = {.from = before, .to = last};
	char text[64];

	// Only the last hop matters to what follows.
	path_read_label(writer->graph, before, last, &hop.label);
	writer->is_namespace = hop.label.kind == HEAP_LABEL_FIELD &&
			       strcmp(path_field_name(hop.label.text), "__dict__") == 0;
	writer->closure = CLOSURE_NONE;
	writer->generator = HEAP_NODE_NONE;
	writer->pending_hops = 0;
	snprintf(text, sizeof(text), " … %" PRIu64 " steps …", piece.hops);
	piece.text = mem_strdup(text);
	if (!piece.text || !piece_vector_push(&writer->ret->pieces, piece)) {
		mem_free(piece.text);
		writer->failed = true;
	}
}

/** Nodes of the path at both ends: those that are looked at. */
struct path_ends {
	node_id *nodes;
	node_id before; /* the tail, if there is one: that node's own parent */
	uint64_t hops, head,
		tail; /* of the whole path, and kept: head of them, a gap, tail of them */
};

// nodes[0] is the first root node; the tail starts with the node before its first hop.
static struct error *make_ends(uint64_t hops, struct path_ends *ret)
{
	struct path_ends ends = {.before = HEAP_NODE_NONE, .hops = hops};

	ends.head = hops <= 2 * END_HOPS ? hops : END_HOPS;
	ends.tail = hops <= 2 * END_HOPS ? 0 : END_HOPS;
	ends.nodes = mem_calloc(ends.head + ends.tail + 1, sizeof(*ends.nodes));
	if (!ends.nodes)
		return error_enomem();
	*ret = ends;
	return NULL;
}

static struct error *find_ends(const struct paths *paths, node_id node, struct path_ends *ret)
{
	struct path_ends ends = {0};
	uint64_t position = 0;
	struct error *err;

	for (node_id n = node; n != HEAP_ROOT; n = paths->parent[n])
		position++;
	err = make_ends(position, &ends);
	if (err)
		return err;
	for (node_id n = node; n != HEAP_ROOT; n = paths->parent[n]) {
		position--;
		if (position < ends.head)
			ends.nodes[position] = n;
		else if (position >= ends.hops - ends.tail - 1 && ends.tail)
			ends.nodes[ends.head + position - (ends.hops - ends.tail - 1)] = n;
	}
	if (ends.tail)
		ends.before = paths->parent[ends.nodes[ends.head]];
	*ret = ends;
	return NULL;
}

static struct error *copy_ends(const struct path_route *route, struct path_ends *ret)
{
	struct path_ends ends = {0};
	struct error *err = make_ends(route->count, &ends);

	if (err)
		return err;
	for (uint64_t i = 0; i < ends.head; i++)
		ends.nodes[i] = route->nodes[i];
	for (uint64_t i = 0; ends.tail && i <= ends.tail; i++)
		ends.nodes[ends.head + i] = route->nodes[ends.hops - ends.tail - 1 + i];
	if (ends.tail)
		ends.before = route->nodes[ends.hops - ends.tail - 2];
	*ret = ends;
	return NULL;
}

static void write_hops(struct writer *writer, const node_id *nodes, uint64_t count, bool is_end)
{
	for (uint64_t i = 1; i < count && !writer->failed; i++) {
		struct hop hop = {
			.from = nodes[i - 1],
			.to = nodes[i],
			.is_last = is_end && i + 1 == count,
		};

		hop.is_inferred = !path_read_label(writer->graph, hop.from, hop.to, &hop.label);
		write_hop(writer, &hop);
	}
}

// Releases the ends.
static struct error *write_path(const struct heap_graph *graph, const struct heap_root *root,
	struct path_ends *ends, struct path_pieces *ret)
{
	struct writer writer = {
		.graph = graph,
		.ret = ret,
		.function = HEAP_NODE_NONE,
		.generator = HEAP_NODE_NONE,
		.running = HEAP_NODE_NONE,
	};

	write_root(&writer, ends->nodes[0], root);
	write_hops(&writer, ends->nodes, ends->head, ends->tail == 0);
	if (ends->tail) {
		write_gap(&writer, ends->hops - ends->head - ends->tail, ends->before,
			ends->nodes[ends->head]);
		write_hops(&writer, ends->nodes + ends->head, ends->tail + 1, true);
	}
	mem_free(ends->nodes);
	if (!writer.failed)
		return NULL;
	path_pieces_deinit(ret);
	return error_enomem();
}

struct error *path_pieces_read(const struct paths *paths, node_id node, struct path_pieces *ret)
{
	struct path_ends ends;
	struct error *err = find_ends(paths, node, &ends);

	*ret = (struct path_pieces){0};
	if (err)
		return err;
	return write_path(paths->graph, path_best_root(paths->graph, ends.nodes[0]), &ends, ret);
}

struct error *path_pieces_of_route(
	const struct heap_graph *graph, const struct path_route *route, struct path_pieces *ret)
{
	struct path_ends ends;
	struct error *err = copy_ends(route, &ends);

	*ret = (struct path_pieces){0};
	return err ? err : write_path(graph, route->root, &ends, ret);
}

void path_pieces_deinit(struct path_pieces *pieces)
{
	for (size_t i = 0; i < pieces->pieces.count; i++) {
		mem_free(pieces->pieces.items[i].text);
		mem_free(pieces->pieces.items[i].step);
	}
	piece_vector_deinit(&pieces->pieces);
}
