// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#include "store/store_planes.h"

#include <string.h>

// One loop per width: the compiler makes vectors of those it knows.
#define DEFINE_PLANES(bits)                                                                        \
	static void split_##bits(const uint##bits##_t *items, size_t count, uint8_t *ret)          \
	{                                                                                          \
		for (unsigned plane = 0; plane < (bits) / 8; plane++) {                            \
			for (size_t i = 0; i < count; i++)                                         \
				ret[plane * count + i] = (uint8_t)(items[i] >> 8 * plane);         \
		}                                                                                  \
	}                                                                                          \
	static void join_##bits(const uint8_t *planes, size_t count, uint##bits##_t *ret)          \
	{                                                                                          \
		for (size_t i = 0; i < count; i++)                                                 \
			ret[i] = planes[i];                                                        \
		for (unsigned plane = 1; plane < (bits) / 8; plane++) {                            \
			for (size_t i = 0; i < count; i++)                                         \
				ret[i] |= (uint##bits##_t)(                                        \
					(uint##bits##_t)planes[plane * count + i] << 8 * plane);   \
		}                                                                                  \
	}                                                                                          \
	static void take_##bits(uint##bits##_t *items, size_t count)                               \
	{                                                                                          \
		for (size_t i = count; i-- > 1;) {                                                 \
			uint##bits##_t change = (uint##bits##_t)(items[i] - items[i - 1]);         \
			uint##bits##_t sign = (uint##bits##_t)(0 - (change >> ((bits)-1)));        \
                                                                                                   \
			items[i] = (uint##bits##_t)(change << 1 ^ sign);                           \
		}                                                                                  \
	}                                                                                          \
	static void add_##bits(uint##bits##_t *items, size_t count)                                \
	{                                                                                          \
		for (size_t i = 1; i < count; i++) {                                               \
			uint##bits##_t sign = (uint##bits##_t)(0 - (items[i] & 1));                \
                                                                                                   \
			items[i] = (uint##bits##_t)(items[i - 1] + (items[i] >> 1 ^ sign));        \
		}                                                                                  \
	}

DEFINE_PLANES(16)
DEFINE_PLANES(32)
DEFINE_PLANES(64)

static void take_8(uint8_t *items, size_t count)
{
	for (size_t i = count; i-- > 1;) {
		uint8_t change = (uint8_t)(items[i] - items[i - 1]);

		items[i] = (uint8_t)(change << 1 ^ (0 - (change >> 7)));
	}
}

static void add_8(uint8_t *items, size_t count)
{
	for (size_t i = 1; i < count; i++)
		items[i] = (uint8_t)(items[i - 1] + (items[i] >> 1 ^ (0 - (items[i] & 1))));
}

void store_planes_split(const void *items, size_t count, unsigned width, uint8_t *ret)
{
	if (width == 8)
		split_64(items, count, ret);
	else if (width == 4)
		split_32(items, count, ret);
	else if (width == 2)
		split_16(items, count, ret);
	else
		memcpy(ret, items, count);
}

void store_planes_join(const uint8_t *planes, size_t count, unsigned width, void *ret)
{
	if (width == 8)
		join_64(planes, count, ret);
	else if (width == 4)
		join_32(planes, count, ret);
	else if (width == 2)
		join_16(planes, count, ret);
	else
		memcpy(ret, planes, count);
}

void store_delta_take(void *items, size_t count, unsigned width)
{
	if (width == 8)
		take_64(items, count);
	else if (width == 4)
		take_32(items, count);
	else if (width == 2)
		take_16(items, count);
	else
		take_8(items, count);
}

void store_delta_add(void *items, size_t count, unsigned width)
{
	if (width == 8)
		add_64(items, count);
	else if (width == 4)
		add_32(items, count);
	else if (width == 2)
		add_16(items, count);
	else
		add_8(items, count);
}
