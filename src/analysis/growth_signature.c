// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/growth_sample.h"

#include "base/string_builder.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

// A key like 'users' names a part of a structure; one with digits or other characters (an address,
// a date, a session) is data. People's own keys are short.
#define KEY_LENGTH_MAX 40

// The length of the subscript that starts at text ("['a[b]']", "[17]"), brackets included; 0 if it
// does not end. Brackets within quotes do not count.
static size_t subscript_length(const char *text)
{
	char quote = 0;
	int depth = 0;

	for (size_t i = 0; text[i]; i++) {
		char c = text[i];

		if (quote) {
			if (c == '\\' && text[i + 1])
				i++;
			else if (c == quote)
				quote = 0;
		} else if (c == '\'' || c == '"') {
			quote = c;
		} else if (c == '[') {
			depth++;
		} else if (c == ']' && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

// "['users']": a quoted identifier without digits?
static bool is_plain_key(const char *subscript, size_t length)
{
	if (length < 5 || length > KEY_LENGTH_MAX ||
		(subscript[1] != '\'' && subscript[1] != '"') ||
		subscript[length - 2] != subscript[1])
		return false;
	for (size_t i = 2; i < length - 2; i++) {
		if (!isalpha((unsigned char)subscript[i]) && !strchr("_-. ", subscript[i]))
			return false;
	}
	return true;
}

// "sys.modules['h2']": a module's name is a name whatever it is made of.
static bool is_module(const struct string_builder *before)
{
	static const char modules[] = "sys.modules";
	size_t length = sizeof(modules) - 1;

	return before->length >= length &&
	       memcmp(before->text + before->length - length, modules, length) == 0;
}

char *growth_signature(const char *path)
{
	_cleanup_(string_builder_deinit) struct string_builder builder = {0};

	while (*path) {
		size_t length = strcspn(path, "[");

		string_builder_add_bytes(&builder, path, length);
		path += length;
		length = *path ? subscript_length(path) : 0;
		if (length == 0) {
			string_builder_add(&builder, path);
			break;
		}
		if (is_plain_key(path, length) || is_module(&builder))
			string_builder_add_bytes(&builder, path, length);
		else
			string_builder_add(&builder, "[…]");
		path += length;
	}
	return string_builder_finish(&builder);
}
