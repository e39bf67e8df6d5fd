// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "watch/watch_named.h"

#include "base/clock.h"
#include "base/error.h"
#include "cpython/pydict.h"
#include "cpython/pyobject.h"
#include "cpython/pytext.h"

#include <time.h>

#define CACHE_SLOTS 16
#define PAUSE_NS    20000000L

static bool is_dict(struct pycontext *context, remote_addr object)
{
	uint32_t type = pyobject_type(context, object);

	return type != PYTYPE_NONE &&
	       context->python->types->list.items[type].flags & PYTYPE_FLAG_DICT_SUBCLASS;
}

bool watch_named_length(
	const struct python *python, uint64_t owner, const char *name, uint64_t *ret)
{
	struct pycontext context;
	remote_addr value, word, holder;
	struct error *err = pycontext_init(&context, python, CACHE_SLOTS);
	bool is_found = false;

	if (err) {
		error_destroy(err);
		return false;
	}
	context.reader.by_page = true;
	value = is_dict(&context, owner) ? pydict_find(&context, owner, name)
					 : pyinstance_attribute(&context, owner, name);
	word = value ? pyobject_length_word(&context, value, &holder) : 0;
	is_found = word && pyreader_u64(&context.reader, word, ret);
	pycontext_deinit(&context);
	return is_found;
}

bool watch_named_lowest(const struct python *python, uint64_t owner, const char *name,
	double seconds, uint64_t enough, bool (*goes_on)(void *context), void *context,
	uint64_t *ret)
{
	const struct timespec pause = {0, PAUSE_NS};
	double until = monotonic_seconds() + seconds;
	uint64_t before = UINT64_MAX, now, higher;

	*ret = UINT64_MAX;
	while (*ret >= enough && monotonic_seconds() < until && goes_on(context)) {
		if (watch_named_length(python, owner, name, &now)) {
			higher = now > before ? now : before;
			*ret = higher < *ret ? higher : *ret;
			before = now;
		}
		nanosleep(&pause, NULL);
	}
	return *ret != UINT64_MAX;
}
