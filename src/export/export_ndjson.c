// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "export/export_heap.h"

#include "base/error.h"
#include "export/json_stream.h"

#include <inttypes.h>

static const char *const label_kinds[] = {
	[HEAP_LABEL_NONE] = "unknown",
	[HEAP_LABEL_FIELD] = "field",
	[HEAP_LABEL_ATTRIBUTE] = "attribute",
	[HEAP_LABEL_KEY] = "key",
	[HEAP_LABEL_KEY_OBJECT] = "key_object",
	[HEAP_LABEL_INDEX] = "index",
	[HEAP_LABEL_ITEM] = "item",
	[HEAP_LABEL_CELL] = "cell",
	[HEAP_LABEL_LOCAL] = "local",
	[HEAP_LABEL_SLOT] = "slot",
	[HEAP_LABEL_STACK] = "stack",
};

static const char *const root_kinds[] = {
	[HEAP_ROOT_MODULES] = "modules",
	[HEAP_ROOT_FRAME] = "frame",
	[HEAP_ROOT_THREAD] = "thread",
	[HEAP_ROOT_INTERPRETER] = "interpreter",
	[HEAP_ROOT_C_GLOBAL] = "c_global",
	[HEAP_ROOT_STATIC] = "static",
	[HEAP_ROOT_STACK] = "c_stack",
	[HEAP_ROOT_UNEXPLAINED] = "unexplained",
};

static void put_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, ",\"%s\":", key);
	json_stream_text(out, text);
}

static void write_name(const struct heap_graph *graph, node_id node, FILE *out)
{
	char name[512] = "";

	if (graph->naming.name)
		graph->naming.name(graph->naming.context, node, name, sizeof(name));
	if (*name)
		put_text(out, "name", name);
}

static void write_roots(const struct heap_graph *graph, node_id node, FILE *out)
{
	size_t first, end = heap_graph_roots_of(graph, node, &first);

	fputs(",\"roots\":[", out);
	for (size_t i = first; i < end; i++) {
		fprintf(out, "%s{\"kind\":\"%s\"", i > first ? "," : "",
			root_kinds[graph->roots[i].kind]);
		if (graph->roots[i].name)
			put_text(out, "name", graph->roots[i].name);
		putc('}', out);
	}
	putc(']', out);
}

static void write_edge(
	const struct heap_graph *graph, node_id node, uint32_t index, uint32_t edge, FILE *out)
{
	struct heap_label label = {0};

	if (graph->naming.label)
		graph->naming.label(graph->naming.context, node, index, &label);
	fprintf(out, "%s{\"to\":%u,\"kind\":\"%s\"", index ? "," : "", edge & HEAP_EDGE_NODE,
		label_kinds[label.kind]);
	if (label.kind == HEAP_LABEL_INDEX)
		fprintf(out, ",\"index\":%" PRIu64, label.index);
	else if (*label.text)
		put_text(out, "name", label.text);
	if (edge & HEAP_EDGE_INFERRED)
		fputs(",\"inferred\":true", out);
	putc('}', out);
}

static void write_object(const struct export_input *input, node_id node, FILE *out)
{
	const struct heap_graph *graph = input->graph;
	uint32_t count;
	const uint32_t *edges = heap_edges_of(graph, node, &count);
	bool is_reachable = dominators_is_reachable(input->dominators, node);

	fprintf(out, "{\"id\":%u", node);
	if (graph->naming.address)
		fprintf(out, ",\"address\":\"0x%" PRIx64 "\"",
			graph->naming.address(graph->naming.context, node));
	put_text(out, "type", graph->types[heap_type_of(graph, node)].name);
	write_name(graph, node, out);
	fprintf(out, ",\"size\":%" PRIu64 ",\"retained\":%" PRIu64 ",\"reachable\":%s",
		heap_size_of(graph, node), dominators_retained(input->dominators, node),
		is_reachable ? "true" : "false");
	if (is_reachable)
		fprintf(out, ",\"dominator\":%u", input->dominators->idom[node]);
	write_roots(graph, node, out);
	fputs(",\"edges\":[", out);
	for (uint32_t i = 0; i < count; i++)
		write_edge(graph, node, i, edges[i], out);
	fputs("]}\n", out);
}

struct error *export_ndjson(const struct export_input *input, FILE *out)
{
	for (node_id node = 1; node < input->graph->node_count; node++) {
		if (export_is_over(input, out, node))
			break;
		write_object(input, node, out);
	}
	return NULL;
}
