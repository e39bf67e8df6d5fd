// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Making JSON, with one check at the end.
 *
 * A value that could not be made is NULL, and putting it anywhere fails: json_object_end() then
 * returns NULL, and so up to json_print().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct error;

struct json_object {
	json_t *json;
	bool failed;
};

struct json_object json_object_begin(void);
/** Takes @p value. */
void json_object_put(struct json_object *object, const char *key, json_t *value);
/** The object, or NULL if anything in it failed. */
json_t *json_object_end(struct json_object *object);

/** Text of a target: bytes that are no valid UTF-8 become \xNN. */
json_t *json_text(const char *text);
json_t *json_texts(char **texts, size_t count);
json_t *json_count(uint64_t count);
/** Milliseconds, shares and rates: not known better than to three places. */
json_t *json_decimal(double value);

/** Write it down, with a newline at the end. Takes @p root, which may be NULL (no memory). */
struct error *json_print(json_t *root, char **ret);
