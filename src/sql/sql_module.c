// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "sql/sql_module.h"

#include "base/alloc.h"
#include "base/error.h"
#include "sql/sql_tables.h"

#include <stdio.h>
#include <string.h>

// What xBestIndex tells xFilter: the number of a seek plus one, and what arguments there are, in this
// order.
#define PLAN_SEEK     0xff
#define PLAN_SNAPSHOT 0x100
#define PLAN_LOWER    0x200
#define PLAN_UPPER    0x400
#define PLAN_BY_TYPE  0x800

/** Relative to a row that is next: what a row costs that must be looked for. */
#define SEEK_COST 4

/** A table as a module's client data. */
struct module {
	struct sql_heaps *heaps;
	const struct sql_table *table;
};

struct virtual_table {
	sqlite3_vtab base;
	const struct module *module;
	struct sql_heap *heap; /* NULL: the hidden column says which */
};

void sql_heaps_deinit(struct sql_heaps *heaps)
{
	for (size_t i = 0; i < heaps->heaps.count; i++)
		sql_heap_destroy(heaps->heaps.items[i]);
	sql_heap_vector_deinit(&heaps->heaps);
	error_destroy(take(heaps->failure));
}

static struct error *open_heap(struct sql_heaps *heaps, const char *word, struct sql_heap **ret)
{
	const struct heap_snapshot_options options = {0};
	struct error *err = sql_heap_open(word, NULL, &options, ret);

	if (!err && !sql_heap_vector_push(&heaps->heaps, *ret)) {
		sql_heap_destroy(*ret);
		err = error_enomem();
	}
	return err;
}

static struct error *find_heap(struct sql_heaps *heaps, const char *word, struct sql_heap **ret)
{
	// The last of a name: two snapshots of one process have the same.
	for (size_t i = heaps->heaps.count; i-- > 0;) {
		if (strcmp(heaps->heaps.items[i]->word, word) == 0) {
			*ret = heaps->heaps.items[i];
			return NULL;
		}
	}
	if (!heaps->may_open)
		return error_create(ERROR_USAGE, "there is no snapshot '%s' here", word);
	return open_heap(heaps, word, ret);
}

// Takes @p err: its words for SQLite, itself for whoever asks.
static int fail(struct sql_heaps *heaps, char **ret_message, struct error *err)
{
	int code = error_kind(err) == ERROR_MEMORY ? SQLITE_NOMEM : SQLITE_ERROR;

	sqlite3_free(*ret_message);
	*ret_message = sqlite3_mprintf("%s", error_message(err));
	error_destroy(heaps->failure);
	heaps->failure = err;
	return code;
}

// A quoted word without its quotes.
static char *unquote(const char *text)
{
	size_t length = strlen(text), used = 0;
	char *word = mem_strdup(text);

	if (!word || length < 2 || !strchr("'\"", text[0]) || text[length - 1] != text[0])
		return word;
	for (size_t i = 1; i < length - 1; i++) {
		word[used++] = text[i];
		if (text[i] == text[0] && text[i + 1] == text[0] && i + 1 < length - 1)
			i++;
	}
	word[used] = '\0';
	return word;
}

// Made from a word, or nameless and asked for a word each time: CREATE VIRTUAL TABLE gives the module, the
// schema and the name first.
static int connect(sqlite3 *db, void *context, int argc, const char *const *argv,
	sqlite3_vtab **ret, char **ret_message)
{
	const struct module *module = context;
	_cleanup_(mem_free) char *declaration = NULL;
	struct sql_heap *heap = NULL;
	struct virtual_table *it;
	int code;

	if (argc > 3) {
		_cleanup_(mem_free) char *word = unquote(argv[3]);
		struct error *err = word ? find_heap(module->heaps, word, &heap) : error_enomem();

		if (err)
			return fail(module->heaps, ret_message, err);
	}
	if (asprintf(&declaration, "CREATE TABLE x(%s)", module->table->columns) < 0)
		return SQLITE_NOMEM;
	code = sqlite3_declare_vtab(db, declaration);
	if (code != SQLITE_OK)
		return code;
	it = sqlite3_malloc(sizeof(*it));
	if (!it)
		return SQLITE_NOMEM;
	*it = (struct virtual_table){.module = module, .heap = heap};
	*ret = &it->base;
	// Whoever made a database file that somebody opens must not have other files opened by it.
	return sqlite3_vtab_config(
		db, module->heaps->may_open ? SQLITE_VTAB_DIRECTONLY : SQLITE_VTAB_INNOCUOUS);
}

static int disconnect(sqlite3_vtab *table)
{
	sqlite3_free(table);
	return SQLITE_OK;
}

/** A plan in the making. */
struct plan {
	int snapshot, seek, lower, upper; /* constraints; -1: none */
	const struct sql_seek *found;
	bool is_late; /* the word comes from a table that is not there yet */
};

static bool is_row_column(const struct sql_table *table, int column)
{
	return table->row_column >= 0 && (column == -1 || column == table->row_column);
}

static void consider_seek(const struct sql_table *table, int column, int number, struct plan *plan)
{
	for (const struct sql_seek *seek = table->seeks; seek->find; seek++) {
		if (seek->column != column && !(column == -1 && seek->column == table->row_column))
			continue;
		if (plan->found && plan->found->rows <= seek->rows)
			continue;
		plan->found = seek;
		plan->seek = number;
	}
}

static void consider(
	const struct virtual_table *it, sqlite3_index_info *info, int number, struct plan *plan)
{
	const struct sqlite3_index_constraint *constraint = &info->aConstraint[number];
	const struct sql_table *table = it->module->table;
	int column = constraint->iColumn;

	if (column == table->snapshot_column) {
		if (it->heap || constraint->op != SQLITE_INDEX_CONSTRAINT_EQ)
			return;
		if (constraint->usable)
			plan->snapshot = number;
		else
			plan->is_late = true;
		return;
	}
	if (!constraint->usable)
		return;
	if (constraint->op == SQLITE_INDEX_CONSTRAINT_EQ &&
		strcmp(sqlite3_vtab_collation(info, number), "BINARY") == 0)
		consider_seek(table, column, number, plan);
	if (!is_row_column(table, column))
		return;
	if (constraint->op == SQLITE_INDEX_CONSTRAINT_GT ||
		constraint->op == SQLITE_INDEX_CONSTRAINT_GE)
		plan->lower = number;
	if (constraint->op == SQLITE_INDEX_CONSTRAINT_LT ||
		constraint->op == SQLITE_INDEX_CONSTRAINT_LE)
		plan->upper = number;
}

// Does a scan by type, or by row, give the order that is asked for?
static void consider_order(
	const struct sql_table *table, sqlite3_index_info *info, const struct plan *plan)
{
	// Rows of one value one behind the other are enough for GROUP BY and DISTINCT.
	bool is_loose = sqlite3_vtab_distinct(info) == 1 || sqlite3_vtab_distinct(info) == 2;
	const struct sqlite3_index_orderby *order = info->aOrderBy;

	if (info->nOrderBy != 1 || plan->found)
		return;
	if (is_row_column(table, order->iColumn) && (is_loose || !order->desc)) {
		info->orderByConsumed = 1;
		return;
	}
	if (table->type_column < 0 || plan->lower >= 0 || plan->upper >= 0)
		return;
	if ((order->iColumn == table->type_column && (is_loose || !order->desc)) ||
		(order->iColumn == table->type_id_column && is_loose)) {
		info->orderByConsumed = 1;
		info->idxNum |= PLAN_BY_TYPE;
	}
}

static void give(sqlite3_index_info *info, int number, int plan, bool is_checked, int *arguments)
{
	if (number < 0)
		return;
	info->aConstraintUsage[number].argvIndex = ++*arguments;
	info->aConstraintUsage[number].omit = is_checked;
	info->idxNum |= plan;
}

static void estimate(
	const struct virtual_table *it, sqlite3_index_info *info, const struct plan *plan)
{
	const struct sql_table *table = it->module->table;
	double rows = table->rows > 0 ? table->rows
		      : it->heap      ? (double)sql_heap_node_count(it->heap)
				      : 1e6;

	if (plan->found) {
		rows = plan->found->rows;
		info->estimatedCost = rows * SEEK_COST;
		if (rows <= 1)
			info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
	} else {
		rows /= (plan->lower >= 0 ? 4 : 1) * (plan->upper >= 0 ? 4 : 1);
		info->estimatedCost = rows;
	}
	info->estimatedRows = (sqlite3_int64)rows + 1;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	struct virtual_table *it = (struct virtual_table *)base;
	const struct sql_table *table = it->module->table;
	struct plan plan = {.snapshot = -1, .seek = -1, .lower = -1, .upper = -1};
	int arguments = 0;

	for (int i = 0; i < info->nConstraint; i++)
		consider(it, info, i, &plan);
	if (!it->heap && plan.snapshot < 0) {
		if (plan.is_late)
			return SQLITE_CONSTRAINT;
		sqlite3_free(base->zErrMsg);
		base->zErrMsg =
			sqlite3_mprintf("which snapshot? write shikari_%s('FILE')", table->name);
		return SQLITE_ERROR;
	}
	if (plan.found) {
		info->idxNum = (int)(plan.found - table->seeks) + 1;
		plan.lower = plan.upper = -1;
	}
	consider_order(table, info, &plan);
	give(info, plan.snapshot, PLAN_SNAPSHOT, true, &arguments);
	give(info, plan.seek, 0, false, &arguments);
	give(info, plan.lower, PLAN_LOWER, false, &arguments);
	give(info, plan.upper, PLAN_UPPER, false, &arguments);
	estimate(it, info, &plan);
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **ret)
{
	struct sql_cursor *cursor = sqlite3_malloc(sizeof(*cursor));

	if (!cursor)
		return SQLITE_NOMEM;
	*cursor =
		(struct sql_cursor){.table = ((const struct virtual_table *)table)->module->table};
	*ret = &cursor->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
	sqlite3_free(cursor);
	return SQLITE_OK;
}

// A bound only narrows: SQLite looks at the rows again.
static void narrow(struct sql_range *range, sqlite3_value *value, bool is_lower)
{
	sqlite3_int64 bound;

	if (sqlite3_value_type(value) != SQLITE_INTEGER)
		return;
	bound = sqlite3_value_int64(value);
	if (is_lower && bound > 0 && (uint64_t)bound > range->next)
		range->next = (uint64_t)bound < range->end ? (uint64_t)bound : range->end;
	if (!is_lower && bound < 0)
		range->end = range->next;
	if (!is_lower && bound >= 0 && (uint64_t)bound < range->end)
		range->end = (uint64_t)bound + 1;
	if (range->end < range->next)
		range->end = range->next;
}

static struct error *set_range(const struct sql_table *table, struct sql_cursor *cursor, int plan,
	sqlite3_value **arguments)
{
	const struct sql_seek *seek =
		plan & PLAN_SEEK ? &table->seeks[(plan & PLAN_SEEK) - 1] : NULL;
	struct sql_heap *heap = cursor->heap;
	struct error *err = sql_heap_need(heap,
		table->parts | (seek ? seek->parts : 0) | (plan & PLAN_BY_TYPE ? SQL_BY_TYPE : 0));

	if (err)
		return err;
	if (seek)
		seek->find(heap, *arguments++, &cursor->range);
	else if (plan & PLAN_BY_TYPE)
		cursor->range = (struct sql_range){
			.items = heap->by_type.items, .end = heap->by_type.count};
	else
		table->all(heap, &cursor->range);
	if (plan & PLAN_LOWER)
		narrow(&cursor->range, *arguments++, true);
	if (plan & PLAN_UPPER)
		narrow(&cursor->range, *arguments++, false);
	return NULL;
}

static int filter(
	sqlite3_vtab_cursor *base, int plan, const char *text, int argc, sqlite3_value **arguments)
{
	struct sql_cursor *cursor = (struct sql_cursor *)base;
	const struct virtual_table *it = (const struct virtual_table *)base->pVtab;
	struct error *err = NULL;

	(void)text;
	(void)argc;
	cursor->range = (struct sql_range){0};
	cursor->source = HEAP_ROOT;
	cursor->type_rank = 0;
	cursor->heap = it->heap;
	if (plan & PLAN_SNAPSHOT) {
		const char *word = (const char *)sqlite3_value_text(*arguments++);

		if (!word)
			return SQLITE_OK; // of no snapshot: no rows
		err = find_heap(it->module->heaps, word, &cursor->heap);
	}
	if (!err)
		err = set_range(it->module->table, cursor, plan, arguments);
	return err ? fail(it->module->heaps, &base->pVtab->zErrMsg, err) : SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *cursor)
{
	((struct sql_cursor *)cursor)->range.next++;
	return SQLITE_OK;
}

static int is_at_end(sqlite3_vtab_cursor *cursor)
{
	const struct sql_range *range = &((struct sql_cursor *)cursor)->range;

	return range->next >= range->end;
}

static inline uint64_t row_of(const struct sql_cursor *cursor)
{
	const struct sql_range *range = &cursor->range;

	return range->items ? range->items[range->next] : range->next;
}

// Apart, so that cells without errors cost less.
__attribute__((__noinline__)) static int fail_cell(
	sqlite3_vtab *base, sqlite3_context *ret, struct error *err)
{
	const struct virtual_table *it = (const struct virtual_table *)base;

	sqlite3_result_error(ret, error_message(err), -1);
	return fail(it->module->heaps, &base->zErrMsg, err);
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *ret, int number)
{
	struct sql_cursor *cursor = (struct sql_cursor *)base;
	const struct sql_table *table = cursor->table;
	struct error *err;

	if (number == table->snapshot_column) {
		sqlite3_result_text(ret, cursor->heap->word, -1, SQLITE_STATIC);
		return SQLITE_OK;
	}
	err = table->column(cursor, row_of(cursor), number, ret);
	return err ? fail_cell(base->pVtab, ret, err) : SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)row_of((struct sql_cursor *)cursor);
	return SQLITE_OK;
}

// xCreate and xConnect are one: the tables can be used without having been created.
static const sqlite3_module methods = {
	.iVersion = 1,
	.xCreate = connect,
	.xConnect = connect,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xDestroy = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = filter,
	.xNext = next,
	.xEof = is_at_end,
	.xColumn = column,
	.xRowid = row_id,
};

int sql_module_register(sqlite3 *db, struct sql_heaps *heaps)
{
	for (size_t i = 0; i < sql_table_count; i++) {
		struct module *module = mem_alloc(sizeof(*module));
		char name[64];
		int code;

		if (!module)
			return SQLITE_NOMEM;
		*module = (struct module){.heaps = heaps, .table = sql_tables[i]};
		snprintf(name, sizeof(name), "shikari_%s", sql_tables[i]->name);
		// Releases the module also when it fails.
		code = sqlite3_create_module_v2(db, name, &methods, module, mem_free);
		if (code != SQLITE_OK)
			return code;
	}
	return SQLITE_OK;
}
