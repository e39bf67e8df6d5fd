// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Numbers as people read them.
 */
#pragma once

#include <stdint.h>

#define HUMAN_SIZE 32

/** A short text by value: `printf("%s", human_bytes(n).text)`. */
struct human {
	char text[HUMAN_SIZE];
};

/** "512 B", "14.2 kB", "212 MB", "1.6 GB": decimal units, three digits at most before the point. */
struct human human_bytes(double bytes);
/** "30,380". */
struct human human_count(uint64_t count);
/** "4.1 ms", "60 s", "2.5 s", "3 min", as fits. */
struct human human_seconds(double seconds);
/** "30.1", "1,009", "0.25": three significant digits. */
struct human human_rate(double rate);
