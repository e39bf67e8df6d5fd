// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Texts that are each kept once, one behind the other: a number says where one begins.
 *
 * 4 bytes per slot, at most half of them used, while texts are added; the texts themselves are a
 * column of facts (HEAP_FACT_TEXTS), or of their own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HEAP_TEXTS_NONE      UINT32_MAX
/** Past this a text is "": numbers have 32 bits. */
#define HEAP_TEXTS_BYTES_MAX (UINT32_MAX - 4096u)

struct heap_column;

struct heap_texts {
	struct heap_column *column; /* borrowed: of u8 */
	uint32_t *slots;            /* number + 1 */
	uint64_t slot_count, used;
};

/** @p column is empty; it gets "" as number 0. False without memory. */
bool heap_texts_init(struct heap_texts *texts, struct heap_column *column);
void heap_texts_deinit(struct heap_texts *texts);
/** The number of a text; HEAP_TEXTS_NONE without memory. */
uint32_t heap_texts_add(struct heap_texts *texts, const char *text);
