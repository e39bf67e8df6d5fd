// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "report/native_text.h"

#include <string.h>

// Names of C++ functions have all their types in them.
#define NAME_SHOWN_MAX 80

// How names of the interpreter's functions begin that any change goes through, 2.7 to 3.15: its line says so
// already.
static const char *const plain[] = {
	// Containers' own: Objects/listobject.c, dictobject.c, odictobject.c, setobject.c, bytearrayobject.c,
	// Modules/_collectionsmodule.c.
	"PyList_",
	"_PyList_",
	"list",
	"_list",
	"app1",
	"ins1",
	"PyDict_",
	"_PyDict_",
	"_PyObjectDict_",
	"dict",
	"insert",
	"setitem_",
	"delitem_",
	"PyODict_",
	"odict",
	"mutablemapping_",
	"PySet_",
	"_PySet_",
	"set_",
	"PyByteArray_",
	"bytearray",
	"deque_",
	// Calls: Objects/call.c, methodobject.c, descrobject.c, typeobject.c, Python/ceval.c.
	"PyObject_",
	"_PyObject_",
	"PyVectorcall_",
	"_PyVectorcall_",
	"vectorcall_",
	"PyCFunction_",
	"_PyCFunction_",
	"cfunction_",
	"_PyMethodDef_",
	"_PyMethodDescr_",
	"method_",
	"methoddescr_",
	"wrapperdescr_",
	"wrapper_",
	"wrap_",
	"object_vacall",
	"call_function",
	"do_call",
	"ext_do_call",
	"PyEval_",
	"_PyEval_",
	"slot_",
	"type_",
	"_PyType_",
	// Operators: Objects/abstract.c.
	"PyNumber_",
	"PySequence_",
	"PyMapping_",
	"PyIter_",
	"binary_",
	"ternary_",
	"sequence_",
};

static bool is_plain(const char *function)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		if (strncmp(function, plain[i], strlen(plain[i])) == 0)
			return true;
	}
	return false;
}

// Some builds have the deque in a library of its own.
static bool is_containers(const struct watch_native *native)
{
	return native->function && strncmp(native->library, "_collections.", 13) == 0 &&
	       strncmp(native->function, "deque_", 6) == 0;
}

static const struct watch_native *find_telling(const struct watch_native *natives, size_t count)
{
	const struct watch_native *own = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct watch_native *native = &natives[i];

		if (!native->is_interpreter && !is_containers(native))
			return native;
		if (!own && native->is_interpreter && native->function &&
			!is_plain(native->function))
			own = native;
	}
	return own;
}

void native_text_add(struct string_builder *out, const struct watch_native *natives, size_t count)
{
	const struct watch_native *native = find_telling(natives, count);

	if (!native)
		return;
	string_builder_add(out, " (in C: ");
	if (native->function)
		string_builder_add_format(out, "%.*s%s", NAME_SHOWN_MAX, native->function,
			strlen(native->function) > NAME_SHOWN_MAX ? "…" : "");
	if (!native->is_interpreter)
		string_builder_add_format(
			out, "%s%s", native->function ? " of " : "", native->library);
	string_builder_add(out, ")");
}
