// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/path_tree.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/string_builder.h"
#include "base/vector.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// A path is read from the root on and turned into pieces (".cache", "['users']"); equal pieces in a
// row are folded; what is too long loses its middle.

// Labels are expensive. Of a longer path only both ends are looked at; what is between is taken for
// more of the same if the ends agree.
#define END_HOPS 256

// From so many repetitions on a chain is folded.
#define FOLD_MIN 4

// Bytes of the whole text, and of one piece.
#define TEXT_MAX_BYTES  200
#define PIECE_MAX_BYTES 100

// Steps that are kept at each end.
#define END_STEPS 20

// Of several edges between two nodes so many are asked for their labels.
#define CANDIDATES_MAX 8

/** What is written for one hop, or for several. */
struct piece {
	char *text; /* as it follows the text before: ".cache" */
	char *step; /* on its own: "cache"; NULL: text without a leading dot */
	uint64_t hops;
	bool is_gap; /* hops that were not looked at */
};

DEFINE_VECTOR(piece_vector, struct piece)

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
	struct piece_vector pieces;
	uint64_t pending_hops; /* those that nothing was written for yet */
	bool is_namespace;     /* in a __dict__: keys are attributes */
	bool is_in_modules;    /* in sys.modules: the key is a module */
	enum closure_state closure;
	node_id function, generator; /* whose closure, whose frame; else HEAP_NODE_NONE */
	char variable[128];
	bool is_user_code, is_named, failed;
};

/** CPython's names of fields that Python code knows by another. */
static const struct {
	const char *field, *name;
} field_names[] = {
	{"func_closure", "__closure__"},
	{"func_code", "__code__"},
	{"func_defaults", "__defaults__"},
	{"func_dict", "__dict__"},
	{"func_globals", "__globals__"},
	{"func_kwdefaults", "__kwdefaults__"},
	{"func_annotations", "__annotations__"},
	{"im_func", "__func__"},
	{"im_self", "__self__"},
	{"m_self", "__self__"},
	{"m_module", "__module__"},
	{"md_dict", "__dict__"},
	{"ob_ref", "cell_contents"},
	{"ob_type", "__class__"},
	{"tp_base", "__base__"},
	{"tp_bases", "__bases__"},
	{"tp_dict", "__dict__"},
	{"tp_mro", "__mro__"},
	{"tp_subclasses", "__subclasses__"},
	{"wr_callback", "__callback__"},
};

static const char *name_of_field(const char *field)
{
	for (size_t i = 0; i < sizeof(field_names) / sizeof(*field_names); i++) {
		if (strcmp(field_names[i].field, field) == 0)
			return field_names[i].name;
	}
	return field;
}

static void cleanup_writer(struct writer *writer)
{
	for (size_t i = 0; i < writer->pieces.count; i++) {
		mem_free(writer->pieces.items[i].text);
		mem_free(writer->pieces.items[i].step);
	}
	piece_vector_deinit(&writer->pieces);
}

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
	if (!piece.text || !piece_vector_push(&writer->pieces, piece)) {
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
	writer->pieces.items[writer->pieces.count - 1].step = step;
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

/** 'abc' to abc, if it is that simple. */
static bool unquote_name(const char *key, bool with_dots, char *ret, size_t size)
{
	size_t length;

	// Python 2 writes u'abc'.
	if (*key == 'u')
		key++;
	length = strlen(key);
	if (length < 3 || length - 2 >= size || (*key != '\'' && *key != '"') ||
		key[length - 1] != *key || isdigit((unsigned char)key[1]))
		return false;
	for (size_t i = 1; i < length - 1; i++) {
		unsigned char c = (unsigned char)key[i];

		if (!isalnum(c) && c != '_' && c < 0x80 && !(with_dots && c == '.'))
			return false;
	}
	memcpy(ret, key + 1, length - 2);
	ret[length - 2] = '\0';
	return true;
}

static void write_module(struct writer *writer, const struct hop *hop)
{
	const char *key = hop->label.kind == HEAP_LABEL_KEY ? hop->label.text : "";
	char name[256], quoted[300];

	if (!unquote_name(key, true, name, sizeof(name)))
		get_name(writer->graph, hop->to, name, sizeof(name));
	snprintf(quoted, sizeof(quoted), "'%s'", name);
	writer->is_user_code = path_is_user_module(writer->graph, hop->to);
	writer->pieces.count--;
	mem_free(writer->pieces.items[writer->pieces.count].text);
	if (*name)
		write_piece(writer, "%s", name);
	else
		write_piece(writer, "sys.modules[%s]", *key ? key : "…");
	write_step(writer, "sys.modules[%s]", *key ? key : *name ? quoted : "…");
}

/** The root that the path starts from. */
static const struct heap_root *choose_root(const struct heap_graph *graph, node_id node)
{
	size_t first, end = heap_graph_roots_of(graph, node, &first);
	size_t best = first;

	for (size_t i = first; i < end; i++) {
		if (path_root_cost(&graph->roots[i]) < path_root_cost(&graph->roots[best]))
			best = i;
	}
	return first < end ? &graph->roots[best] : NULL;
}

static void write_root(struct writer *writer, node_id node)
{
	static const struct {
		const char *name;
		bool needs_type, is_named; /* named by its kind alone */
	} kinds[] = {
		[HEAP_ROOT_MODULES] = {"sys.modules", false, true},
		[HEAP_ROOT_FRAME] = {"local variable", true, false},
		[HEAP_ROOT_THREAD] = {"thread state", true, false},
		[HEAP_ROOT_INTERPRETER] = {"interpreter state", true, false},
		[HEAP_ROOT_C_GLOBAL] = {"C global", true, false},
		[HEAP_ROOT_STATIC] = {"static", true, true},
		[HEAP_ROOT_STACK] = {"C stack", true, false},
		[HEAP_ROOT_UNEXPLAINED] = {"held by C code", true, false},
	};
	const struct heap_root *root = choose_root(writer->graph, node);
	enum heap_root_kind kind = root ? root->kind : HEAP_ROOT_UNEXPLAINED;
	char name[256];

	get_name(writer->graph, node, name, sizeof(name));
	writer->is_named = kinds[kind].is_named || (root && root->name);
	if (kind == HEAP_ROOT_STACK || kind == HEAP_ROOT_UNEXPLAINED)
		writer->is_named = false;
	writer->is_in_modules = kind == HEAP_ROOT_MODULES;
	writer->is_user_code =
		kind == HEAP_ROOT_FRAME && root->file && !paths_is_library_file(root->file);
	if (root && root->name && kind != HEAP_ROOT_UNEXPLAINED)
		write_piece(writer, "%s", root->name);
	else if (root && root->name)
		write_piece(writer, "%s: %s", kinds[kind].name, root->name);
	else if (kinds[kind].needs_type)
		write_piece(writer, "%s: %s", kinds[kind].name,
			*name ? name : type_name(writer->graph, node));
	else
		write_piece(writer, "%s", kinds[kind].name);
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
	bool has_name = hop->label.kind == HEAP_LABEL_CELL && *hop->label.text;

	if (has_name)
		snprintf(writer->variable, sizeof(writer->variable), "%s", hop->label.text);
	else if (writer->closure == CLOSURE_TUPLE)
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
	const char *name = name_of_field(hop->label.text);

	if (!hop->is_last && strcmp(name, "__dict__") == 0) {
		writer->is_namespace = true;
		writer->pending_hops++;
	} else if (!hop->is_last && strcmp(name, "__closure__") == 0) {
		writer->closure = CLOSURE_TUPLE;
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

static void write_local(struct writer *writer, const struct hop *hop)
{
	node_id generator = writer->generator != HEAP_NODE_NONE ? writer->generator : hop->from;
	const char *type = type_name(writer->graph, generator);
	char name[256];

	get_name(writer->graph, generator, name, sizeof(name));
	if (hop->label.kind == HEAP_LABEL_STACK) {
		write_piece(writer, " <%s %s> stack", type, name);
		write_step(writer, "value stack of %s %s", type, name);
	} else {
		write_piece(writer, " <%s %s>.%s", type, name, hop->label.text);
		write_step(writer, "local %s of %s %s", hop->label.text, type, name);
	}
}

static void write_key(struct writer *writer, const struct hop *hop, bool is_namespace)
{
	char name[128];

	if (is_namespace && unquote_name(hop->label.text, false, name, sizeof(name)))
		write_piece(writer, ".%s", name);
	else
		write_piece(writer, "[%s]", *hop->label.text ? hop->label.text : "…");
}

static void write_hop(struct writer *writer, const struct hop *hop)
{
	const char *text = hop->label.text;
	bool is_namespace = writer->is_namespace, is_in_modules = writer->is_in_modules;

	writer->is_namespace = writer->is_in_modules = false;
	if (hop->is_inferred || hop->label.kind == HEAP_LABEL_NONE)
		writer->is_named = false;
	if (is_in_modules && hop->label.kind != HEAP_LABEL_KEY_OBJECT) {
		write_module(writer, hop);
		return;
	}
	if (writer->closure != CLOSURE_NONE) {
		write_closure_hop(writer, hop);
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

/** Find the edge between two nodes that reads best. */
static void read_label(const struct heap_graph *graph, struct hop *hop)
{
	const struct heap_naming *naming = &graph->naming;
	unsigned candidates = 0, best = UINT_MAX;
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, hop->from, &count);

	for (uint32_t i = 0; i < count && candidates < CANDIDATES_MAX; i++) {
		struct heap_label label = {.kind = HEAP_LABEL_NONE};
		bool is_inferred = edges[i] & HEAP_EDGE_INFERRED;
		unsigned rank;

		if ((edges[i] & HEAP_EDGE_NODE) != hop->to)
			continue;
		candidates++;
		if (naming->label)
			naming->label(naming->context, hop->from, i, &label);
		rank = rank_label(label.kind) + (is_inferred ? 10 : 0);
		if (rank < best) {
			best = rank;
			hop->label = label;
			hop->is_inferred = is_inferred;
		}
	}
}

/** Leave out hops, of which the last leads from @p before to @p last. */
static void write_gap(struct writer *writer, uint64_t hops, node_id before, node_id last)
{
	struct piece piece = {.is_gap = true, .hops = writer->pending_hops + hops};
	struct hop hop = {.from = before, .to = last};
	char text[64];

	// Only the last hop matters to what follows.
	read_label(writer->graph, &hop);
	writer->is_namespace = hop.label.kind == HEAP_LABEL_FIELD &&
			       strcmp(name_of_field(hop.label.text), "__dict__") == 0;
	writer->closure = CLOSURE_NONE;
	writer->generator = HEAP_NODE_NONE;
	writer->pending_hops = 0;
	snprintf(text, sizeof(text), " … %" PRIu64 " steps …", piece.hops);
	piece.text = mem_strdup(text);
	if (!piece.text || !piece_vector_push(&writer->pieces, piece)) {
		mem_free(piece.text);
		writer->failed = true;
	}
}

/** Nodes of the path at both ends: those that are looked at. */
struct path_ends {
	node_id *nodes;
	uint64_t hops, head,
		tail; /* of the whole path, and kept: head of them, a gap, tail of them */
};

static struct error *find_ends(const struct paths *paths, node_id node, struct path_ends *ret)
{
	struct path_ends ends = {0};
	uint64_t position;

	for (node_id n = node; n != HEAP_ROOT; n = paths->parent[n])
		ends.hops++;
	ends.head = ends.hops <= 2 * END_HOPS ? ends.hops : END_HOPS;
	ends.tail = ends.hops <= 2 * END_HOPS ? 0 : END_HOPS;
	ends.nodes = mem_calloc(ends.head + ends.tail + 1, sizeof(*ends.nodes));
	if (!ends.nodes)
		return error_enomem();
	// nodes[0] is the first root node; the tail starts with the node before its first hop.
	position = ends.hops;
	for (node_id n = node; n != HEAP_ROOT; n = paths->parent[n]) {
		position--;
		if (position < ends.head)
			ends.nodes[position] = n;
		else if (position >= ends.hops - ends.tail - 1 && ends.tail)
			ends.nodes[ends.head + position - (ends.hops - ends.tail - 1)] = n;
	}
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

		read_label(writer->graph, &hop);
		write_hop(writer, &hop);
	}
}

static struct error *write_path(const struct paths *paths, node_id node, struct writer *writer)
{
	struct path_ends ends = {0};
	struct error *error = find_ends(paths, node, &ends);

	if (error)
		return error;
	write_root(writer, ends.nodes[0]);
	write_hops(writer, ends.nodes, ends.head, ends.tail == 0);
	if (ends.tail) {
		write_gap(writer, ends.hops - ends.head - ends.tail,
			paths->parent[ends.nodes[ends.head]], ends.nodes[ends.head]);
		write_hops(writer, ends.nodes + ends.head, ends.tail + 1, true);
	}
	mem_free(ends.nodes);
	return writer->failed ? error_enomem() : NULL;
}

// Folding.

static bool is_repeat(const struct piece_vector *pieces, size_t a, size_t b, size_t period)
{
	if (a + period > pieces->count || b + period > pieces->count)
		return false;
	for (size_t i = 0; i < period; i++) {
		if (pieces->items[a + i].is_gap || pieces->items[b + i].is_gap ||
			strcmp(pieces->items[a + i].text, pieces->items[b + i].text) != 0)
			return false;
	}
	return true;
}

/** Where repetitions go on after a gap that begins among the next ones; 0 if they do not. */
static size_t find_after_gap(
	const struct piece_vector *pieces, size_t first, size_t next, size_t period)
{
	size_t gap = next;

	while (gap < next + period && gap < pieces->count && !pieces->items[gap].is_gap)
		gap++;
	if (gap >= pieces->count || !pieces->items[gap].is_gap)
		return 0;
	// The gap may have cut one of them into two.
	for (size_t after = gap + 1; after <= gap + 2 * period; after++) {
		if (is_repeat(pieces, first, after, period))
			return after;
	}
	return 0;
}

/** How often the @p period pieces at @p first are repeated; across a gap too, if they go on after
 * it. */
static uint64_t count_repeats(
	const struct piece_vector *pieces, size_t first, size_t period, size_t *ret_end)
{
	uint64_t repeats = 1, hops = 0;
	size_t next = first + period, after;

	for (size_t i = 0; i < period; i++)
		hops += pieces->items[first + i].hops;
	for (;;) {
		if (is_repeat(pieces, first, next, period)) {
			repeats++;
			next += period;
		} else if (repeats >= FOLD_MIN &&
			   (after = find_after_gap(pieces, first, next, period))) {
			uint64_t skipped = 0;

			while (next < after)
				skipped += pieces->items[next++].hops;
			repeats += skipped / hops;
		} else {
			break;
		}
	}
	*ret_end = next;
	return repeats;
}

/** Replace @p pieces[first, end) by one, of @p period pieces repeated. */
static bool fold_pieces(
	struct piece_vector *pieces, size_t first, size_t end, size_t period, uint64_t repeats)
{
	_cleanup_(string_builder_deinit)
	struct string_builder text = {0}, step = {0};
	struct piece folded = {0};

	string_builder_add(&text, "…");
	for (size_t i = 0; i < period; i++) {
		const char *part = pieces->items[first + i].text;

		string_builder_add(&text, part);
		string_builder_add(&step, i == 0 && *part == '.' ? part + 1 : part);
	}
	string_builder_add_format(&text, " ×%" PRIu64, repeats);
	string_builder_add_format(&step, " ×%" PRIu64, repeats);
	folded.text = string_builder_finish(&text);
	folded.step = string_builder_finish(&step);
	for (size_t i = first; i < end; i++) {
		mem_free(pieces->items[i].text);
		mem_free(pieces->items[i].step);
	}
	pieces->items[first] = folded;
	memmove(&pieces->items[first + 1], &pieces->items[end],
		(pieces->count - end) * sizeof(*pieces->items));
	pieces->count -= end - first - 1;
	return folded.text && folded.step;
}

static bool fold_repeats(struct piece_vector *pieces)
{
	for (size_t first = 1; first < pieces->count; first++) {
		for (size_t period = 1; period <= 2 && first + period <= pieces->count; period++) {
			size_t end;
			uint64_t repeats;

			if (pieces->items[first].is_gap)
				break;
			repeats = count_repeats(pieces, first, period, &end);
			if (repeats < FOLD_MIN)
				continue;
			if (!fold_pieces(pieces, first, end, period, repeats))
				return false;
			break;
		}
	}
	return true;
}

// The description.

/** The greatest length up to @p limit that does not cut a character in two. */
static size_t cut_utf8(const char *text, size_t limit)
{
	size_t length = strlen(text);

	if (length <= limit)
		return length;
	while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80)
		limit--;
	return limit;
}

static void add_piece(struct string_builder *text, const struct piece *piece)
{
	size_t length = cut_utf8(piece->text, PIECE_MAX_BYTES);

	string_builder_add_bytes(text, piece->text, length);
	if (piece->text[length])
		string_builder_add(text, "…");
}

static size_t piece_bytes(const struct piece *piece)
{
	size_t length = strlen(piece->text);

	return length <= PIECE_MAX_BYTES ? length : PIECE_MAX_BYTES + strlen("…");
}

/** All pieces, or as many from both ends as there is room for. */
static char *join_text(const struct piece_vector *pieces)
{
	_cleanup_(string_builder_deinit)
	struct string_builder text = {0};
	size_t total = 0, head = 1, tail = pieces->count, used;

	for (size_t i = 0; i < pieces->count; i++)
		total += piece_bytes(&pieces->items[i]);
	if (total > TEXT_MAX_BYTES) {
		used = piece_bytes(&pieces->items[0]) + strlen("…");
		// The end says what it is, the beginning whose: the end may have what is left.
		while (head < tail &&
			used + piece_bytes(&pieces->items[head]) <= TEXT_MAX_BYTES / 2)
			used += piece_bytes(&pieces->items[head++]);
		while (tail > head &&
			used + piece_bytes(&pieces->items[tail - 1]) <= TEXT_MAX_BYTES)
			used += piece_bytes(&pieces->items[--tail]);
	} else {
		head = pieces->count;
	}
	for (size_t i = 0; i < head; i++)
		add_piece(&text, &pieces->items[i]);
	if (head < tail)
		string_builder_add(&text, "…");
	for (size_t i = tail; i < pieces->count; i++)
		add_piece(&text, &pieces->items[i]);
	return string_builder_finish(&text);
}

static char *make_step(const struct piece *piece)
{
	const char *text = piece->step ? piece->step : piece->text;

	size_t length;

	while (!piece->step && (*text == '.' || *text == ' '))
		text++;
	length = cut_utf8(text, TEXT_MAX_BYTES);
	return mem_strndup(text, length);
}

static bool make_steps(const struct piece_vector *pieces, struct path_description *description)
{
	size_t count = pieces->count, head = count;
	char text[64];

	if (count > 2 * END_STEPS + 1)
		head = END_STEPS;
	description->steps = mem_calloc(count, sizeof(*description->steps));
	if (!description->steps)
		return false;
	for (size_t i = 0; i < count; i++) {
		char **step = &description->steps[description->step_count];

		if (i == head) {
			snprintf(text, sizeof(text), "… %zu steps …", count - 2 * END_STEPS);
			i = count - END_STEPS - 1;
			*step = mem_strdup(text);
		} else {
			*step = make_step(&pieces->items[i]);
		}
		if (!*step)
			return false;
		description->step_count++;
	}
	return true;
}

/** After these an attribute would look like part of the name. */
static bool needs_space(const struct heap_graph *graph, node_id first)
{
	const struct heap_root *root = choose_root(graph, first);

	return !root || (root->kind != HEAP_ROOT_MODULES && root->kind != HEAP_ROOT_FRAME);
}

static bool separate_root(struct writer *writer)
{
	struct piece *piece = writer->pieces.items + 1;
	char text[LINE_MAX];
	char *separated;

	if (writer->pieces.count < 2 || *piece->text == ' ')
		return true;
	snprintf(text, sizeof(text), " %s", piece->text);
	separated = mem_strdup(text);
	if (!separated)
		return false;
	if (!piece->step)
		piece->step = take(piece->text);
	if (*piece->step == '.')
		memmove(piece->step, piece->step + 1, strlen(piece->step));
	mem_free(piece->text);
	piece->text = separated;
	return true;
}

static struct error *describe_unreachable(struct path_description *ret)
{
	struct path_description description = {.text = mem_strdup("unreachable")};

	if (!description.text)
		return error_enomem();
	*ret = description;
	return NULL;
}

struct error *paths_describe(const struct paths *paths, node_id node, struct path_description *ret)
{
	_cleanup_(writer)
	struct writer writer = {
		.graph = paths->graph,
		.function = HEAP_NODE_NONE,
		.generator = HEAP_NODE_NONE,
	};
	struct path_description description = {0};
	struct error *error;
	node_id first = node;

	if (node == HEAP_ROOT || paths->parent[node] == HEAP_NODE_NONE)
		return describe_unreachable(ret);
	error = write_path(paths, node, &writer);
	if (error)
		return error;
	while (paths->parent[first] != HEAP_ROOT)
		first = paths->parent[first];
	if (!fold_repeats(&writer.pieces) ||
		(needs_space(paths->graph, first) && !separate_root(&writer)))
		return error_enomem();
	description.is_user_code = writer.is_user_code;
	description.is_named = writer.is_named;
	description.text = join_text(&writer.pieces);
	if (!description.text || !make_steps(&writer.pieces, &description)) {
		path_description_deinit(&description);
		return error_enomem();
	}
	*ret = description;
	return NULL;
}

void path_description_deinit(struct path_description *description)
{
	for (size_t i = 0; i < description->step_count; i++)
		mem_free(description->steps[i]);
	mem_free(description->steps);
	mem_free(description->text);
	*description = (struct path_description){0};
}
