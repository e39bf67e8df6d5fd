// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * JSON that is too long to be made in memory first.
 */
#pragma once

#include <stdio.h>

/** @p text as a JSON string, in quotes. Bytes that are no valid UTF-8 become \xNN, as in json_text(). */
void json_stream_text(FILE *out, const char *text);
