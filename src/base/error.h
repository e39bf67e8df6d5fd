// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Errors as values.
 *
 * A function that can fail returns `struct error *`: NULL is success, anything else belongs to
 * the caller, who passes it on, adds what it knows (error_wrap()), or destroys it. Only front
 * ends print. Running out of memory never allocates: error_enomem() is static, and destroying
 * it does nothing.
 *
 * Three sorts of trouble are kept apart. Our own bug: assert. An odd target (freed, torn,
 * hostile bytes): data, counted and skipped, not an error. The operation cannot go on: this.
 */
#pragma once

#include "base/cleanup.h"

#include <stdint.h>

enum error_kind {
	/** Out of memory. */
	ERROR_MEMORY,
	/** A system call failed; error_number() is its errno. */
	ERROR_SYSTEM,
	/** Not allowed to look at or change the target. */
	ERROR_DENIED,
	/** The target ended, or became another program, while we looked. */
	ERROR_GONE,
	/** Nothing readable at an address of the target. */
	ERROR_FAULT,
	/** The target's bytes contradict what they should be. */
	ERROR_BAD_DATA,
	/** A kind of target or machine that is not supported. */
	ERROR_UNSUPPORTED,
	/** Something looked up does not exist. */
	ERROR_NOT_FOUND,
	/** Going on would endanger the target; the user can insist. */
	ERROR_UNSAFE,
	/** The command line is wrong. */
	ERROR_USAGE,
};

struct error;

/** A new error. The message is one line without a final full stop, for a person. */
struct error *error_create(enum error_kind kind, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3), __warn_unused_result__));

/** A failed system call: the text of @p number is appended, its kind chosen (EPERM is ERROR_DENIED,
 *  ESRCH is ERROR_GONE, ENOMEM ERROR_MEMORY, all others ERROR_SYSTEM). */
struct error *error_system(int number, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3), __warn_unused_result__));

/** The static out-of-memory error. */
struct error *error_enomem(void) __attribute__((__warn_unused_result__));

/** Put "context: " before the message of @p error, and return it. NULL stays NULL. */
struct error *error_wrap(struct error *error, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3), __warn_unused_result__));

enum error_kind error_kind(const struct error *error);
const char *error_message(const struct error *error);
/** The errno of an error made by error_system(), else 0. */
int error_number(const struct error *error);

/** Release an error; NULL is fine. */
void error_destroy(struct error *error);
DEFINE_CLEANUP(struct error *, error_destroy)
