// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Where the text of a str object is, whatever a str is in the version at hand.
 *
 * Needs no types, so that types can be read with it. Source: Include/cpython/unicodeobject.h of
 * 3.6 to 3.15; Include/stringobject.h and unicodeobject.h of 2.7.
 */
#pragma once

#include "cpython/pylayout.h"
#include "cpython/pyreader.h"

enum pystr_form {
	PYSTR_COMPACT, /* 3.x str: PEP 393 */
	PYSTR_BYTES,   /* 2.7 str: one byte each, of no known encoding */
	PYSTR_OLD,     /* 2.7 unicode */
};

struct pystr {
	remote_addr text;
	uint64_t length; /* characters */
	unsigned width;  /* bytes of each: 1, 2 or 4 */
	bool is_bytes;   /* not characters but bytes (PYSTR_BYTES) */
};

/** The form of what the version itself names things with: type and attribute names. */
static inline enum pystr_form pystr_native_form(const struct pylayout *layout)
{
	return pylayout_has(layout->bytes.ob_sstate) ? PYSTR_BYTES : PYSTR_COMPACT;
}

/** False if it cannot be read or makes no sense. @p old_width is that of a PYSTR_OLD's characters. */
bool pystr_view(struct pyreader *reader, const struct pylayout *layout, remote_addr str,
	enum pystr_form form, unsigned old_width, struct pystr *ret);

/** Is the str these ASCII characters? */
bool pystr_equals(struct pyreader *reader, const struct pystr *str, const char *text);
