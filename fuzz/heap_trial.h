// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * One trial on a changed memory image: whatever the bytes, reading them must end, soon, without a
 * crash, in an error or in a graph that holds together.
 *
 * A trial's input is a list of patches of 16 bytes. Each says where a word is changed (a word of an
 * object, of its GC head or of what it points to, a pool's header, a type, a state of the
 * interpreter, a frame, any word) and what it becomes (an object's address, a type's, a near or odd
 * number, the old one with a bit changed). So nearly every input changes something that is read,
 * which a changed byte anywhere would not.
 *
 * Behind the patches may be a byte that says on which of several images.
 *
 * Used by the fuzzer (fuzz_heap.c) and, with random patches, by tests.
 */
#pragma once

#include "heap_image.h"

#include <stddef.h>
#include <stdint.h>

/** Load images, whose paths are separated by colons, and learn from their graphs where things are. Ends
 * the program if it cannot. */
void heap_trial_init(const char *image_paths);

/** Patch, build, check, analyse, and put the image back. Aborts if a check fails. */
void heap_trial_run(const uint8_t *data, size_t size);

/** So many bytes make one patch, and no more patches than these are made. */
#define HEAP_TRIAL_PATCH_BYTES 16
#define HEAP_TRIAL_PATCHES_MAX 64
