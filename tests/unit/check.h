// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * cmocka, with what it needs included, and errors that show themselves.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"

/** The call must succeed. */
#define assert_success(call)                                                                       \
	do {                                                                                       \
		struct error *error_ = (call);                                                     \
		if (error_)                                                                        \
			fail_msg("%s: %s", #call, error_message(error_));                          \
	} while (0)

/** The call must fail with an error of this kind. */
#define assert_failure(call, kind)                                                                 \
	do {                                                                                       \
		struct error *error_ = (call);                                                     \
		assert_non_null(error_);                                                           \
		if (error_kind(error_) != (kind))                                                  \
			fail_msg("%s: kind %d, %s", #call, error_kind(error_),                     \
				error_message(error_));                                            \
		error_destroy(error_);                                                             \
	} while (0)
