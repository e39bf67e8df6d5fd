// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// Candidates that are no object: threads, garbage, references and memory of C code.
#include "analysis/suspects_internal.h"
#include "base/sort.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// CPython considers a full collection after 11 of the second generation, each after 11 of the first,
// each after 2000 objects more (3.13; 700 before), and starts it once what survived the younger ones
// exceeds a quarter of what survived the last full one. What lives for some seconds and then dies in a
// cycle, as sessions do, waits for that.
#define GARBAGE_TRACKED_MIN (2000 * 11 * 11)
#define GARBAGE_SHARE       4

static struct growth_candidate *make(
	struct court *court, enum made made, enum suspect_kind kind, const char *path)
{
	struct growth_candidate *candidate = &court->made[made];

	*candidate = (struct growth_candidate){.type = "",
		.path.text = (char *)path,
		.points = court->made_points[made],
		.parent = GROWTH_NO_CANDIDATE,
		.reached_through = GROWTH_NO_CANDIDATE,
		.bound = UINT64_MAX};
	court->trials[court->count++] = (struct trial){.candidate = candidate, .kind = kind};
	return candidate;
}

static void make_threads(struct court *court)
{
	make(court, MADE_THREADS, SUSPECT_THREAD, "threads");
	for (size_t i = 0; i < court->view->moment_count; i++)
		court->made_points[MADE_THREADS][i].length = court->view->moments[i].threads;
}

static bool collector_should_have_come(const struct court *court)
{
	const struct growth_moment *last = &court->view->moments[court->view->moment_count - 1];

	if (court->collector == SUSPECTS_COLLECTOR_DISABLED)
		return true;
	return last->garbage_tracked > GARBAGE_TRACKED_MIN + last->tracked / GARBAGE_SHARE;
}

static void make_garbage(struct court *court)
{
	struct growth_candidate *candidate;

	if (!collector_should_have_come(court))
		return;
	candidate = make(court, MADE_GARBAGE, SUSPECT_GARBAGE, "");
	for (size_t i = 0; i < court->view->moment_count; i++)
		court->made_points[MADE_GARBAGE][i] =
			(struct growth_point){court->view->moments[i].garbage_objects,
				court->view->moments[i].garbage_bytes};
	memcpy(candidate->items, court->view->garbage, sizeof(candidate->items));
	candidate->item_count = court->view->garbage_count;
}

// What the parts of memory say, where they were looked at in every snapshot.
static const struct growth_memory *memory_of(const struct court *court)
{
	const struct growth_memory *memory = court->view->memory;

	return memory && memory->moment_count == court->view->moment_count ? memory : NULL;
}

static void take_items(
	struct court *court, struct growth_candidate *candidate, enum growth_memory_table table)
{
	struct growth_memory_row rows[GROWTH_MEMORY_ROWS_MAX];
	size_t count = growth_memory_grown(court->view->memory, table, rows);

	for (size_t i = 0; i < count && i < GROWTH_ITEMS_MAX; i++) {
		const char *name = rows[i].name;

		if (!name) {
			snprintf(court->class_names[i], sizeof(court->class_names[i]),
				"block of %" PRIu64 " bytes", rows[i].size);
			name = court->class_names[i];
		}
		candidate->items[candidate->item_count++] =
			(struct growth_item){name, rows[i].count, rows[i].bytes};
	}
}

static void make_references(struct court *court)
{
	const struct growth_memory *memory = memory_of(court);
	struct growth_candidate *candidate;

	if (!memory)
		return;
	candidate = make(court, MADE_REFERENCES, SUSPECT_REFERENCES, HELD_BY_C_CODE);
	for (size_t i = 0; i < memory->moment_count; i++)
		court->made_points[MADE_REFERENCES][i] =
			(struct growth_point){memory->moments[i].unexplained_objects,
				memory->moments[i].parts[HEAP_PART_UNEXPLAINED_REFERENCES]};
	take_items(court, candidate, GROWTH_MEMORY_UNEXPLAINED);
	// No library's cache: what fills those has a place, which would explain the references.
	candidate->path.is_user_code = true;
	if (candidate->item_count)
		candidate->type = candidate->items[0].type;
}

static void make_native(struct court *court)
{
	const struct growth_memory *memory = memory_of(court);
	struct growth_candidate *candidate;

	if (!memory)
		return;
	candidate = make(court, MADE_NATIVE, SUSPECT_NATIVE, "memory of C code");
	for (size_t i = 0; i < memory->moment_count; i++) {
		uint64_t bytes = growth_memory_native(&memory->moments[i]);

		court->made_points[MADE_NATIVE][i] = (struct growth_point){bytes, bytes};
	}
	take_items(court, candidate, GROWTH_MEMORY_CLASSES);
}

void suspects_make(struct court *court)
{
	make_threads(court);
	make_garbage(court);
	make_references(court);
	make_native(court);
}
