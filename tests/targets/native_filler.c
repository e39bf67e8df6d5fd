// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// What an extension module does, for every CPython: appends to a list, two calls deep. Loaded by
// ctypes.PyDLL, so that it needs nothing of Python's headers.

extern int PyList_Append(void *list, void *item);
int native_fill(void *list, void *item);

// A symbol that strip takes away.
__attribute__((noinline)) static int native_put(void *list, void *item)
{
	// Not the last thing that is done: a jump would leave no frame.
	return PyList_Append(list, item) == 0 ? 1 : -1;
}

// And one that it leaves.
int native_fill(void *list, void *item)
{
	return native_put(list, item) == 1 ? 0 : -1;
}
