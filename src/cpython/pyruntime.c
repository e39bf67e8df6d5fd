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

// The first words of _PyRuntime from 3.13 on (Include/internal/pycore_debug_offsets.h).
struct debug_offsets_head {
	char cookie[8];
	uint64_t version, free_threaded;
};

// False if _PyRuntime does not begin with them.
static bool read_debug_offsets_head(
	const struct target *target, remote_addr runtime, struct debug_offsets_head *ret)
{
	return target_read_some(target, runtime, ret, sizeof(*ret)) == sizeof(*ret) &&
	       memcmp(ret->cookie, "xdebugpy", sizeof(ret->cookie)) == 0;
}

static bool is_free_threaded(const struct target *target, const struct pyruntime_place *place)
{
	struct debug_offsets_head head;

	return place->runtime && read_debug_offsets_head(target, place->runtime, &head) &&
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

// sys.hexversion is that of the binary, or of the row where the binary does not say.
static struct error *check_version(
	struct pycontext *context, struct python *python, const struct pyruntime_place *place)
{
	const struct pylayout *layout = python->layout;
	remote_addr sysdict = pyreader_pointer(
		&context->reader, python->interpreters.items[0] + layout->interp.sysdict);
	int64_t hexversion, maxunicode;

	if (!sysdict ||
		!pytext_int(context, pydict_find(context, sysdict, "hexversion"), &hexversion))
		return error_create(
			ERROR_BAD_DATA, "sys.hexversion was not found: field interp.sysdict");
	python->version_hex = (uint32_t)hexversion;
	if (place->version_hex & 0xffff && python->version_hex != place->version_hex)
		return error_create(ERROR_BAD_DATA, "sys.hexversion is %#x, not %#x",
			python->version_hex, place->version_hex);
	if (python->version_hex < layout->version_low || python->version_hex > layout->version_high)
		return error_create(ERROR_BAD_DATA, "sys.hexversion is %#x, which %s is not for",
			python->version_hex, layout->name);
	if (pydict_find(context, sysdict, "gettotalrefcount"))
		return error_create(ERROR_UNSUPPORTED,
			"%s is a debug build, whose objects have another layout", place->path);
	python->old_unicode_width =
		pytext_int(context, pydict_find(context, sysdict, "maxunicode"), &maxunicode) &&
				maxunicode == 0xffff
			? 2
			: 4;
	return NULL;
}

// Does an object follow the head that the head before it leads to?
static bool has_gc_neighbour(struct pycontext *context, remote_addr object)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr next = object ? pyreader_pointer(&context->reader,
					    object - layout->gc_head.size + layout->gc_head.next) &
					    ~3ull
				  : 0;
	uint32_t type = next ? pyobject_type(context, next + layout->gc_head.size) : PYTYPE_NONE;

	return type != PYTYPE_NONE && context->python->types->list.items[type].is_gc;
}

// Of three objects that are always tracked, one at least is not the last of its list.
static struct error *check_gc_head(struct pycontext *context)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr interpreter = context->python->interpreters.items[0];
	const uint32_t dicts[] = {
		layout->interp.sysdict, layout->interp.modules, layout->interp.builtins};

	for (size_t i = 0; i < sizeof(dicts) / sizeof(dicts[0]); i++) {
		if (has_gc_neighbour(
			    context, pyreader_pointer(&context->reader, interpreter + dicts[i])))
			return NULL;
	}
	return error_create(ERROR_BAD_DATA, "no object precedes another: field gc_head.size");
}

// A list that leads back to its head; most do at any time.
static struct error *check_gc_lists(struct pycontext *context)
{
	const struct pylayout *layout = context->python->layout;
	struct pyreader *reader = &context->reader;
	remote_addr heads[PYRUNTIME_GC_HEADS_MAX];
	size_t count = pyruntime_gc_heads(context, context->python->interpreters.items[0], heads);
	size_t closed = 0;

	for (size_t i = 0; i < count; i++) {
		remote_addr last =
			pyreader_pointer(reader, heads[i] + layout->gc_head.prev) & ~3ull;

		closed += last && (pyreader_pointer(reader, last + layout->gc_head.next) & ~3ull) ==
					  heads[i];
	}
	if (closed * 2 >= count)
		return NULL;
	return error_create(ERROR_BAD_DATA, "the collector's lists are not closed: field gc.%s",
		pylayout_has(layout->gc.young) ? "young" : "generations");
}

// Pools say the size of their blocks twice: as a class, and in where the last block is.
static bool pool_fits(const struct pylayout *layout, const uint8_t *header, uint32_t alignment)
{
	uint64_t size = ((uint64_t)load_u32(header + layout->pool.szidx) + 1) * alignment;

	return size <= 512 &&
	       load_u32(header + layout->pool.maxnextoffset) + size == layout->traits.pool_bytes;
}

// The values in builtins' dict are small objects: of those in pools, some fit the alignment.
static struct error *check_alignment(struct pycontext *context)
{
	const struct pylayout *layout = context->python->layout;
	remote_addr dict = pyreader_pointer(
		&context->reader, context->python->interpreters.items[0] + layout->interp.builtins);
	uint32_t alignment = layout->traits.alignment, fit = 0, fit_other = 0;
	struct pydict_table table;
	remote_addr key, value;

	if (!dict || !pydict_read(&context->reader, layout, dict, &table))
		return error_create(ERROR_BAD_DATA, "no dict of builtins: field interp.builtins");
	for (uint64_t i = 0; pydict_entry(&context->reader, &table, i, &key, &value); i++) {
		remote_addr pool = value & ~(uint64_t)(layout->traits.pool_bytes - 1);
		const uint8_t *header =
			value ? pyreader_bytes(&context->reader, pool, layout->pool.header_size)
			      : NULL;

		if (!header)
			continue;
		fit += pool_fits(layout, header, alignment);
		fit_other += pool_fits(layout, header, alignment == 8 ? 16 : 8);
	}
	// Without pymalloc neither does.
	return fit >= fit_other ? NULL
				: error_create(ERROR_BAD_DATA,
					  "pools have blocks of another alignment than %u: trait "
					  "alignment",
					  alignment);
}

static struct error *check_static_types(struct pycontext *context, remote_addr type_type)
{
	const struct pylayout *layout = context->python->layout;

	if (!pylayout_has(layout->interp.static_types) ||
		pytype_static_state(&context->reader, layout,
			context->python->interpreters.items[0], type_type))
		return NULL;
	return error_create(ERROR_BAD_DATA,
		"the interpreter has no state of PyType_Type: field interp.static_types");
}

// Cheap checks that catch a wrong layout before it produces nonsense. Counts those that passed.
static struct error *check_layout(struct pycontext *context, struct python *python,
	const struct pyruntime_place *place, unsigned *ret_passed)
{
	struct error *err = check_static_types(context, place->type_type);

	*ret_passed = !err;
	if (!err)
		err = check_version(context, python, place);
	*ret_passed += !err;
	if (!err)
		err = check_gc_head(context);
	*ret_passed += !err;
	if (!err)
		err = check_gc_lists(context);
	*ret_passed += !err;
	if (!err)
		err = check_alignment(context);
	*ret_passed += !err;
	return err;
}

// Lay what the interpreter says of itself over a copy of the row. Values that make no sense as
// offsets are left out; whether the others fit together is the caller's to check.
static void lay_over(
	struct pylayout *layout, const struct target *target, remote_addr runtime, bool *said)
{
	for (uint32_t i = 0; i < layout->debug_offsets_count; i++) {
		const struct pylayout_debug_offset *entry = &layout->debug_offsets[i];
		uint64_t value;
		uint32_t offset;

		if (target_read_some(target, runtime + entry->position, &value, sizeof(value)) !=
				sizeof(value) ||
			value >= LIMIT_RUNTIME_BYTES)
			continue;
		offset = (uint32_t)value;
		memcpy((char *)layout + entry->field, &offset, sizeof(offset));
		said[i] = true;
	}
}

// Give @p python a copy of @p layout, which came from @p row. NULL: no memory.
static struct pylayout *own_layout(
	struct python *python, const struct pylayout *layout, const struct pylayout *row)
{
	struct pylayout *copy = mem_calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *layout;
	python->layout = copy;
	python->row = row;
	return copy;
}

static struct error *copy_layout(const struct target *target, const struct pyruntime_place *place,
	const struct pylayout *row, struct python *python)
{
	struct pylayout *layout = own_layout(python, row, row);
	struct debug_offsets_head head;
	const char *misfit;

	if (!layout)
		return error_enomem();
	// By the name of its file it may be a version that has another way to its interpreters.
	if (pylayout_has(row->runtime.interpreters_head) != (place->runtime != 0))
		return error_create(ERROR_BAD_DATA,
			place->runtime ? "there is a _PyRuntime" : "there is no _PyRuntime");
	if (!row->debug_offsets_count)
		return NULL;
	if (!read_debug_offsets_head(target, place->runtime, &head) ||
		head.version != place->version_hex)
		return error_create(ERROR_BAD_DATA, "_PyRuntime does not begin with the debug "
						    "offsets of its version");
	python->said = mem_calloc(row->debug_offsets_count, sizeof(*python->said));
	if (!python->said)
		return error_enomem();
	lay_over(layout, target, place->runtime, python->said);
	misfit = pylayout_misfit(layout);
	return misfit ? error_create(ERROR_BAD_DATA,
				"the debug offsets contradict themselves: field %s", misfit)
		      : NULL;
}

static struct error *take_known(const struct python *known, struct python *python)
{
	if (!own_layout(python, known->layout, known->row))
		return error_enomem();
	if (known->said) {
		python->said = mem_calloc(known->row->debug_offsets_count, sizeof(*python->said));
		if (!python->said)
			return error_enomem();
		memcpy(python->said, known->said,
			known->row->debug_offsets_count * sizeof(*python->said));
	}
	python->version_hex = known->version_hex;
	python->old_unicode_width = known->old_unicode_width;
	return NULL;
}

static struct error *open_with_row(const struct target *target, const struct pyruntime_place *place,
	const struct pylayout *row, unsigned *ret_passed, struct python **ret)
{
	_cleanup_(python_close) struct python *python = mem_calloc(1, sizeof(*python));
	struct pycontext context;
	struct error *err;

	*ret_passed = 0;
	if (!python)
		return error_enomem();
	python->target = target;
	python->runtime = place->runtime;
	python->generation0 = place->generation0;
	python->current_thread = place->current_thread;
	err = place->known ? take_known(place->known, python)
			   : copy_layout(target, place, row, python);
	if (err)
		return err;
	python->interpreters_head =
		place->runtime ? place->runtime + python->layout->runtime.interpreters_head
			       : place->interpreters_head;
	err = pycontext_init(&context, python, OPEN_CACHE_SLOTS);
	if (err)
		return err;
	err = pyruntime_interpreters(&context, &python->interpreters);
	if (!err)
		err = pytypes_create(&context.reader, python->layout, python->interpreters.items,
			python->interpreters.count, place->type_type, &python->types);
	if (!err && !place->known)
		err = check_layout(&context, python, place, ret_passed);
	pycontext_deinit(&context);
	if (err)
		return err;
	*ret = take(python);
	return NULL;
}

// False: no memory.
static bool note_trial(
	struct python_trials *trials, const struct pylayout *row, const struct error *refusal)
{
	struct python_trial trial = {.row = row};

	if (!trials)
		return true;
	if (refusal)
		trial.refusal = mem_strdup(error_message(refusal));
	if ((!refusal || trial.refusal) && python_trials_push(trials, trial))
		return true;
	mem_free(trial.refusal);
	return false;
}

static struct error *try_row(const struct target *target, const struct pyruntime_place *place,
	const struct pylayout *row, struct python_trials *trials, unsigned *ret_passed,
	struct python **ret)
{
	_cleanup_(python_close) struct python *python = NULL;
	struct error *err = open_with_row(target, place, row, ret_passed, &python);

	if (!note_trial(trials, row, err)) {
		error_destroy(err);
		return error_enomem();
	}
	if (!err)
		*ret = take(python);
	return err;
}

struct error *python_open(
	const struct target *target, const struct pyruntime_place *place, struct python **ret)
{
	return python_open_told(target, place, NULL, ret);
}

struct error *python_open_told(const struct target *target, const struct pyruntime_place *place,
	struct python_trials *trials, struct python **ret)
{
	const struct pylayout *row = pylayout_next(place->version_hex, NULL), *best = row;
	struct error *failure = NULL;
	unsigned passed, most = 0;

	if (place->known)
		return try_row(target, place, place->known->row, trials, &passed, ret);
	for (; row; row = pylayout_next(place->version_hex, row)) {
		struct error *err = try_row(target, place, row, trials, &passed, ret);

		if (!err) {
			error_destroy(failure);
			return NULL;
		}
		// The row that was refused last is that of this patch release: its reason is told.
		if (error_kind(err) != ERROR_BAD_DATA || !failure || passed > most) {
			error_destroy(failure);
			failure = err;
			best = row;
			most = passed;
		} else {
			error_destroy(err);
		}
		if (error_kind(failure) != ERROR_BAD_DATA)
			break;
	}
	return error_wrap(failure, "cannot make sense of CPython in %s with the layout %s",
		place->path, best->name);
}

void python_trials_release(struct python_trials *trials)
{
	for (size_t i = 0; i < trials->count; i++)
		mem_free(trials->items[i].refusal);
	python_trials_deinit(trials);
}

bool python_was_told(const struct python *python, uint32_t field)
{
	const struct pylayout *row = python->row;

	for (uint32_t i = 0; python->said && i < row->debug_offsets_count; i++) {
		if (row->debug_offsets[i].field == field && python->said[i])
			return true;
	}
	return false;
}

void python_close(struct python *python)
{
	if (!python)
		return;
	mem_free(python->said);
	pytypes_destroy(python->types);
	addr_vector_deinit(&python->interpreters);
	addr_vector_deinit(&python->interned);
	mem_free((struct pylayout *)python->layout);
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
	remote_addr head_at = context->python->interpreters_head;
	remote_addr head = head_at ? pyreader_pointer(&context->reader, head_at) : 0;
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

static remote_addr gil_holder(
	struct pycontext *context, remote_addr locked_word, remote_addr holder_word)
{
	uint32_t locked = 0;

	pyreader_u32(&context->reader, locked_word, &locked);
	return locked == 1 ? pyreader_pointer(&context->reader, holder_word) : 0;
}

// The thread state that holds the GIL of interpreter number @p index, or 0.
static remote_addr holder_of_interpreter(struct pycontext *context, size_t index)
{
	const struct python *python = context->python;
	const struct pylayout *layout = python->layout;
	remote_addr gil;

	if (!python->runtime)
		return index == 0 && python->current_thread
			       ? pyreader_pointer(&context->reader, python->current_thread)
			       : 0;
	if (pylayout_has(layout->runtime.gil_locked))
		return index == 0
			       ? gil_holder(context, python->runtime + layout->runtime.gil_locked,
					 python->runtime + layout->runtime.gil_last_holder)
			       : 0;
	gil = pyreader_pointer(
		&context->reader, python->interpreters.items[index] + layout->interp.gil);
	return gil ? gil_holder(context, gil + layout->gil.locked, gil + layout->gil.last_holder)
		   : 0;
}

size_t pyruntime_gil_holders(struct pycontext *context, remote_addr *ret, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < context->python->interpreters.count && count < max; i++) {
		remote_addr holder = holder_of_interpreter(context, i);

		// Interpreters may share one.
		if (holder && (count == 0 || ret[count - 1] != holder))
			ret[count++] = holder;
	}
	return count;
}

bool pyruntime_gil_is_held(struct pycontext *context)
{
	remote_addr holder;

	return pyruntime_gil_holders(context, &holder, 1) > 0;
}

// The collector's state: each interpreter's, or (3.7 and 3.8) that of all. 0: not in one place.
static remote_addr gc_state(const struct python *python, remote_addr interpreter)
{
	if (pylayout_has(python->layout->interp.gc))
		return interpreter + python->layout->interp.gc;
	return pylayout_has(python->layout->runtime.gc)
		       ? python->runtime + python->layout->runtime.gc
		       : 0;
}

size_t pyruntime_gc_heads(
	struct pycontext *context, remote_addr interpreter, remote_addr ret[PYRUNTIME_GC_HEADS_MAX])
{
	const struct pylayout *layout = context->python->layout;
	remote_addr state = gc_state(context->python, interpreter);
	remote_addr generations = 0;
	size_t count = 0;

	if (!state && context->python->generation0)
		generations = pyreader_pointer(&context->reader, context->python->generation0);
	else if (state && pylayout_has(layout->gc.generations))
		generations = state + layout->gc.generations;
	for (unsigned i = 0; generations && i < 3; i++)
		ret[count++] = generations + (uint64_t)i * layout->gc_generation.size;
	if (state && !generations) {
		ret[count++] = state + layout->gc.young;
		ret[count++] = state + layout->gc.old;
		ret[count++] = state + layout->gc.old + layout->gc_generation.size;
	}
	if (state && pylayout_has(layout->gc.permanent_generation))
		ret[count++] = state + layout->gc.permanent_generation;
	return count;
}

// An int of the collector's state in some interpreter: of the main one, or any that is not 0.
static uint32_t gc_state_value(
	struct pycontext *context, uint32_t offset, bool any, uint32_t unknown)
{
	const struct addr_vector *interpreters = &context->python->interpreters;
	uint32_t value = unknown;

	for (size_t i = 0; i < (any ? interpreters->count : 1); i++) {
		remote_addr state = gc_state(context->python, interpreters->items[i]);

		if (state)
			pyreader_u32(&context->reader, state + offset, &value);
		if (value)
			break;
	}
	return value;
}

bool pyruntime_is_collecting(struct pycontext *context)
{
	return gc_state_value(context, context->python->layout->gc.collecting, true, 0) != 0;
}

// Before 3.7 `enabled` is a static variable that no symbol leads to. But an enabled collector starts at the
// next allocation once the count of the youngest generation is above its threshold: where it is far above,
// nothing starts it. struct gc_generation { PyGC_Head head; int threshold, count; }
static bool is_far_above_threshold(struct pycontext *context)
{
	remote_addr head = pyreader_pointer(&context->reader, context->python->generation0);
	uint32_t threshold = 0, count = 0;

	if (!head)
		return false;
	head += context->python->layout->gc_head.size;
	pyreader_u32(&context->reader, head, &threshold);
	pyreader_u32(&context->reader, head + 4, &count);
	return (int32_t)count > 0 && count / 2 > threshold;
}

bool pyruntime_collector_is_enabled(struct pycontext *context)
{
	if (context->python->generation0)
		return !is_far_above_threshold(context);
	return gc_state_value(context, context->python->layout->gc.enabled, false, 1) != 0;
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
	remote_addr key, value, name;
	int64_t number;

	ret[0] = '\0';
	if (!active || !pydict_read(&context->reader, layout, active, &table))
		return;
	for (uint64_t i = 0; pydict_entry(&context->reader, &table, i, &key, &value); i++) {
		if (key && value && pytext_int(context, key, &number) &&
			(uint64_t)number == ident) {
			name = pyinstance_attribute(context, value, "_name");
			if (!name) // 2.7
				name = pyinstance_attribute(context, value, "_Thread__name");
			pytext_str(context, name, ret, size);
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
