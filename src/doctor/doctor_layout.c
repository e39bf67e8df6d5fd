// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_layout.h"

#include "base/alloc.h"
#include "base/error.h"
#include "cpython/pyruntime.h"
#include "cpython/python_open.h"
#include "target/core_file.h"
#include "target/process.h"

#include <stdio.h>
#include <string.h>

// How many rows there are, how many names of fields.
static size_t count_rows(void)
{
	size_t count = 0;

	while (pylayout_row(count))
		count++;
	return count;
}

static size_t count_names(void)
{
	size_t count = 0;

	while (pylayout_field_name(count))
		count++;
	return count;
}

const char *doctor_layout_source_name(enum doctor_layout_source source)
{
	static const char *const names[] = {
		[DOCTOR_LAYOUT_READ] = "row",
		[DOCTOR_LAYOUT_SET] = "set",
		[DOCTOR_LAYOUT_TOLD] = "process",
	};

	return names[source];
}

const char *doctor_layout_kind_name(enum doctor_layout_kind kind)
{
	static const char *const names[] = {
		[DOCTOR_LAYOUT_OFFSET] = "offset",
		[DOCTOR_LAYOUT_SIZE] = "size",
		[DOCTOR_LAYOUT_BIT] = "bit",
	};

	return names[kind];
}

static const enum doctor_layout_kind kinds[] = {
	[PYLAYOUT_OFFSET] = DOCTOR_LAYOUT_OFFSET,
	[PYLAYOUT_SIZE] = DOCTOR_LAYOUT_SIZE,
	[PYLAYOUT_BIT] = DOCTOR_LAYOUT_BIT,
};

static void write_versions(const struct pylayout *row, char *ret, size_t size)
{
	char low[24], high[24];

	pyruntime_version_text(row->version_low, low, sizeof(low));
	pyruntime_version_text(row->version_high, high, sizeof(high));
	if ((row->version_high & 0xffff) != 0xffff)
		snprintf(ret, size, "%s to %s", low, high);
	else if ((row->version_low & 0xff00) == 0)
		snprintf(ret, size, "%u.%u", row->version_low >> 24, row->version_low >> 16 & 0xff);
	else
		snprintf(ret, size, "%s and later", low);
}

static struct error *fill_traits(const struct pylayout *row, struct doctor_layout_row *ret)
{
	struct doctor_layout_trait *traits;

	while (row->trait_texts[ret->trait_count].name)
		ret->trait_count++;
	traits = mem_calloc(ret->trait_count, sizeof(*traits));
	if (!traits)
		return error_enomem();
	for (size_t i = 0; i < ret->trait_count; i++)
		traits[i] = (struct doctor_layout_trait){
			row->trait_texts[i].name, row->trait_texts[i].value};
	ret->traits = traits;
	return NULL;
}

static struct error *fill_row(const struct pylayout *row, struct doctor_layout_row *ret)
{
	*ret = (struct doctor_layout_row){
		.name = row->name,
		.labels = row->labels,
		.version_low = row->version_low,
		.version_high = row->version_high,
	};
	write_versions(row, ret->versions, sizeof(ret->versions));
	for (size_t i = 0; pylayout_field_name(i); i++) {
		ret->field_count += row->origins[i].entry != NULL;
		ret->set_count += row->origins[i].is_set;
	}
	return fill_traits(row, ret);
}

static struct error *make_rows(size_t count, struct doctor_layout *ret)
{
	ret->rows = mem_calloc(count, sizeof(*ret->rows));
	return ret->rows ? NULL : error_enomem();
}

struct error *doctor_layout_list(struct doctor_layout *ret)
{
	struct error *err;

	*ret = (struct doctor_layout){.supported = pylayout_supported()};
	err = make_rows(count_rows(), ret);
	for (size_t i = 0; !err && pylayout_row(i); i++)
		err = fill_row(pylayout_row(i), &ret->rows[ret->row_count++]);
	return err;
}

static struct error *fill_trials(const struct python_trials *trials, struct doctor_layout *ret)
{
	struct error *err = make_rows(trials->count, ret);

	for (size_t i = 0; !err && i < trials->count; i++) {
		struct doctor_layout_row *row = &ret->rows[ret->row_count++];
		const char *refusal = trials->items[i].refusal;

		err = fill_row(trials->items[i].row, row);
		row->is_taken = !refusal;
		if (!err && refusal && !(row->refusal = mem_strdup(refusal)))
			err = error_enomem();
	}
	return err;
}

static enum doctor_layout_source source_of(
	const struct python *python, const struct pylayout_field_name *name, size_t index)
{
	if (python_was_told(python, name->field))
		return DOCTOR_LAYOUT_TOLD;
	return python->row->origins[index].is_set ? DOCTOR_LAYOUT_SET : DOCTOR_LAYOUT_READ;
}

static struct error *fill_fields(const struct python *python, struct doctor_layout *ret)
{
	ret->fields = mem_calloc(count_names(), sizeof(*ret->fields));
	if (!ret->fields)
		return error_enomem();
	for (size_t i = 0; pylayout_field_name(i); i++) {
		const struct pylayout_field_name *name = pylayout_field_name(i);
		uint32_t value = pylayout_value(python->layout, name);

		if (!pylayout_has(value))
			continue;
		ret->fields[ret->field_count++] = (struct doctor_layout_field){
			.name = name->name,
			.c_name = python->row->origins[i].entry,
			.kind = kinds[name->kind],
			.source = source_of(python, name, i),
			.value = value,
			.row_value = pylayout_value(python->row, name),
		};
	}
	return NULL;
}

static struct error *fill_members(const struct pylayout *row, struct doctor_layout *ret)
{
	size_t count = 0;

	for (uint32_t i = 0; i < row->fields_count; i++)
		count += row->fields[i].count;
	ret->members = mem_calloc(count, sizeof(*ret->members));
	if (!ret->members)
		return error_enomem();
	for (uint32_t i = 0; i < row->fields_count; i++) {
		const struct pyfields *type = &row->fields[i];

		for (uint32_t k = 0; k < type->count; k++)
			ret->members[ret->member_count++] = (struct doctor_layout_member){
				.type_names = type->type_names,
				.size = type->size,
				.label = type->fields[k].label,
				.offset = type->fields[k].offset,
			};
	}
	return NULL;
}

static void fill_version(uint32_t version_hex, struct doctor_layout *ret)
{
	char version[32];

	pyruntime_version_text(version_hex, version, sizeof(version));
	// Of a file's name, the lower half is not known.
	if (!(version_hex & 0xffff))
		*strrchr(version, '.') = '\0';
	snprintf(ret->python, sizeof(ret->python), "CPython %s", version);
	ret->version_hex = version_hex;
}

static struct error *open_python(
	const struct target *target, const struct pyruntime_place *place, struct doctor_layout *ret)
{
	_cleanup_(python_close) struct python *python = NULL;
	struct python_trials trials = {0};
	struct error *refusal, *err;

	fill_version(place->version_hex, ret);
	snprintf(ret->binary, sizeof(ret->binary), "%s", place->path);
	refusal = python_open_told(target, place, &trials, &python);
	err = fill_trials(&trials, ret);
	python_trials_release(&trials);
	if (!err && python) {
		fill_version(python->version_hex, ret);
		err = fill_fields(python, ret);
	}
	if (!err && python)
		err = fill_members(python->row, ret);
	if (!err)
		return refusal;
	error_destroy(refusal);
	return err;
}

static struct error *examine(const struct target *target, struct doctor_layout *ret)
{
	struct pyruntime_place place;
	struct error *err = pyruntime_find(target, &place);

	if (err)
		return err;
	err = open_python(target, &place, ret);
	pyruntime_place_deinit(&place);
	return err;
}

struct error *doctor_layout_examine(pid_t pid, struct doctor_layout *ret)
{
	_cleanup_(process_destroy) struct process *process = NULL;
	_cleanup_(target_destroy) struct target *target = NULL;
	struct error *err;

	*ret = (struct doctor_layout){
		.supported = pylayout_supported(), .is_of_process = true, .pid = pid};
	err = process_open(pid, &process);
	if (err)
		return err;
	snprintf(ret->executable, sizeof(ret->executable), "%s", process_executable(process));
	err = process_target_live(process, &target);
	if (!err)
		err = examine(target, ret);
	return process_explain(process, err);
}

struct error *doctor_layout_examine_core(
	const char *path, const struct core_options *options, struct doctor_layout *ret)
{
	_cleanup_(target_destroy) struct target *target = NULL;
	struct error *err;

	*ret = (struct doctor_layout){.supported = pylayout_supported(), .is_of_process = true};
	snprintf(ret->core, sizeof(ret->core), "%s", path);
	err = core_file_open(path, options, &target);
	if (err)
		return err;
	ret->pid = core_file_info(target)->pid;
	snprintf(ret->executable, sizeof(ret->executable), "%s", target_executable(target));
	return core_file_explain(target, examine(target, ret));
}

const struct doctor_layout_row *doctor_layout_taken(const struct doctor_layout *layout)
{
	for (size_t i = 0; i < layout->row_count; i++) {
		if (layout->rows[i].is_taken)
			return &layout->rows[i];
	}
	return NULL;
}

void doctor_layout_deinit(struct doctor_layout *layout)
{
	for (size_t i = 0; i < layout->row_count; i++) {
		mem_free((void *)layout->rows[i].traits);
		mem_free(layout->rows[i].refusal);
	}
	mem_free(layout->rows);
	mem_free(layout->fields);
	mem_free(layout->members);
	*layout = (struct doctor_layout){0};
}
