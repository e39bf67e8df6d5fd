// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "export/export_layout.h"

#include "base/alloc.h"
#include "export/json_object.h"

#include <stdlib.h>
#include <string.h>

// "16" and "0x10" are numbers, "true" and "false" are what they say, all else is a word.
static json_t *trait_json(const char *value)
{
	char *end;
	unsigned long long number = strtoull(value, &end, 0);

	if (*value && !*end)
		return json_count(number);
	if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		return json_boolean(*value == 't');
	return json_string(value);
}

static json_t *traits_json(const struct doctor_layout_row *row)
{
	struct json_object object = json_object_begin();

	for (size_t i = 0; i < row->trait_count; i++)
		json_object_put(&object, row->traits[i].name, trait_json(row->traits[i].value));
	return json_object_end(&object);
}

// Takes @p value.
static bool append(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) == 0;
}

// "3.11.2, 3.11.7" as an array.
static json_t *labels_json(const char *labels)
{
	json_t *array = json_array();

	for (const char *label = labels; *label;) {
		size_t length = strcspn(label, ",");

		if (!append(array, json_stringn(label, length))) {
			json_decref(array);
			return NULL;
		}
		label += length;
		label += strspn(label, ", ");
	}
	return array;
}

static json_t *row_json(const struct doctor_layout *layout, size_t index)
{
	const struct doctor_layout_row *row = &layout->rows[index];
	struct json_object object = json_object_begin();

	json_object_put(&object, "row", json_string(row->name));
	json_object_put(&object, "versions", json_string(row->versions));
	json_object_put(&object, "version_low", json_count(row->version_low));
	json_object_put(&object, "version_high", json_count(row->version_high));
	json_object_put(&object, "from", labels_json(row->labels));
	json_object_put(&object, "fields", json_count(row->field_count));
	json_object_put(&object, "set", json_count(row->set_count));
	json_object_put(&object, "traits", traits_json(row));
	json_object_put(&object, "taken", json_boolean(row->is_taken));
	json_object_put(&object, "refusal", row->refusal ? json_text(row->refusal) : json_null());
	return json_object_end(&object);
}

static json_t *field_json(const struct doctor_layout *layout, size_t index)
{
	const struct doctor_layout_field *field = &layout->fields[index];
	struct json_object object = json_object_begin();

	json_object_put(&object, "field", json_string(field->name));
	json_object_put(
		&object, "c_name", field->c_name ? json_string(field->c_name) : json_null());
	json_object_put(&object, "kind", json_string(doctor_layout_kind_name(field->kind)));
	json_object_put(&object, "value", json_count(field->value));
	json_object_put(&object, "source", json_string(doctor_layout_source_name(field->source)));
	json_object_put(&object, "row_value",
		field->row_value == DOCTOR_LAYOUT_NONE ? json_null()
						       : json_count(field->row_value));
	return json_object_end(&object);
}

static json_t *member_json(const struct doctor_layout *layout, size_t index)
{
	const struct doctor_layout_member *member = &layout->members[index];
	struct json_object object = json_object_begin();

	json_object_put(&object, "types", labels_json(member->type_names));
	json_object_put(&object, "size", json_count(member->size));
	json_object_put(
		&object, "label", *member->label ? json_string(member->label) : json_null());
	json_object_put(&object, "offset", json_count(member->offset));
	return json_object_end(&object);
}

static json_t *array_json(const struct doctor_layout *layout, size_t count,
	json_t *(*item_json)(const struct doctor_layout *layout, size_t index))
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < count; i++) {
		if (!append(array, item_json(layout, i))) {
			json_decref(array);
			array = NULL;
		}
	}
	return array;
}

static json_t *process_json(const struct doctor_layout *layout)
{
	struct json_object object;

	if (!layout->is_of_process)
		return json_null();
	object = json_object_begin();
	json_object_put(&object, "pid", layout->pid ? json_integer(layout->pid) : json_null());
	json_object_put(&object, "core", *layout->core ? json_text(layout->core) : json_null());
	json_object_put(&object, "python", json_text(layout->python));
	json_object_put(&object, "version_hex", json_count(layout->version_hex));
	json_object_put(&object, "executable", json_text(layout->executable));
	json_object_put(&object, "binary", json_text(layout->binary));
	return json_object_end(&object);
}

struct error *export_layout_json(const struct doctor_layout *layout, char **ret)
{
	struct json_object root = json_object_begin();

	json_object_put(&root, "schema", json_string("shikari.layout/1"));
	json_object_put(&root, "supported", json_string(layout->supported));
	json_object_put(&root, "process", process_json(layout));
	json_object_put(&root, "rows", array_json(layout, layout->row_count, row_json));
	json_object_put(&root, "fields", array_json(layout, layout->field_count, field_json));
	json_object_put(&root, "members", array_json(layout, layout->member_count, member_json));
	return json_print(json_object_end(&root), ret);
}
