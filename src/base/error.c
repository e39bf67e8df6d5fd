// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct error {
	enum error_kind kind;
	int number;
	char *message; /* owned; NULL in the static error */
};

static struct error enomem = {.kind = ERROR_MEMORY};

// Takes @p message.
static struct error *error_new(enum error_kind kind, int number, char *message)
{
	struct error *error = message ? malloc(sizeof(*error)) : NULL;

	if (!error) {
		free(message);
		return &enomem;
	}
	*error = (struct error){.kind = kind, .number = number, .message = message};
	return error;
}

static char *format_message(const char *format, va_list arguments)
{
	char *message = NULL;

	return vasprintf(&message, format, arguments) < 0 ? NULL : message;
}

struct error *error_create(enum error_kind kind, const char *format, ...)
{
	va_list arguments;
	char *message;

	va_start(arguments, format);
	message = format_message(format, arguments);
	va_end(arguments);
	return error_new(kind, 0, message);
}

static enum error_kind kind_of_errno(int number)
{
	switch (number) {
	case EPERM:
	case EACCES:
		return ERROR_DENIED;
	case ESRCH:
		return ERROR_GONE;
	case ENOMEM:
		return ERROR_MEMORY;
	default:
		return ERROR_SYSTEM;
	}
}

struct error *error_system(int number, const char *format, ...)
{
	va_list arguments;
	char *what, *message = NULL;

	va_start(arguments, format);
	what = format_message(format, arguments);
	va_end(arguments);
	if (what && asprintf(&message, "%s: %s", what, strerror(number)) < 0)
		message = NULL;
	free(what);
	return error_new(kind_of_errno(number), number, message);
}

struct error *error_enomem(void)
{
	return &enomem;
}

struct error *error_wrap(struct error *error, const char *format, ...)
{
	va_list arguments;
	char *context, *message = NULL;

	if (!error || error == &enomem)
		return error;
	va_start(arguments, format);
	context = format_message(format, arguments);
	va_end(arguments);
	if (context && asprintf(&message, "%s: %s", context, error->message) >= 0) {
		free(error->message);
		error->message = message;
	}
	free(context);
	return error;
}

enum error_kind error_kind(const struct error *error)
{
	return error->kind;
}

const char *error_message(const struct error *error)
{
	return error->message ? error->message : "out of memory";
}

int error_number(const struct error *error)
{
	return error->number;
}

void error_destroy(struct error *error)
{
	if (!error || error == &enomem)
		return;
	free(error->message);
	free(error);
}
