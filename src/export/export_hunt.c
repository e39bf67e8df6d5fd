// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "export/export_hunt.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// A value that could not be made is NULL, and putting it anywhere fails: one check at the end of
// each object is enough.
struct object {
	json_t *json;
	bool failed;
};

static struct object object_begin(void)
{
	struct object object = {.json = json_object()};

	object.failed = !object.json;
	return object;
}

static void put(struct object *object, const char *key, json_t *value)
{
	if (json_object_set_new(object->json, key, value) != 0)
		object->failed = true;
}

static json_t *object_end(struct object *object)
{
	if (!object->failed)
		return object->json;
	json_decref(object->json);
	return NULL;
}

static json_t *text_json(const char *text)
{
	_cleanup_(mem_free) char *clean = utf8_clean(text, false);

	return clean ? json_string(clean) : NULL;
}

static json_t *count_json(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

// Milliseconds, shares and rates are not known better than to three places.
static json_t *real_json(double value)
{
	return json_real(isfinite(value) ? round(value * 1000) / 1000 : 0);
}

static json_t *texts_json(char **texts, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		if (json_array_append_new(array, text_json(texts[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *target_json(const struct hunt_report *report)
{
	struct object target = object_begin();

	put(&target, "pid", json_integer(report->pid));
	put(&target, "python", text_json(report->python));
	put(&target, "executable", text_json(report->executable));
	put(&target, "rss_bytes", count_json(report->rss_bytes));
	put(&target, "threads", count_json(report->threads));
	put(&target, "command_line", text_json(report->command_line));
	return object_end(&target);
}

static json_t *refcounts_json(const struct hunt_snapshot *snapshot)
{
	struct object refcounts = object_begin();

	put(&refcounts, "checked", count_json(snapshot->refcounts_checked));
	put(&refcounts, "exact", count_json(snapshot->refcounts_exact));
	put(&refcounts, "inferred", count_json(snapshot->refcounts_inferred));
	return object_end(&refcounts);
}

static json_t *garbage_json(const struct hunt_snapshot *snapshot)
{
	struct object garbage = object_begin();

	put(&garbage, "objects", count_json(snapshot->garbage_objects));
	put(&garbage, "bytes", count_json(snapshot->garbage_bytes));
	return object_end(&garbage);
}

static json_t *snapshot_json(const struct hunt_snapshot *snapshot)
{
	struct object object = object_begin();

	put(&object, "at_s", real_json(snapshot->at_s));
	put(&object, "stopped_ms", real_json(snapshot->stopped_ms));
	put(&object, "mode", text_json(snapshot->mode));
	put(&object, "objects", count_json(snapshot->objects));
	put(&object, "bytes", count_json(snapshot->bytes));
	put(&object, "unreadable", count_json(snapshot->unreadable));
	put(&object, "rss_bytes", count_json(snapshot->rss_bytes));
	put(&object, "garbage", garbage_json(snapshot));
	put(&object, "refcounts", refcounts_json(snapshot));
	put(&object, "retries", json_integer(snapshot->retries));
	put(&object, "fallback_reason",
		*snapshot->fallback_reason ? text_json(snapshot->fallback_reason) : json_null());
	return object_end(&object);
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
	struct object growth = object_begin();

	put(&growth, "objects", count_json(suspect->objects));
	put(&growth, "bytes", count_json(suspect->bytes));
	put(&growth, "bytes_per_minute", count_json((uint64_t)llround(suspect->bytes_per_minute)));
	put(&growth, "first", count_json(suspect->length_first));
	put(&growth, "last", count_json(suspect->length_last));
	put(&growth, "share", real_json(suspect->share));
	return object_end(&growth);
}

static json_t *item_json(const struct suspect_item *item)
{
	struct object object = object_begin();

	put(&object, "type", text_json(item->type));
	put(&object, "count", count_json(item->objects));
	put(&object, "bytes", count_json(item->bytes));
	return object_end(&object);
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

static json_t *suspect_json(const struct suspect *suspect, size_t rank)
{
	struct object object = object_begin();

	put(&object, "rank", json_integer((json_int_t)rank));
	put(&object, "kind", json_string(suspect_kind_name(suspect->kind)));
	put(&object, "path", text_json(suspect->path));
	put(&object, "type", text_json(suspect->type));
	put(&object, "summary", text_json(suspect->summary));
	put(&object, "confidence", real_json(suspect->confidence));
	put(&object, "growth", growth_json(suspect));
	put(&object, "items", items_json(suspect));
	put(&object, "held_by", texts_json(suspect->held_by, suspect->held_by_count));
	put(&object, "evidence", texts_json(suspect->evidence, suspect->evidence_count));
	return object_end(&object);
}

static json_t *suspects_json(const struct suspects *suspects)
{
	json_t *array = json_array();

	for (size_t i = 0; i < suspects->count; i++) {
		if (json_array_append_new(array, suspect_json(&suspects->items[i], i + 1)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *report_json(const struct hunt_report *report)
{
	struct object root = object_begin();
	double stopped_ms = 0;

	for (size_t i = 0; i < report->snapshot_count; i++)
		stopped_ms += report->snapshots[i].stopped_ms;
	put(&root, "schema", json_string("shikari.hunt/1"));
	put(&root, "verdict", json_string(hunt_report_is_leak(report) ? "leak" : "no-leak"));
	put(&root, "summary", text_json(report->suspects.summary));
	put(&root, "target", target_json(report));
	put(&root, "snapshots", snapshots_json(report));
	put(&root, "stopped_ms", real_json(stopped_ms));
	put(&root, "ended_early",
		*report->ended_early ? text_json(report->ended_early) : json_null());
	put(&root, "suspects", suspects_json(&report->suspects));
	put(&root, "notes", texts_json(report->suspects.notes, report->suspects.note_count));
	return object_end(&root);
}

struct error *export_hunt_json(const struct hunt_report *report, char **ret)
{
	json_t *root = report_json(report);
	char *dump = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
	size_t length = dump ? strlen(dump) : 0;
	char *text = dump ? mem_alloc(length + 2) : NULL;

	if (text) {
		// The second copy ends it. NOLINTNEXTLINE(bugprone-not-null-terminated-result)
		memcpy(text, dump, length);
		memcpy(text + length, "\n", 2);
	}
	free(dump);
	json_decref(root);
	if (!text)
		return error_enomem();
	*ret = text;
	return NULL;
}
