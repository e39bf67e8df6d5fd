// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pyruntime.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/path.h"
#include "cpython/pydict.h"
#include "cpython/pyobject.h"
#include "cpython/pytext.h"

#include <stdio.h>
#include <stdlib.h>

// Blocks of cache for the few reads at open.
#define OPEN_CACHE_SLOTS 64

// "libpython3.8.so.1.0", "python3.8", "python2.7": the version in a file's name, as 0xMMmm0000.
static uint32_t version_in_name(const char *path)
{
	const char *text = strstr(path_base_name(path), "python");
	unsigned major, minor;

	if (!text || sscanf(text, "python%1u.%2u", &major, &minor) != 2)
		return 0;
	return major << 24 | minor << 16;
}

static bool is_first_mapping(const struct mappings *mappings, size_t index)
{
	const struct mapping *mapping = &mappings->items[index];

	for (size_t i = 0; i < index; i++) {
		if (mappings->items[i].inode == mapping->inode &&
			mappings->items[i].device_major == mapping->device_major &&
			mappings->items[i].device_minor == mapping->device_minor)
			return false;
	}
	return true;
}

// In which order to look: the executable, libpython, then any other library.
static int candidate_rank(const struct process *process, const struct mapping *mapping)
{
	const char *name = path_base_name(mapping->path);

	if (!mapping->inode || mapping->path[0] != '/')
		return -1;
	if (strcmp(mapping->path, process_executable(process)) == 0)
		return 0;
	if (strncmp(name, "libpython", 9) == 0)
		return 1;
	return strstr(name, ".so") ? 2 : -1;
}

// What a binary says about an interpreter inside it. False: none.
static bool look_inside(const struct target *target, const char *path, struct elf_file *elf,
	struct pyruntime_place *ret)
{
	remote_addr addr;
	uint64_t size;
	uint32_t version;

	if (!elf_file_find(elf, "PyType_Type", &ret->type_type, &size))
		return false;
	if (!elf_file_find(elf, "_PyRuntime", &ret->runtime, &size))
		ret->runtime = 0;
	ret->version_hex = version_in_name(path);
	if (elf_file_find(elf, "Py_Version", &addr, &size)) {
		struct error *err = target_read(target, addr, &version, sizeof(version));

		if (!err)
			ret->version_hex = version;
		error_destroy(err);
	}
	return true;
}

static struct error *choose_layout(struct pyruntime_place *place)
{
	unsigned major = place->version_hex >> 24, minor = place->version_hex >> 16 & 0xff;

	place->layout = place->runtime ? pylayout_find(place->version_hex) : NULL;
	if (place->layout)
		return NULL;
	if (!place->version_hex)
		return error_create(ERROR_UNSUPPORTED,
			"CPython of unknown version in %s; supported: %s", place->path,
			pylayout_supported());
	return error_create(ERROR_UNSUPPORTED, "CPython %u.%u is not supported yet; supported: %s",
		major, minor, pylayout_supported());
}

static struct error *find_in_rank(const struct process *process, const struct target *target,
	int rank, struct pyruntime_place *ret)
{
	const struct mappings *mappings = target_mappings(target);

	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		struct elf_file *elf;
		struct error *err;

		if (candidate_rank(process, mapping) != rank || !is_first_mapping(mappings, i))
			continue;
		err = elf_file_open(process, mappings, mapping, &elf);
		if (err) {
			error_destroy(err);
			continue;
		}
		if (!look_inside(target, mapping->path, elf, ret)) {
			elf_file_destroy(elf);
			continue;
		}
		ret->elf = elf;
		ret->path = mem_strdup(mapping->path);
		return ret->path ? choose_layout(ret) : error_enomem();
	}
	return NULL;
}

struct error *pyruntime_find(
	const struct process *process, const struct target *target, struct pyruntime_place *ret)
{
	*ret = (struct pyruntime_place){0};
	for (int rank = 0; rank <= 2; rank++) {
		struct error *err = find_in_rank(process, target, rank, ret);

		if (err) {
			pyruntime_place_deinit(ret);
			return err;
		}
		if (ret->elf)
			return NULL;
	}
	return error_create(ERROR_UNSUPPORTED,
		"process %d (%s) is not a Python process: no CPython was found in it",
		process_pid(process), process_executable(process));
}

void pyruntime_place_deinit(struct pyruntime_place *place)
{
	elf_file_destroy(place->elf);
	mem_free(place->path);
	*place = (struct pyruntime_place){0};
}

struct error *pycontext_init(
	struct pycontext *context, const struct python *python, uint32_t cache_slots)
{
	context->python = python;
	return pyreader_init(&context->reader, python->target, cache_slots);
}

void pycontext_deinit(struct pycontext *context)
{
	pyreader_deinit(&context->reader);
}

// Cheap checks that catch a wrong layout before it produces nonsense.
static struct error *check_layout(struct pycontext *context, uint32_t version_hex)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr interpreter, sysdict, value;
	int64_t hexversion;
	_cleanup_(addr_vector_deinit) struct addr_vector interpreters = {0};
	struct error *err = pyruntime_interpreters(context, &interpreters);

	if (err)
		return err;
	interpreter = interpreters.items[0];
	sysdict = pyreader_pointer(&context->reader, interpreter + layout->interp.sysdict);
	value = pydict_find(context, sysdict, "hexversion");
	if (!value || !pytext_int(context, value, &hexversion))
		return error_create(ERROR_BAD_DATA,
			"sys.hexversion is not where the layout %s says: field interp.sysdict",
			layout->name);
	if ((uint32_t)hexversion != version_hex)
		return error_create(ERROR_BAD_DATA, "sys.hexversion is %#x, the binary says %#x",
			(unsigned)hexversion, version_hex);
	return NULL;
}

struct error *python_open(
	const struct target *target, const struct pyruntime_place *place, struct python **ret)
{
	_cleanup_(python_close) struct python *python = mem_calloc(1, sizeof(*python));
	struct pycontext context;
	struct error *err;

	if (!python)
		return error_enomem();
	python->target = target;
	python->layout = place->layout;
	python->runtime = place->runtime;
	err = pycontext_init(&context, python, OPEN_CACHE_SLOTS);
	if (err)
		return err;
	err = pytypes_create(&context.reader, place->layout, place->type_type, &python->types);
	if (!err)
		err = check_layout(&context, place->version_hex);
	pycontext_deinit(&context);
	if (err)
		return error_wrap(err, "cannot make sense of CPython in %s", place->path);
	*ret = take(python);
	return NULL;
}

void python_close(struct python *python)
{
	if (!python)
		return;
	pytypes_destroy(python->types);
	mem_free(python);
}

// A linked list of states: at most @p limit; one that is torn into a circle ends.
static struct error *follow_list(struct pycontext *context, remote_addr first, uint32_t next_offset,
	size_t limit, struct addr_vector *ret)
{
	struct pychain chain = {0};

	for (remote_addr state = first; ret->count < limit && pychain_goes_on(&chain, state);) {
		if (!addr_vector_push(ret, state))
			return error_enomem();
		state = pyreader_pointer(&context->reader, state + next_offset);
	}
	return NULL;
}

struct error *pyruntime_interpreters(struct pycontext *context, struct addr_vector *ret)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr head = pyreader_pointer(
		&context->reader, context->python->runtime + layout->runtime.interpreters_head);
	struct error *err;

	if (!head)
		return error_create(ERROR_BAD_DATA,
			"the process has no Python interpreter yet, or not any more");
	err = follow_list(context, head, layout->interp.next, LIMIT_INTERPRETERS, ret);
	// New interpreters are put in front; the main one is the last.
	for (size_t i = 0; !err && i < ret->count / 2; i++) {
		remote_addr swap = ret->items[i];

		ret->items[i] = ret->items[ret->count - 1 - i];
		ret->items[ret->count - 1 - i] = swap;
	}
	return err;
}

struct error *pyruntime_threads(
	struct pycontext *context, remote_addr interpreter, struct addr_vector *ret)
{
	const struct pylayout *layout = context->python->layout;

	return follow_list(context,
		pyreader_pointer(&context->reader, interpreter + layout->interp.threads_head),
		layout->tstate.next, LIMIT_THREADS, ret);
}

bool pyruntime_gil_is_held(struct pycontext *context)
{
	uint32_t locked = 0;

	pyreader_u32(&context->reader,
		context->python->runtime + context->python->layout->runtime.gil_locked, &locked);
	return locked == 1;
}

// An int of the collector's state in some interpreter: of the main one, or any that is not 0.
static uint32_t gc_state(struct pycontext *context, uint32_t offset, bool any)
{
	const struct pylayout *layout = context->python->layout;
	_cleanup_(addr_vector_deinit) struct addr_vector interpreters = {0};
	struct error *err = pyruntime_interpreters(context, &interpreters);
	uint32_t value = 0;

	error_destroy(err);
	for (size_t i = 0; i < (any ? interpreters.count : interpreters.count > 0); i++) {
		pyreader_u32(&context->reader, interpreters.items[i] + layout->interp.gc + offset,
			&value);
		if (value)
			break;
	}
	return value;
}

bool pyruntime_is_collecting(struct pycontext *context)
{
	return gc_state(context, context->python->layout->gc.collecting, true) != 0;
}

bool pyruntime_collector_is_enabled(struct pycontext *context)
{
	return gc_state(context, context->python->layout->gc.enabled, false) != 0;
}

remote_addr pyruntime_modules(struct pycontext *context, remote_addr interpreter)
{
	return interpreter ? pyreader_pointer(&context->reader,
				     interpreter + context->python->layout->interp.modules)
			   : 0;
}

void pyruntime_thread_name(struct pycontext *context, remote_addr interpreter, remote_addr thread,
	char *ret, size_t size)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr threading =
		pydict_find(context, pyruntime_modules(context, interpreter), "threading");
	remote_addr dict =
		threading ? pyreader_pointer(&context->reader, threading + layout->module.md_dict)
			  : 0;
	remote_addr active = dict ? pydict_find(context, dict, "_active") : 0;
	uint64_t ident = pyreader_pointer(&context->reader, thread + layout->tstate.thread_id);
	struct pydict_table table;
	remote_addr key, value;
	int64_t number;

	ret[0] = '\0';
	if (!active || !pydict_read(&context->reader, layout, active, &table))
		return;
	for (uint64_t i = 0; pydict_entry(&context->reader, &table, i, &key, &value); i++) {
		if (key && value && pytext_int(context, key, &number) &&
			(uint64_t)number == ident) {
			pytext_str(
				context, pyinstance_attribute(context, value, "_name"), ret, size);
			return;
		}
	}
}

void pyruntime_version_text(uint32_t version_hex, char *ret, size_t size)
{
	static const char *const levels[16] = {[0xa] = "a", [0xb] = "b", [0xc] = "rc"};
	unsigned level = version_hex >> 4 & 0xf, serial = version_hex & 0xf;

	if (levels[level])
		snprintf(ret, size, "%u.%u.%u%s%u", version_hex >> 24, version_hex >> 16 & 0xff,
			version_hex >> 8 & 0xff, levels[level], serial);
	else
		snprintf(ret, size, "%u.%u.%u", version_hex >> 24, version_hex >> 16 & 0xff,
			version_hex >> 8 & 0xff);
}
