// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * A folder with files of a test's making, to stand for /proc or /sys.
 */
#pragma once

#include <stddef.h>

struct folder {
	char path[64];
};

/** A fresh, empty one; fails the test if it cannot be had. */
void folder_init(struct folder *folder);
/** A file with this text in it; folders on the way are made. */
void folder_put(const struct folder *folder, const char *path, const char *text);
void folder_put_bytes(
	const struct folder *folder, const char *path, const void *bytes, size_t size);
void folder_link(const struct folder *folder, const char *path, const char *where);
/** All of it goes. */
void folder_deinit(struct folder *folder);

static inline void cleanup_folder_deinit(struct folder *folder)
{
	folder_deinit(folder);
}
