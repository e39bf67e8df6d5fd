// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES      256
#define DESCRIPTORS_MAX 16

void folder_init(struct folder *folder)
{
	const char *temporary = "/tmp/shikari-test-XXXXXX";

	snprintf(folder->path, sizeof(folder->path), "%s", temporary);
	if (!mkdtemp(folder->path))
		abort();
}

// The whole path of a new file, whose folders exist now.
static void make_way(const struct folder *folder, const char *path, char *ret)
{
	snprintf(ret, PATH_BYTES, "%s/%s", folder->path, path);
	for (char *slash = strchr(ret + strlen(folder->path) + 1, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(ret, 0755);
		*slash = '/';
	}
}

void folder_put_bytes(const struct folder *folder, const char *path, const void *bytes, size_t size)
{
	char full[PATH_BYTES];
	FILE *file;

	make_way(folder, path, full);
	file = fopen(full, "wb");
	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
		abort();
}

void folder_put(const struct folder *folder, const char *path, const char *text)
{
	folder_put_bytes(folder, path, text, strlen(text));
}

void folder_link(const struct folder *folder, const char *path, const char *where)
{
	char full[PATH_BYTES];

	make_way(folder, path, full);
	if (symlink(where, full) != 0)
		abort();
}

static int take_away(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	(void)stat;
	(void)type;
	(void)walk;
	return remove(path);
}

void folder_deinit(struct folder *folder)
{
	nftw(folder->path, take_away, DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS);
}
