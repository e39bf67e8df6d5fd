// SPDX-FileCopyrightText: 2026 The shikari authors
// SPDX-License-Identifier: Apache-2.0
// How it can be stopped, for how long, and watched.
#include "doctor/doctor_checks.h"

#include "base/human.h"

#include <errno.h>
#include <string.h>

// A stop that somebody who waits for an answer notices.
#define STOP_MS_LONG 250

static void say_costs(const struct doctor_costs *costs, const char *mode, const char *ready,
	struct doctor_check *check)
{
	bool is_bounded = costs->headroom_bytes != UINT64_MAX;

	if (!costs->is_known) {
		doctor_say(check, DOCTOR_UNKNOWN, "what mode %s would cost cannot be told", mode);
		return;
	}
	doctor_say(check, DOCTOR_OK, "%s: a stop of about %s, and %s more memory at worst%s%s%s",
		ready, human_seconds(costs->stop_ms / 1e3).text,
		human_bytes((double)costs->extra_bytes).text, is_bounded ? " (" : "",
		is_bounded ? human_bytes((double)costs->headroom_bytes).text : "",
		is_bounded ? " are free)" : "");
}

// The way that a hunt takes, if nothing else is asked for.
static const struct doctor_costs *automatic(const struct doctor_python *python)
{
	return python->answer.refusal[0] ? &python->freeze : &python->clone;
}

static void judge_memory(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_costs *costs = automatic(&facts->python);

	doctor_say(check, DOCTOR_OK, "%s resident, and memory enough for a snapshot",
		human_bytes((double)facts->process.rss_bytes).text);
	if (!costs->is_known || costs->is_affordable)
		return;
	doctor_say(check, DOCTOR_FAIL,
		"%s resident, and a snapshot may need %s more where %s are free",
		human_bytes((double)facts->process.rss_bytes).text,
		human_bytes((double)costs->extra_bytes).text,
		human_bytes((double)costs->headroom_bytes).text);
	doctor_because(check, "shikari does not risk that somebody is killed for want of memory: "
			      "the limit is that of a cgroup or of the machine");
	doctor_advise(check,
		"raise the limit for a while; or shikari hunt --force; or --mode live, "
		"which needs no memory and may be torn");
}

// What stops the process waits for leave to do so.
static bool waits_for_attach(
	const struct doctor_facts *facts, const char *what, struct doctor_check *check)
{
	if (doctor_attempt_worked(&facts->process.attach))
		return false;
	doctor_say(check, DOCTOR_UNKNOWN, "%s needs ptrace", what);
	check->is_waiting = true;
	return true;
}

static void judge_clone(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_python *python = &facts->python;

	if (waits_for_attach(facts, "mode clone", check))
		return;
	if (python->clone_is_known && python->answer.refusal[0]) {
		doctor_say(check, DOCTOR_WARN, "mode clone does not work with it");
		doctor_because(check, "%s", python->answer.refusal);
		doctor_advise(check, "nothing: mode freeze is taken instead, which stops it for "
				     "longer");
		return;
	}
	say_costs(&python->clone, "clone", "mode clone works", check);
}

static void judge_freeze(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_costs *costs = &facts->python.freeze;

	if (waits_for_attach(facts, "mode freeze", check))
		return;
	say_costs(costs, "freeze", "mode freeze works", check);
	if (!costs->is_known || costs->is_affordable)
		return;
	doctor_say(check, DOCTOR_WARN, "mode freeze would need %s of memory, and %s are free",
		human_bytes((double)costs->extra_bytes).text,
		human_bytes((double)costs->headroom_bytes).text);
	doctor_because(check, "the copy is in shikari's own memory");
	doctor_advise(check, "use another mode, or run shikari outside of the service's cgroup");
}

static void judge_live(const struct doctor_facts *facts, struct doctor_check *check)
{
	(void)facts;
	doctor_say(check, DOCTOR_OK, "mode live works: no stop, but what changes may be torn");
}

static void judge_stop(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_costs *costs = automatic(&facts->python);

	if (waits_for_attach(facts, "a snapshot", check))
		return;
	if (!costs->is_known) {
		doctor_say(check, DOCTOR_UNKNOWN, "the length of a stop cannot be told");
		return;
	}
	doctor_say(check, DOCTOR_OK, "a snapshot stops it for about %s",
		human_seconds(costs->stop_ms / 1e3).text);
	if (costs->stop_ms < STOP_MS_LONG)
		return;
	check->status = DOCTOR_WARN;
	doctor_because(check, "somebody who waits for an answer may notice");
	doctor_advise(check, "take it out of the load balancer, or bound the stop: shikari hunt "
			     "--max-pause MS");
}

static void judge_watch(const struct doctor_facts *facts, struct doctor_check *check)
{
	const struct doctor_process *process = &facts->process;

	if (!process->watch.was_made) {
		doctor_say(check, DOCTOR_UNKNOWN, "a breakpoint in it was not tried");
		check->is_waiting = true;
	} else if (!doctor_attempt_worked(&process->watch)) {
		doctor_say(check, DOCTOR_WARN,
			"it cannot be watched with hardware breakpoints: %s; who adds to a leak is "
			"only known roughly",
			strerror(process->watch.error));
		doctor_because(check, "%s",
			process->watch.error == ENOSPC
				? "its debug registers are in use"
				: "perf events are not allowed on this process");
		doctor_advise(check, "%s",
			process->watch.error == ENOSPC ? "end the debugger that uses them"
						       : "run shikari as root");
	} else if (!process->watch_signal) {
		doctor_say(check, DOCTOR_WARN,
			"it cannot be watched with hardware breakpoints: who adds to a leak is "
			"only "
			"known roughly");
		doctor_because(
			check, "it handles SIGURG and SIGWINCH, by one of which a hit is told");
		doctor_advise(check, "none");
	} else {
		doctor_say(check, DOCTOR_OK,
			"hardware breakpoints can be set in it (tried, "
			"switched off)");
	}
}

const struct doctor_row doctor_stop_rows[] = {
	{"memory", DOCTOR_STAGE_LAYOUT, judge_memory},
	{"stop", DOCTOR_STAGE_LAYOUT, judge_stop},
	{"clone", DOCTOR_STAGE_LAYOUT, judge_clone},
	{"freeze", DOCTOR_STAGE_LAYOUT, judge_freeze},
	{"live", DOCTOR_STAGE_LAYOUT, judge_live},
	{"watch", DOCTOR_STAGE_PROCESS, judge_watch},
	{0},
};
