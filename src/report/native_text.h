// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The C function that changed a container, as text, where it says more than the Python line that is shown.
 */
#pragma once

#include "base/string_builder.h"
#include "watch/watch.h"

/**
 * " (in C: scan_once_unicode of _json.cpython-311-x86_64-linux-gnu.so)", " (in C: map_next)", or nothing.
 *
 * The innermost function of a file that is not the interpreter's; of one without a symbol, the file. If all
 * are the interpreter's own, the innermost that has a symbol and is neither a method of a container nor
 * passes a call on, which they all do.
 */
void native_text_add(struct string_builder *out, const struct watch_native *natives, size_t count);
