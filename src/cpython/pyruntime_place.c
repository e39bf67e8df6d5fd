// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pyruntime_place.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/path.h"
#include "cpython/pyruntime.h"

#include <stdio.h>

// "libpython3.8.so.1.0", "python3.8", "python2.7": the version in a file's name, as 0xMMmm0000.
static uint32_t version_in_name(const char *path)
{
	const char *text = strstr(path_base_name(path), "python");
	unsigned major, minor;

	if (!text || sscanf(text, "python%1u.%2u", &major, &minor) != 2)
		return 0;
	return major << 24 | minor << 16;
}

/** A file, and a look at it that was had. */
struct file_seen {
	uint64_t inode;
	uint32_t device_major, device_minor;
};
DEFINE_VECTOR(files_seen, struct file_seen)

// Files are few, mappings may be a million.
static bool was_seen(const struct files_seen *seen, const struct mapping *mapping)
{
	for (size_t i = seen->count; i > 0; i--) {
		const struct file_seen *file = &seen->items[i - 1];

		if (file->inode == mapping->inode && file->device_major == mapping->device_major &&
			file->device_minor == mapping->device_minor)
			return true;
	}
	return false;
}

// In which order to look: the executable, libpython, then any other library.
static int candidate_rank(const struct target *target, const struct mapping *mapping)
{
	const char *name = path_base_name(mapping->path);

	if (!mapping->inode || mapping->path[0] != '/')
		return -1;
	if (strcmp(mapping->path, target_executable(target)) == 0)
		return 0;
	if (strncmp(name, "libpython", 9) == 0)
		return 1;
	return strstr(name, ".so") ? 2 : -1;
}

static remote_addr find_symbol(const struct elf_file *elf, const char *name)
{
	remote_addr addr;
	uint64_t size;

	return elf_file_find(elf, name, &addr, &size) ? addr : 0;
}

// Where PyInterpreterState_Head() loads what it returns from: "mov rax, [rip + offset]; ret", before
// which there may be an endbr64. The variable itself has a name only where symbols were kept.
static remote_addr find_interpreters_head(const struct target *target, const struct elf_file *elf)
{
	remote_addr function = find_symbol(elf, "PyInterpreterState_Head");
	remote_addr variable = find_symbol(elf, "interp_head");
	uint8_t code[16];

	if (variable)
		return variable;
	if (!function || target_read_some(target, function, code, sizeof(code)) != sizeof(code))
		return 0;
	for (unsigned at = 0; at <= 4; at += 4) {
		int32_t offset;

		if (code[at] != 0x48 || code[at + 1] != 0x8b || code[at + 2] != 0x05 ||
			code[at + 7] != 0xc3)
			continue;
		memcpy(&offset, code + at + 3, sizeof(offset));
		return function + at + 7 + (uint64_t)(int64_t)offset;
	}
	return 0;
}

// What a binary says about an interpreter inside it. False: none.
static bool look_inside(const struct target *target, const char *path, struct elf_file *elf,
	struct pyruntime_place *ret)
{
	remote_addr version_at = find_symbol(elf, "Py_Version");
	uint32_t version;

	ret->type_type = find_symbol(elf, "PyType_Type");
	if (!ret->type_type)
		return false;
	ret->runtime = find_symbol(elf, "_PyRuntime");
	ret->version_hex = version_in_name(path);
	if (version_at &&
		target_read_some(target, version_at, &version, sizeof(version)) == sizeof(version))
		ret->version_hex = version;
	if (ret->runtime)
		return true;
	ret->interpreters_head = find_interpreters_head(target, elf);
	ret->generation0 = find_symbol(elf, "_PyGC_generation0");
	ret->current_thread = find_symbol(elf, "_PyThreadState_Current");
	return true;
}

bool debug_offsets_read_head(
	const struct target *target, remote_addr runtime, struct debug_offsets_head *ret)
{
	return target_read_some(target, runtime, ret, sizeof(*ret)) == sizeof(*ret) &&
	       memcmp(ret->cookie, "xdebugpy", sizeof(ret->cookie)) == 0;
}

static bool is_free_threaded(const struct target *target, const struct pyruntime_place *place)
{
	struct debug_offsets_head head;

	return place->runtime && debug_offsets_read_head(target, place->runtime, &head) &&
	       head.free_threaded == 1;
}

// Py_REF_DEBUG changes the object header up to 3.7, and other structs to this day.
static bool is_debug_build(const struct pyruntime_place *place)
{
	return find_symbol(place->elf, "_Py_PrintReferences") ||
	       find_symbol(place->elf, "_Py_RefTotal") ||
	       find_symbol(place->elf, "_Py_GetRefTotal");
}

static struct error *check_supported(
	const struct target *target, const struct pyruntime_place *place)
{
	unsigned major = place->version_hex >> 24, minor = place->version_hex >> 16 & 0xff;
	char version[32];

	if (!place->version_hex)
		return error_create(ERROR_UNSUPPORTED,
			"CPython of unknown version in %s; supported: %s", place->path,
			pylayout_supported());
	if (is_free_threaded(target, place))
		return error_create(ERROR_UNSUPPORTED,
			"%s is a free-threaded build of CPython %u.%u, which is not supported yet; "
			"supported: builds with the GIL of %s",
			place->path, major, minor, pylayout_supported());
	if (is_debug_build(place))
		return error_create(ERROR_UNSUPPORTED,
			"%s is a debug build of CPython %u.%u, whose objects have another layout; "
			"supported: release builds of %s",
			place->path, major, minor, pylayout_supported());
	if (pylayout_next(place->version_hex, NULL))
		return NULL;
	pyruntime_version_text(place->version_hex, version, sizeof(version));
	return error_create(ERROR_UNSUPPORTED,
		"CPython %s is not supported; supported: %s (the nearest is %s)", version,
		pylayout_supported(), pylayout_nearest(place->version_hex)->name);
}

static struct error *find_in_rank(
	const struct target *target, int rank, struct pyruntime_place *ret)
{
	const struct mappings *mappings = target_mappings(target);
	_cleanup_(files_seen_deinit) struct files_seen seen = {0};

	for (size_t i = 0; i < mappings->count; i++) {
		const struct mapping *mapping = &mappings->items[i];
		struct elf_file *elf;
		struct error *err;

		if (candidate_rank(target, mapping) != rank || was_seen(&seen, mapping))
			continue;
		if (!files_seen_push(&seen, (struct file_seen){mapping->inode,
						    mapping->device_major, mapping->device_minor}))
			return error_enomem();
		err = elf_file_open(target, mapping, &elf);
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
		return ret->path ? check_supported(target, ret) : error_enomem();
	}
	return NULL;
}

struct error *pyruntime_find(const struct target *target, struct pyruntime_place *ret)
{
	*ret = (struct pyruntime_place){0};
	for (int rank = 0; rank <= 2; rank++) {
		struct error *err = find_in_rank(target, rank, ret);

		if (err) {
			pyruntime_place_deinit(ret);
			return err;
		}
		if (ret->elf)
			return NULL;
	}
	return error_create(ERROR_UNSUPPORTED,
		"%s (%s) is not a Python process: no CPython was found in it", target_name(target),
		target_executable(target));
}

void pyruntime_place_deinit(struct pyruntime_place *place)
{
	elf_file_destroy(place->elf);
	mem_free(place->path);
	*place = (struct pyruntime_place){0};
}
