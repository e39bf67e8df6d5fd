// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where things are in a CPython of a given version.
 *
 * One descriptor, struct pylayout, holds every offset and size that the readers use, and traits for
 * what is not an offset. Readers switch on traits, never on versions. The rows are generated from
 * data/layout/ (made from DWARF of real interpreters, see tools/layout/); nobody types a number.
 *
 * PYLAYOUT_FIELDS is the only place where a field is named:
 *
 *	F(group, member, "C struct", "field")   offset of a field in bytes
 *	S(group, member, "C struct")            size of a struct in bytes
 *	B(group, member, "C struct", "field")   a bit-field: offset in bits from the start of the
 *struct
 *
 * A field that a version does not have is PYLAYOUT_NONE there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PYLAYOUT_NONE UINT32_MAX

// clang-format off
#define PYLAYOUT_FIELDS(F, S, B) \
	F(object, ob_refcnt, "PyObject", "ob_refcnt") \
	F(object, ob_type, "PyObject", "ob_type") \
	S(object, size, "PyObject") \
	F(object, ob_size, "PyVarObject", "ob_size") \
	F(gc_head, next, "PyGC_Head", "_gc_next") \
	F(gc_head, prev, "PyGC_Head", "_gc_prev") \
	S(gc_head, size, "PyGC_Head") \
	F(type, tp_name, "PyTypeObject", "tp_name") \
	F(type, tp_basicsize, "PyTypeObject", "tp_basicsize") \
	F(type, tp_itemsize, "PyTypeObject", "tp_itemsize") \
	F(type, tp_dealloc, "PyTypeObject", "tp_dealloc") \
	F(type, tp_flags, "PyTypeObject", "tp_flags") \
	F(type, tp_weaklistoffset, "PyTypeObject", "tp_weaklistoffset") \
	F(type, tp_members, "PyTypeObject", "tp_members") \
	F(type, tp_base, "PyTypeObject", "tp_base") \
	F(type, tp_dict, "PyTypeObject", "tp_dict") \
	F(type, tp_dictoffset, "PyTypeObject", "tp_dictoffset") \
	F(type, tp_bases, "PyTypeObject", "tp_bases") \
	F(type, tp_mro, "PyTypeObject", "tp_mro") \
	F(type, tp_cache, "PyTypeObject", "tp_cache") \
	F(type, tp_subclasses, "PyTypeObject", "tp_subclasses") \
	F(type, tp_del, "PyTypeObject", "tp_del") \
	S(type, size, "PyTypeObject") \
	F(heap_type, ht_name, "PyHeapTypeObject", "ht_name") \
	F(heap_type, ht_slots, "PyHeapTypeObject", "ht_slots") \
	F(heap_type, ht_qualname, "PyHeapTypeObject", "ht_qualname") \
	F(heap_type, ht_cached_keys, "PyHeapTypeObject", "ht_cached_keys") \
	F(heap_type, ht_module, "PyHeapTypeObject", "ht_module") \
	S(heap_type, size, "PyHeapTypeObject") \
	F(member_def, name, "PyMemberDef", "name") \
	F(member_def, type, "PyMemberDef", "type") \
	F(member_def, offset, "PyMemberDef", "offset") \
	F(member_def, flags, "PyMemberDef", "flags") \
	S(member_def, size, "PyMemberDef") \
	F(tuple, ob_item, "PyTupleObject", "ob_item") \
	F(list, ob_item, "PyListObject", "ob_item") \
	F(list, allocated, "PyListObject", "allocated") \
	F(bytes, ob_sval, "PyBytesObject", "ob_sval") \
	F(bytearray, ob_alloc, "PyByteArrayObject", "ob_alloc") \
	F(dict, ma_used, "PyDictObject", "ma_used") \
	F(dict, ma_keys, "PyDictObject", "ma_keys") \
	F(dict, ma_values, "PyDictObject", "ma_values") \
	S(dict, size, "PyDictObject") \
	F(keys, dk_refcnt, "PyDictKeysObject", "dk_refcnt") \
	F(keys, dk_log2_size, "PyDictKeysObject", "dk_log2_size") \
	F(keys, dk_log2_index_bytes, "PyDictKeysObject", "dk_log2_index_bytes") \
	F(keys, dk_kind, "PyDictKeysObject", "dk_kind") \
	F(keys, dk_usable, "PyDictKeysObject", "dk_usable") \
	F(keys, dk_nentries, "PyDictKeysObject", "dk_nentries") \
	F(keys, dk_indices, "PyDictKeysObject", "dk_indices") \
	F(key_entry, me_key, "PyDictKeyEntry", "me_key") \
	F(key_entry, me_value, "PyDictKeyEntry", "me_value") \
	S(key_entry, size, "PyDictKeyEntry") \
	F(unicode_entry, me_key, "PyDictUnicodeEntry", "me_key") \
	F(unicode_entry, me_value, "PyDictUnicodeEntry", "me_value") \
	S(unicode_entry, size, "PyDictUnicodeEntry") \
	F(odict, od_first, "_odictobject", "od_first") \
	F(odict, od_fast_nodes_size, "_odictobject", "od_fast_nodes_size") \
	F(odict, od_inst_dict, "_odictobject", "od_inst_dict") \
	S(odict, size, "_odictobject") \
	F(odict_node, key, "_ODictNode", "key") \
	F(odict_node, next, "_ODictNode", "next") \
	S(odict_node, size, "_ODictNode") \
	F(defdict, default_factory, "defdictobject", "default_factory") \
	F(set, used, "PySetObject", "used") \
	F(set, mask, "PySetObject", "mask") \
	F(set, table, "PySetObject", "table") \
	F(set, smalltable, "PySetObject", "smalltable") \
	F(set_entry, key, "setentry", "key") \
	F(set_entry, hash, "setentry", "hash") \
	S(set_entry, size, "setentry") \
	F(str, length, "PyASCIIObject", "length") \
	F(str, state, "PyASCIIObject", "state") \
	B(str, interned_bit, "PyASCIIObject", "state.interned") \
	B(str, kind_bit, "PyASCIIObject", "state.kind") \
	B(str, compact_bit, "PyASCIIObject", "state.compact") \
	B(str, ascii_bit, "PyASCIIObject", "state.ascii") \
	F(str, wstr, "PyASCIIObject", "wstr") \
	S(str, ascii_size, "PyASCIIObject") \
	F(str, utf8_length, "PyCompactUnicodeObject", "utf8_length") \
	F(str, utf8, "PyCompactUnicodeObject", "utf8") \
	F(str, wstr_length, "PyCompactUnicodeObject", "wstr_length") \
	S(str, compact_size, "PyCompactUnicodeObject") \
	F(str, data, "PyUnicodeObject", "data.any") \
	S(str, legacy_size, "PyUnicodeObject") \
	F(long_int, ob_digit, "PyLongObject", "ob_digit") \
	F(function, func_globals, "PyFunctionObject", "func_globals") \
	F(function, func_code, "PyFunctionObject", "func_code") \
	F(function, func_qualname, "PyFunctionObject", "func_qualname") \
	F(function, func_name, "PyFunctionObject", "func_name") \
	F(function, func_closure, "PyFunctionObject", "func_closure") \
	F(code, co_flags, "PyCodeObject", "co_flags") \
	F(code, co_consts, "PyCodeObject", "co_consts") \
	F(code, co_names, "PyCodeObject", "co_names") \
	F(code, co_exceptiontable, "PyCodeObject", "co_exceptiontable") \
	F(code, co_localsplusnames, "PyCodeObject", "co_localsplusnames") \
	F(code, co_localspluskinds, "PyCodeObject", "co_localspluskinds") \
	F(code, co_filename, "PyCodeObject", "co_filename") \
	F(code, co_name, "PyCodeObject", "co_name") \
	F(code, co_qualname, "PyCodeObject", "co_qualname") \
	F(code, co_linetable, "PyCodeObject", "co_linetable") \
	F(code, co_cached_code, "PyCodeObject", "_co_code") \
	F(code, co_firstlineno, "PyCodeObject", "co_firstlineno") \
	F(code, co_nlocalsplus, "PyCodeObject", "co_nlocalsplus") \
	F(code, co_stacksize, "PyCodeObject", "co_stacksize") \
	F(code, co_code_adaptive, "PyCodeObject", "co_code_adaptive") \
	F(code, co_extra, "PyCodeObject", "co_extra") \
	F(iframe, f_func, "_PyInterpreterFrame", "f_func") \
	F(iframe, f_globals, "_PyInterpreterFrame", "f_globals") \
	F(iframe, f_locals, "_PyInterpreterFrame", "f_locals") \
	F(iframe, f_code, "_PyInterpreterFrame", "f_code") \
	F(iframe, frame_obj, "_PyInterpreterFrame", "frame_obj") \
	F(iframe, previous, "_PyInterpreterFrame", "previous") \
	F(iframe, prev_instr, "_PyInterpreterFrame", "prev_instr") \
	F(iframe, stacktop, "_PyInterpreterFrame", "stacktop") \
	F(iframe, owner, "_PyInterpreterFrame", "owner") \
	F(iframe, localsplus, "_PyInterpreterFrame", "localsplus") \
	F(frame, f_back, "PyFrameObject", "f_back") \
	F(frame, f_frame, "PyFrameObject", "f_frame") \
	F(frame, f_trace, "PyFrameObject", "f_trace") \
	F(frame, f_frame_data, "PyFrameObject", "_f_frame_data") \
	F(gen, gi_code, "PyGenObject", "gi_code") \
	F(gen, gi_name, "PyGenObject", "gi_name") \
	F(gen, gi_qualname, "PyGenObject", "gi_qualname") \
	F(gen, gi_exc_value, "PyGenObject", "gi_exc_state.exc_value") \
	F(gen, gi_origin_or_finalizer, "PyGenObject", "gi_origin_or_finalizer") \
	F(gen, gi_frame_state, "PyGenObject", "gi_frame_state") \
	F(gen, gi_iframe, "PyGenObject", "gi_iframe") \
	F(module, md_dict, "PyModuleObject", "md_dict") \
	F(module, md_def, "PyModuleObject", "md_def") \
	F(module, md_state, "PyModuleObject", "md_state") \
	F(module, md_name, "PyModuleObject", "md_name") \
	F(module_def, m_size, "PyModuleDef", "m_size") \
	F(deque, leftblock, "dequeobject", "leftblock") \
	F(deque, leftindex, "dequeobject", "leftindex") \
	F(deque, maxlen, "dequeobject", "maxlen") \
	F(deque_block, data, "BLOCK", "data") \
	F(deque_block, rightlink, "BLOCK", "rightlink") \
	S(deque_block, size, "BLOCK") \
	F(lru_cache, root_next, "lru_cache_object", "root.next") \
	F(lru_cache, cache, "lru_cache_object", "cache") \
	F(lru_cache, func, "lru_cache_object", "func") \
	F(lru_cache, maxsize, "lru_cache_object", "maxsize") \
	F(lru_cache, kwd_mark, "lru_cache_object", "kwd_mark") \
	F(lru_cache, elem_type, "lru_cache_object", "lru_list_elem_type") \
	F(lru_cache, cache_info_type, "lru_cache_object", "cache_info_type") \
	F(lru_cache, dict, "lru_cache_object", "dict") \
	F(lru_elem, next, "lru_list_elem", "next") \
	F(tee, it, "teedataobject", "it") \
	F(tee, numread, "teedataobject", "numread") \
	F(tee, nextlink, "teedataobject", "nextlink") \
	F(tee, values, "teedataobject", "values") \
	F(contextvar, var_name, "PyContextVar", "var_name") \
	F(hamt_node, array, "PyHamtNode_Bitmap", "b_array") \
	F(hamt_array, array, "PyHamtNode_Array", "a_array") \
	S(memoryview, size, "PyMemoryViewObject") \
	F(weakref, wr_object, "PyWeakReference", "wr_object") \
	F(arraymodule, allocated, "arrayobject", "allocated") \
	F(arraymodule, ob_descr, "arrayobject", "ob_descr") \
	F(bytesio, buf, "bytesio", "buf") \
	F(stringio, buf, "stringio", "buf") \
	F(stringio, buf_size, "stringio", "buf_size") \
	F(stringio, state, "stringio", "state") \
	F(buffered, buffer, "buffered", "buffer") \
	F(buffered, buffer_size, "buffered", "buffer_size") \
	F(local, dummies, "localobject", "dummies") \
	F(runtime, interpreters_head, "_PyRuntimeState", "interpreters.head") \
	F(runtime, gil_locked, "_PyRuntimeState", "ceval.gil.locked._value") \
	F(runtime, main_interpreter, "_PyRuntimeState", "_main_interpreter") \
	S(runtime, size, "_PyRuntimeState") \
	F(interp, next, "PyInterpreterState", "next") \
	F(interp, id, "PyInterpreterState", "id") \
	F(interp, threads_head, "PyInterpreterState", "threads.head") \
	F(interp, modules, "PyInterpreterState", "modules") \
	F(interp, sysdict, "PyInterpreterState", "sysdict") \
	F(interp, builtins, "PyInterpreterState", "builtins") \
	F(interp, gc, "PyInterpreterState", "gc") \
	F(interp, atexit_callbacks, "PyInterpreterState", "atexit.callbacks") \
	F(interp, atexit_ncallbacks, "PyInterpreterState", "atexit.ncallbacks") \
	F(interp, type_cache, "PyInterpreterState", "type_cache") \
	S(interp, size, "PyInterpreterState") \
	F(gc, generations, "_gc_runtime_state", "generations") \
	F(gc, permanent_generation, "_gc_runtime_state", "permanent_generation") \
	F(gc, enabled, "_gc_runtime_state", "enabled") \
	F(gc, collecting, "_gc_runtime_state", "collecting") \
	S(gc_generation, size, "gc_generation") \
	F(atexit_callback, func, "atexit_callback", "func") \
	F(atexit_callback, args, "atexit_callback", "args") \
	F(atexit_callback, kwargs, "atexit_callback", "kwargs") \
	F(tstate, next, "PyThreadState", "next") \
	F(tstate, cframe, "PyThreadState", "cframe") \
	F(tstate, thread_id, "PyThreadState", "thread_id") \
	F(tstate, native_thread_id, "PyThreadState", "native_thread_id") \
	F(tstate, datastack_chunk, "PyThreadState", "datastack_chunk") \
	S(tstate, size, "PyThreadState") \
	F(cframe, current_frame, "_PyCFrame", "current_frame") \
	F(pool, count, "pool_header", "ref.count") \
	F(pool, freeblock, "pool_header", "freeblock") \
	F(pool, arenaindex, "pool_header", "arenaindex") \
	F(pool, szidx, "pool_header", "szidx") \
	F(pool, nextoffset, "pool_header", "nextoffset") \
	F(pool, maxnextoffset, "pool_header", "maxnextoffset") \
	S(pool, header_size, "pool_header")
// clang-format on

/** What is not an offset. Each new shape is a new value, chosen by a row of data/layout/. */
struct pylayout_traits {
	/** Pools are this big and aligned to it; blocks to @c alignment. */
	uint32_t pool_bytes, alignment;
	/** Bytes of the pre-header (managed dict) between GC head and block start. */
	uint32_t preheader_bytes;
	/** A reference count from here on means: statically made, not counted. */
	uint64_t immortal_refcnt;
	/** gi_frame_state from here on: the generator's frame is cleared. */
	int32_t gen_cleared_state;
};

struct pyfield {
	const char *label; /* what Python calls it; "" if nothing */
	uint32_t offset;
};

/** A built-in type whose references are plain fields (data/layout/owned-fields.txt). */
struct pyfields {
	const char *type_names; /* tp_name and its variants, separated by commas */
	uint32_t size; /* of the C struct: a type of that name that is smaller is another type */
	uint32_t count;
	const struct pyfield *fields;
};

struct pylayout {
	const char *name;                   /* "cpython-3.11" */
	uint32_t version_low, version_high; /* PY_VERSION_HEX, both inclusive */
	struct pylayout_traits traits;

	/* layout->list.ob_item, layout->gc_head.size, … */
#include "pylayout_groups.inc"

	const struct pyfields *fields;
	uint32_t fields_count;
};

/** The row for a version, or NULL. */
const struct pylayout *pylayout_find(uint32_t version_hex);

/** Row number @p index of all, or NULL past the last: for tests. */
const struct pylayout *pylayout_row(size_t index);

/** The supported versions as text, "3.11": for messages. */
const char *pylayout_supported(void);

/** The plain-field row for a type name and basic size, or NULL. */
const struct pyfields *pylayout_fields(
	const struct pylayout *layout, const char *type_name, int64_t basicsize);
