// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The request that a thread is serving, from its frames.
 *
 * A WSGI server calls `application(environ, start_response)` (PEP 3333), an ASGI server
 * `application(scope, receive, send)`: frameworks pass the dictionary on under the same name. A local
 * variable of that name that is a dict with the keys that the standards demand tells the request.
 */
#pragma once

#include "watch/watch_stacks.h"

/** Of the innermost frame that has one; empty texts if none has. */
void watch_request_read(
	struct pycontext *context, const struct watch_stack *stack, struct watch_request *ret);
