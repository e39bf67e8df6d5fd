// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "export/export_call.h"

#include "export/json_object.h"

static json_t *objects_json(const struct call_moment *moment)
{
	struct json_object object = json_object_begin();

	json_object_put(&object, "objects", json_count(moment->objects));
	json_object_put(&object, "bytes", json_count(moment->bytes));
	json_object_put(&object, "garbage_objects", json_count(moment->garbage_objects));
	json_object_put(&object, "garbage_bytes", json_count(moment->garbage_bytes));
	json_object_put(&object, "stopped_ms", json_decimal(moment->stopped_ms));
	return json_object_end(&object);
}

static json_t *moment_json(const struct call_report *report, size_t index)
{
	const struct call_moment *moment = &report->moments[index];
	struct json_object object = json_object_begin();

	json_object_put(&object, "rss_bytes", json_count(moment->rss_bytes));
	json_object_put(&object, "pss_bytes",
		moment->pss_bytes ? json_count(moment->pss_bytes) : json_null());
	if (report->kind == CALL_COLLECT)
		json_object_put(
			&object, "heap", report->has_objects ? objects_json(moment) : json_null());
	return json_object_end(&object);
}

static json_t *target_json(const struct call_report *report)
{
	struct json_object object = json_object_begin();

	json_object_put(&object, "pid", json_integer(report->pid));
	json_object_put(&object, "python", json_text(report->python));
	json_object_put(&object, "executable", json_text(report->executable));
	return json_object_end(&object);
}

static json_t *given_back_json(const struct call_report *report)
{
	return json_integer((json_int_t)report->moments[0].rss_bytes -
			    (json_int_t)report->moments[1].rss_bytes);
}

struct error *export_call_json(const struct call_report *report, char **ret)
{
	struct json_object root = json_object_begin();

	json_object_put(&root, "schema",
		json_string(report->kind == CALL_COLLECT ? "shikari.gc/1" : "shikari.trim/1"));
	json_object_put(&root, "target", target_json(report));
	json_object_put(&root, "outcome", json_string(call_outcome_name(report->outcome)));
	json_object_put(&root, "way", json_text(report->way));
	json_object_put(
		&root, "thread", report->thread ? json_integer(report->thread) : json_null());
	json_object_put(&root, "tries", json_count(report->tries));
	json_object_put(&root, "waited_s", json_decimal(report->waited_s));
	json_object_put(&root, "call_ms", json_decimal(report->call_ms));
	json_object_put(&root, "away_ms", json_decimal(report->away_ms));
	json_object_put(&root, "stopped_ms", json_decimal(report->stopped_ms));
	json_object_put(&root, "before", moment_json(report, 0));
	json_object_put(&root, "after", moment_json(report, 1));
	json_object_put(&root, "given_back_bytes", given_back_json(report));
	return json_print(json_object_end(&root), ret);
}
