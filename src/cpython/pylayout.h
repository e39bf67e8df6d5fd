// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where things are in a CPython of a given version.
 *
 * One descriptor, struct pylayout, holds every offset and size that the readers use, and traits for
 * what is not an offset. Readers switch on traits, never on versions. The rows are generated from
 * data/layout/ (made from DWARF of real interpreters, see docs/design/layouts.md); nobody types a number.
 *
 * PYLAYOUT_FIELDS is the only place where a field is named:
 *
 *	F(group, member, "C struct", "field")   offset of a field in bytes
 *	S(group, member, "C struct")            size of a struct in bytes
 *	B(group, member, "C struct", "field")   a bit-field: offset in bits from the start of the struct
 *
 * Where versions name a thing differently, "one|other" is the first that a version has. A field that
 * a version does not have is PYLAYOUT_NONE there: asking for it is how readers tell shapes apart.
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
	F(gc_head, next, "PyGC_Head", "_gc_next|gc.gc_next") \
	F(gc_head, prev, "PyGC_Head", "_gc_prev|gc.gc_prev") \
	F(gc_head, gc_refs, "PyGC_Head", "gc.gc_refs") \
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
	F(bytes, ob_sval, "PyBytesObject|PyStringObject", "ob_sval") \
	F(bytes, ob_sstate, "PyStringObject", "ob_sstate") \
	F(bytearray, ob_alloc, "PyByteArrayObject", "ob_alloc") \
	F(bytearray, ob_bytes, "PyByteArrayObject", "ob_bytes") \
	F(bytearray, ob_bytes_object, "PyByteArrayObject", "ob_bytes_object") \
	F(dict, ma_used, "PyDictObject", "ma_used") \
	F(dict, ma_keys, "PyDictObject", "ma_keys") \
	F(dict, ma_values, "PyDictObject", "ma_values") \
	F(dict, ma_mask, "PyDictObject", "ma_mask") \
	F(dict, ma_table, "PyDictObject", "ma_table") \
	F(dict, ma_smalltable, "PyDictObject", "ma_smalltable") \
	S(dict, size, "PyDictObject") \
	F(dict_values, values, "PyDictValues", "values") \
	F(dict_values, embedded, "PyDictValues", "embedded") \
	F(dict_values, valid, "PyDictValues", "valid") \
	F(keys, dk_refcnt, "PyDictKeysObject", "dk_refcnt") \
	F(keys, dk_log2_size, "PyDictKeysObject", "dk_log2_size") \
	F(keys, dk_log2_index_bytes, "PyDictKeysObject", "dk_log2_index_bytes") \
	F(keys, dk_kind, "PyDictKeysObject", "dk_kind") \
	F(keys, dk_size, "PyDictKeysObject", "dk_size") \
	F(keys, dk_usable, "PyDictKeysObject", "dk_usable") \
	F(keys, dk_nentries, "PyDictKeysObject", "dk_nentries") \
	F(keys, dk_indices, "PyDictKeysObject", "dk_indices") \
	F(key_entry, me_key, "PyDictKeyEntry|PyDictEntry", "me_key") \
	F(key_entry, me_value, "PyDictKeyEntry|PyDictEntry", "me_value") \
	S(key_entry, size, "PyDictKeyEntry|PyDictEntry") \
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
	F(old_unicode, length, "PyUnicodeObject", "length") \
	F(old_unicode, str, "PyUnicodeObject", "str") \
	F(old_unicode, defenc, "PyUnicodeObject", "defenc") \
	F(old_int, ob_ival, "PyIntObject", "ob_ival") \
	F(long_int, ob_digit, "PyLongObject", "ob_digit|long_value.ob_digit") \
	F(long_int, lv_tag, "PyLongObject", "long_value.lv_tag") \
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
	F(code, co_cached, "PyCodeObject", "_co_cached") \
	S(code, co_cached_size, "_PyCoCached") \
	F(code, co_code, "PyCodeObject", "co_code") \
	F(code, co_varnames, "PyCodeObject", "co_varnames") \
	F(code, co_freevars, "PyCodeObject", "co_freevars") \
	F(code, co_cellvars, "PyCodeObject", "co_cellvars") \
	F(code, co_lnotab, "PyCodeObject", "co_lnotab") \
	F(code, co_nlocals, "PyCodeObject", "co_nlocals") \
	F(code, co_cell2arg, "PyCodeObject", "co_cell2arg") \
	F(code, co_opcache_map, "PyCodeObject", "co_opcache_map") \
	F(code, co_opcache_size, "PyCodeObject", "co_opcache_size") \
	F(code, co_firstlineno, "PyCodeObject", "co_firstlineno") \
	F(code, co_firsttraceable, "PyCodeObject", "_co_firsttraceable") \
	F(code, co_nlocalsplus, "PyCodeObject", "co_nlocalsplus") \
	F(code, co_stacksize, "PyCodeObject", "co_stacksize") \
	F(code, co_code_adaptive, "PyCodeObject", "co_code_adaptive") \
	F(code, co_extra, "PyCodeObject", "co_extra") \
	F(iframe, f_func, "_PyInterpreterFrame", "f_func|f_funcobj") \
	F(iframe, f_globals, "_PyInterpreterFrame", "f_globals") \
	F(iframe, f_locals, "_PyInterpreterFrame", "f_locals") \
	F(iframe, f_code, "_PyInterpreterFrame", "f_code|f_executable") \
	F(iframe, frame_obj, "_PyInterpreterFrame", "frame_obj") \
	F(iframe, previous, "_PyInterpreterFrame", "previous") \
	F(iframe, prev_instr, "_PyInterpreterFrame", "prev_instr") \
	F(iframe, instr_ptr, "_PyInterpreterFrame", "instr_ptr") \
	F(iframe, stackpointer, "_PyInterpreterFrame", "stackpointer") \
	F(iframe, stacktop, "_PyInterpreterFrame", "stacktop") \
	F(iframe, owner, "_PyInterpreterFrame", "owner") \
	F(iframe, localsplus, "_PyInterpreterFrame", "localsplus") \
	F(frame, f_back, "PyFrameObject", "f_back") \
	F(frame, f_frame, "PyFrameObject", "f_frame") \
	F(frame, f_trace, "PyFrameObject", "f_trace") \
	F(frame, f_frame_data, "PyFrameObject", "_f_frame_data") \
	F(frame, f_extra_locals, "PyFrameObject", "f_extra_locals") \
	F(frame, f_locals_cache, "PyFrameObject", "f_locals_cache") \
	F(frame, f_overwritten_fast_locals, "PyFrameObject", "f_overwritten_fast_locals") \
	F(frame, f_code, "PyFrameObject", "f_code") \
	F(frame, f_builtins, "PyFrameObject", "f_builtins") \
	F(frame, f_globals, "PyFrameObject", "f_globals") \
	F(frame, f_locals, "PyFrameObject", "f_locals") \
	F(frame, f_valuestack, "PyFrameObject", "f_valuestack") \
	F(frame, f_stacktop, "PyFrameObject", "f_stacktop") \
	F(frame, f_stackdepth, "PyFrameObject", "f_stackdepth") \
	F(frame, f_exc_type, "PyFrameObject", "f_exc_type") \
	F(frame, f_exc_value, "PyFrameObject", "f_exc_value") \
	F(frame, f_exc_traceback, "PyFrameObject", "f_exc_traceback") \
	F(frame, f_gen, "PyFrameObject", "f_gen") \
	F(frame, f_lasti, "PyFrameObject", "f_lasti") \
	F(frame, f_localsplus, "PyFrameObject", "f_localsplus") \
	F(gen, gi_code, "PyGenObject", "gi_code") \
	F(gen, gi_name, "PyGenObject", "gi_name") \
	F(gen, gi_qualname, "PyGenObject", "gi_qualname") \
	F(gen, gi_frame, "PyGenObject", "gi_frame") \
	F(gen, gi_exc_type, "PyGenObject", "gi_exc_state.exc_type") \
	F(gen, gi_exc_value, "PyGenObject", "gi_exc_state.exc_value") \
	F(gen, gi_exc_traceback, "PyGenObject", "gi_exc_state.exc_traceback") \
	F(gen, cr_origin, "PyCoroObject", "cr_origin|cr_origin_or_finalizer") \
	F(gen, ag_finalizer, "PyAsyncGenObject", "ag_finalizer|ag_origin_or_finalizer") \
	F(gen, gi_frame_state, "PyGenObject", "gi_frame_state") \
	F(gen, gi_iframe, "PyGenObject", "gi_iframe") \
	F(module, md_dict, "PyModuleObject", "md_dict") \
	F(module, md_def, "PyModuleObject", "md_def") \
	F(module, md_state, "PyModuleObject", "md_state") \
	F(module, md_state_size, "PyModuleObject", "md_state_size") \
	F(module, md_name, "PyModuleObject", "md_name") \
	F(module_def, m_size, "PyModuleDef", "m_size") \
	F(deque, leftblock, "dequeobject", "leftblock") \
	F(deque, leftindex, "dequeobject", "leftindex") \
	F(deque, maxlen, "dequeobject", "maxlen") \
	F(deque, len, "dequeobject", "len") \
	F(deque_block, data, "BLOCK", "data") \
	F(deque_block, rightlink, "BLOCK", "rightlink") \
	S(deque_block, size, "BLOCK") \
	F(lru_cache, root_next, "lru_cache_object", "root.next") \
	F(lru_cache, cache, "lru_cache_object", "cache") \
	F(lru_cache, func, "lru_cache_object", "func") \
	F(lru_cache, maxsize, "lru_cache_object", "maxsize") \
	F(lru_cache, maxsize_object, "lru_cache_object", "maxsize_O") \
	F(lru_cache, kwd_mark, "lru_cache_object", "kwd_mark") \
	F(lru_cache, elem_type, "lru_cache_object", "lru_list_elem_type") \
	F(lru_cache, cache_info_type, "lru_cache_object", "cache_info_type") \
	F(lru_cache, dict, "lru_cache_object", "dict") \
	F(lru_elem, next, "lru_list_elem", "next") \
	F(ring, get_idx, "simplequeueobject", "buf.get_idx") \
	F(ring, items, "simplequeueobject", "buf.items") \
	F(ring, items_cap, "simplequeueobject", "buf.items_cap") \
	F(ring, num_items, "simplequeueobject", "buf.num_items") \
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
	F(old_class, cl_name, "PyClassObject", "cl_name") \
	F(old_class, cl_dict, "PyClassObject", "cl_dict") \
	F(old_instance, in_class, "PyInstanceObject", "in_class") \
	F(old_instance, in_dict, "PyInstanceObject", "in_dict") \
	F(runtime, interpreters_head, "_PyRuntimeState", "interpreters.head") \
	F(runtime, gil_locked, "_PyRuntimeState", "ceval.gil.locked._value") \
	F(runtime, gil_last_holder, "_PyRuntimeState", "ceval.gil.last_holder._value") \
	F(runtime, main_interpreter, "_PyRuntimeState", "_main_interpreter") \
	F(runtime, gc, "_PyRuntimeState", "gc") \
	S(runtime, size, "_PyRuntimeState") \
	F(interp, next, "PyInterpreterState", "next") \
	F(interp, id, "PyInterpreterState", "id") \
	F(interp, threads_head, "PyInterpreterState", "threads.head|tstate_head") \
	F(interp, modules, "PyInterpreterState", "modules|imports.modules") \
	F(interp, sysdict, "PyInterpreterState", "sysdict") \
	F(interp, builtins, "PyInterpreterState", "builtins") \
	F(interp, gc, "PyInterpreterState", "gc") \
	F(interp, atexit_callbacks, "PyInterpreterState", "atexit.callbacks") \
	F(interp, atexit_ncallbacks, "PyInterpreterState", "atexit.ncallbacks") \
	F(interp, gil, "PyInterpreterState", "ceval.gil") \
	F(interp, ids_size, "PyInterpreterState", "unicode.ids.size") \
	F(interp, ids_array, "PyInterpreterState", "unicode.ids.array") \
	F(interp, interned, "PyInterpreterState", "cached_objects.interned_strings") \
	F(interp, static_types, "PyInterpreterState", "types.builtins.initialized|types.builtins") \
	F(interp, static_types_end, "PyInterpreterState", "types.for_extensions") \
	F(interp, extension_types, "PyInterpreterState", "types.for_extensions.initialized") \
	F(interp, remote_debug, "PyInterpreterState", "config.remote_debug") \
	F(interp, type_cache, "PyInterpreterState", "type_cache|types.type_cache.hashtable") \
	S(interp, size, "PyInterpreterState") \
	F(static_type, type, "managed_static_type_state|static_builtin_state", "type") \
	F(static_type, tp_dict, "managed_static_type_state|static_builtin_state", "tp_dict") \
	F(static_type, tp_subclasses, "managed_static_type_state|static_builtin_state", "tp_subclasses") \
	S(static_type, size, "managed_static_type_state|static_builtin_state") \
	F(gil, locked, "_gil_runtime_state", "locked._value|locked") \
	F(gil, last_holder, "_gil_runtime_state", "last_holder._value|last_holder") \
	F(gc, generations, "_gc_runtime_state", "generations") \
	F(gc, young, "_gc_runtime_state", "young") \
	F(gc, old, "_gc_runtime_state", "old") \
	F(gc, permanent_generation, "_gc_runtime_state", "permanent_generation") \
	F(gc, enabled, "_gc_runtime_state", "enabled") \
	F(gc, collecting, "_gc_runtime_state", "collecting") \
	S(gc_generation, size, "gc_generation") \
	F(atexit_callback, func, "atexit_py_callback|atexit_callback", "func") \
	F(atexit_callback, args, "atexit_py_callback|atexit_callback", "args") \
	F(atexit_callback, kwargs, "atexit_py_callback|atexit_callback", "kwargs") \
	F(tstate, next, "PyThreadState", "next") \
	F(tstate, frame, "PyThreadState", "frame") \
	F(tstate, cframe, "PyThreadState", "cframe") \
	F(tstate, current_frame, "PyThreadState", "current_frame") \
	F(tstate, thread_id, "PyThreadState", "thread_id") \
	F(tstate, native_thread_id, "PyThreadState", "native_thread_id") \
	F(tstate, eval_breaker, "PyThreadState", "eval_breaker") \
	F(tstate, remote_debugger, "PyThreadState", "remote_debugger_support") \
	F(tstate, datastack_chunk, "PyThreadState", "datastack_chunk") \
	S(tstate, size, "PyThreadState") \
	F(remote_debugger, pending_call, "_PyRemoteDebuggerSupport", "debugger_pending_call") \
	F(remote_debugger, script_path, "_PyRemoteDebuggerSupport", "debugger_script_path") \
	S(remote_debugger, size, "_PyRemoteDebuggerSupport") \
	F(cframe, current_frame, "_PyCFrame", "current_frame") \
	F(pool, count, "pool_header", "ref.count") \
	F(pool, freeblock, "pool_header", "freeblock") \
	F(pool, arenaindex, "pool_header", "arenaindex") \
	F(pool, szidx, "pool_header", "szidx") \
	F(pool, nextoffset, "pool_header", "nextoffset") \
	F(pool, maxnextoffset, "pool_header", "maxnextoffset") \
	S(pool, header_size, "pool_header") \
	F(arena, address, "arena_object", "address") \
	F(arena, pool_address, "arena_object", "pool_address") \
	F(arena, nfreepools, "arena_object", "nfreepools") \
	F(arena, ntotalpools, "arena_object", "ntotalpools") \
	S(arena, size, "arena_object")

/* D(group, member, "entry"): the field whose value an entry of _Py_DebugOffsets (3.13+) says. */
#define PYLAYOUT_DEBUG_OFFSETS(D) \
	D(runtime, size, "runtime_state.size") \
	D(runtime, interpreters_head, "runtime_state.interpreters_head") \
	D(interp, size, "interpreter_state.size") \
	D(interp, id, "interpreter_state.id") \
	D(interp, next, "interpreter_state.next") \
	D(interp, threads_head, "interpreter_state.threads_head") \
	D(interp, gc, "interpreter_state.gc") \
	D(interp, modules, "interpreter_state.imports_modules") \
	D(interp, sysdict, "interpreter_state.sysdict") \
	D(interp, builtins, "interpreter_state.builtins") \
	D(interp, gil, "interpreter_state.ceval_gil") \
	D(tstate, size, "thread_state.size") \
	D(tstate, next, "thread_state.next") \
	D(tstate, current_frame, "thread_state.current_frame") \
	D(tstate, thread_id, "thread_state.thread_id") \
	D(tstate, native_thread_id, "thread_state.native_thread_id") \
	D(tstate, datastack_chunk, "thread_state.datastack_chunk") \
	D(tstate, eval_breaker, "debugger_support.eval_breaker") \
	D(tstate, remote_debugger, "debugger_support.remote_debugger_support") \
	D(interp, remote_debug, "debugger_support.remote_debugging_enabled") \
	D(remote_debugger, pending_call, "debugger_support.debugger_pending_call") \
	D(remote_debugger, script_path, "debugger_support.debugger_script_path") \
	D(iframe, previous, "interpreter_frame.previous") \
	D(iframe, f_code, "interpreter_frame.executable") \
	D(iframe, instr_ptr, "interpreter_frame.instr_ptr") \
	D(iframe, localsplus, "interpreter_frame.localsplus") \
	D(iframe, owner, "interpreter_frame.owner") \
	D(iframe, stackpointer, "interpreter_frame.stackpointer") \
	D(code, co_filename, "code_object.filename") \
	D(code, co_name, "code_object.name") \
	D(code, co_qualname, "code_object.qualname") \
	D(code, co_linetable, "code_object.linetable") \
	D(code, co_firstlineno, "code_object.firstlineno") \
	D(code, co_localsplusnames, "code_object.localsplusnames") \
	D(code, co_localspluskinds, "code_object.localspluskinds") \
	D(code, co_code_adaptive, "code_object.co_code_adaptive") \
	D(object, ob_type, "pyobject.ob_type") \
	D(type, tp_name, "type_object.tp_name") \
	D(type, tp_flags, "type_object.tp_flags") \
	D(heap_type, ht_cached_keys, "heap_type_object.ht_cached_keys") \
	D(tuple, ob_item, "tuple_object.ob_item") \
	D(list, ob_item, "list_object.ob_item") \
	D(set, used, "set_object.used") \
	D(set, table, "set_object.table") \
	D(set, mask, "set_object.mask") \
	D(dict, ma_keys, "dict_object.ma_keys") \
	D(dict, ma_values, "dict_object.ma_values") \
	D(long_int, lv_tag, "long_object.lv_tag") \
	D(long_int, ob_digit, "long_object.ob_digit") \
	D(bytes, ob_sval, "bytes_object.ob_sval") \
	D(str, state, "unicode_object.state") \
	D(str, length, "unicode_object.length") \
	D(str, ascii_size, "unicode_object.asciiobject_size") \
	D(gc, collecting, "gc.collecting") \
	D(gen, gi_name, "gen_object.gi_name") \
	D(gen, gi_iframe, "gen_object.gi_iframe") \
	D(gen, gi_frame_state, "gen_object.gi_frame_state")
// clang-format on

/** Attributes of an instance that are not in a dict of its own (Objects/dictobject.c). */
enum pyattributes {
	PYATTRIBUTES_NONE,   /* always in a dict */
	PYATTRIBUTES_ARRAY,  /* 3.11: pre-header {values array, dict} */
	PYATTRIBUTES_TAGGED, /* 3.12: pre-header word: dict, or odd: values array - 1 */
	PYATTRIBUTES_INLINE, /* 3.13: values after the object, if its type has the flag */
};

/** How a code object says which instruction belongs to which line. */
enum pylines {
	PYLINES_UNSIGNED,  /* 2.7: co_lnotab, pairs (bytes, lines) */
	PYLINES_SIGNED,    /* 3.6: the same, lines are signed */
	PYLINES_RANGES,    /* 3.10: co_linetable, pairs (bytes, lines), PEP 626 */
	PYLINES_LOCATIONS, /* 3.11: co_linetable, PEP 657 */
};

/** What is not an offset. Each new shape is a new value, chosen by a row of data/layout/. */
struct pylayout_traits {
	/** Pools are this big and aligned to it; blocks to @c alignment. */
	uint32_t pool_bytes, alignment;
	/** Types with one of preheader_flags have a pre-header between block start and GC head. */
	uint32_t preheader_bytes, preheader_flags;
	/** A reference count from here on means: statically made, or immortal. 0: none does. */
	uint64_t immortal_refcnt;
	/** ob_refcnt is the low half of its word; what is above are flags (3.14+). */
	bool refcnt_is_half;
	/** gc_refs holds its value shifted by this (gc_head.gc_refs, 3.6 and 3.7). */
	uint32_t gc_refs_shift;
	/** gi_frame_state from here on: the generator's frame is cleared. */
	int32_t gen_cleared_state;
	/** Slots of frames have tag bits; what has bit 0 is used there but not counted (3.14+). */
	bool tagged_stack;
	enum pyattributes attributes;
	enum pylines line_table;
	/** Built-in types may never have been made ready, and tp_subclasses is a list (2.7). */
	bool has_unready_types, subclasses_is_list;
	/** sys.getsizeof(0) counts a digit (3.11). */
	bool zero_has_digit;
	/** sys.getsizeof adds what precedes an object by its type's flags alone (3.11 and 3.12). */
	bool getsizeof_by_flags;
	/** Bytes of one unit that f_lasti counts. */
	uint32_t instruction_bytes;
};

struct pyfield {
	const char *label; /* what Python calls it; "" if nothing */
	uint32_t offset;
	uint32_t count; /* references from there on: 1, or as many as an array has */
};

/** A built-in type whose references are plain fields (data/layout/owned-fields.txt). */
struct pyfields {
	const char *type_names; /* tp_name and its variants, separated by commas */
	uint32_t size; /* of the C struct: a type of that name that is smaller is another type */
	uint32_t count;
	const struct pyfield *fields;
};

/** Where a row has the value of a field from. */
struct pylayout_origin {
	const char *entry; /* what C calls it, "PyListObject.ob_item"; NULL: the version has none */
	bool is_set;       /* written in data/layout/rows.txt, not read from an interpreter */
};

/** A trait as a row says it, "alignment" and "16": for showing. */
struct pylayout_trait {
	const char *name, *value;
};

struct pylayout {
	const char *name;                   /* "cpython-3.11" */
	const char *labels;                 /* what it was read from: "3.11.2, 3.11.7" */
	uint32_t version_low, version_high; /* PY_VERSION_HEX, both inclusive */
	struct pylayout_traits traits;

	/* layout->list.ob_item, layout->gc_head.size, … */
#include "pylayout_groups.inc"

	const struct pyfields *fields;
	const struct pylayout_debug_offset *debug_offsets; /* none before 3.13 */
	uint32_t fields_count, debug_offsets_count;
	const struct pylayout_origin *origins;    /* for each pylayout_field_name() */
	const struct pylayout_trait *trait_texts; /* what is not said is 0 or no; ends with NULL */
};

/** An entry of _Py_DebugOffsets: 8 bytes at @c position of _PyRuntime say the value of a field. */
struct pylayout_debug_offset {
	uint32_t field; /* offset in struct pylayout */
	uint32_t position;
};

/** What the value of a field is. */
enum pylayout_kind {
	PYLAYOUT_OFFSET, /* bytes from the start of the struct */
	PYLAYOUT_SIZE,   /* bytes of the struct */
	PYLAYOUT_BIT,    /* bits from the start of the struct */
};

/** A field by name, "list.ob_item": for messages and `shikari layout`. */
struct pylayout_field_name {
	const char *name;
	uint32_t field; /* offset in struct pylayout */
	enum pylayout_kind kind;
};

/** The count in a word at ob_refcnt. What is not a count (a link of free objects) is UINT64_MAX. */
static inline uint64_t pylayout_refcnt(const struct pylayout *layout, uint64_t word)
{
	if (!layout->traits.refcnt_is_half)
		return word;
	// 16 bits for a count that ran over, and 16 of flags, 8 of them in use (Include/refcount.h).
	return word >> 56 || word >> 32 & 0xffff ? UINT64_MAX : word & 0xffffffff;
}

/** Does a version have this field? */
static inline bool pylayout_has(uint32_t field)
{
	return field != PYLAYOUT_NONE;
}

/** The next row for a version after @p row (NULL: the first), or NULL. More than one row may fit a
 * version; which of them does is found out by looking (python_open()). */
const struct pylayout *pylayout_next(uint32_t version_hex, const struct pylayout *row);

/** Row number @p index of all, or NULL past the last. */
const struct pylayout *pylayout_row(size_t index);

/** The row nearest to a version that has none. */
const struct pylayout *pylayout_nearest(uint32_t version_hex);

/** Field number @p index, or NULL past the last. */
const struct pylayout_field_name *pylayout_field_name(size_t index);

/**
 * Readers take a struct's bytes at once and its fields out of them. The name of a field that would
 * lie outside of these bytes, or NULL if all fit. None does in a row, but what a target says of
 * itself (debug_offsets) may be anything.
 */
const char *pylayout_misfit(const struct pylayout *layout);

/** The value of a field. */
uint32_t pylayout_value(const struct pylayout *layout, const struct pylayout_field_name *field);

/** The supported versions as text, "2.7, 3.6 to 3.15": for messages. */
const char *pylayout_supported(void);

/** The plain-field row for a type name and basic size, or NULL. */
const struct pyfields *pylayout_fields(
	const struct pylayout *layout, const char *type_name, int64_t basicsize);
