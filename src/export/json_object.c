// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "export/json_object.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct json_object json_object_begin(void)
{
	struct json_object object = {.json = json_object()};

	object.failed = !object.json;
	return object;
}

void json_object_put(struct json_object *object, const char *key, json_t *value)
{
	if (json_object_set_new(object->json, key, value) != 0)
		object->failed = true;
}

json_t *json_object_end(struct json_object *object)
{
	if (!object->failed)
		return object->json;
	json_decref(object->json);
	return NULL;
}

json_t *json_text(const char *text)
{
	_cleanup_(mem_free) char *clean = utf8_clean(text, false);

	return clean ? json_string(clean) : NULL;
}

json_t *json_texts(char **texts, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		if (json_array_append_new(array, json_text(texts[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

json_t *json_count(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

json_t *json_decimal(double value)
{
	return json_real(isfinite(value) ? round(value * 1000) / 1000 : 0);
}

struct error *json_print(json_t *root, char **ret)
{
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
