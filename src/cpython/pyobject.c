// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "cpython/pyobject.h"

#include "base/limits.h"
#include "cpython/pydict.h"
#include "cpython/pymalloc.h"

void pyscan_flush(struct pyscan *scan)
{
	if (scan->count)
		scan->flush(scan);
	scan->count = 0;
}

static inline void emit(struct pyscan *scan, uint64_t ref, struct pylabel label)
{
	if (!(ref & PYREF_ADDRESS))
		return;
	if (scan->count == PYSCAN_BATCH)
		pyscan_flush(scan);
	if (scan->labels)
		scan->labels[scan->count] = label;
	scan->refs[scan->count++] = ref;
}

static inline void emit_field(struct pyscan *scan, uint64_t ref, const char *text)
{
	emit(scan, ref, (struct pylabel){.kind = PYLABEL_FIELD, .text = text});
}

// Account for @p words more; false (and torn) past the bound.
static inline bool may_look(struct pyscan *scan, uint64_t words)
{
	scan->words += words;
	if (!scan->words_max || scan->words <= scan->words_max)
		return true;
	scan->is_torn = true;
	return false;
}

static const struct pylayout *layout_of(const struct pyscan *scan)
{
	return scan->context->python->layout;
}

static struct pyreader *reader_of(struct pyscan *scan)
{
	return &scan->context->reader;
}

// A word of the object itself; 0 (and torn) past what is at hand.
static inline uint64_t word(struct pyscan *scan, uint64_t offset)
{
	uint64_t value = 0;

	if (offset + 8 <= scan->bytes_size)
		return load_u64(scan->bytes + offset);
	if (!pyreader_u64(reader_of(scan), scan->addr + offset, &value))
		scan->is_torn = true;
	return value;
}

static inline uint32_t half(struct pyscan *scan, uint64_t offset)
{
	uint32_t value = 0;

	if (offset + 4 <= scan->bytes_size)
		return load_u32(scan->bytes + offset);
	if (!pyreader_u32(reader_of(scan), scan->addr + offset, &value))
		scan->is_torn = true;
	return value;
}

static inline uint8_t byte(struct pyscan *scan, uint64_t offset)
{
	return offset < scan->bytes_size ? scan->bytes[offset] : 0;
}

// Bytes of the target that may lie inside the object at hand.
static const uint8_t *span(
	struct pyscan *scan, remote_addr addr, uint64_t want, uint64_t *ret_size)
{
	if (addr >= scan->addr && addr < scan->addr + scan->bytes_size) {
		uint64_t left = scan->addr + scan->bytes_size - addr;

		*ret_size = left < want ? left : want;
		return scan->bytes + (addr - scan->addr);
	}
	return pyreader_span(reader_of(scan), addr, want, ret_size);
}

// An array of object pointers, labelled with their index (from @p first) or as items.
static void emit_array(struct pyscan *scan, remote_addr addr, uint64_t count, uint64_t first,
	enum pylabel_kind kind, uint64_t mark)
{
	uint64_t done = 0;

	if (count > LIMIT_ITEMS || addr % 8) {
		scan->is_torn = true;
		return;
	}
	while (done < count) {
		uint64_t size;
		const uint8_t *bytes = span(scan, addr + done * 8, (count - done) * 8, &size);

		if (!bytes || size < 8 || !may_look(scan, size / 8)) {
			scan->is_torn = true;
			return;
		}
		for (uint64_t i = 0; i < size / 8; i++, done++)
			emit(scan, load_u64(bytes + i * 8) | mark,
				(struct pylabel){.kind = kind, .index = first + done});
	}
}

static void scan_dict_entries(struct pyscan *scan, const struct pydict_table *table,
	bool owns_keys)
{
	struct pyreader *reader = reader_of(scan);
	uint64_t done = 0;

	while (done < table->count) {
		uint64_t size, in_span;
		const uint8_t *bytes = pyreader_span(reader,
			table->entries + done * table->entry_size,
			(table->count - done) * table->entry_size, &size);

		if (bytes && size < table->entry_size) {
			bytes = pyreader_bytes(reader, table->entries + done * table->entry_size,
				table->entry_size);
			size = table->entry_size;
		}
		if (!bytes || !may_look(scan, size / 8)) {
			scan->is_torn = true;
			return;
		}
		in_span = size / table->entry_size;
		for (uint64_t i = 0; i < in_span; i++, bytes += table->entry_size) {
			uint64_t key = load_u64(bytes + table->key_offset);
			uint64_t value = load_u64(bytes + table->value_offset);

			if (!key || !value)
				continue;
			if (owns_keys)
				emit(scan, key, (struct pylabel){.kind = PYLABEL_KEY_OBJECT});
			emit(scan, value,
				(struct pylabel){.kind = PYLABEL_VALUE, .object = key});
		}
		done += in_span;
	}
}

// The values array of a split table; names are only looked up when labels are wanted.
static void scan_values(struct pyscan *scan, const struct pydict_table *table,
	enum pylabel_kind kind)
{
	struct pyreader *reader = reader_of(scan);
	uint64_t done = 0;

	while (done < table->count) {
		uint64_t size = 0;
		uint64_t words[64];
		uint64_t count;
		const uint8_t *bytes = pyreader_span(reader, table->values + done * 8,
			(table->count - done) * 8, &size);

		count = size / 8 < 64 ? size / 8 : 64;
		if (!bytes || !count || !may_look(scan, count)) {
			scan->is_torn = true;
			return;
		}
		memcpy(words, bytes, count * 8);
		for (uint64_t i = 0; i < count; i++, done++) {
			struct pylabel label = {.kind = kind};
			remote_addr ignored;

			if (scan->labels && words[i])
				pydict_entry(reader, table, done, &label.object, &ignored);
			emit(scan, words[i], label);
		}
	}
}

static void scan_dict(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	struct pydict_table table;

	// The interned strings' counts do not include this dict (Objects/unicodeobject.c).
	if (!pydict_table_read(reader_of(scan), layout, word(scan, layout->dict.ma_keys),
		    word(scan, layout->dict.ma_values), &table)) {
		scan->is_torn = true;
		return;
	}
	if (table.values)
		scan->size += table.values_bytes;
	if (table.keys_refcnt == 1)
		scan->size += table.keys_bytes;
	if (scan->addr == scan->context->python->interned)
		return;
	if (table.values)
		scan_values(scan, &table, PYLABEL_VALUE);
	else
		scan_dict_entries(scan, &table, true);
}

static void scan_defaultdict(struct pyscan *scan)
{
	scan_dict(scan);
	emit_field(scan, word(scan, layout_of(scan)->defdict.default_factory), "default_factory");
}

// Each node of the linked list owns one more reference to its key (Objects/odictobject.c).
static void scan_odict(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	struct pyreader *reader = reader_of(scan);
	uint64_t used = word(scan, layout->dict.ma_used);
	remote_addr node = word(scan, layout->odict.od_first);
	uint64_t nodes = 0, fast = word(scan, layout->odict.od_fast_nodes_size);
	struct pychain chain = {0};

	scan_dict(scan);
	for (; nodes < used && may_look(scan, 4) && pychain_goes_on(&chain, node); nodes++) {
		emit(scan, pyreader_pointer(reader, node + layout->odict_node.key),
			(struct pylabel){.kind = PYLABEL_KEY_OBJECT});
		node = pyreader_pointer(reader, node + layout->odict_node.next);
	}
	scan->is_torn |= node != 0 || fast > LIMIT_ITEMS;
	scan->size += 8 * (fast > LIMIT_ITEMS ? 0 : fast) + layout->odict_node.size * nodes;
	emit_field(scan, word(scan, layout->odict.od_inst_dict), "__dict__");
}

static void scan_set(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t slots = word(scan, layout->set.mask) + 1;
	remote_addr table = word(scan, layout->set.table);
	uint32_t entry_size = layout->set_entry.size;
	uint64_t done = 0;

	if (slots > LIMIT_ITEMS || table % 8) {
		scan->is_torn = true;
		return;
	}
	if (table != scan->addr + layout->set.smalltable)
		scan->size += slots * entry_size;
	while (done < slots) {
		uint64_t size;
		const uint8_t *bytes =
			span(scan, table + done * entry_size, (slots - done) * entry_size, &size);

		if (!bytes || size < entry_size || !may_look(scan, size / 8)) {
			scan->is_torn = true;
			return;
		}
		for (uint64_t i = 0; i < size / entry_size; i++, done++, bytes += entry_size) {
			// A deleted entry has hash -1 and a dummy key that nobody counts.
			if (load_u64(bytes + layout->set_entry.hash) != UINT64_MAX)
				emit(scan, load_u64(bytes + layout->set_entry.key),
					(struct pylabel){.kind = PYLABEL_ITEM});
		}
	}
}

static void scan_list(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t allocated = word(scan, layout->list.allocated);
	uint64_t count = word(scan, layout->object.ob_size);

	if (allocated > LIMIT_ITEMS || count > allocated) {
		scan->is_torn = true;
		return;
	}
	scan->size += allocated * 8;
	if (count)
		emit_array(scan, word(scan, layout->list.ob_item), count, 0, PYLABEL_INDEX, 0);
}

static void scan_tuple(struct pyscan *scan, uint32_t hidden)
{
	const struct pylayout *layout = layout_of(scan);

	emit_array(scan, scan->addr + layout->tuple.ob_item,
		word(scan, layout->object.ob_size) + hidden, 0, PYLABEL_INDEX, 0);
}

static uint64_t bits_of(uint64_t value, uint32_t bit, uint32_t base_offset, unsigned width)
{
	return value >> (bit - base_offset * 8) & ((1u << width) - 1);
}

// Bytes of a str's second form, kept beside the text.
static uint64_t extra_bytes(struct pyscan *scan, uint64_t length, unsigned width)
{
	if (length < LIMIT_ITEMS)
		return (length + 1) * width;
	scan->is_torn = true;
	return 0;
}

static void size_str(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint32_t state_at = layout->str.state;
	uint64_t state = half(scan, state_at);
	uint64_t length = word(scan, layout->str.length);
	uint64_t kind = bits_of(state, layout->str.kind_bit, state_at, 3);
	uint64_t is_compact = bits_of(state, layout->str.compact_bit, state_at, 1);
	uint64_t is_ascii = bits_of(state, layout->str.ascii_bit, state_at, 1);
	remote_addr text;

	if (length > LIMIT_ITEMS || kind > 4) {
		scan->is_torn = true;
		return;
	}
	if (is_compact) {
		uint32_t head = is_ascii ? layout->str.ascii_size : layout->str.compact_size;

		text = scan->addr + head;
		scan->size = head + (length + 1) * kind;
	} else {
		text = word(scan, layout->str.data);
		scan->size = layout->str.legacy_size + (text ? (length + 1) * kind : 0);
	}
	if (layout->str.wstr != PYLAYOUT_NONE) {
		remote_addr wstr = word(scan, layout->str.wstr);

		// PyUnicode_WSTR_LENGTH: an ASCII string's wstr has the string's length.
		if (wstr && wstr != text)
			scan->size += extra_bytes(scan,
				is_ascii && is_compact ? length
						       : word(scan, layout->str.wstr_length),
				4);
	}
	if (!(is_ascii && is_compact)) {
		remote_addr utf8 = word(scan, layout->str.utf8);

		if (utf8 && utf8 != text)
			scan->size += extra_bytes(scan, word(scan, layout->str.utf8_length), 1);
	}
}

static void size_int(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t digits = ob_size_items(word(scan, layout->object.ob_size));

	scan->is_torn |= digits > LIMIT_ITEMS;
	scan->size = layout->long_int.ob_digit + (digits ? digits : 1) * 4;
}

static void size_array(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t allocated = word(scan, layout->arraymodule.allocated);
	uint32_t itemsize = 0;

	// struct arraydescr: char typecode, int itemsize (Modules/arraymodule.c).
	pyreader_u32(reader_of(scan), word(scan, layout->arraymodule.ob_descr) + 4, &itemsize);
	if (allocated > LIMIT_ITEMS || itemsize > 64)
		scan->is_torn = true;
	else
		scan->size += allocated * itemsize;
}

// PyArrayObject_fields, which extensions are compiled against: the same in numpy 1 and 2
// (numpy/ndarraytypes.h). mem_handler came with 1.22.
enum {
	NDARRAY_DATA = 16,
	NDARRAY_ND = 24,
	NDARRAY_DIMENSIONS = 32,
	NDARRAY_STRIDES = 40,
	NDARRAY_BASE = 48,
	NDARRAY_DESCR = 56,
	NDARRAY_FLAGS = 64,
	NDARRAY_MEM_HANDLER = 88,
	NDARRAY_DESCR_KIND = 24, /* in PyArray_Descr: 'O' for objects */
	NDARRAY_ND_MAX = 64,
};
#define NDARRAY_C_CONTIGUOUS 1u
#define NDARRAY_F_CONTIGUOUS 2u
#define NDARRAY_OWNDATA      4u
#define NDARRAY_BYTES_MAX    (1ull << 44)

// The bytes of data that lies in one piece: of its slowest dimension, all steps.
static uint64_t ndarray_bytes(struct pyscan *scan, uint32_t dimensions, uint32_t flags)
{
	uint64_t slowest = flags & NDARRAY_C_CONTIGUOUS ? 0 : (dimensions - 1) * 8ull;
	uint64_t count, stride;

	if (!dimensions || !(flags & (NDARRAY_C_CONTIGUOUS | NDARRAY_F_CONTIGUOUS)))
		return 0;
	if (!pyreader_u64(reader_of(scan), word(scan, NDARRAY_DIMENSIONS) + slowest, &count) ||
		!pyreader_u64(reader_of(scan), word(scan, NDARRAY_STRIDES) + slowest, &stride) ||
		(stride && count > NDARRAY_BYTES_MAX / stride)) {
		scan->is_torn = true;
		return 0;
	}
	return count * stride;
}

// A view's data is its base's. sys.getsizeof: array_sizeof() of numpy.
static void scan_ndarray(struct pyscan *scan)
{
	uint32_t dimensions = half(scan, NDARRAY_ND), flags = half(scan, NDARRAY_FLAGS);
	remote_addr descr = word(scan, NDARRAY_DESCR);
	uint64_t bytes;
	const uint8_t *kind;

	emit_field(scan, word(scan, NDARRAY_BASE), "base");
	emit_field(scan, descr, "dtype");
	if (scan->type->basicsize >= NDARRAY_MEM_HANDLER + 8)
		emit_field(scan, word(scan, NDARRAY_MEM_HANDLER), "mem_handler");
	if (dimensions > NDARRAY_ND_MAX) {
		scan->is_torn = true;
		return;
	}
	scan->size += 16ull * dimensions;
	if (!(flags & NDARRAY_OWNDATA))
		return;
	bytes = ndarray_bytes(scan, dimensions, flags);
	scan->size += bytes;
	kind = bytes ? pyreader_bytes(reader_of(scan), descr + NDARRAY_DESCR_KIND, 1) : NULL;
	if (kind && *kind == 'O')
		emit_array(scan, word(scan, NDARRAY_DATA), bytes / 8, 0, PYLABEL_INDEX, 0);
}

static void scan_shared_keys(struct pyscan *scan, remote_addr keys)
{
	struct pydict_table table;
	remote_addr key, value;

	if (!pydict_table_read(reader_of(scan), layout_of(scan), keys, 0, &table)) {
		scan->is_torn = true;
		return;
	}
	scan->size += table.keys_bytes;
	for (uint64_t i = 0; pydict_entry(reader_of(scan), &table, i, &key, &value); i++)
		emit_field(scan, key, "<attribute name>");
}

static void scan_type(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	bool is_heap = word(scan, layout->type.tp_flags) & PYTYPE_FLAG_HEAP;
	remote_addr cached_keys;

	emit_field(scan, word(scan, layout->type.tp_dict), "__dict__");
	emit_field(scan, word(scan, layout->type.tp_bases), "__bases__");
	emit_field(scan, word(scan, layout->type.tp_base), "__base__");
	emit_field(scan, word(scan, layout->type.tp_mro), "__mro__");
	emit_field(scan, word(scan, layout->type.tp_cache), "tp_cache");
	emit_field(scan, word(scan, layout->type.tp_subclasses), "tp_subclasses");
	scan->size = layout->type.size;
	if (!is_heap)
		return;
	scan->size = layout->heap_type.size;
	emit_field(scan, word(scan, layout->heap_type.ht_name), "__name__");
	emit_field(scan, word(scan, layout->heap_type.ht_slots), "__slots__");
	emit_field(scan, word(scan, layout->heap_type.ht_qualname), "__qualname__");
	emit_field(scan, word(scan, layout->heap_type.ht_module), "ht_module");
	cached_keys = word(scan, layout->heap_type.ht_cached_keys);
	if (cached_keys)
		scan_shared_keys(scan, cached_keys);
}

static void scan_module(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	remote_addr def = word(scan, layout->module.md_def);
	remote_addr state = word(scan, layout->module.md_state);
	uint64_t size = 0;

	emit_field(scan, word(scan, layout->module.md_dict), "__dict__");
	emit_field(scan, word(scan, layout->module.md_name), "__name__");
	// What m_traverse visits is somewhere in the module's state.
	if (def && state && pyreader_u64(reader_of(scan), def + layout->module_def.m_size, &size) &&
		size <= PYREADER_BLOCK_BYTES)
		emit_array(scan, state, size / 8, 0, PYLABEL_NONE, PYREF_INFERRED);
}

static void scan_code(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	const struct {
		uint32_t offset;
		const char *label;
	} fields[] = {
		{layout->code.co_consts, "co_consts"},
		{layout->code.co_names, "co_names"},
		{layout->code.co_exceptiontable, "co_exceptiontable"},
		{layout->code.co_localsplusnames, "co_varnames"},
		{layout->code.co_localspluskinds, "co_localspluskinds"},
		{layout->code.co_filename, "co_filename"},
		{layout->code.co_name, "co_name"},
		{layout->code.co_qualname, "co_qualname"},
		{layout->code.co_linetable, "co_linetable"},
		{layout->code.co_cached_code, "co_code"},
	};
	remote_addr extra;
	uint64_t extra_count;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].offset != PYLAYOUT_NONE)
			emit_field(scan, word(scan, fields[i].offset), fields[i].label);
	}
	// _PyObject_VAR_SIZE rounds up, and co_extra is a block of its own (Objects/codeobject.c:
	// code_sizeof; _PyCodeObjectExtra is a count and a pointer, the count of pointers at its start).
	scan->size = (scan->size + 7) & ~7ull;
	extra = word(scan, layout->code.co_extra);
	if (extra && pyreader_u64(reader_of(scan), extra, &extra_count) && extra_count < 256)
		scan->size += 16 + (extra_count ? extra_count - 1 : 0) * 8;
}

// Slots of the locals and of the value stack of a code object's frames.
static bool code_slots(struct pyscan *scan, remote_addr code, uint32_t *ret_locals,
	uint32_t *ret_stack, remote_addr *ret_names)
{
	const struct pylayout *layout = layout_of(scan);
	struct pyreader *reader = reader_of(scan);

	return code && pyreader_u32(reader, code + layout->code.co_nlocalsplus, ret_locals) &&
		pyreader_u32(reader, code + layout->code.co_stacksize, ret_stack) &&
		pyreader_u64(reader, code + layout->code.co_localsplusnames, ret_names) &&
		*ret_locals <= LIMIT_FRAME_SLOTS && *ret_stack <= LIMIT_FRAME_SLOTS;
}

// What looking at a frame costs besides its slots, as words.
#define FRAME_WORDS 16

// Locals and value stack: the depth of the latter is only known when the frame is not running
// (stacktop is -1 then); the rest of the stack may hold stale words.
static void scan_slots(struct pyscan *scan, remote_addr slots, remote_addr names, uint32_t locals,
	uint32_t stack, int32_t stacktop)
{
	struct pyreader *reader = reader_of(scan);
	const struct pylayout *layout = layout_of(scan);
	uint32_t exact = stacktop < 0 ? locals : (uint32_t)stacktop;
	uint32_t total = stacktop < 0 ? locals + stack : exact;

	if (exact > locals + stack || !may_look(scan, FRAME_WORDS + total)) {
		scan->is_torn = true;
		return;
	}
	for (uint32_t i = 0; i < total; i++) {
		struct pylabel label = {.kind = i < locals ? PYLABEL_LOCAL : PYLABEL_STACK};
		uint64_t value = pyreader_pointer(reader, slots + (uint64_t)i * 8);

		if (scan->labels && i < locals)
			label.object = pyreader_pointer(
				reader, names + layout->tuple.ob_item + (uint64_t)i * 8);
		emit(scan, value | (i < exact ? 0 : PYREF_INFERRED), label);
	}
}

void pyframe_scan(struct pyscan *scan, remote_addr frame)
{
	const struct pylayout *layout = layout_of(scan);
	const uint8_t *bytes =
		pyreader_bytes(reader_of(scan), frame, layout->iframe.localsplus);
	remote_addr code, function, locals_dict, frame_object, names;
	uint32_t locals, stack;
	int32_t stacktop;

	if (!bytes) {
		scan->is_torn = true;
		return;
	}
	code = load_u64(bytes + layout->iframe.f_code);
	function = load_u64(bytes + layout->iframe.f_func);
	locals_dict = load_u64(bytes + layout->iframe.f_locals);
	frame_object = load_u64(bytes + layout->iframe.frame_obj);
	stacktop = (int32_t)load_u32(bytes + layout->iframe.stacktop);
	emit_field(scan, code, "f_code");
	emit_field(scan, function, "f_func");
	emit_field(scan, locals_dict, "f_locals");
	emit_field(scan, frame_object, "frame_obj");
	if (!code_slots(scan, code, &locals, &stack, &names))
		scan->is_torn = true;
	else
		scan_slots(scan, frame + layout->iframe.localsplus, names, locals, stack, stacktop);
}

// FRAME_OWNED_BY_FRAME_OBJECT (pycore_frame.h): the frame object has a copy of its own.
#define OWNED_BY_FRAME_OBJECT 2

static void scan_frame_object(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	remote_addr frame = word(scan, layout->frame.f_frame);
	uint32_t locals, stack;
	remote_addr names;

	emit_field(scan, word(scan, layout->frame.f_back), "f_back");
	emit_field(scan, word(scan, layout->frame.f_trace), "f_trace");
	scan->size = layout->frame.f_frame_data + layout->iframe.localsplus;
	if (code_slots(scan, pyreader_pointer(reader_of(scan), frame + layout->iframe.f_code),
		    &locals, &stack, &names))
		scan->size += 8ull * (locals + stack);
	if (frame == scan->addr + layout->frame.f_frame_data &&
		byte(scan, layout->frame.f_frame_data + layout->iframe.owner) ==
			OWNED_BY_FRAME_OBJECT)
		pyframe_scan(scan, frame);
}

static void scan_generator(struct pyscan *scan, bool has_origin)
{
	const struct pylayout *layout = layout_of(scan);
	remote_addr code = word(scan, layout->gen.gi_code);
	uint32_t locals, stack;
	remote_addr names;

	emit_field(scan, code, "gi_code");
	emit_field(scan, word(scan, layout->gen.gi_name), "__name__");
	emit_field(scan, word(scan, layout->gen.gi_qualname), "__qualname__");
	emit_field(scan, word(scan, layout->gen.gi_exc_value), "gi_exc_value");
	// In a plain generator this word is never written.
	if (has_origin)
		emit_field(scan, word(scan, layout->gen.gi_origin_or_finalizer), "cr_origin");
	scan->size = layout->gen.gi_iframe + layout->iframe.localsplus;
	if (code_slots(scan, code, &locals, &stack, &names))
		scan->size += 8ull * (locals + stack);
	if ((int8_t)byte(scan, layout->gen.gi_frame_state) < layout->traits.gen_cleared_state)
		pyframe_scan(scan, scan->addr + layout->gen.gi_iframe);
}

static void scan_deque(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t count = word(scan, layout->object.ob_size);
	uint64_t index = word(scan, layout->deque.leftindex);
	uint64_t per_block =
		(layout->deque_block.rightlink - layout->deque_block.data) / sizeof(uint64_t);
	remote_addr block = word(scan, layout->deque.leftblock);
	uint64_t blocks = (index + count + per_block - 1) / per_block, done = 0;
	struct pychain chain = {0};

	if (count > LIMIT_ITEMS || index >= per_block) {
		scan->is_torn = true;
		return;
	}
	scan->size += (blocks ? blocks : 1) * layout->deque_block.size;
	while (done < count && !scan->is_torn && pychain_goes_on(&chain, block)) {
		uint64_t here = per_block - index < count - done ? per_block - index : count - done;

		emit_array(scan, block + layout->deque_block.data + index * 8, here, done,
			PYLABEL_INDEX, 0);
		done += here;
		index = 0;
		block = pyreader_pointer(reader_of(scan), block + layout->deque_block.rightlink);
	}
	scan->is_torn |= done < count;
}

// The links are owned by the list as well as by the cache dict (Modules/_functoolsmodule.c).
static void scan_lru_cache(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	remote_addr link = word(scan, layout->lru_cache.root_next);
	struct pychain chain = {0};

	emit_field(scan, word(scan, layout->lru_cache.cache), "cache");
	emit_field(scan, word(scan, layout->lru_cache.func), "__wrapped__");
	emit_field(scan, word(scan, layout->lru_cache.kwd_mark), "kwd_mark");
	emit_field(scan, word(scan, layout->lru_cache.elem_type), "lru_list_elem_type");
	emit_field(scan, word(scan, layout->lru_cache.cache_info_type), "cache_info_type");
	emit_field(scan, word(scan, layout->lru_cache.dict), "__dict__");
	// The last link leads back to the cache, where the list is anchored.
	while (link != scan->addr && may_look(scan, 2) && pychain_goes_on(&chain, link)) {
		emit_field(scan, link, "link");
		link = pyreader_pointer(reader_of(scan), link + layout->lru_elem.next);
	}
	scan->is_torn |= link != scan->addr;
}

static void scan_tee(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);

	uint64_t count = half(scan, layout->tee.numread);

	emit_field(scan, word(scan, layout->tee.it), "it");
	emit_field(scan, word(scan, layout->tee.nextlink), "nextlink");
	if (layout->tee.values + count * 8 > (uint64_t)scan->type->basicsize)
		scan->is_torn = true;
	else
		emit_array(scan, scan->addr + layout->tee.values, count, 0, PYLABEL_INDEX, 0);
}

// An array node of the mapping inside a context has this many children (Python/hamt.c).
#define HAMT_ARRAY_CHILDREN 32

// Keys and values in turn; where the key is missing, the value is a node further down.
static void scan_hamt_node(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);
	uint64_t count = word(scan, layout->object.ob_size);

	if (count > LIMIT_FRAME_SLOTS) {
		scan->is_torn = true;
		return;
	}
	for (uint64_t i = 0; i + 1 < count; i += 2) {
		uint64_t at = layout->hamt_node.array + i * 8;
		uint64_t key = word(scan, at), value = word(scan, at + 8);

		emit(scan, key, (struct pylabel){.kind = PYLABEL_KEY_OBJECT});
		if (key)
			emit(scan, value, (struct pylabel){.kind = PYLABEL_VALUE, .object = key});
		else
			emit_field(scan, value, "");
	}
}

static bool is_declared(struct pyscan *scan, uint64_t offset)
{
	const struct pytype *type = scan->type;
	const struct pymember *members =
		scan->context->python->types->members.items + type->member_first;

	if ((int64_t)offset == type->dictoffset || (int64_t)offset == type->weaklistoffset)
		return true;
	for (uint32_t i = 0; i < type->member_count; i++) {
		if (members[i].offset == offset)
			return true;
	}
	return false;
}

// Blocks that C code keeps for an object: how deep they are followed, and how large they may be. An
// XML element's children are two blocks away.
#define PRIVATE_DEPTH     2
#define PRIVATE_BYTES_MAX 4096
// A larger one is looked at only if it is an array of objects: its first words are nothing else.
// The children of an XML element with thousands of them are one.
#define PRIVATE_ARRAY_BYTES_MAX (1ull << 30)
#define PRIVATE_ARRAY_PROBES    16
// glibc's malloc: the word before a chunk is its size, with flags in the low bits; the least chunk.
#define CHUNK_FLAGS     7ull
#define CHUNK_BYTES_MIN 32

// The usable size of the allocated block that starts at @p addr; 0 if none does.
static uint64_t block_size(struct pyscan *scan, remote_addr addr)
{
	const struct pylayout *layout = layout_of(scan);
	struct pyreader *reader = reader_of(scan);
	remote_addr pool = addr & ~(uint64_t)(layout->traits.pool_bytes - 1);
	const uint8_t *header;
	uint64_t size;

	if (addr % 16)
		return 0;
	header = pyreader_bytes(reader, pool, layout->pool.header_size);
	if (header && pymalloc_is_pool(layout, header)) {
		size = (load_u32(header + layout->pool.szidx) + 1) * layout->traits.alignment;
		return addr - pool >= layout->pool.header_size &&
				(addr - pool - layout->pool.header_size) % size == 0
			? size
			: 0;
	}
	if (!pyreader_u64(reader, addr - 8, &size))
		return 0;
	size &= ~CHUNK_FLAGS;
	return size >= CHUNK_BYTES_MIN && size % 16 == 0 && size <= PRIVATE_ARRAY_BYTES_MAX
		       ? size - 8
		       : 0;
}

// The words of an object that no reader knows, and of the blocks they lead to, breadth first: the
// queue is bounded, each block is looked at once.
struct private_blocks {
	remote_addr addr[64];
	uint8_t depth[64];
	unsigned count;
};

static void add_private(struct private_blocks *blocks, remote_addr addr, uint8_t depth)
{
	for (unsigned i = 0; i < blocks->count; i++) {
		if (blocks->addr[i] == addr)
			return;
	}
	if (blocks->count == sizeof(blocks->addr) / sizeof(blocks->addr[0]))
		return;
	blocks->addr[blocks->count] = addr;
	blocks->depth[blocks->count++] = depth;
}

static bool is_in_writable_memory(struct pyscan *scan, remote_addr addr)
{
	const struct mapping *mapping =
		mappings_find(target_mappings(scan->context->python->target), addr);

	return mapping && mapping->readable && mapping->writable;
}

static void scan_word(
	struct pyscan *scan, struct private_blocks *blocks, uint64_t value, uint8_t depth)
{
	if (value < 4096 || value % 8 || !is_in_writable_memory(scan, value))
		return;
	if (pyobject_type(scan->context, value) != PYTYPE_NONE)
		emit(scan, value | PYREF_INFERRED, (struct pylabel){.kind = PYLABEL_NONE});
	else if (depth < PRIVATE_DEPTH && block_size(scan, value))
		add_private(blocks, value, (uint8_t)(depth + 1));
}

static bool is_object_at(struct pyscan *scan, uint64_t addr)
{
	return addr >= 4096 && addr % 8 == 0 && is_in_writable_memory(scan, addr) &&
	       pyobject_type(scan->context, addr) != PYTYPE_NONE;
}

// Objects from the start of a large block to the first word that is none: where a vector has room
// left is what was there before.
static void scan_private_array(struct pyscan *scan, remote_addr addr, uint64_t size)
{
	struct pyreader *reader = reader_of(scan);

	for (uint64_t i = 0; i < PRIVATE_ARRAY_PROBES; i++) {
		if (!is_object_at(scan, pyreader_pointer(reader, addr + i * 8)))
			return;
	}
	for (uint64_t i = 0; i < size / 8; i++) {
		uint64_t value = pyreader_pointer(reader, addr + i * 8);

		if (!is_object_at(scan, value) || !may_look(scan, 1))
			return;
		emit(scan, value | PYREF_INFERRED,
			(struct pylabel){.kind = PYLABEL_INDEX, .index = i});
	}
}

static void scan_private(struct pyscan *scan, struct private_blocks *blocks, unsigned index)
{
	remote_addr addr = blocks->addr[index];
	uint64_t size = block_size(scan, addr);

	// Blocks that very many objects share: at half of what may be looked at, these guesses end, and
	// the rest is for what is certain.
	if (scan->words_max && scan->words > scan->words_max / 2)
		return;
	if (size > PRIVATE_BYTES_MAX) {
		scan_private_array(scan, addr, size);
		return;
	}
	scan->words += size / 8;
	for (uint64_t offset = 0; offset + 8 <= size; offset += 8)
		scan_word(scan, blocks, pyreader_pointer(reader_of(scan), addr + offset),
			blocks->depth[index]);
}

// What unknown C types add to the layout that is known.
static void scan_added(struct pyscan *scan)
{
	const struct pytype *type = scan->type;
	struct private_blocks blocks = {.count = 0};
	uint64_t items = type->itemsize && type->kind == PYKIND_PLAIN
		? word(scan, layout_of(scan)->object.ob_size)
		: 0;

	for (uint64_t offset = (type->layout_size + 7) & ~7ull; offset + 8 <= type->scan_end;
		offset += 8) {
		if (!is_declared(scan, offset))
			scan_word(scan, &blocks, word(scan, offset), 0);
	}
	if (items && items < LIMIT_FRAME_SLOTS && type->itemsize % 8 == 0) {
		uint64_t end = items * (uint64_t)type->itemsize;

		for (uint64_t offset = 0; offset < end; offset += 8)
			scan_word(scan, &blocks, word(scan, (uint64_t)type->basicsize + offset), 0);
	}
	for (unsigned i = 0; i < blocks.count; i++)
		scan_private(scan, &blocks, i);
}

void pyfields_scan(struct pyscan *scan, remote_addr base, const struct pyfields *fields)
{
	for (uint32_t i = 0; i < fields->count; i++)
		emit_field(scan, pyreader_pointer(reader_of(scan), base + fields->fields[i].offset),
			fields->fields[i].label);
}

static void scan_fields(struct pyscan *scan)
{
	const struct pyfields *fields = scan->type->fields;

	for (uint32_t i = 0; i < fields->count; i++)
		emit_field(scan, word(scan, fields->fields[i].offset), fields->fields[i].label);
}

static void scan_layout(struct pyscan *scan)
{
	const struct pylayout *layout = layout_of(scan);

	switch (scan->type->kind) {
	case PYKIND_PLAIN:
	case PYKIND_NUMBER:
	case PYKIND_BYTES:
		break;
	case PYKIND_FIELDS:
		scan_fields(scan);
		break;
	case PYKIND_INT:
		size_int(scan);
		break;
	case PYKIND_STR:
		size_str(scan);
		break;
	case PYKIND_BYTEARRAY:
		scan->size += word(scan, layout->bytearray.ob_alloc);
		break;
	case PYKIND_ARRAY:
		size_array(scan);
		break;
	case PYKIND_NDARRAY:
		scan_ndarray(scan);
		break;
	case PYKIND_LIST:
		scan_list(scan);
		break;
	case PYKIND_TUPLE:
	case PYKIND_STRUCTSEQ:
		scan_tuple(scan, scan->type->hidden_items);
		break;
	case PYKIND_DICT:
		scan_dict(scan);
		break;
	case PYKIND_DEFAULTDICT:
		scan_defaultdict(scan);
		break;
	case PYKIND_ODICT:
		scan_odict(scan);
		break;
	case PYKIND_SET:
		scan_set(scan);
		break;
	case PYKIND_TYPE:
		scan_type(scan);
		break;
	case PYKIND_MODULE:
		scan_module(scan);
		break;
	case PYKIND_CODE:
		scan_code(scan);
		break;
	case PYKIND_FRAME:
		scan_frame_object(scan);
		break;
	case PYKIND_GENERATOR:
		scan_generator(scan, false);
		break;
	case PYKIND_COROUTINE:
		scan_generator(scan, true);
		break;
	case PYKIND_DEQUE:
		scan_deque(scan);
		break;
	case PYKIND_LRU_CACHE:
		scan_lru_cache(scan);
		break;
	case PYKIND_TEE:
		scan_tee(scan);
		break;
	case PYKIND_HAMT_NODE:
		scan_hamt_node(scan);
		break;
	case PYKIND_HAMT_ARRAY:
		for (uint32_t i = 0; i < HAMT_ARRAY_CHILDREN; i++)
			emit_field(scan, word(scan, layout->hamt_array.array + i * 8), "");
		break;
	case PYKIND_NONE:
	case PYKIND_COUNT:
		break;
	}
}

// sys.getsizeof's default: the fixed part and the items, plus what precedes the object.
static uint64_t default_size(struct pyscan *scan)
{
	const struct pytype *type = scan->type;
	uint64_t size = (uint64_t)type->basicsize;
	// These have an item size for their frame, but no ob_size; their readers know the size.
	bool has_frame = type->kind == PYKIND_GENERATOR || type->kind == PYKIND_COROUTINE ||
			 type->kind == PYKIND_FRAME;

	if (type->itemsize && !has_frame) {
		uint64_t items = ob_size_items(word(scan, layout_of(scan)->object.ob_size));

		if (items > LIMIT_ITEMS)
			scan->is_torn = true;
		else
			size += items * (uint64_t)type->itemsize;
	}
	return size;
}

// Attributes that were never put into a dict: an array of values, named by the type's shared keys.
static void scan_managed_dict(struct pyscan *scan)
{
	const struct pytype *type = scan->type;
	remote_addr dict = load_u64(scan->bytes - type->head_bytes + 8);
	remote_addr values = load_u64(scan->bytes - type->head_bytes);
	struct pydict_table table;

	if (dict)
		emit_field(scan, dict, "__dict__");
	if (!values || !type->cached_keys)
		return;
	if (pydict_table_read(reader_of(scan), layout_of(scan), type->cached_keys, values, &table))
		scan_values(scan, &table, PYLABEL_ATTRIBUTE);
	else
		scan->is_torn = true;
}

static void scan_instance_dict(struct pyscan *scan)
{
	const struct pytype *type = scan->type;
	int64_t offset = type->dictoffset;

	if (type->has_managed_dict) {
		scan_managed_dict(scan);
		return;
	}
	// A dict inside the C layout was given by its reader.
	if (!offset || (offset > 0 && offset < (int64_t)type->layout_size))
		return;
	if (offset < 0) {
		uint64_t items = ob_size_items(word(scan, layout_of(scan)->object.ob_size));

		if (items > LIMIT_ITEMS)
			return;
		offset += (type->basicsize + (int64_t)items * type->itemsize + 7) & ~7ll;
		// Before the object's end it is, but not before its start.
		if (offset < (int64_t)layout_of(scan)->object.size) {
			scan->is_torn = true;
			return;
		}
	}
	emit_field(scan, word(scan, (uint64_t)offset), "__dict__");
}

static void scan_members(struct pyscan *scan)
{
	const struct pytype *type = scan->type;
	const struct pymember *members =
		scan->context->python->types->members.items + type->member_first;

	for (uint32_t i = 0; i < type->member_count; i++)
		emit(scan, word(scan, members[i].offset),
			(struct pylabel){.kind = PYLABEL_SLOT, .object = members[i].name});
}

void pyobject_scan(
	struct pyscan *scan, uint32_t type, remote_addr addr, const uint8_t *bytes, size_t size)
{
	scan->type = &scan->context->python->types->list.items[type];
	scan->addr = addr;
	scan->bytes = bytes;
	scan->bytes_size = size;
	scan->is_torn = false;
	scan->size = default_size(scan);
	if (scan->type->is_heap)
		emit_field(scan, scan->type->addr, "__class__");
	scan_layout(scan);
	if (scan->type->scan_end > scan->type->layout_size)
		scan_added(scan);
	if (scan->type->member_count)
		scan_members(scan);
	scan_instance_dict(scan);
	// Also for static type objects, which have no GC head: getsizeof goes by the type's flags.
	scan->size += scan->type->head_bytes;
}

uint32_t pyobject_type(struct pycontext *context, remote_addr addr)
{
	uint64_t type;

	if (addr % 8 || !pyreader_u64(&context->reader,
				addr + context->python->layout->object.ob_type, &type))
		return PYTYPE_NONE;
	return pytypes_find(context->python->types, type);
}

bool pyobject_scan_at(struct pyscan *scan, remote_addr addr)
{
	// Head and fixed part of nearly every type; what is longer is read word by word.
	uint8_t copy[1536];
	struct pycontext *context = scan->context;
	uint32_t index = pyobject_type(context, addr);
	const struct pytype *type;
	const uint8_t *bytes;
	size_t size;

	if (index == PYTYPE_NONE)
		return false;
	type = &context->python->types->list.items[index];
	size = type->head_bytes + (size_t)type->basicsize;
	if (size > sizeof(copy))
		size = sizeof(copy);
	bytes = pyreader_bytes(&context->reader, addr - type->head_bytes, size);
	// A static type is shorter than types on the heap, and may be the last thing in its
	// library.
	if (!bytes) {
		size = type->head_bytes + context->python->layout->object.size;
		bytes = pyreader_bytes(&context->reader, addr - type->head_bytes, size);
	}
	if (!bytes)
		return false;
	memcpy(copy, bytes, size);
	pyobject_scan(scan, index, addr, copy + type->head_bytes, size - type->head_bytes);
	return true;
}

uint64_t pyobject_length(struct pycontext *context, remote_addr addr)
{
	const struct pylayout *layout = context->python->layout;
	uint32_t index = pyobject_type(context, addr);
	uint64_t length = 0;
	uint32_t offset = 0;

	if (index == PYTYPE_NONE)
		return 0;
	switch (context->python->types->list.items[index].kind) {
	case PYKIND_LIST:
	case PYKIND_TUPLE:
	case PYKIND_STRUCTSEQ:
	case PYKIND_DEQUE:
	case PYKIND_BYTES:
	case PYKIND_BYTEARRAY:
	case PYKIND_ARRAY:
		offset = layout->object.ob_size;
		break;
	case PYKIND_DICT:
	case PYKIND_DEFAULTDICT:
	case PYKIND_ODICT:
		offset = layout->dict.ma_used;
		break;
	case PYKIND_SET:
		offset = layout->set.used;
		break;
	case PYKIND_STR:
		offset = layout->str.length;
		break;
	default:
		return 0;
	}
	pyreader_u64(&context->reader, addr + offset, &length);
	return length <= LIMIT_ITEMS ? length : 0;
}

uint64_t pyobject_bound(struct pycontext *context, remote_addr addr)
{
	const struct pylayout *layout = context->python->layout;
	uint32_t index = pyobject_type(context, addr);
	uint64_t bound = UINT64_MAX;

	if (index == PYTYPE_NONE)
		return bound;
	// -1 means no bound in both: as an unsigned number it is UINT64_MAX.
	if (context->python->types->list.items[index].kind == PYKIND_DEQUE)
		pyreader_u64(&context->reader, addr + layout->deque.maxlen, &bound);
	else if (context->python->types->list.items[index].kind == PYKIND_LRU_CACHE)
		pyreader_u64(&context->reader, addr + layout->lru_cache.maxsize, &bound);
	return bound;
}
