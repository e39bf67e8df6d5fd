// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "export/export_doctor.h"

#include "export/json_object.h"

static json_t *text_or_null(const char *text)
{
	return *text ? json_text(text) : json_null();
}

static json_t *check_json(const struct doctor_check *check)
{
	struct json_object object = json_object_begin();

	json_object_put(&object, "check", json_string(check->name));
	json_object_put(&object, "status", json_string(doctor_status_name(check->status)));
	json_object_put(&object, "what", json_text(check->what));
	json_object_put(&object, "why", text_or_null(check->why));
	json_object_put(&object, "remedy", text_or_null(check->remedy));
	return json_object_end(&object);
}

static json_t *checks_json(const struct doctor_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->count; i++) {
		if (json_array_append_new(array, check_json(&report->checks[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *forecast_json(const struct doctor_report *report)
{
	const struct doctor_forecast *forecast = &report->forecast;
	struct json_object object;

	if (!report->pid || report->verdict != DOCTOR_READY)
		return json_null();
	object = json_object_begin();
	json_object_put(&object, "mode", json_string(forecast->mode));
	json_object_put(&object, "stop_ms", json_decimal(forecast->stop_ms));
	json_object_put(&object, "extra_bytes", json_count(forecast->extra_bytes));
	json_object_put(&object, "headroom_bytes",
		forecast->headroom_bytes == UINT64_MAX ? json_null()
						       : json_count(forecast->headroom_bytes));
	return json_object_end(&object);
}

static json_t *report_json(const struct doctor_report *report)
{
	struct json_object root = json_object_begin();

	json_object_put(&root, "schema", json_string("shikari.doctor/1"));
	json_object_put(&root, "verdict", json_string(doctor_verdict_name(report->verdict)));
	json_object_put(&root, "summary", json_text(report->summary));
	json_object_put(&root, "pid", report->pid ? json_integer(report->pid) : json_null());
	json_object_put(&root, "forecast", forecast_json(report));
	json_object_put(&root, "checks", checks_json(report));
	return json_object_end(&root);
}

struct error *export_doctor_json(const struct doctor_report *report, char **ret)
{
	return json_print(report_json(report), ret);
}
