// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "watch/watch_requests.h"

#include "cpython/pycode.h"
#include "cpython/pydict.h"
#include "cpython/pyobject.h"
#include "cpython/pystr.h"
#include "cpython/pytext.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

// A server's environment has some fifty variables.
#define ENTRIES_MAX 1024

#define WANTED_MAX 4

// The keys of a request, in the order in which they are looked at below.
enum wanted { WANTED_METHOD, WANTED_PREFIX, WANTED_PATH, WANTED_QUERY };

static const char *const wsgi_keys[WANTED_MAX] = {
	"REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"};
static const char *const asgi_keys[WANTED_MAX] = {"method", "root_path", "path", "query_string"};

static bool is_dict(struct pycontext *context, remote_addr object)
{
	uint32_t type = object ? pyobject_type(context, object) : PYTYPE_NONE;

	return type != PYTYPE_NONE &&
	       context->python->types->list.items[type].flags & PYTYPE_FLAG_DICT_SUBCLASS;
}

// Which of the wanted ones @p key is; WANTED_MAX for none.
static unsigned which(struct pycontext *context, remote_addr key, const char *const *keys)
{
	struct pystr str;

	if (!pystr_view(&context->reader, context->python->layout, key,
		    pystr_native_form(context->python->layout), 0, &str))
		return WANTED_MAX;
	for (unsigned i = 0; i < WANTED_MAX; i++) {
		if (str.length == strlen(keys[i]) && pystr_equals(&context->reader, &str, keys[i]))
			return i;
	}
	return WANTED_MAX;
}

// One pass over the dict, for all that is wanted.
static void find_values(struct pycontext *context, remote_addr dict, const char *const *keys,
	remote_addr ret[WANTED_MAX])
{
	struct pydict_table table;
	remote_addr key, value;

	if (!is_dict(context, dict) ||
		!pydict_read(&context->reader, context->python->layout, dict, &table))
		return;
	for (uint64_t i = 0; i < ENTRIES_MAX; i++) {
		unsigned number;

		if (!pydict_entry(&context->reader, &table, i, &key, &value))
			return;
		number = key && value ? which(context, key, keys) : WANTED_MAX;
		if (number < WANTED_MAX)
			ret[number] = value;
	}
}

static bool is_method(const char *text)
{
	for (const char *c = text; *c; c++) {
		if (!isupper((unsigned char)*c))
			return false;
	}
	return *text != '\0';
}

static bool read_from(struct pycontext *context, remote_addr dict, const char *const *keys,
	struct watch_request *ret)
{
	remote_addr values[WANTED_MAX] = {0};
	char prefix[128] = "", path[128] = "";

	find_values(context, dict, keys, values);
	if (!values[WANTED_METHOD] || !values[WANTED_PATH] ||
		!pytext_str(context, values[WANTED_METHOD], ret->method, sizeof(ret->method)) ||
		!is_method(ret->method))
		return false;
	pytext_str(context, values[WANTED_PREFIX], prefix, sizeof(prefix));
	pytext_str(context, values[WANTED_PATH], path, sizeof(path));
	// In ASGI the path has its prefix (since 3.0 of the specification); in WSGI it has not.
	if (strncmp(path, prefix, strlen(prefix)) == 0 && keys == asgi_keys)
		prefix[0] = '\0';
	snprintf(ret->path, sizeof(ret->path), "%s%s", prefix, path);
	if (values[WANTED_QUERY])
		pytext_str(context, values[WANTED_QUERY], ret->query, sizeof(ret->query));
	return true;
}

void watch_request_read(
	struct pycontext *context, const struct watch_stack *stack, struct watch_request *ret)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct pyframe *frame = &stack->raw[i].frame;

		if (stack->environ[i] != PYCODE_NO_LOCAL &&
			read_from(context, pyframe_local(context, frame, stack->environ[i]),
				wsgi_keys, ret))
			return;
		if (stack->scope[i] != PYCODE_NO_LOCAL &&
			read_from(context, pyframe_local(context, frame, stack->scope[i]),
				asgi_keys, ret))
			return;
	}
	*ret = (struct watch_request){0};
}
