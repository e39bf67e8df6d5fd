// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
/**
 * What a doctor found, as text for people: what fails first, what works last, the verdict at the end,
 * where a terminal shows it.
 */
#pragma once

#include "doctor/doctor.h"
#include "report/hunt_report.h"

/** UTF-8 without control characters but newlines (and colours). The caller owns it; NULL without
 *  memory. */
char *doctor_report_text(const struct doctor_report *report, const struct report_style *style);
