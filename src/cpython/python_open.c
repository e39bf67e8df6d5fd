// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/python_open.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "cpython/pydict.h"
#include "cpython/pyobject.h"
#include "cpython/pyruntime.h"
#include "cpython/pytext.h"

// Blocks of cache for the few reads at open.
#define OPEN_CACHE_SLOTS 64

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
	if (!debug_offsets_read_head(target, place->runtime, &head) ||
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
