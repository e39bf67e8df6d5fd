// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/mem_report.h"

struct error;

/** "shikari.mem/1", docs/json.md. */
struct error *export_mem_json(const struct mem_report *report, char **ret);
