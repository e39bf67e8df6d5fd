// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Rows that stay in the file: unpacked in parallel a few blocks at a time, and shown in their order.
#include "base/alloc.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/search.h"
#include "heap/heap_edges.h"
#include "heap/heap_file.h"
#include "store/store_reader.h"

#include <string.h>

// Blocks that are unpacked at a time: a few for each thread, since one takes longer than the other.
#define BATCH_MAX  16
#define PER_WORKER 2

/** A block, unpacked. */
struct block {
	uint32_t number;
	uint32_t *bounds, *words,
		*edges; /* edges: as many as the block has, freed once it was seen */
	uint16_t *sizes;
	void *numbers; /* of words */
};

struct file_rows {
	struct heap_row_source source; /* the first: what the graph has is a pointer to it */
	const struct heap_file *file;
	const struct heap_graph *graph;
	const struct store_reader *reader;
	const struct store_column *counts, *edges, *words, *sizes;
	uint32_t *values; /* the different words */
	uint64_t value_count;
	uint32_t *inferred; /* ascending */
	uint64_t inferred_count;
	uint32_t *edge_base; /* by block */
};

/** What a visit is at. */
struct batch {
	const struct file_rows *rows;
	unsigned parts, workers, count;
	struct block blocks[BATCH_MAX];
};

static struct error *bad_references(const struct file_rows *rows)
{
	return store_reader_bad(rows->reader, "the references of the snapshot file make no sense");
}

static uint32_t first_of(const struct file_rows *rows, uint32_t block, uint32_t *ret_count)
{
	uint32_t first = block * STORE_BLOCK_ITEMS;
	uint32_t rest = rows->graph->node_count - first;

	*ret_count = rest < STORE_BLOCK_ITEMS ? rest : STORE_BLOCK_ITEMS;
	return first;
}

// A column by node: a block for each STORE_BLOCK_ITEMS nodes.
static struct error *find_column(
	struct file_rows *rows, uint32_t number, unsigned width, const struct store_column **ret)
{
	const struct store_column *column = store_reader_find(rows->reader, number);
	uint32_t count;

	if (!column || column->items != rows->graph->node_count ||
		(width && column->width != width))
		return store_reader_bad(
			rows->reader, "the columns of the snapshot file do not belong together");
	for (uint32_t i = 0; i < column->block_count; i++) {
		if ((uint64_t)i * STORE_BLOCK_ITEMS >= rows->graph->node_count)
			return store_reader_bad(
				rows->reader, "a block of the snapshot file makes no sense");
		first_of(rows, i, &count);
		if (store_reader_block(rows->reader, column, i)->items != count)
			return store_reader_bad(
				rows->reader, "a block of the snapshot file makes no sense");
	}
	*ret = column;
	return NULL;
}

static struct error *find_edges(struct file_rows *rows)
{
	uint64_t base = 0;

	rows->edges = store_reader_find(rows->reader, HEAP_COLUMN_EDGES);
	if (!rows->edges || rows->edges->width != sizeof(uint32_t) ||
		rows->edges->items != rows->graph->edge_count ||
		rows->edges->block_count != rows->counts->block_count)
		return bad_references(rows);
	rows->edge_base = mem_calloc((size_t)rows->edges->block_count + 1, sizeof(uint32_t));
	if (!rows->edge_base)
		return error_enomem();
	for (uint32_t i = 0; i < rows->edges->block_count; i++) {
		rows->edge_base[i] = (uint32_t)base;
		base += store_reader_block(rows->reader, rows->edges, i)->items;
	}
	return NULL;
}

static struct error *read_inferred(struct file_rows *rows)
{
	struct error *err = store_read(rows->reader, HEAP_COLUMN_INFERRED, sizeof(uint32_t),
		&rows->inferred, &rows->inferred_count);

	for (uint64_t i = 0; !err && i < rows->inferred_count; i++) {
		if (rows->inferred[i] >= rows->graph->edge_count ||
			(i && rows->inferred[i] <= rows->inferred[i - 1]))
			err = bad_references(rows);
	}
	return err;
}

static struct error *read_values(struct file_rows *rows)
{
	struct error *err = store_read(rows->reader, HEAP_COLUMN_WORDS, sizeof(uint32_t),
		&rows->values, &rows->value_count);

	for (uint64_t i = 0; !err && i < rows->value_count; i++) {
		if ((rows->values[i] & HEAP_NODE_TYPE_MASK) >= rows->graph->type_count)
			err = store_reader_bad(
				rows->reader, "an object of the snapshot file has no type");
	}
	return err;
}

static struct error *unpack_words(const struct file_rows *rows, struct block *block, uint32_t count)
{
	struct error *err =
		store_read_block(rows->reader, rows->words, block->number, block->numbers);
	unsigned width = rows->words->width;

	for (uint32_t i = 0; !err && i < count; i++) {
		uint64_t number = width == 1   ? ((uint8_t *)block->numbers)[i]
				  : width == 2 ? ((uint16_t *)block->numbers)[i]
				  : width == 4 ? ((uint32_t *)block->numbers)[i]
					       : UINT64_MAX;

		if (number >= rows->value_count)
			return store_reader_bad(
				rows->reader, "an object of the snapshot file has no type");
		block->words[i] = rows->values[number];
	}
	return err;
}

static struct error *unpack_bounds(
	const struct file_rows *rows, struct block *block, uint32_t count)
{
	uint32_t items = store_reader_block(rows->reader, rows->edges, block->number)->items;
	struct error *err =
		store_read_block(rows->reader, rows->counts, block->number, block->bounds + 1);
	uint64_t sum = 0;

	if (err)
		return err;
	block->bounds[0] = 0;
	for (uint32_t i = 1; i <= count; i++) {
		sum += block->bounds[i];
		if (sum > items)
			return bad_references(rows);
		block->bounds[i] = (uint32_t)sum;
	}
	// The root's are elsewhere.
	if (sum != items || (block->number == 0 && block->bounds[1]))
		return bad_references(rows);
	return NULL;
}

static void mark_inferred(const struct file_rows *rows, struct block *block)
{
	uint32_t base = rows->edge_base[block->number];
	uint32_t count = store_reader_block(rows->reader, rows->edges, block->number)->items;
	size_t low = partition_point(i, rows->inferred_count, rows->inferred[i] < base);

	for (; low < rows->inferred_count && rows->inferred[low] - base < count; low++)
		block->edges[rows->inferred[low] - base] |= HEAP_EDGE_INFERRED;
}

static struct error *unpack_edges(
	const struct file_rows *rows, struct block *block, const struct heap_rows *shown)
{
	uint32_t items = store_reader_block(rows->reader, rows->edges, block->number)->items;
	struct error *err;

	block->edges = mem_alloc((size_t)items * sizeof(uint32_t));
	if (!block->edges)
		return error_enomem();
	err = store_read_block(rows->reader, rows->edges, block->number, block->edges);
	if (!err)
		err = heap_edges_decode(rows->graph,
			&(struct heap_rows){.first = shown->first,
				.end = shown->end,
				.bounds = block->bounds,
				.words = block->words,
				.edges = block->edges},
			block->edges);
	if (!err)
		mark_inferred(rows, block);
	return err;
}

static struct heap_rows show_block(const struct file_rows *rows, const struct block *block)
{
	uint32_t count, first = first_of(rows, block->number, &count);

	return (struct heap_rows){.first = first,
		.end = first + count,
		.edge_base = rows->edge_base[block->number],
		.bounds = block->bounds,
		.edges = block->edges,
		.words = block->words,
		.sizes = block->sizes};
}

static struct error *unpack(const struct batch *batch, struct block *block)
{
	const struct file_rows *rows = batch->rows;
	struct heap_rows shown = show_block(rows, block);
	struct error *err = NULL;

	if (batch->parts & (HEAP_ROWS_BOUNDS | HEAP_ROWS_EDGES))
		err = unpack_bounds(rows, block, shown.end - shown.first);
	if (!err && batch->parts & (HEAP_ROWS_WORDS | HEAP_ROWS_EDGES))
		err = unpack_words(rows, block, shown.end - shown.first);
	if (!err && batch->parts & HEAP_ROWS_EDGES)
		err = unpack_edges(rows, block, &shown);
	if (!err && batch->parts & HEAP_ROWS_SIZES)
		err = store_read_block(rows->reader, rows->sizes, block->number, block->sizes);
	return err;
}

static struct error *unpack_share(void *context, unsigned worker)
{
	struct batch *batch = context;
	struct error *err = NULL;

	for (unsigned i = worker; !err && i < batch->count; i += batch->workers)
		err = unpack(batch, &batch->blocks[i]);
	return err;
}

static bool is_wanted(const struct file_rows *rows, const uint64_t *wanted, uint32_t block)
{
	uint32_t count, first = first_of(rows, block, &count);

	for (uint32_t i = first / 64; wanted && i < (first + count + 63) / 64; i++) {
		if (wanted[i])
			return true;
	}
	return !wanted;
}

static struct error *show_batch(struct batch *batch, heap_rows_visit *visit, void *context)
{
	unsigned workers = batch->workers < batch->count ? batch->workers : batch->count;
	struct error *err = parallel_run(workers ? workers : 1, unpack_share, batch);

	for (unsigned i = 0; i < batch->count; i++) {
		struct heap_rows rows = show_block(batch->rows, &batch->blocks[i]);

		if (!err)
			err = visit(context, &rows);
		mem_free(take(batch->blocks[i].edges));
	}
	batch->count = 0;
	return err;
}

static struct error *init_batch(struct batch *batch)
{
	unsigned limit = batch->workers * PER_WORKER;

	for (unsigned i = 0; i < limit; i++) {
		struct block *block = &batch->blocks[i];

		block->bounds = mem_alloc((STORE_BLOCK_ITEMS + 1) * sizeof(uint32_t));
		block->words = mem_alloc(STORE_BLOCK_ITEMS * sizeof(uint32_t));
		block->numbers = mem_alloc(STORE_BLOCK_ITEMS * sizeof(uint64_t));
		block->sizes = mem_alloc(STORE_BLOCK_ITEMS * sizeof(uint16_t));
		if (!block->bounds || !block->words || !block->numbers || !block->sizes)
			return error_enomem();
	}
	return NULL;
}

static void cleanup_batch(struct batch *batch)
{
	for (unsigned i = 0; i < BATCH_MAX; i++) {
		mem_free(batch->blocks[i].bounds);
		mem_free(batch->blocks[i].words);
		mem_free(batch->blocks[i].numbers);
		mem_free(batch->blocks[i].sizes);
		mem_free(batch->blocks[i].edges);
	}
}

static struct error *visit_rows(const struct heap_row_source *source, unsigned parts,
	const uint64_t *wanted, heap_rows_visit *visit, void *context)
{
	const struct file_rows *rows = (const struct file_rows *)source;
	_cleanup_(batch) struct batch batch = {.rows = rows, .parts = parts};
	struct error *err;

	batch.workers = parallel_workers();
	if (batch.workers > BATCH_MAX / PER_WORKER)
		batch.workers = BATCH_MAX / PER_WORKER;
	err = init_batch(&batch);
	for (uint32_t i = 0; !err && i < rows->counts->block_count; i++) {
		if (!is_wanted(rows, wanted, i))
			continue;
		batch.blocks[batch.count++].number = i;
		if (batch.count == batch.workers * PER_WORKER)
			err = show_batch(&batch, visit, context);
	}
	return err ? err : show_batch(&batch, visit, context);
}

static struct error *init(struct file_rows *rows)
{
	struct error *err = find_column(rows, HEAP_COLUMN_EDGE_COUNT, 4, &rows->counts);

	if (!err)
		err = find_column(rows, HEAP_COLUMN_NODE_WORD, 0, &rows->words);
	if (!err)
		err = find_column(rows, HEAP_COLUMN_SIZE, 2, &rows->sizes);
	if (!err)
		err = find_edges(rows);
	if (!err)
		err = read_inferred(rows);
	return err ? err : read_values(rows);
}

struct error *heap_file_rows_create(
	const struct heap_file *file, const struct heap_graph *graph, struct heap_row_source **ret)
{
	struct file_rows *rows = mem_calloc(1, sizeof(*rows));
	struct error *err;

	if (!rows)
		return error_enomem();
	*rows = (struct file_rows){.source.visit = visit_rows,
		.file = file,
		.graph = graph,
		.reader = heap_file_reader(file)};
	err = init(rows);
	if (err) {
		heap_file_rows_destroy(&rows->source);
		return err;
	}
	*ret = &rows->source;
	return NULL;
}

void heap_file_rows_destroy(struct heap_row_source *source)
{
	struct file_rows *rows = (struct file_rows *)source;

	if (!rows)
		return;
	pages_free(rows->values, rows->value_count, sizeof(uint32_t));
	pages_free(rows->inferred, rows->inferred_count, sizeof(uint32_t));
	mem_free(rows->edge_base);
	mem_free(rows);
}
