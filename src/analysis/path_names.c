// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "analysis/path_names.h"

#include <ctype.h>
#include <string.h>

/** CPython's names of fields that Python code knows by another, or (a cell is its variable, a proxy
 *  its mapping) by none. */
static const struct {
	const char *field, *name;
} field_names[] = {
	{"func_closure", "__closure__"},
	{"func_code", "__code__"},
	{"func_defaults", "__defaults__"},
	{"func_dict", "__dict__"},
	{"func_globals", "__globals__"},
	{"func_kwdefaults", "__kwdefaults__"},
	{"func_annotations", "__annotations__"},
	{"im_func", "__func__"},
	{"im_self", "__self__"},
	{"m_self", "__self__"},
	{"m_module", "__module__"},
	{"md_dict", "__dict__"},
	{"cell_contents", ""},
	{"ob_ref", ""},
	{"ob_type", "__class__"},
	{"tp_base", "__base__"},
	{"tp_bases", "__bases__"},
	{"tp_dict", "__dict__"},
	{"tp_mro", "__mro__"},
	{"tp_subclasses", "__subclasses__"},
	{"wr_callback", "__callback__"},
};

const char *path_field_name(const char *field)
{
	for (size_t i = 0; i < sizeof(field_names) / sizeof(*field_names); i++) {
		if (strcmp(field_names[i].field, field) == 0)
			return field_names[i].name;
	}
	return field;
}

bool path_unquote(const char *key, bool with_dots, char *ret, size_t size)
{
	size_t length;

	// Python 2 writes u'abc'.
	if (*key == 'u')
		key++;
	length = strlen(key);
	if (length < 3 || length - 2 >= size || (*key != '\'' && *key != '"') ||
		key[length - 1] != *key || isdigit((unsigned char)key[1]))
		return false;
	for (size_t i = 1; i < length - 1; i++) {
		unsigned char c = (unsigned char)key[i];

		if (!isalnum(c) && c != '_' && c < 0x80 && !(with_dots && c == '.'))
			return false;
	}
	memcpy(ret, key + 1, length - 2);
	ret[length - 2] = '\0';
	return true;
}
