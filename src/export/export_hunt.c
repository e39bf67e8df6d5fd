// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "export/export_hunt.h"

#include "base/alloc.h"
#include "export/export_watch.h"
#include "export/json_object.h"

#include <math.h>

static json_t *target_json(const struct hunt_report *report)
{
	struct json_object target = json_object_begin();

	json_object_put(&target, "pid", json_integer(report->pid));
	json_object_put(&target, "python", json_text(report->python));
	json_object_put(&target, "executable", json_text(report->executable));
	json_object_put(&target, "rss_bytes", json_count(report->rss_bytes));
	json_object_put(&target, "threads", json_count(report->threads));
	json_object_put(&target, "command_line", json_text(report->command_line));
	return json_object_end(&target);
}

static json_t *refcounts_json(const struct hunt_snapshot *snapshot)
{
	struct json_object refcounts = json_object_begin();

	json_object_put(&refcounts, "checked", json_count(snapshot->refcounts_checked));
	json_object_put(&refcounts, "exact", json_count(snapshot->refcounts_exact));
	json_object_put(&refcounts, "inferred", json_count(snapshot->refcounts_inferred));
	return json_object_end(&refcounts);
}

static json_t *garbage_json(const struct hunt_snapshot *snapshot)
{
	struct json_object garbage = json_object_begin();

	json_object_put(&garbage, "objects", json_count(snapshot->garbage_objects));
	json_object_put(&garbage, "bytes", json_count(snapshot->garbage_bytes));
	return json_object_end(&garbage);
}

static json_t *snapshot_json(const struct hunt_snapshot *snapshot)
{
	struct json_object object = json_object_begin();

	json_object_put(&object, "at_s", json_decimal(snapshot->at_s));
	json_object_put(&object, "stopped_ms", json_decimal(snapshot->stopped_ms));
	json_object_put(&object, "mode", json_text(snapshot->mode));
	json_object_put(&object, "objects", json_count(snapshot->objects));
	json_object_put(&object, "bytes", json_count(snapshot->bytes));
	json_object_put(&object, "unreadable", json_count(snapshot->unreadable));
	json_object_put(&object, "rss_bytes", json_count(snapshot->rss_bytes));
	json_object_put(&object, "garbage", garbage_json(snapshot));
	json_object_put(&object, "refcounts", refcounts_json(snapshot));
	json_object_put(&object, "retries", json_integer(snapshot->retries));
	json_object_put(&object, "fallback_reason",
		*snapshot->fallback_reason ? json_text(snapshot->fallback_reason) : json_null());
	return json_object_end(&object);
}

static json_t *snapshots_json(const struct hunt_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->snapshot_count; i++) {
		if (json_array_append_new(array, snapshot_json(&report->snapshots[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *growth_json(const struct suspect *suspect)
{
	struct json_object growth = json_object_begin();

	json_object_put(&growth, "objects", json_count(suspect->objects));
	json_object_put(&growth, "bytes", json_count(suspect->bytes));
	json_object_put(&growth, "bytes_per_minute",
		json_count((uint64_t)llround(suspect->bytes_per_minute)));
	json_object_put(&growth, "first", json_count(suspect->length_first));
	json_object_put(&growth, "last", json_count(suspect->length_last));
	json_object_put(&growth, "share", json_decimal(suspect->share));
	return json_object_end(&growth);
}

static json_t *item_json(const struct suspect_item *item)
{
	struct json_object object = json_object_begin();

	json_object_put(&object, "type", json_text(item->type));
	json_object_put(&object, "count", json_count(item->objects));
	json_object_put(&object, "bytes", json_count(item->bytes));
	return json_object_end(&object);
}

static json_t *items_json(const struct suspect *suspect)
{
	json_t *array = json_array();

	for (size_t i = 0; i < suspect->item_count; i++) {
		if (json_array_append_new(array, item_json(&suspect->items[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

// Who adds to it; null where nobody looked.
static void put_additions(
	struct json_object *object, const struct hunt_report *report, size_t number)
{
	const struct hunt_additions *additions =
		report->additions ? &report->additions[number] : NULL;

	if (!additions) {
		json_object_put(object, "added_by", json_null());
		json_object_put(object, "hits_watched", json_null());
		json_object_put(object, "not_watched", json_null());
		return;
	}
	json_object_put(
		object, "added_by", export_sites_json(&additions->sites, report->with_values));
	json_object_put(object, "hits_watched", json_count(additions->sites.hits));
	json_object_put(object, "not_watched",
		*additions->not_watched ? json_text(additions->not_watched) : json_null());
}

static json_t *suspect_json(const struct hunt_report *report, size_t number)
{
	const struct suspect *suspect = &report->suspects.items[number];
	size_t rank = number + 1;
	struct json_object object = json_object_begin();

	json_object_put(&object, "rank", json_integer((json_int_t)rank));
	json_object_put(&object, "kind", json_string(suspect_kind_name(suspect->kind)));
	json_object_put(&object, "path", json_text(suspect->path));
	json_object_put(&object, "type", json_text(suspect->type));
	json_object_put(&object, "summary", json_text(suspect->summary));
	json_object_put(&object, "confidence", json_decimal(suspect->confidence));
	json_object_put(&object, "growth", growth_json(suspect));
	json_object_put(&object, "items", items_json(suspect));
	json_object_put(&object, "held_by", json_texts(suspect->held_by, suspect->held_by_count));
	json_object_put(
		&object, "evidence", json_texts(suspect->evidence, suspect->evidence_count));
	put_additions(&object, report, number);
	return json_object_end(&object);
}

static json_t *suspects_json(const struct hunt_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->suspects.count; i++) {
		if (json_array_append_new(array, suspect_json(report, i)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *series_json(const struct growth_memory *memory, enum heap_memory_part part)
{
	json_t *array = json_array();

	for (size_t i = 0; i < memory->moment_count; i++) {
		if (json_array_append_new(array, json_count(memory->moments[i].parts[part])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

// Parts that had a byte at some moment: bytes in each snapshot.
static json_t *memory_json(const struct growth_memory *memory)
{
	struct json_object object = json_object_begin(), parts = json_object_begin();

	if (!memory->moment_count) {
		json_decref(json_object_end(&parts));
		json_decref(json_object_end(&object));
		return json_null();
	}
	for (size_t part = 0; part < HEAP_PART_COUNT; part++) {
		uint64_t most = 0;

		for (size_t i = 0; i < memory->moment_count; i++)
			most = memory->moments[i].parts[part] > most
				       ? memory->moments[i].parts[part]
				       : most;
		if (most)
			json_object_put(&parts, heap_memory_part_name((enum heap_memory_part)part),
				series_json(memory, (enum heap_memory_part)part));
	}
	json_object_put(&object, "parts", json_object_end(&parts));
	json_object_put(&object, "cause", json_string(memory_cause_name(memory->cause)));
	json_object_put(&object, "verdict", json_text(memory->verdict));
	return json_object_end(&object);
}

static json_t *report_json(const struct hunt_report *report)
{
	struct json_object root = json_object_begin();
	double stopped_ms = 0;

	for (size_t i = 0; i < report->snapshot_count; i++)
		stopped_ms += report->snapshots[i].stopped_ms;
	json_object_put(&root, "schema", json_string("shikari.hunt/1"));
	json_object_put(
		&root, "verdict", json_string(hunt_report_is_leak(report) ? "leak" : "no-leak"));
	json_object_put(&root, "summary", json_text(report->suspects.summary));
	json_object_put(&root, "reason",
		report->suspects.reason ? json_string(report->suspects.reason) : json_null());
	json_object_put(&root, "target", target_json(report));
	json_object_put(&root, "snapshots", snapshots_json(report));
	json_object_put(&root, "stopped_ms", json_decimal(stopped_ms));
	json_object_put(&root, "ended_early",
		*report->ended_early ? json_text(report->ended_early) : json_null());
	json_object_put(&root, "suspects", suspects_json(report));
	json_object_put(&root, "watch",
		report->watch.is_done ? export_watch_json(&report->watch.report) : json_null());
	json_object_put(&root, "memory", memory_json(&report->memory));
	json_object_put(
		&root, "notes", json_texts(report->suspects.notes, report->suspects.note_count));
	json_object_put(
		&root, "target_notes", json_texts((char **)report->notes, report->note_count));
	return json_object_end(&root);
}

struct error *export_hunt_json(const struct hunt_report *report, char **ret)
{
	return json_print(report_json(report), ret);
}
