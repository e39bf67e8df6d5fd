// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/*
 * Nothing but CPython's headers: dump_layouts.py compiles it with -g and
 * -fno-eliminate-unused-debug-types, so that the object file describes every struct in them.
 *
 * Needs what a -dev package has (Include/ with internal/). Which internal header has a struct differs by
 * version; those that a version does not have are passed over.
 */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <frameobject.h>
#include <structmember.h>
#if __has_include("internal/pycore_atexit.h")
#include "internal/pycore_atexit.h"
#endif
#if __has_include("internal/pycore_ceval.h")
#include "internal/pycore_ceval.h"
#endif
#if __has_include("internal/pycore_cframe.h")
#include "internal/pycore_cframe.h"
#endif
#if __has_include("internal/pycore_code.h")
#include "internal/pycore_code.h"
#endif
#if __has_include("internal/pycore_context.h")
#include "internal/pycore_context.h"
#endif
#if __has_include("internal/pycore_debug_offsets.h")
#include "internal/pycore_debug_offsets.h"
#endif
#if __has_include("internal/pycore_descrobject.h")
#include "internal/pycore_descrobject.h"
#endif
#if __has_include("internal/pycore_dict.h")
#include "internal/pycore_dict.h"
#endif
#if __has_include("internal/pycore_dict_state.h")
#include "internal/pycore_dict_state.h"
#endif
#if __has_include("internal/pycore_frame.h")
#include "internal/pycore_frame.h"
#endif
#if __has_include("internal/pycore_function.h")
#include "internal/pycore_function.h"
#endif
#if __has_include("internal/pycore_gc.h")
#include "internal/pycore_gc.h"
#endif
#if __has_include("internal/pycore_genobject.h")
#include "internal/pycore_genobject.h"
#endif
#if __has_include("internal/pycore_gil.h")
#include "internal/pycore_gil.h"
#endif
#if __has_include("internal/pycore_global_objects.h")
#include "internal/pycore_global_objects.h"
#endif
#if __has_include("internal/pycore_hamt.h")
#include "internal/pycore_hamt.h"
#endif
#if __has_include("internal/pycore_interp.h")
#include "internal/pycore_interp.h"
#endif
#if __has_include("internal/pycore_interp_structs.h")
#include "internal/pycore_interp_structs.h"
#endif
#if __has_include("internal/pycore_interpframe.h")
#include "internal/pycore_interpframe.h"
#endif
#if __has_include("internal/pycore_interpframe_structs.h")
#include "internal/pycore_interpframe_structs.h"
#endif
#if __has_include("internal/pycore_interpolation.h")
#include "internal/pycore_interpolation.h"
#endif
#if __has_include("internal/pycore_list.h")
#include "internal/pycore_list.h"
#endif
#if __has_include("internal/pycore_long.h")
#include "internal/pycore_long.h"
#endif
#if __has_include("internal/pycore_memoryobject.h")
#include "internal/pycore_memoryobject.h"
#endif
#if __has_include("internal/pycore_moduleobject.h")
#include "internal/pycore_moduleobject.h"
#endif
#if __has_include("internal/pycore_namespace.h")
#include "internal/pycore_namespace.h"
#endif
#if __has_include("internal/pycore_object.h")
#include "internal/pycore_object.h"
#endif
#if __has_include("internal/pycore_obmalloc.h")
#include "internal/pycore_obmalloc.h"
#endif
#if __has_include("internal/pycore_pymem.h")
#include "internal/pycore_pymem.h"
#endif
#if __has_include("internal/pycore_pystate.h")
#include "internal/pycore_pystate.h"
#endif
#if __has_include("internal/pycore_range.h")
#include "internal/pycore_range.h"
#endif
#if __has_include("internal/pycore_runtime.h")
#include "internal/pycore_runtime.h"
#endif
#if __has_include("internal/pycore_runtime_structs.h")
#include "internal/pycore_runtime_structs.h"
#endif
#if __has_include("internal/pycore_setobject.h")
#include "internal/pycore_setobject.h"
#endif
#if __has_include("internal/pycore_structs.h")
#include "internal/pycore_structs.h"
#endif
#if __has_include("internal/pycore_template.h")
#include "internal/pycore_template.h"
#endif
#if __has_include("internal/pycore_tstate.h")
#include "internal/pycore_tstate.h"
#endif
#if __has_include("internal/pycore_tuple.h")
#include "internal/pycore_tuple.h"
#endif
#if __has_include("internal/pycore_typeobject.h")
#include "internal/pycore_typeobject.h"
#endif
#if __has_include("internal/pycore_typevarobject.h")
#include "internal/pycore_typevarobject.h"
#endif
#if __has_include("internal/pycore_unicodeobject.h")
#include "internal/pycore_unicodeobject.h"
#endif
#if __has_include("internal/pycore_unionobject.h")
#include "internal/pycore_unionobject.h"
#endif
#if __has_include("internal/pycore_weakref.h")
#include "internal/pycore_weakref.h"
#endif
/* 3.7 */
#if __has_include("internal/pystate.h")
#include "internal/pystate.h"
#include "internal/hamt.h"
#include "internal/context.h"
#endif
