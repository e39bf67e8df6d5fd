// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "watch/watch_named.h"

#include "base/clock.h"
#include "base/error.h"
#include "cpython/pydict.h"
#include "cpython/pyobject.h"
#include "cpython/pytext.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CACHE_SLOTS 16
// Longer names are not written out in paths.
#define NAME_SIZE   128
#define PAUSE_NS    20000000L

static bool is_dict(struct pycontext *context, remote_addr object)
{
	uint32_t type = pyobject_type(context, object);

	return type != PYTYPE_NONE &&
	       context->python->types->list.items[type].flags & PYTYPE_FLAG_DICT_SUBCLASS;
}

// "['users']" is the key that Python code would say so.
static void plain_name(const char *name, char *ret, size_t size)
{
	size_t length = strlen(name);
	bool is_key =
		length > 4 && strncmp(name, "['", 2) == 0 && strcmp(name + length - 2, "']") == 0;

	snprintf(ret, size, "%.*s", is_key ? (int)length - 4 : (int)length,
		is_key ? name + 2 : name);
}

static remote_addr find(
	struct pycontext *context, const struct watch_named *named, remote_addr *ret_slot)
{
	char name[NAME_SIZE];

	*ret_slot = 0;
	if (!named->name)
		return named->owner;
	plain_name(named->name, name, sizeof(name));
	*ret_slot = is_dict(context, named->owner) ? pydict_slot(context, named->owner, name)
						   : pyinstance_slot(context, named->owner, name);
	return *ret_slot ? pyreader_pointer(&context->reader, *ret_slot) : 0;
}

uint64_t watch_named_object(
	const struct python *python, const struct watch_named *named, uint64_t *ret_slot)
{
	struct pycontext context;
	struct error *err = pycontext_init(&context, python, CACHE_SLOTS);
	uint64_t object;

	*ret_slot = 0;
	if (err) {
		error_destroy(err);
		return 0;
	}
	context.reader.by_page = true;
	object = find(&context, named, ret_slot);
	pycontext_deinit(&context);
	return object;
}

bool watch_named_length(const struct python *python, const struct watch_named *named, uint64_t *ret)
{
	struct pycontext context;
	remote_addr value, word, holder, ignored;
	struct error *err = pycontext_init(&context, python, CACHE_SLOTS);
	bool is_found = false;

	if (err) {
		error_destroy(err);
		return false;
	}
	context.reader.by_page = true;
	value = find(&context, named, &ignored);
	word = value ? pyobject_length_word(&context, value, &holder) : 0;
	is_found = word && pyreader_u64(&context.reader, word, ret);
	pycontext_deinit(&context);
	return is_found;
}

bool watch_named_lowest(const struct python *python, const struct watch_named *named,
	double seconds, uint64_t enough, bool (*goes_on)(void *context), void *context,
	uint64_t *ret)
{
	const struct timespec pause = {0, PAUSE_NS};
	double until = monotonic_seconds() + seconds;
	uint64_t before = UINT64_MAX, now, higher;

	*ret = UINT64_MAX;
	while (*ret >= enough && monotonic_seconds() < until && goes_on(context)) {
		if (watch_named_length(python, named, &now)) {
			higher = now > before ? now : before;
			*ret = higher < *ret ? higher : *ret;
			before = now;
		}
		nanosleep(&pause, NULL);
	}
	return *ret != UINT64_MAX;
}
