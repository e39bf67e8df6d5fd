// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Snapshot files with any contents. Two kinds of trials, by the first byte:
 *
 *	even   patches on the columns of a sound file, which is then written anew: checksums are right, and
 *	       what the columns say is not. A patch is 12 bytes: struct patch.
 *	odd    bytes in place of others anywhere in the file, with the checksums of header and directory
 *	       made right again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct error;

/** libFuzzer's: makes the sound file, of a heap with an object of each kind. Ends the program if it cannot. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
/** libFuzzer's: each fuzzer's own. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Write the file of an input, which is not empty: its path. It is there until the next one's, or is removed. */
const char *file_trial_write(const uint8_t *data, size_t size);
void file_trial_remove(void);

/** Abort, with a word, if there is an error. */
void file_trial_must(struct error *err, const char *what);
