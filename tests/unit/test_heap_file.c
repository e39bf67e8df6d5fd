// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
//
// A heap of each row of layouts through a file and back: everything that can be asked of it has the same
// answer, memory may run out anywhere, and other bytes in the columns are an error or another heap.
#include "check.h"
#include "heap_zoo.h"
#include "open_heap.h"
#include "same_graph.h"

#include "base/alloc.h"
#include "heap/heap_edges.h"
#include "heap/heap_facts_collect.h"
#include "heap/heap_file.h"
#include "heap/heap_open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/heap-file.XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.shk", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static struct error *save_with(
	struct heap_builder *builder, bool with_content, const struct heap_memory_figures *memory)
{
	const struct heap_facts_options options = {.with_content = with_content};
	_cleanup_(heap_facts_destroy) struct heap_facts *facts = NULL;
	struct heap_snapshot snapshot = {.graph = builder->graph,
		.addresses = &builder->addresses,
		.builder = builder,
		.info = {.pid = 7, .python = "CPython", .executable = "/bin/python"}};
	uint64_t bytes;
	struct error *err = heap_facts_collect(builder, &options, &facts);

	return err ? err : heap_file_save(&snapshot, facts, memory, path, &bytes);
}

static struct error *measure(struct heap_builder *builder, struct heap_memory_figures *ret)
{
	_cleanup_(heap_memory_destroy) struct heap_memory *memory = NULL;
	_cleanup_(mem_free) uint8_t *fates = mem_calloc(builder->graph->node_count, 1);
	struct error *err = fates ? heap_memory_create(NULL, &memory) : error_enomem();

	if (!err)
		err = heap_memory_note_pages(memory, builder->target);
	if (err)
		return err;
	heap_memory_set_builder(memory, builder);
	return heap_memory_measure(memory, fates, ret);
}

static struct error *save(struct heap_builder *builder, bool with_content)
{
	_cleanup_(heap_memory_figures_deinit) struct heap_memory_figures figures = {0};
	struct error *err = measure(builder, &figures);

	return err ? err : save_with(builder, with_content, &figures);
}

static struct error *load(struct heap_source **ret_source, struct heap_snapshot **ret)
{
	const struct heap_snapshot_options options = {.keep_memory = true};
	struct error *err = heap_source_open_file(path, ret_source);

	return err ? err : heap_snapshot_take(*ret_source, &options, ret);
}

static void build_zoo(struct heap_zoo *zoo, struct heap_builder **ret)
{
	const struct heap_builder_options options = {.workers = 2, .keep_parts = true};

	heap_zoo_write(zoo, layout);
	assert_success(heap_build(zoo->target, &zoo->place, &options, ret));
}

static void test_a_heap_comes_back(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	struct same_graph_result same;
	struct heap_zoo zoo;

	(void)state;
	build_zoo(&zoo, &builder);
	assert_success(save(builder, true));
	assert_success(load(&source, &snapshot));
	assert_success(same_graph(builder->graph, snapshot->graph, 1, &same));
	assert_true(same.labels > 100 && same.names > 0 && same.lengths > 0 && same.roots > 0);
	assert_int_equal(snapshot->info.pid, 7);
	assert_string_equal(snapshot->info.name, "process 7 in a.shk");
	heap_zoo_drop(&zoo);
}

static struct error *expect_sizes(void *context, const struct heap_rows *rows)
{
	const struct heap_graph *graph = context;

	for (node_id node = rows->first; node < rows->end; node++)
		assert_int_equal(heap_rows_size(graph, rows, node), heap_size_of(graph, node));
	return NULL;
}

static void test_a_heap_comes_back_in_parts(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	struct same_graph_result same;
	struct heap_graph *graph;
	struct heap_zoo zoo;
	uint64_t *all;

	(void)state;
	build_zoo(&zoo, &builder);
	assert_success(save(builder, true));
	assert_success(heap_source_open_file(path, &source));
	assert_success(heap_snapshot_take_parts(source, &snapshot));
	graph = snapshot->graph;
	assert_int_equal(graph->edge_count, builder->graph->edge_count);
	all = calloc(graph->node_count / 64 + 1, sizeof(*all));
	assert_non_null(all);
	memset(all, 0xff, graph->node_count / 64 * sizeof(*all));
	for (node_id node = graph->node_count & ~63u; node < graph->node_count; node++)
		all[node / 64] |= (uint64_t)1 << node % 64;
	assert_success(heap_graph_bring_rows(graph, all, NULL));
	free(all);
	assert_memory_equal(graph->edges, builder->graph->edges, graph->edge_count * 4ul);
	assert_memory_equal(graph->node_word, builder->graph->node_word, graph->node_count * 4ul);
	assert_success(
		heap_graph_visit_rows(graph, HEAP_ROWS_SIZES, NULL, expect_sizes, builder->graph));
	assert_success(heap_snapshot_add_names(snapshot));
	assert_null(graph->naming.address);
	memcpy(graph->size, builder->graph->size, graph->node_count * sizeof(*graph->size));
	assert_success(same_graph(builder->graph, graph, 1, &same));
	assert_true(same.labels > 100 && same.names > 0 && same.lengths > 0 && same.roots > 0);
	heap_zoo_drop(&zoo);
}

static void test_what_is_known_besides(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	_cleanup_(heap_threads_deinit) struct heap_threads before = {0}, after = {0};
	const struct heap_facts *facts;
	struct heap_zoo zoo;
	node_id list;

	(void)state;
	build_zoo(&zoo, &builder);
	assert_success(save(builder, true));
	assert_success(load(&source, &snapshot));
	facts = snapshot->facts;
	list = heap_addresses_find(&builder->addresses, zoo.list);
	assert_int_equal(heap_facts_length(facts, snapshot->graph, list), 100);
	assert_true(heap_facts_capacity(facts, snapshot->graph, list) >= 100);
	assert_int_equal(facts->nameless, 0);
	assert_success(heap_threads_read(builder, &before));
	assert_success(heap_snapshot_threads(snapshot, &after));
	assert_int_equal(before.count, after.count);
	assert_int_equal(before.frame_count, after.frame_count);
	assert_int_equal(before.local_count, after.local_count);
	assert_true(after.frame_count > 0 && after.local_count > 0);
	for (size_t i = 0; i < after.local_count; i++) {
		assert_string_equal(before.locals[i].name, after.locals[i].name);
		assert_int_equal(before.locals[i].node, after.locals[i].node);
	}
	assert_string_equal(before.frames[0].function, after.frames[0].function);
	assert_true(heap_facts_count(facts, HEAP_FACT_CONTENT) > 0);
	assert_true(heap_facts_count(facts, HEAP_FACT_MAPPING_START) > 0);
	heap_zoo_drop(&zoo);
}

// Rows in which each field has a value of its own; the graph has them not.
static void make_up(struct heap_memory_figures *figures)
{
	figures->mallocs = calloc(1, sizeof(*figures->mallocs));
	figures->owners = calloc(2, sizeof(*figures->owners));
	figures->arenas = calloc(1, sizeof(*figures->arenas));
	figures->classes = calloc(1, sizeof(*figures->classes));
	assert_true(figures->mallocs && figures->owners && figures->arenas && figures->classes);
	figures->malloc_count = figures->arena_count = figures->class_count = 1;
	figures->owner_count = 2;
	figures->mallocs[0] = (struct heap_memory_malloc){0x7000, 1, 2, 3, 4, 5, 6, 7, 9, 8, true};
	figures->arenas[0] =
		(struct heap_memory_arena){0x8000, 1 << 20, 2, 3, 4, 5, 6, 7, 8, 1, 10};
	figures->classes[0] = (struct heap_memory_class){24, 2, 48};
	figures->owners[0] =
		(struct heap_memory_owner){"libzoo.so", HEAP_PART_MAPPED, true, 100, 2};
	figures->owners[1] = (struct heap_memory_owner){"zoo.T", HEAP_PART_C_OWNED, false, 50, 1};
	figures->limit_bytes = UINT64_MAX;
	figures->headroom_bytes = 77;
	figures->core_bytes = 99;
	figures->has_usage = true;
	figures->torn_mallocs = 3;
}

static void assert_same_figures(
	const struct heap_memory_figures *a, const struct heap_memory_figures *b)
{
	assert_int_equal(a->rss_bytes, b->rss_bytes);
	assert_int_equal(a->limit_bytes, b->limit_bytes);
	assert_int_equal(a->headroom_bytes, b->headroom_bytes);
	assert_int_equal(a->core_bytes, b->core_bytes);
	assert_int_equal(a->has_usage, b->has_usage);
	assert_int_equal(a->torn_mallocs, b->torn_mallocs);
	assert_string_equal(a->allocator, b->allocator);
	assert_memory_equal(a->part_bytes, b->part_bytes, sizeof(a->part_bytes));
	assert_memory_equal(a->part_count, b->part_count, sizeof(a->part_count));
	assert_int_equal(a->type_count, b->type_count);
	assert_memory_equal(a->types, b->types, a->type_count * sizeof(*a->types));
	assert_int_equal(a->malloc_count, b->malloc_count);
	assert_memory_equal(a->mallocs, b->mallocs, a->malloc_count * sizeof(*a->mallocs));
	assert_int_equal(a->arena_count, b->arena_count);
	assert_memory_equal(a->arenas, b->arenas, a->arena_count * sizeof(*a->arenas));
	assert_int_equal(a->class_count, b->class_count);
	assert_memory_equal(a->classes, b->classes, a->class_count * sizeof(*a->classes));
	assert_int_equal(a->owner_count, b->owner_count);
	for (size_t i = 0; i < a->owner_count; i++) {
		assert_string_equal(a->owners[i].name, b->owners[i].name);
		assert_int_equal(a->owners[i].part, b->owners[i].part);
		assert_int_equal(a->owners[i].is_library, b->owners[i].is_library);
		assert_int_equal(a->owners[i].bytes, b->owners[i].bytes);
		assert_int_equal(a->owners[i].count, b->owners[i].count);
	}
	assert_int_equal(a->mapping_count, b->mapping_count);
	for (size_t i = 0; i < a->mapping_count; i++) {
		assert_string_equal(a->mappings[i].path, b->mappings[i].path);
		assert_int_equal(a->mappings[i].start, b->mappings[i].start);
		assert_int_equal(a->mappings[i].rss, b->mappings[i].rss);
		assert_int_equal(a->mappings[i].main_part, b->mappings[i].main_part);
	}
}

static void drop_made_up(struct heap_memory_figures *figures)
{
	free(figures->mallocs);
	free(figures->owners);
	free(figures->arenas);
	free(figures->classes);
}

static void test_figures_of_memory(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	_cleanup_(heap_memory_figures_deinit) struct heap_memory_figures measured = {0};
	_cleanup_(heap_memory_figures_deinit) struct heap_memory_figures loaded = {0};
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	struct heap_memory_figures figures;
	struct heap_zoo zoo;

	(void)state;
	build_zoo(&zoo, &builder);
	assert_success(measure(builder, &measured));
	assert_true(measured.part_bytes[HEAP_PART_OBJECTS] > 10000);
	assert_true(measured.mapping_count > 0);
	figures = measured;
	make_up(&figures);
	assert_success(save_with(builder, false, &figures));
	assert_success(load(&source, &snapshot));
	assert_non_null(snapshot->memory);
	assert_success(heap_memory_measure(snapshot->memory, NULL, &loaded));
	assert_same_figures(&figures, &loaded);
	drop_made_up(&figures);
	heap_zoo_drop(&zoo);
}

// What a file says of memory is checked before anybody relies on it.
static void assert_no_figures(struct heap_builder *builder, const struct heap_memory_figures *bad)
{
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	struct heap_memory_figures ret;

	assert_success(save_with(builder, false, bad));
	assert_success(load(&source, &snapshot));
	assert_failure(heap_memory_measure(snapshot->memory, NULL, &ret), ERROR_BAD_DATA);
}

static void test_figures_that_make_no_sense(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	_cleanup_(heap_memory_figures_deinit) struct heap_memory_figures measured = {0};
	_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
	_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
	struct heap_memory_figures figures;
	struct heap_zoo zoo;

	(void)state;
	if (layout != pylayout_row(count_rows() - 1))
		return;
	build_zoo(&zoo, &builder);
	assert_success(measure(builder, &measured));
	figures = measured;
	make_up(&figures);
	figures.rss_bytes++;
	assert_no_figures(builder, &figures);
	figures.rss_bytes--;
	figures.arenas[0].last = builder->graph->node_count;
	assert_no_figures(builder, &figures);
	figures.arenas[0].last = 0;
	assert_no_figures(builder, &figures);
	figures.arenas[0].last = figures.arenas[0].first;
	figures.mallocs[0].trim_top = figures.mallocs[0].trim + 1;
	assert_no_figures(builder, &figures);
	figures.mallocs[0].trim_top = 0;
	figures.owners[0].part = HEAP_PART_COUNT;
	assert_no_figures(builder, &figures);
	figures.owners[0].part = HEAP_PART_MAPPED;
	figures.swap_bytes = 1ull << 60;
	assert_no_figures(builder, &figures);
	figures.swap_bytes = 0;
	figures.type_count--;
	assert_no_figures(builder, &figures);
	// A file of the first version has none: that is no error.
	assert_success(save_with(builder, false, NULL));
	assert_success(load(&source, &snapshot));
	assert_null(snapshot->memory);
	drop_made_up(&figures);
	heap_zoo_drop(&zoo);
}

static void test_memory_may_run_out(void **state)
{
	_cleanup_(heap_builder_destroy) struct heap_builder *builder = NULL;
	struct heap_zoo zoo;
	uint64_t countdown;

	(void)state;
	// Once is enough: it takes a while.
	if (layout != pylayout_row(count_rows() - 1))
		return;
	build_zoo(&zoo, &builder);
	for (countdown = 0;; countdown += 1 + countdown / 64) {
		struct error *err;

		alloc_fail_after(countdown);
		err = save(builder, true);
		alloc_fail_after(UINT64_MAX);
		if (!err)
			break;
		error_destroy(err);
	}
	assert_true(countdown > 50);
	for (countdown = 0;; countdown += 1 + countdown / 64) {
		_cleanup_(heap_source_destroy) struct heap_source *source = NULL;
		_cleanup_(heap_snapshot_destroy) struct heap_snapshot *snapshot = NULL;
		struct error *err;

		_cleanup_(heap_memory_figures_deinit) struct heap_memory_figures figures = {0};

		alloc_fail_after(countdown);
		err = load(&source, &snapshot);
		if (!err)
			err = heap_memory_measure(snapshot->memory, NULL, &figures);
		alloc_fail_after(UINT64_MAX);
		if (!err)
			break;
		error_destroy(err);
	}
	assert_true(countdown > 50);
	heap_zoo_drop(&zoo);
}

// Rows of all kinds: alike, near one another, in pairs, at random, empty; types mixed.
static struct error *decode(struct heap_graph *graph, node_id first, node_id end)
{
	const struct heap_rows rows = {.first = first,
		.end = end,
		.bounds = graph->first_edge + first,
		.edges = graph->edges,
		.words = graph->node_word + first};

	return heap_edges_decode(graph, &rows, graph->edges);
}

static void test_references_are_coded_and_back(void **state)
{
	const uint32_t nodes = 5000;
	_cleanup_(heap_graph_destroy) struct heap_graph *graph = NULL;
	uint32_t *before, *coded, edges = 0, seed = 1;

	(void)state;
	if (layout != pylayout_row(0))
		return;
	assert_success(heap_graph_create(nodes, nodes * 8, 5, &graph));
	for (node_id node = 1; node < nodes; node++) {
		uint32_t type = node % 5, count = node % 11 == 0 ? 0 : type * 2 - (type > 3);

		graph->node_word[node] = type;
		graph->first_edge[node] = edges;
		for (uint32_t i = 0; i < count; i++) {
			seed = seed * 1664525 + 1013904223;
			graph->edges[edges++] = 1 + (type == 1          ? node / 3 + i
							    : type == 2 ? node + (i % 2) * 1000
							    : type == 3 ? seed >> 8
									: i * 7) %
							    (nodes - 1);
		}
	}
	graph->first_edge[nodes] = graph->edge_count = edges;
	before = calloc(edges, sizeof(*before));
	coded = calloc(edges, sizeof(*coded));
	assert_true(before && coded);
	memcpy(before, graph->edges, edges * sizeof(*before));
	assert_success(heap_edges_encode(graph, 0, 2000, coded));
	assert_success(heap_edges_encode(graph, 2000, nodes, coded + graph->first_edge[2000]));
	memcpy(graph->edges, coded, edges * sizeof(*before));
	assert_success(decode(graph, 0, 2000));
	assert_success(decode(graph, 2000, nodes));
	assert_memory_equal(before, graph->edges, edges * sizeof(*before));
	coded[0] = UINT32_MAX;
	memcpy(graph->edges, coded, edges * sizeof(*before));
	assert_failure(decode(graph, 0, 2000), ERROR_BAD_DATA);
	free(before);
	free(coded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_heap_comes_back),
		cmocka_unit_test(test_a_heap_comes_back_in_parts),
		cmocka_unit_test(test_what_is_known_besides),
		cmocka_unit_test(test_figures_of_memory),
		cmocka_unit_test(test_figures_that_make_no_sense),
		cmocka_unit_test(test_memory_may_run_out),
		cmocka_unit_test(test_references_are_coded_and_back),
	};
	int failed;

	make_folder(NULL);
	failed = RUN_ON_EACH_ROW(tests);
	remove_folder(NULL);
	return failed;
}
