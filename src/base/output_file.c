// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "base/output_file.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/string_builder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static struct error *fail(const struct output_file *file, int number)
{
	return error_system(number ? number : EIO, "cannot write %s", file->path);
}

static struct error *open_temporary(struct output_file *file)
{
	struct string_builder name = {0};
	int fd;

	string_builder_add_format(&name, "%s.XXXXXX", file->path);
	file->temporary = string_builder_finish(&name);
	if (!file->temporary)
		return error_enomem();
	fd = mkostemp(file->temporary, O_CLOEXEC); // mode 0600
	if (fd < 0) {
		struct error *err = fail(file, errno);

		mem_free(take(file->temporary));
		return err;
	}
	file->stream = fdopen(fd, "w");
	if (!file->stream) {
		close(fd);
		return error_enomem();
	}
	return NULL;
}

struct error *output_file_create(const char *path, struct output_file **ret)
{
	_cleanup_(output_file_destroy) struct output_file *file = mem_calloc(1, sizeof(*file));
	struct error *err;

	if (!file)
		return error_enomem();
	file->path = mem_strdup(path);
	if (!file->path)
		return error_enomem();
	err = open_temporary(file);
	if (!err)
		*ret = take(file);
	return err;
}

struct error *output_file_finish(struct output_file *file, uint64_t *ret_bytes)
{
	off_t size;

	errno = 0;
	if (fflush(file->stream) != 0 || ferror(file->stream))
		return fail(file, errno);
	size = ftello(file->stream);
	if (size < 0)
		return fail(file, errno);
	// A file that has its name has its contents, also after the power was cut.
	if (fsync(fileno(file->stream)) != 0 && errno != EINVAL)
		return fail(file, errno);
	if (rename(file->temporary, file->path) != 0)
		return fail(file, errno);
	mem_free(take(file->temporary));
	*ret_bytes = (uint64_t)size;
	return NULL;
}

void output_file_destroy(struct output_file *file)
{
	if (!file)
		return;
	if (file->stream)
		fclose(file->stream);
	if (file->temporary)
		unlink(file->temporary);
	mem_free(file->temporary);
	mem_free(file->path);
	mem_free(file);
}
