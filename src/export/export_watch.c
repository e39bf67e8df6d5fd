// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "export/export_watch.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *frame_json(const char *file, uint32_t line, const char *function)
{
	struct json_object object = json_object_begin();

	json_object_put(&object, "file", json_text(file));
	json_object_put(&object, "line", line ? json_count(line) : json_null());
	json_object_put(&object, "function", json_text(function));
	return json_object_end(&object);
}

// Appends; NULL, and gone, if anything failed.
static json_t *append(json_t *array, json_t *item)
{
	if (json_array_append_new(array, item) == 0)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *stack_json(const struct watch_site_stack *stack)
{
	json_t *array = json_array();

	for (size_t i = 0; i < stack->count && array; i++)
		array = append(array, frame_json(stack->frames[i].file, stack->frames[i].line,
					      stack->frames[i].function));
	return array;
}

static json_t *natives_json(const struct watch_native *natives, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count && array; i++) {
		const struct watch_native *native = &natives[i];
		struct json_object object = json_object_begin();
		char offset[24];

		snprintf(offset, sizeof(offset), "0x%" PRIx64, native->offset);
		json_object_put(&object, "function",
			native->function ? json_text(native->function) : json_null());
		json_object_put(&object, "library", json_text(native->library));
		json_object_put(&object, "offset", json_string(offset));
		array = append(array, json_object_end(&object));
	}
	return array;
}

static json_t *request_json(
	const char *method, const char *path, const char *query, uint64_t hits, bool with_values)
{
	struct json_object object = json_object_begin();

	json_object_put(&object, "method", json_text(method));
	json_object_put(&object, "path", json_text(path));
	if (with_values)
		json_object_put(&object, "query", json_text(query));
	if (hits)
		json_object_put(&object, "hits", json_count(hits));
	return json_object_end(&object);
}

static json_t *requests_json(const struct watch_site *site, bool with_values)
{
	json_t *array = json_array();

	for (size_t i = 0; i < site->request_count && array; i++)
		array = append(array,
			request_json(site->requests[i].method, site->requests[i].path,
				site->requests[i].query, site->requests[i].hits, with_values));
	return array;
}

static json_t *threads_json(const struct watch_site *site)
{
	json_t *array = json_array();

	for (size_t i = 0; i < site->thread_count && array; i++) {
		struct json_object object = json_object_begin();

		json_object_put(&object, "name", json_text(site->threads[i].name));
		json_object_put(&object, "hits", json_count(site->threads[i].hits));
		array = append(array, json_object_end(&object));
	}
	return array;
}

static json_t *site_json(const struct watch_site *site, bool with_values)
{
	const struct watch_site_stack *stack = &site->stacks[0];
	struct json_object object = json_object_begin();

	json_object_put(&object, "file", json_text(stack->frames[0].file));
	json_object_put(&object, "line",
		stack->frames[0].line ? json_count(stack->frames[0].line) : json_null());
	json_object_put(&object, "function", json_text(stack->frames[0].function));
	json_object_put(&object, "hits", json_count(site->hits));
	json_object_put(&object, "stack", stack_json(stack));
	json_object_put(&object, "stack_is_cut", json_boolean(stack->is_cut));
	json_object_put(&object, "stack_hits", json_count(stack->hits));
	json_object_put(&object, "native", natives_json(stack->natives, stack->native_count));
	json_object_put(&object, "requests", requests_json(site, with_values));
	json_object_put(&object, "threads", threads_json(site));
	return json_object_end(&object);
}

json_t *export_sites_json(const struct watch_sites *sites, bool with_values)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sites->count && array; i++)
		array = append(array, site_json(&sites->items[i], with_values));
	return array;
}

static json_t *method_json(enum watch_method method)
{
	return json_string(method == WATCH_HARDWARE ? "hardware" : "polling");
}

json_t *export_watch_json(const struct watch_report *report)
{
	struct json_object object = json_object_begin();

	json_object_put(&object, "method", method_json(report->method));
	json_object_put(&object, "fallback_reason",
		*report->fallback_reason ? json_text(report->fallback_reason) : json_null());
	json_object_put(&object, "seconds", json_decimal(report->seconds));
	json_object_put(&object, "stopped_us_mean", json_decimal(report->stopped_us_mean));
	json_object_put(&object, "stopped_us_max", json_decimal(report->stopped_us_max));
	json_object_put(&object, "pauses", json_count(report->pauses));
	json_object_put(&object, "paused_s", json_decimal(report->paused_s));
	return json_object_end(&object);
}

// Takes @p json.
static char *line_of(json_t *json)
{
	char *dump = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
	char *line = NULL;
	size_t size = dump ? strlen(dump) + 2 : 0;

	json_decref(json);
	if (dump)
		line = mem_alloc(size);
	if (line)
		snprintf(line, size, "%s\n", dump);
	free(dump);
	return line;
}

static json_t *watched_json(const struct watched_report *report, unsigned number)
{
	const struct watched *watched = &report->items[number];
	struct json_object object = json_object_begin();
	char addr[24];

	snprintf(addr, sizeof(addr), "0x%" PRIx64, report->objects[number].addr);
	json_object_put(&object, "path", json_text(watched->path));
	json_object_put(&object, "type", watched->type ? json_text(watched->type) : json_null());
	json_object_put(&object, "address", json_string(addr));
	json_object_put(&object, "length", json_count(watched->length));
	return json_object_end(&object);
}

char *export_watch_start(const struct watched_report *report)
{
	struct json_object object = json_object_begin();
	json_t *array = json_array();

	for (unsigned i = 0; i < report->count && array; i++)
		array = append(array, watched_json(report, i));
	json_object_put(&object, "schema", json_string("shikari.watch-object/1"));
	json_object_put(&object, "event", json_string("start"));
	json_object_put(&object, "pid", json_integer(report->pid));
	json_object_put(&object, "python", json_text(report->python));
	json_object_put(&object, "objects", array);
	return line_of(json_object_end(&object));
}

static json_t *frames_json(const struct watch_change *change)
{
	json_t *array = json_array();

	for (size_t i = 0; i < change->frame_count && array; i++)
		array = append(array, frame_json(change->frames[i].file, change->frames[i].line,
					      change->frames[i].function));
	return array;
}

char *export_watch_change(const struct watched_report *report, const struct watch_change *change)
{
	struct json_object object = json_object_begin();
	const struct watch_request *request = &change->request;

	json_object_put(&object, "event", json_string("change"));
	json_object_put(&object, "path", json_text(report->items[change->object].path));
	json_object_put(&object, "at_s", json_decimal(change->at_s));
	json_object_put(&object, "before", json_count(change->before));
	json_object_put(&object, "after", json_count(change->after));
	json_object_put(&object, "is_record", json_boolean(change->is_record));
	json_object_put(&object, "is_approximate", json_boolean(change->method == WATCH_POLLING));
	json_object_put(&object, "thread", json_text(change->thread));
	json_object_put(&object, "stack", frames_json(change));
	json_object_put(&object, "stack_is_cut", json_boolean(change->is_cut));
	json_object_put(&object, "native", natives_json(change->natives, change->native_count));
	json_object_put(&object, "request",
		*request->method ? request_json(request->method, request->path, request->query, 0,
					   report->with_values)
				 : json_null());
	return line_of(json_object_end(&object));
}

static json_t *ended_json(const struct watched_report *report, unsigned number)
{
	const struct watch_object *object = &report->objects[number];
	struct json_object end = json_object_begin();

	json_object_put(&end, "path", json_text(report->items[number].path));
	json_object_put(&end, "changes", json_count(object->changes));
	json_object_put(&end, "stores",
		report->watch.method == WATCH_HARDWARE ? json_count(object->stores) : json_null());
	json_object_put(&end, "first", json_count(object->length_first));
	json_object_put(&end, "last", json_count(object->length_last));
	json_object_put(&end, "is_gone", json_boolean(object->is_gone));
	json_object_put(&end, "added_by",
		export_sites_json(&report->items[number].sites, report->with_values));
	return json_object_end(&end);
}

char *export_watch_end(const struct watched_report *report)
{
	struct json_object end = json_object_begin();
	json_t *array = json_array();

	for (unsigned i = 0; i < report->count && array; i++)
		array = append(array, ended_json(report, i));
	json_object_put(&end, "event", json_string("end"));
	json_object_put(&end, "objects", array);
	json_object_put(&end, "lines_lost", json_count(report->lost_lines));
	json_object_put(&end, "watch", export_watch_json(&report->watch));
	return line_of(json_object_end(&end));
}
