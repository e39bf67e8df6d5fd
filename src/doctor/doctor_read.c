// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor_read.h"

#include "base/alloc.h"
#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORD_BYTES 256

// Make a path from the format and arguments that a function was called with; "" if it is too long.
#define MAKE_PATH(path, format)                                                                    \
	do {                                                                                       \
		va_list arguments_;                                                                \
		va_start(arguments_, format);                                                      \
		if (vsnprintf(path, sizeof(path), format, arguments_) >= (int)sizeof(path))        \
			(path)[0] = '\0';                                                          \
		va_end(arguments_);                                                                \
	} while (0)

static char *read_file(const char *path, size_t limit, size_t *ret_size)
{
	char *text = NULL;

	error_destroy(proc_read(&text, ret_size, limit, "%s", path));
	return text;
}

char *doctor_read_text(size_t limit, const char *format, ...)
{
	char path[PATH_MAX];
	size_t size;

	MAKE_PATH(path, format);
	return read_file(path, limit, &size);
}

char *doctor_read_bytes(size_t limit, size_t *ret_size, const char *format, ...)
{
	char path[PATH_MAX];

	MAKE_PATH(path, format);
	return read_file(path, limit, ret_size);
}

static void copy_word(const char *text, char *ret, size_t size)
{
	size_t length;

	text += strspn(text, " \t");
	length = strcspn(text, "\n");
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	snprintf(ret, size, "%.*s", (int)length, text);
}

void doctor_read_word(char *ret, size_t size, const char *format, ...)
{
	_cleanup_(mem_free) char *text = NULL;
	char path[PATH_MAX];
	size_t length;

	MAKE_PATH(path, format);
	text = read_file(path, WORD_BYTES, &length);
	copy_word(text ? text : "", ret, size);
}

struct doctor_number doctor_read_number(const char *format, ...)
{
	_cleanup_(mem_free) char *text = NULL;
	struct doctor_number ret = {0};
	char path[PATH_MAX], *end;
	size_t length;

	MAKE_PATH(path, format);
	text = read_file(path, WORD_BYTES, &length);
	if (!text)
		return ret;
	errno = 0;
	ret.value = strtoll(text, &end, 10);
	ret.is_known = end != text && errno == 0 && end[strspn(end, " \t\n")] == '\0';
	return ret.is_known ? ret : (struct doctor_number){0};
}

void doctor_read_link(char *ret, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	ssize_t length;

	MAKE_PATH(path, format);
	length = readlink(path, ret, size - 1);
	ret[length > 0 ? length : 0] = '\0';
}

static void read_status(const char *status, struct doctor_identity *ret)
{
	const char *uids = strstr(status, "\nUid:");
	uint64_t value;

	if (!uids || sscanf(uids, "\nUid: %u %u", &ret->uid, &ret->euid) != 2)
		ret->uid = ret->euid = (uid_t)-1;
	if (!proc_field(status, "CapEff", 16, &ret->capabilities))
		ret->capabilities = 0;
	if (proc_field(status, "Seccomp", 10, &value))
		ret->seccomp = (struct doctor_number){true, (int64_t)value};
	ret->has_no_new_privs = proc_field(status, "NoNewPrivs", 10, &value) && value;
}

// The initial namespace maps every number to itself, and no other may.
static bool is_initial(const struct doctor_roots *roots, const char *folder)
{
	char map[WORD_BYTES];
	unsigned inside, outside, count;

	doctor_read_word(map, sizeof(map), "%s/%s/uid_map", roots->proc, folder);
	return sscanf(map, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 &&
	       outside == 0 && count == UINT32_MAX;
}

void doctor_read_identity(
	const struct doctor_roots *roots, const char *folder, struct doctor_identity *ret)
{
	_cleanup_(mem_free) char *status =
		doctor_read_text(DOCTOR_STATUS_BYTES, "%s/%s/status", roots->proc, folder);

	*ret = (struct doctor_identity){.uid = (uid_t)-1, .euid = (uid_t)-1};
	if (status)
		read_status(status, ret);
	ret->is_initial_user_namespace = is_initial(roots, folder);
	doctor_read_link(ret->user_namespace, sizeof(ret->user_namespace), "%s/%s/ns/user",
		roots->proc, folder);
	doctor_read_link(ret->pid_namespace, sizeof(ret->pid_namespace), "%s/%s/ns/pid",
		roots->proc, folder);
	doctor_read_link(ret->mount_namespace, sizeof(ret->mount_namespace), "%s/%s/ns/mnt",
		roots->proc, folder);
	doctor_read_word(ret->label, sizeof(ret->label), "%s/%s/attr/current", roots->proc, folder);
}
