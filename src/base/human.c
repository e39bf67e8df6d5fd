// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "base/human.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct human human_bytes(double bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	struct human ret;
	unsigned unit = 0;

	// 999.5 would be printed as 1000.
	while (fabs(bytes) >= 999.5 && unit + 1 < sizeof(units) / sizeof(*units)) {
		bytes /= 1000;
		unit++;
	}
	if (unit == 0 || fabs(bytes) >= 99.95)
		snprintf(ret.text, sizeof(ret.text), "%.0f %s", bytes, units[unit]);
	else
		snprintf(ret.text, sizeof(ret.text), "%.1f %s", bytes, units[unit]);
	return ret;
}

struct human human_count(uint64_t count)
{
	struct human ret;
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *to = ret.text;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return ret;
}

struct human human_seconds(double seconds)
{
	struct human ret;

	if (seconds < 0.0995)
		snprintf(ret.text, sizeof(ret.text), "%.1f ms", seconds * 1e3);
	else if (seconds < 0.9995)
		snprintf(ret.text, sizeof(ret.text), "%.0f ms", seconds * 1e3);
	else if (seconds < 9.95 && fabs(seconds - round(seconds)) >= 0.05)
		snprintf(ret.text, sizeof(ret.text), "%.1f s", seconds);
	else if (seconds < 599.5)
		snprintf(ret.text, sizeof(ret.text), "%.0f s", seconds);
	else
		snprintf(ret.text, sizeof(ret.text), "%.0f min", seconds / 60);
	return ret;
}

struct human human_rate(double rate)
{
	struct human ret;

	if (rate >= 99.95)
		return human_count((uint64_t)(rate + 0.5));
	snprintf(ret.text, sizeof(ret.text), rate >= 9.95 ? "%.1f" : "%.2f", rate);
	return ret;
}
