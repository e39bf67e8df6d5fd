// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "heap/heap_builder.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "cpython/pydict.h"
#include "cpython/pyframe.h"
#include "cpython/pytext.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A library's bss follows its file mapping as an anonymous one, which the kernel may have merged with
// other memory; no library in use has more zero-initialised data than this.
#define BSS_BYTES_MAX      ((uint64_t)64 << 20)
// From the stack pointer upwards: the main thread's usual limit.
#define STACK_BYTES_MAX    ((uint64_t)8 << 20)
// The red zone below the stack pointer may hold live words (x86-64 ABI).
#define RED_ZONE_BYTES     128
#define CHUNK_BYTES        65536
// The type attribute cache (pycore_typeobject.h of 3.10 and 3.11): entries of version, name, value.
#define TYPE_CACHE_ENTRIES 4096
#define TYPE_CACHE_STRIDE  24
#define TYPE_CACHE_NAME    8
// The dict of interned strings has more entries than this as soon as Python has started.
#define INTERNED_MIN       500
#define INTERNED_LOOK      64

#define NAME_BYTES 512
// ":4294967295" and its end.
#define LINE_BYTES 12

// ---- counted roots: interpreters, threads, frames ------------------------------------------

static struct error *note_root(struct heap_builder *builder, remote_addr addr,
	enum heap_root_kind kind, bool is_counted, const char *name, const char *file)
{
	struct heap_root_ref ref = {.addr = addr, .kind = kind, .is_counted = is_counted};

	if (name && !(ref.name = heap_graph_intern(builder->graph, name)))
		return error_enomem();
	if (file && !(ref.file = heap_graph_intern(builder->graph, file)))
		return error_enomem();
	if (!root_ref_vector_push(&builder->root_refs, ref))
		return error_enomem();
	return heap_builder_note_other(builder, addr);
}

static struct error *consume(struct heap_builder *builder, remote_addr word)
{
	return addr_vector_push(&builder->consumed, word) ? NULL : error_enomem();
}

static const struct pyfields *find_fields(const struct heap_builder *builder, const char *name)
{
	return pylayout_fields(builder->python->layout, name, INT64_MAX);
}

// Plain fields of an interpreter or thread state.
static struct error *collect_fields(struct heap_builder *builder, remote_addr base,
	const struct pyfields *fields, enum heap_root_kind kind, const char *prefix)
{
	for (uint32_t i = 0; fields && i < fields->count; i++) {
		remote_addr word = base + fields->fields[i].offset;
		remote_addr value = pyreader_pointer(&builder->context.reader, word);
		const char *label = fields->fields[i].label;
		bool is_modules = strcmp(label, "sys.modules") == 0;
		char name[NAME_BYTES];
		struct error *err;

		if (!value)
			continue;
		snprintf(name, sizeof(name), "%s%s", is_modules ? "" : prefix, label);
		err = note_root(
			builder, value, is_modules ? HEAP_ROOT_MODULES : kind, true, name, NULL);
		if (!err)
			err = consume(builder, word);
		if (err)
			return err;
	}
	return NULL;
}

static struct error *collect_atexit(struct heap_builder *builder, remote_addr interpreter)
{
	const struct pylayout *layout = builder->python->layout;
	struct pyreader *reader = &builder->context.reader;
	const uint32_t fields[] = {layout->atexit_callback.func, layout->atexit_callback.args,
		layout->atexit_callback.kwargs};
	remote_addr array = pyreader_pointer(reader, interpreter + layout->interp.atexit_callbacks);
	uint32_t count = 0;

	pyreader_u32(reader, interpreter + layout->interp.atexit_ncallbacks, &count);
	for (uint32_t i = 0; array && i < count && i < LIMIT_FRAME_SLOTS; i++) {
		remote_addr callback = pyreader_pointer(reader, array + (uint64_t)i * 8);

		for (size_t f = 0; callback && f < sizeof(fields) / sizeof(fields[0]); f++) {
			remote_addr value = pyreader_pointer(reader, callback + fields[f]);
			struct error *err = value ? note_root(builder, value, HEAP_ROOT_INTERPRETER,
							    true, "atexit callbacks", NULL)
						  : NULL;

			if (err)
				return err;
		}
	}
	return NULL;
}

// The cache's names are owned, its values borrowed (Objects/typeobject.c).
static struct error *collect_type_cache(struct heap_builder *builder, remote_addr interpreter)
{
	const struct pylayout *layout = builder->python->layout;

	if (layout->interp.type_cache == PYLAYOUT_NONE)
		return NULL;
	for (uint32_t i = 0; i < TYPE_CACHE_ENTRIES; i++) {
		remote_addr word = interpreter + layout->interp.type_cache +
				   (uint64_t)i * TYPE_CACHE_STRIDE + TYPE_CACHE_NAME;
		remote_addr value = pyreader_pointer(&builder->context.reader, word);
		struct error *err;

		if (!value)
			continue;
		err = note_root(
			builder, value, HEAP_ROOT_INTERPRETER, true, "type attribute cache", NULL);
		if (!err)
			err = consume(builder, word);
		if (err)
			return err;
	}
	return NULL;
}

// A frame's references gather here, with what its roots are called.
struct frame_roots {
	struct heap_builder *builder;
	const char *prefix, *file; /* "thread 'MainThread' app.main" */
	struct error *failure;
};

static void take_frame_refs(struct pyscan *scan)
{
	struct frame_roots *roots = scan->user;
	struct pycontext *context = &roots->builder->context;

	for (uint32_t i = 0; i < scan->count && !roots->failure; i++) {
		const struct pylabel *label = &scan->labels[i];
		bool is_counted = !(scan->refs[i] & PYREF_INFERRED);
		char name[NAME_BYTES], text[NAME_BYTES / 2];

		if (label->kind == PYLABEL_LOCAL) {
			pytext_str(context, label->object, text, sizeof(text));
			snprintf(name, sizeof(name), "%s local %s", roots->prefix, text);
		} else if (label->kind == PYLABEL_STACK) {
			snprintf(name, sizeof(name), "%s value stack", roots->prefix);
		} else {
			snprintf(name, sizeof(name), "%s %s", roots->prefix, label->text);
		}
		roots->failure = note_root(roots->builder, scan->refs[i] & PYREF_ADDRESS,
			is_counted ? HEAP_ROOT_FRAME : HEAP_ROOT_STACK, is_counted, name,
			roots->file);
	}
	scan->count = 0;
}

static struct error *collect_frame(struct heap_builder *builder, const struct pyframe *frame,
	const char *thread_name, struct pyscan *scan)
{
	char function[NAME_BYTES / 4], file[NAME_BYTES], prefix[NAME_BYTES / 2];
	struct frame_roots roots = {.builder = builder, .prefix = prefix, .file = file};
	uint32_t line;

	pyframe_function(&builder->context, frame, function, sizeof(function));
	pyframe_file(&builder->context, frame, file, sizeof(file) - LINE_BYTES);
	line = pyframe_line(&builder->context, frame);
	if (line)
		snprintf(file + strlen(file), LINE_BYTES, ":%u", line);
	snprintf(prefix, sizeof(prefix), "%s %s", thread_name, function);
	scan->user = &roots;
	pyframe_scan(scan, frame->addr);
	pyscan_flush(scan);
	return roots.failure;
}

static struct error *collect_frames(
	struct heap_builder *builder, remote_addr thread, const char *thread_name)
{
	struct pylabel labels[PYSCAN_BATCH];
	struct pycontext frames; // its reader must not be the one that names are read with
	struct pyscan *scan = mem_calloc(1, sizeof(*scan));
	struct error *err;
	remote_addr addr = pyframe_innermost(&builder->context, thread);
	struct pychain chain = {0};
	struct pyframe frame;

	if (!scan)
		return error_enomem();
	err = pycontext_init(&frames, builder->python, 64);
	if (err) {
		mem_free(scan);
		return err;
	}
	scan->context = &frames;
	scan->flush = take_frame_refs;
	scan->labels = labels;
	scan->words = builder->frame_words;
	scan->words_max = LIMIT_FRAME_WORDS;
	for (unsigned i = 0; !err && i < LIMIT_FRAMES && pychain_goes_on(&chain, addr); i++) {
		if (!pyframe_read(&builder->context, addr, &frame))
			break;
		// A generator's frame belongs to the generator object.
		if (frame.owner == PYFRAME_THREAD)
			err = collect_frame(builder, &frame, thread_name, scan);
		if (scan->words > scan->words_max)
			break;
		addr = frame.previous;
	}
	builder->frame_words = scan->words;
	pycontext_deinit(&frames);
	mem_free(scan);
	return err;
}

// "thread 'MainThread'": the threading module's name, or the kernel's.
static void name_thread(struct heap_builder *builder, remote_addr interpreter, remote_addr thread,
	char *ret, size_t size)
{
	uint64_t native = pyreader_pointer(&builder->context.reader,
		thread + builder->python->layout->tstate.native_thread_id);
	char name[128];
	size_t count;
	const struct target_thread *threads = target_threads(builder->target, &count);

	pyruntime_thread_name(&builder->context, interpreter, thread, name, sizeof(name));
	for (size_t i = 0; !name[0] && i < count; i++) {
		if ((uint64_t)threads[i].id == native)
			snprintf(name, sizeof(name), "%s", threads[i].name);
	}
	snprintf(ret, size, "thread '%s'", name);
}

static struct error *collect_threads(struct heap_builder *builder, remote_addr interpreter)
{
	_cleanup_(addr_vector_deinit) struct addr_vector threads = {0};
	const struct pyfields *fields = find_fields(builder, "<thread>");
	struct error *err = pyruntime_threads(&builder->context, interpreter, &threads);

	for (size_t i = 0; !err && i < threads.count; i++) {
		char name[160], prefix[176];

		name_thread(builder, interpreter, threads.items[i], name, sizeof(name));
		snprintf(prefix, sizeof(prefix), "%s ", name);
		err = collect_fields(builder, threads.items[i], fields, HEAP_ROOT_THREAD, prefix);
		if (!err)
			err = collect_frames(builder, threads.items[i], name);
	}
	return err;
}

// Whether a collection is running does not matter here: a head's neighbours are objects all the same.
static struct error *collect_gc_heads(struct heap_builder *builder, remote_addr interpreter)
{
	const struct pylayout *layout = builder->python->layout;
	remote_addr gc = interpreter + layout->interp.gc;

	for (unsigned i = 0; i < 4; i++) {
		remote_addr head = i < 3 ? gc + layout->gc.generations +
						   (uint64_t)i * layout->gc_generation.size
					 : gc + layout->gc.permanent_generation;
		remote_addr next =
			pyreader_pointer(&builder->context.reader, head + layout->gc_head.next) &
			~3ull;
		struct error *err =
			next ? heap_builder_note_other(builder, next + layout->gc_head.size) : NULL;

		if (err)
			return err;
	}
	return NULL;
}

// ---- words of global data ------------------------------------------------------------------

// Private writable memory: where objects are.
static bool is_object_memory(const struct heap_builder *builder, remote_addr addr)
{
	const struct mapping *mapping =
		addr % 8 ? NULL : mappings_find(target_mappings(builder->target), addr);

	return mapping && mapping->writable && mapping->readable;
}

struct data_range {
	remote_addr start, end;
	const struct mapping *file; /* whose data it is */
};

// The next writable data of a library or executable, with the bss behind it; false at the end.
static bool next_data_range(
	const struct heap_builder *builder, size_t *index, struct data_range *ret)
{
	const struct mappings *mappings = target_mappings(builder->target);

	for (; *index < mappings->count; (*index)++) {
		const struct mapping *mapping = &mappings->items[*index];
		const struct mapping *next = *index + 1 < mappings->count ? mapping + 1 : NULL;

		if (!mapping->inode || !mapping->writable || mapping->shared || !mapping->readable)
			continue;
		*ret = (struct data_range){mapping->start, mapping->end, mapping};
		if (next && next->start == mapping->end && !next->inode && next->writable &&
			!next->path[0])
			ret->end = next->end - next->start < BSS_BYTES_MAX
					   ? next->end
					   : next->start + BSS_BYTES_MAX;
		(*index)++;
		return true;
	}
	return false;
}

typedef struct error *(*word_visitor)(
	struct heap_builder *builder, remote_addr where, uint64_t value, void *user);

// Visit the aligned words of a range that could be addresses of objects.
static struct error *visit_words(struct heap_builder *builder, remote_addr start, remote_addr end,
	word_visitor visit, void *user)
{
	_cleanup_(mem_free) uint64_t *words = mem_alloc(CHUNK_BYTES);

	if (!words)
		return error_enomem();
	start = (start + 7) & ~7ull;
	for (remote_addr at = start; at < end; at += CHUNK_BYTES) {
		size_t size = end - at < CHUNK_BYTES ? end - at : CHUNK_BYTES;

		if (!target_read_some(builder->target, at, words, size))
			continue;
		for (size_t i = 0; i < size / 8; i++) {
			struct error *err = words[i] > 4096 && words[i] % 8 == 0
						    ? visit(builder, at + i * 8, words[i], user)
						    : NULL;

			if (err)
				return err;
		}
	}
	return NULL;
}

static struct error *note_global_word(
	struct heap_builder *builder, remote_addr where, uint64_t value, void *user)
{
	struct error *err;

	(void)user;
	// A pool that was merged behind a library's bss is no data of that library.
	if (heap_addresses_pool(&builder->addresses, where) != UINT32_MAX ||
		!is_object_memory(builder, value))
		return NULL;
	err = heap_builder_note_other(builder, value);
	if (!err && (!addr_vector_push(&builder->global_words, where) ||
			    !addr_vector_push(&builder->global_words, value)))
		err = error_enomem();
	return err;
}

static struct error *collect_globals(struct heap_builder *builder)
{
	struct data_range range;
	size_t index = 0;

	while (next_data_range(builder, &index, &range)) {
		struct error *err =
			visit_words(builder, range.start, range.end, note_global_word, NULL);

		if (err)
			return err;
	}
	return NULL;
}

struct interned_search {
	remote_addr best;
	uint64_t best_count;
};

// Each key is its own value, and a str that says it is interned.
static bool looks_interned(struct heap_builder *builder, remote_addr dict, uint64_t *ret_count)
{
	const struct pylayout *layout = builder->python->layout;
	struct pycontext *context = &builder->context;
	const struct pytypes *types = builder->python->types;
	uint32_t type = pyobject_type(context, dict);
	struct pydict_table table;
	remote_addr key, value;

	if (type == PYTYPE_NONE || types->list.items[type].kind != PYKIND_DICT ||
		!pydict_read(&context->reader, layout, dict, &table) || table.count < INTERNED_MIN)
		return false;
	for (uint64_t i = 0, seen = 0; seen < INTERNED_LOOK; i++) {
		uint32_t state;

		if (!pydict_entry(&context->reader, &table, i, &key, &value))
			return false;
		if (!key || !value)
			continue;
		if (key != value ||
			!pyreader_u32(&context->reader, key + layout->str.state, &state) ||
			!(state >> (layout->str.interned_bit - layout->str.state * 8) & 3))
			return false;
		seen++;
	}
	*ret_count = table.count;
	return true;
}

static struct error *try_interned(
	struct heap_builder *builder, remote_addr where, uint64_t value, void *user)
{
	struct interned_search *search = user;
	uint64_t count;

	(void)where;
	if (is_object_memory(builder, value) && looks_interned(builder, value, &count) &&
		count > search->best_count)
		*search = (struct interned_search){value, count};
	return NULL;
}

struct error *heap_roots_find_interned(struct heap_builder *builder, remote_addr *ret)
{
	struct interned_search search = {0};
	struct data_range range;
	size_t index = 0;

	while (next_data_range(builder, &index, &range)) {
		struct error *err;

		if (builder->place && strcmp(range.file->path, builder->place->path) != 0)
			continue;
		err = visit_words(builder, range.start, range.end, try_interned, &search);
		if (err)
			return err;
	}
	*ret = search.best;
	return NULL;
}

struct error *heap_roots_collect(struct heap_builder *builder)
{
	_cleanup_(addr_vector_deinit) struct addr_vector interpreters = {0};
	struct error *err = pyruntime_interpreters(&builder->context, &interpreters);

	for (size_t i = 0; !err && i < interpreters.count; i++) {
		remote_addr interpreter = interpreters.items[i];

		err = collect_fields(builder, interpreter, find_fields(builder, "<interpreter>"),
			HEAP_ROOT_INTERPRETER, "interpreter ");
		if (!err)
			err = collect_atexit(builder, interpreter);
		if (!err)
			err = collect_type_cache(builder, interpreter);
		if (!err)
			err = collect_gc_heads(builder, interpreter);
		if (!err)
			err = collect_threads(builder, interpreter);
	}
	return err ? err : collect_globals(builder);
}

// ---- settling: which uncounted words explain a count ---------------------------------------

// A root by a word that may be no reference: only where the object's count has room for one.
static struct error *claim(struct heap_builder *builder, node_id node, enum heap_root_kind kind,
	const char *name, const char *file)
{
	if (builder->residual[node] <= 0 || builder->graph->node_word[node] & HEAP_NODE_STATIC)
		return NULL;
	builder->residual[node]--;
	if (builder->audit)
		builder->audit->inferred[node]++;
	return heap_graph_add_root(builder->graph, node, kind, name, file);
}

static int compare_addrs(const void *left, const void *right)
{
	remote_addr a = *(const remote_addr *)left, b = *(const remote_addr *)right;

	return (a > b) - (a < b);
}

static bool is_consumed(const struct heap_builder *builder, remote_addr word)
{
	return builder->consumed.count &&
	       bsearch(&word, builder->consumed.items, builder->consumed.count, sizeof(word),
		       compare_addrs);
}

// Binaries opened for the names of their symbols; one is open at a time, words come in address order.
struct symbol_source {
	const struct heap_builder *builder;
	const struct mapping *mapping;
	struct elf_file *elf; /* NULL: none could be opened */
	bool is_borrowed;
};

static void close_symbols(struct symbol_source *source)
{
	if (!source->is_borrowed)
		elf_file_destroy(source->elf);
	*source = (struct symbol_source){.builder = source->builder};
}

static void open_symbols(struct symbol_source *source, const struct mapping *mapping)
{
	const struct heap_builder *builder = source->builder;

	if (source->mapping && source->mapping->inode == mapping->inode)
		return;
	close_symbols(source);
	source->mapping = mapping;
	if (builder->place && strcmp(builder->place->path, mapping->path) == 0) {
		source->elf = builder->place->elf;
		source->is_borrowed = true;
	} else if (builder->process) {
		error_destroy(elf_file_open(
			builder->process, target_mappings(builder->target), mapping, &source->elf));
	}
}

// "libfoo.so cache+8"
static void name_global(struct symbol_source *source, const struct data_range *range,
	remote_addr where, char *ret, size_t size)
{
	const char *slash = strrchr(range->file->path, '/');
	const char *library = slash ? slash + 1 : range->file->path;
	const char *symbol = NULL;
	uint64_t offset = 0;

	open_symbols(source, range->file);
	if (source->elf)
		symbol = elf_file_symbol_at(source->elf, where, &offset);
	if (symbol && offset)
		snprintf(ret, size, "%s %s+%" PRIu64, library, symbol, offset);
	else if (symbol)
		snprintf(ret, size, "%s %s", library, symbol);
	else
		snprintf(ret, size, "%s+%#" PRIx64, library,
			where - range->file->start + range->file->offset);
}

// A word inside a static object is that object's business.
static bool is_in_static_object(
	const struct heap_builder *builder, const struct addr_vector *starts, remote_addr where)
{
	size_t low = 0, high = starts->count;
	node_id node;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (starts->items[middle] <= where)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return false;
	node = heap_addresses_find(&builder->addresses, starts->items[low - 1]);
	return node != HEAP_NODE_NONE &&
	       where < starts->items[low - 1] + heap_size_of(builder->graph, node);
}

static struct error *list_static_objects(
	const struct heap_builder *builder, struct addr_vector *ret)
{
	const struct heap_addresses *addresses = &builder->addresses;

	for (uint32_t i = 0; i < addresses->other_count; i++) {
		if (builder->graph->node_word[addresses->first_other + i] & HEAP_NODE_STATIC &&
			!addr_vector_push(ret, addresses->others[i]))
			return error_enomem();
	}
	qsort(ret->items, ret->count, sizeof(*ret->items), compare_addrs);
	return NULL;
}

static struct error *settle_globals(struct heap_builder *builder)
{
	_cleanup_(addr_vector_deinit) struct addr_vector statics = {0};
	struct symbol_source source = {.builder = builder};
	struct data_range range = {0};
	size_t index = 0;
	struct error *err = list_static_objects(builder, &statics);

	for (size_t i = 0; !err && i < builder->global_words.count; i += 2) {
		remote_addr where = builder->global_words.items[i];
		node_id node = heap_addresses_find(
			&builder->addresses, builder->global_words.items[i + 1]);
		char name[NAME_BYTES];

		while (where >= range.end && next_data_range(builder, &index, &range))
			;
		if (node == HEAP_NODE_NONE || builder->residual[node] <= 0 ||
			is_consumed(builder, where) ||
			is_in_static_object(builder, &statics, where))
			continue;
		name_global(&source, &range, where, name, sizeof(name));
		err = claim(builder, node, HEAP_ROOT_C_GLOBAL, name, NULL);
	}
	close_symbols(&source);
	return err;
}

struct stack_search {
	const char *name;
};

static struct error *claim_stack_word(
	struct heap_builder *builder, remote_addr where, uint64_t value, void *user)
{
	const struct stack_search *search = user;
	node_id node = heap_addresses_find(&builder->addresses, value);

	(void)where;
	return node == HEAP_NODE_NONE ? NULL
				      : claim(builder, node, HEAP_ROOT_STACK, search->name, NULL);
}

static struct error *settle_stacks(struct heap_builder *builder)
{
	size_t count;
	const struct target_thread *threads = target_threads(builder->target, &count);

	for (size_t i = 0; i < count; i++) {
		const struct mapping *mapping =
			mappings_find(target_mappings(builder->target), threads[i].stack_pointer);
		remote_addr start = threads[i].stack_pointer - RED_ZONE_BYTES, end;
		char name[64];
		struct stack_search search = {name};
		struct error *err = NULL;

		if (!mapping || !threads[i].stack_pointer)
			continue;
		snprintf(name, sizeof(name), "C stack of thread %d", threads[i].id);
		for (size_t r = 0; !err && r < TARGET_THREAD_REGISTERS; r++)
			err = claim_stack_word(builder, 0, threads[i].registers[r], &search);
		end = mapping->end - start < STACK_BYTES_MAX ? mapping->end
							     : start + STACK_BYTES_MAX;
		if (!err)
			err = visit_words(builder, start, end, claim_stack_word, &search);
		if (err)
			return err;
	}
	return NULL;
}

// Roots whose references are part of the counts come first, then those that only may be: these are
// roots where something is left to explain, and the frames' possible stack words likewise.
static struct error *settle_refs(struct heap_builder *builder, bool counted)
{
	for (size_t i = 0; i < builder->root_refs.count; i++) {
		const struct heap_root_ref *ref = &builder->root_refs.items[i];
		node_id node = heap_addresses_find(&builder->addresses, ref->addr);
		struct error *err;

		if (ref->is_counted != counted || node == HEAP_NODE_NONE)
			continue;
		if (counted) {
			builder->residual[node]--;
			err = heap_graph_add_root(
				builder->graph, node, ref->kind, ref->name, ref->file);
		} else {
			err = claim(builder, node, ref->kind, ref->name, ref->file);
		}
		if (err)
			return err;
	}
	return NULL;
}

static bool is_checked(const struct heap_builder *builder, node_id node)
{
	return !(builder->graph->node_word[node] & HEAP_NODE_STATIC);
}

static void count_exact(struct heap_builder *builder)
{
	for (node_id node = 1; node < builder->graph->node_count; node++) {
		if (builder->audit)
			builder->audit->exact[node] =
				builder->audit->refcnt[node] - (uint32_t)builder->residual[node];
		if (!is_checked(builder, node))
			continue;
		builder->stats.refcounts_checked++;
		builder->stats.refcounts_exact += builder->residual[node] == 0;
	}
}

static void settle_inferred_edges(struct heap_builder *builder)
{
	for (size_t i = 0; i < builder->inferred.count; i++) {
		node_id node = builder->inferred.items[i];

		if (builder->residual[node] <= 0)
			continue; // a word that only looks like a reference
		builder->residual[node]--;
		if (builder->audit)
			builder->audit->inferred[node]++;
	}
}

static struct error *settle_rest(struct heap_builder *builder)
{
	uint32_t *word = builder->graph->node_word;

	for (node_id node = 1; node < builder->graph->node_count; node++) {
		struct error *err = NULL;

		if (word[node] & HEAP_NODE_STATIC) {
			err = heap_graph_add_root(
				builder->graph, node, HEAP_ROOT_STATIC, NULL, NULL);
		} else if (builder->residual[node] > 0) {
			word[node] |= HEAP_NODE_UNEXPLAINED;
			err = heap_graph_add_root(
				builder->graph, node, HEAP_ROOT_UNEXPLAINED, NULL, NULL);
		} else {
			builder->stats.refcounts_inferred += builder->residual[node] == 0;
		}
		if (err)
			return err;
	}
	return NULL;
}

struct error *heap_roots_settle(struct heap_builder *builder)
{
	struct error *err;

	if (builder->consumed.count)
		qsort(builder->consumed.items, builder->consumed.count,
			sizeof(*builder->consumed.items), compare_addrs);
	err = settle_refs(builder, true);
	if (err)
		return err;
	count_exact(builder);
	settle_inferred_edges(builder);
	err = settle_refs(builder, false);
	if (!err)
		err = settle_globals(builder);
	if (!err)
		err = settle_stacks(builder);
	return err ? err : settle_rest(builder);
}
