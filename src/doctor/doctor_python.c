// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_facts.h"

#include "base/error.h"
#include "cpython/pyruntime.h"
#include "cpython/python_open.h"
#include "malloc/malloc_kind.h"
#include "target/capture.h"
#include "target/clone_check.h"

#include <stdio.h>
#include <string.h>

static bool stop_at(struct error *error, struct doctor_python *ret)
{
	if (!error)
		return false;
	snprintf(ret->obstacle, sizeof(ret->obstacle), "%s", error_message(error));
	ret->obstacle_is_unsupported = error_kind(error) == ERROR_UNSUPPORTED;
	error_destroy(error);
	return true;
}

static void read_costs(
	const struct process *process, enum capture_mode mode, struct doctor_costs *ret)
{
	struct capture_forecast forecast;
	struct error *error = capture_predict(process, mode, &forecast);

	ret->is_known = !error;
	if (!error)
		*ret = (struct doctor_costs){
			.is_known = true,
			.is_affordable = capture_is_affordable(&forecast, mode),
			.stop_ms = forecast.stop_ms,
			.extra_bytes = forecast.extra_bytes,
			.headroom_bytes = forecast.headroom_bytes,
		};
	error_destroy(error);
}

static void read_place(
	const struct target *target, const struct pyruntime_place *place, struct doctor_python *ret)
{
	pyruntime_version_text(place->version_hex, ret->version, sizeof(ret->version));
	snprintf(ret->library, sizeof(ret->library), "%s", place->path);
	ret->is_static = strcmp(place->path, target_executable(target)) == 0;
	ret->malloc_kind = malloc_kind(target_mappings(target));
}

static void enter(const struct target *target, struct doctor_python *ret)
{
	struct pyruntime_place place;
	struct python *python;

	if (stop_at(pyruntime_find(target, &place), ret))
		return;
	ret->stage = DOCTOR_STAGE_PYTHON;
	read_place(target, &place, ret);
	if (!stop_at(python_open(target, &place, &python), ret)) {
		ret->stage = DOCTOR_STAGE_LAYOUT;
		ret->interpreters = python->interpreters.count;
		snprintf(ret->layout, sizeof(ret->layout), "%s", python->row->name);
		pyruntime_version_text(python->version_hex, ret->version, sizeof(ret->version));
		python_close(python);
	}
	pyruntime_place_deinit(&place);
}

void doctor_python_read(pid_t pid, struct doctor_python *ret)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	_cleanup_(target_destroy) struct target *target = NULL;
	struct error *error;

	*ret = (struct doctor_python){.stage = DOCTOR_STAGE_PROCESS};
	if (stop_at(process_open(pid, &process), ret))
		return;
	if (stop_at(process_target_live(process, &target), ret))
		return;
	ret->stage = DOCTOR_STAGE_OPEN;
	read_costs(process, CAPTURE_CLONE, &ret->clone);
	read_costs(process, CAPTURE_FREEZE, &ret->freeze);
	enter(target, ret);
	// No other process is stopped, not even for a moment.
	if (ret->stage != DOCTOR_STAGE_LAYOUT)
		return;
	error = clone_check(process, &ret->answer);
	ret->clone_is_known = !error;
	error_destroy(error);
}
