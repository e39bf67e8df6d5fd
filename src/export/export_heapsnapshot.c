// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// As V8 12 writes it (src/profiler/heap-snapshot-generator.cc, HeapSnapshotJSONSerializer) and DevTools
// reads it (front_end/entrypoints/heap_snapshot_worker/HeapSnapshot.ts):
//
//	nodes    7 numbers each, the root first; ids are odd, as those of V8's heap objects
//	edges    3 numbers each, those of a node together, in the order of the nodes
//	strings  what names are numbers of
//
//	root -> (GC roots) -> a group for each kind of root -> objects
//
// There are no shortcuts from the root: for DevTools they are what a page owns, and what else refers to
// that would not count for retained sizes. What is unreachable hangs on weak references, which do not
// count either.
#include "export/export_heap.h"

#include "base/error.h"
#include "base/text_table.h"
#include "export/json_stream.h"

#include <inttypes.h>

#define NODE_FIELDS 7u
#define EDGE_FIELDS 3u

// Readers keep all numbers in 32 bits.
#define NODES_MAX (UINT32_MAX / NODE_FIELDS)
#define EDGES_MAX (UINT32_MAX / EDGE_FIELDS)

// Indices into the words of "node_types" and "edge_types" below.
enum node_type { NODE_OBJECT = 3, NODE_CODE = 4, NODE_CLOSURE = 5, NODE_SYNTHETIC = 9 };
enum edge_type {
	EDGE_CONTEXT = 0,
	EDGE_ELEMENT = 1,
	EDGE_PROPERTY = 2,
	EDGE_INTERNAL = 3,
	EDGE_HIDDEN = 4,
	EDGE_WEAK = 6,
};

static const char meta[] =
	"\"meta\":{\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\",\"edge_count\","
	"\"trace_node_id\",\"detachedness\"],\n"
	"\"node_types\":[[\"hidden\",\"array\",\"string\",\"object\",\"code\",\"closure\","
	"\"regexp\",\"number\",\"native\",\"synthetic\",\"concatenated string\","
	"\"sliced string\",\"symbol\",\"bigint\",\"object shape\"],\"string\",\"number\","
	"\"number\",\"number\",\"number\",\"number\"],\n"
	"\"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],\n"
	"\"edge_types\":[[\"context\",\"element\",\"property\",\"internal\",\"hidden\","
	"\"shortcut\",\"weak\"],\"string_or_number\",\"node\"],\n"
	"\"trace_function_info_fields\":[\"function_id\",\"name\",\"script_name\","
	"\"script_id\",\"line\",\"column\"],\n"
	"\"trace_node_fields\":[\"id\",\"function_info_index\",\"count\",\"size\","
	"\"children\"],\n"
	"\"sample_fields\":[\"timestamp_us\",\"last_assigned_id\"],\n"
	"\"location_fields\":[\"object_index\",\"script_id\",\"line\",\"column\"]}";

// Nodes that are not objects come first. The groups are in the order of enum heap_root_kind.
static const char *const groups[] = {
	[HEAP_ROOT_MODULES] = "(modules)",
	[HEAP_ROOT_FRAME] = "(running frames)",
	[HEAP_ROOT_THREAD] = "(thread states)",
	[HEAP_ROOT_INTERPRETER] = "(interpreter state)",
	[HEAP_ROOT_C_GLOBAL] = "(C globals)",
	[HEAP_ROOT_STATIC] = "(static objects)",
	[HEAP_ROOT_STACK] = "(C stacks)",
	[HEAP_ROOT_UNEXPLAINED] = "(held by C code)",
};
#define ROOT_KINDS   (sizeof(groups) / sizeof(*groups))
#define GROUP_COUNT  (ROOT_KINDS + 1) /* the last: what is unreachable */
#define GROUP_FIRST  2
#define OBJECT_FIRST (GROUP_FIRST + (uint32_t)GROUP_COUNT)

struct writer {
	const struct export_input *input;
	const struct heap_graph *graph;
	FILE *out;
	struct text_table strings;
	uint64_t group_edges[GROUP_COUNT];
	const char *between; /* what comes before the next item of an array */
	bool failed;
};

static uint32_t ordinal_of(node_id node)
{
	return node - 1 + OBJECT_FIRST;
}

static uint32_t add_string(struct writer *writer, const char *text)
{
	uint32_t number = text_table_add(&writer->strings, text);

	writer->failed |= number == TEXT_TABLE_NONE;
	return number;
}

static void write_node(struct writer *writer, enum node_type type, const char *name,
	uint32_t ordinal, uint64_t size, uint64_t edge_count)
{
	fprintf(writer->out, "%s%d,%u,%u,%" PRIu64 ",%" PRIu64 ",0,0", writer->between, (int)type,
		add_string(writer, name), 2 * ordinal + 1, size, edge_count);
	writer->between = "\n,";
}

static void write_edge(
	struct writer *writer, enum edge_type type, uint32_t name_or_index, uint32_t to)
{
	fprintf(writer->out, "%s%d,%u,%u", writer->between, (int)type, name_or_index,
		to * NODE_FIELDS);
	writer->between = "\n,";
}

// DevTools' classes are the names of objects: a type's own objects are one class.
static enum node_type name_object(
	const struct heap_graph *graph, node_id node, char *ret, size_t size)
{
	static const struct {
		enum node_type type;
		const char *format; /* NULL: no name of its own is shown */
	} roles[] = {
		[HEAP_TYPE_TYPE] = {NODE_OBJECT, "class "},
		[HEAP_TYPE_MODULE] = {NODE_OBJECT, "module "},
		[HEAP_TYPE_FUNCTION] = {NODE_CLOSURE, ""},
		[HEAP_TYPE_CODE] = {NODE_CODE, ""},
		[HEAP_TYPE_INSTANCE] = {0, NULL},
	};
	const struct heap_type *type = &graph->types[heap_type_of(graph, node)];
	enum node_type its = roles[type->role].type ? roles[type->role].type : NODE_OBJECT;
	char name[512] = "";

	if (roles[type->role].format && graph->naming.name)
		graph->naming.name(graph->naming.context, node, name, sizeof(name));
	if (*name)
		snprintf(ret, size, "%s%s", roles[type->role].format, name);
	else
		snprintf(ret, size, "%s", type->name);
	return its;
}

static void write_object(struct writer *writer, node_id node)
{
	uint64_t size = heap_size_of(writer->graph, node);
	char name[640], sized[700];
	enum node_type type = name_object(writer->graph, node, name, sizeof(name));
	uint32_t edge_count;

	heap_edges_of(writer->graph, node, &edge_count);
	if (size > UINT32_MAX) {
		snprintf(sized, sizeof(sized), "%s (%" PRIu64 " bytes)", name, size);
		write_node(writer, type, sized, ordinal_of(node), UINT32_MAX, edge_count);
	} else {
		write_node(writer, type, name, ordinal_of(node), size, edge_count);
	}
}

static void write_nodes(struct writer *writer)
{
	fputs("\"nodes\":[", writer->out);
	writer->between = "";
	write_node(writer, NODE_SYNTHETIC, "", 0, 0, 1);
	write_node(writer, NODE_SYNTHETIC, "(GC roots)", 1, 0, GROUP_COUNT);
	for (uint32_t i = 0; i < GROUP_COUNT; i++)
		write_node(writer, NODE_SYNTHETIC, i < ROOT_KINDS ? groups[i] : "(unreachable)",
			GROUP_FIRST + i, 0, writer->group_edges[i]);
	for (node_id node = 1; node < writer->graph->node_count; node++) {
		if (export_is_over(writer->input, writer->out, node))
			break;
		write_object(writer, node);
	}
	fputs("],\n", writer->out);
}

static void write_reference(struct writer *writer, node_id from, uint32_t index, uint32_t to)
{
	const struct heap_naming *naming = &writer->graph->naming;
	struct heap_label label = {0};
	char key[sizeof(label.text) + 2];

	if (naming->label)
		naming->label(naming->context, from, index, &label);
	switch (label.kind) {
	case HEAP_LABEL_INDEX:
		index = label.index < UINT32_MAX ? (uint32_t)label.index : index;
		// fall through
	case HEAP_LABEL_ITEM:
		write_edge(writer, EDGE_ELEMENT, index, to);
		return;
	case HEAP_LABEL_KEY:
		snprintf(key, sizeof(key), "[%s]", label.text);
		write_edge(writer, EDGE_PROPERTY, add_string(writer, key), to);
		return;
	case HEAP_LABEL_ATTRIBUTE:
	case HEAP_LABEL_SLOT:
		write_edge(writer, EDGE_PROPERTY, add_string(writer, label.text), to);
		return;
	case HEAP_LABEL_CELL:
	case HEAP_LABEL_LOCAL:
		write_edge(writer, EDGE_CONTEXT, add_string(writer, label.text), to);
		return;
	case HEAP_LABEL_FIELD:
		write_edge(writer, EDGE_INTERNAL, add_string(writer, label.text), to);
		return;
	case HEAP_LABEL_KEY_OBJECT:
		write_edge(writer, EDGE_INTERNAL, add_string(writer, "key"), to);
		return;
	case HEAP_LABEL_STACK:
		write_edge(writer, EDGE_INTERNAL, add_string(writer, "value stack"), to);
		return;
	case HEAP_LABEL_NONE:
		break;
	}
	write_edge(writer, EDGE_HIDDEN, index, to);
}

static void write_roots(struct writer *writer, enum heap_root_kind kind)
{
	const struct heap_graph *graph = writer->graph;
	uint32_t index = 0;

	for (size_t i = 0; i < graph->root_count; i++) {
		const struct heap_root *root = &graph->roots[i];
		uint32_t to = ordinal_of(root->node);

		if (root->kind != kind)
			continue;
		if (root->name)
			write_edge(writer, EDGE_INTERNAL, add_string(writer, root->name), to);
		else
			write_edge(writer, EDGE_ELEMENT, index, to);
		index++;
	}
}

static bool is_reachable(const struct writer *writer, node_id node)
{
	return dominators_is_reachable(writer->input->dominators, node);
}

static void write_unreachable(struct writer *writer)
{
	uint32_t name = add_string(writer, "unreachable");

	for (node_id node = 1; node < writer->graph->node_count; node++) {
		if (!is_reachable(writer, node))
			write_edge(writer, EDGE_WEAK, name, ordinal_of(node));
	}
}

static void write_edges(struct writer *writer)
{
	fputs("\"edges\":[", writer->out);
	writer->between = "";
	write_edge(writer, EDGE_ELEMENT, 1, 1);
	for (uint32_t i = 0; i < GROUP_COUNT; i++)
		write_edge(writer, EDGE_ELEMENT, i + 1, GROUP_FIRST + i);
	for (uint32_t kind = 0; kind < ROOT_KINDS; kind++)
		write_roots(writer, (enum heap_root_kind)kind);
	write_unreachable(writer);
	for (node_id node = 1; node < writer->graph->node_count; node++) {
		uint32_t count;
		const uint32_t *edges = heap_edges_of(writer->graph, node, &count);

		if (export_is_over(writer->input, writer->out, node))
			break;
		for (uint32_t i = 0; i < count; i++)
			write_reference(writer, node, i, ordinal_of(edges[i] & HEAP_EDGE_NODE));
	}
	fputs("],\n", writer->out);
}

static void write_strings(struct writer *writer)
{
	fputs("\"strings\":[", writer->out);
	for (uint32_t i = 0; i < writer->strings.count; i++) {
		if (i > 0)
			fputs("\n,", writer->out);
		json_stream_text(writer->out, text_table_get(&writer->strings, i));
	}
	fputs("]}\n", writer->out);
}

static struct error *count(struct writer *writer, uint64_t *ret_nodes, uint64_t *ret_edges)
{
	const struct heap_graph *graph = writer->graph;
	uint64_t nodes = OBJECT_FIRST + (uint64_t)graph->node_count - 1;
	uint64_t edges = 1 + GROUP_COUNT + graph->root_count + graph->edge_count;

	for (size_t i = 0; i < graph->root_count; i++)
		writer->group_edges[graph->roots[i].kind]++;
	for (node_id node = 1; node < graph->node_count; node++)
		writer->group_edges[ROOT_KINDS] += !is_reachable(writer, node);
	edges += writer->group_edges[ROOT_KINDS];
	if (nodes > NODES_MAX || edges > EDGES_MAX)
		return error_create(ERROR_UNSUPPORTED,
			"%" PRIu64 " objects with %" PRIu64 " references are too many for a "
			"heapsnapshot, whose readers count with 32 bits; ndjson has no such limit",
			nodes, edges);
	*ret_nodes = nodes;
	*ret_edges = edges;
	return NULL;
}

struct error *export_heapsnapshot(const struct export_input *input, FILE *out)
{
	struct writer writer = {.input = input, .graph = input->graph, .out = out};
	uint64_t nodes = 0, edges = 0;
	struct error *err = count(&writer, &nodes, &edges);

	if (err)
		return err;
	// V8's first string is a dummy, and nothing is called by it.
	add_string(&writer, "<dummy>");
	fprintf(out,
		"{\"snapshot\":{%s,\n\"node_count\":%" PRIu64 ",\"edge_count\":%" PRIu64
		",\"trace_function_count\":0},\n",
		meta, nodes, edges);
	write_nodes(&writer);
	write_edges(&writer);
	fputs("\"trace_function_infos\":[],\"trace_tree\":[],\"samples\":[],\"locations\":[],\n",
		out);
	write_strings(&writer);
	text_table_deinit(&writer.strings);
	return writer.failed ? error_enomem() : NULL;
}
