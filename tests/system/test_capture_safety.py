# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A process that is captured again and again, also by a shikari that is killed, stays in good health.

SHIKARI_SOAK=1000 kills that many times instead of 60.
"""
import os
import random
import signal
import statistics
import time
import unittest

from targets import (BUILD, HeldCapture, TargetTest, capture, clones, start_capture, status,
                     wait_until)

KILLS = int(os.environ.get("SHIKARI_SOAK", "60"))
# What kills are to hit takes milliseconds, of which a busy machine may let us see none for a while.
KILLS_MAX = 1000
SYSCALLS = os.path.join(BUILD, "tests", "targets", "syscalls")

# Killed between the stop and the repair, we leave behind what any stop leaves: EINTR from the few
# calls that say so after SIGSTOP and SIGCONT too, see signal(7).
EINTR_CALLS = (r"violation (epoll_wait|recv|semtimedop|sigwait|sigtimedwait|interrupted): "
               r".*(errno 4|without a signal|ms instead)")


class Captured(TargetTest):
    def captures(self, target, mode, count):
        before = status(target.pid, "State")
        lines = capture(target.pid, "--mode", mode, "--repeat", count, "--hold", 1)
        self.assertEqual([line["mode"] for line in lines], [mode] * count)
        self.assert_untouched(target.pid)
        self.assertIsNotNone(before)
        return lines

    def test_two_hundred_clones_of_a_process_that_uses_subprocess(self):
        target = self.busy("subprocess")
        lines = self.captures(target, "clone", 200)
        for line in lines:
            self.assertGreater(line["threads"], 5)
        # A machine that is busy with something else may keep one of them waiting for long, not most.
        stops = [line["stopped_ms"] for line in lines]
        self.assertLess(statistics.median(stops), 100, stops)
        self.assertLess(max(stops), 5000, stops)
        self.assert_healthy(target)

    def test_a_hundred_clones_of_a_process_that_waits_for_any_child(self):
        target = self.busy("wait")
        self.captures(target, "clone", 100)
        self.assert_healthy(target)

    def test_frozen_copies(self):
        target = self.busy("wait")
        self.captures(target, "freeze", 20)
        self.assert_healthy(target)

    def test_a_clone_is_no_child_to_its_parent(self):
        target = self.busy("wait")
        with HeldCapture(target.pid, "--mode", "clone") as picture:
            time.sleep(0.3)
            self.assertEqual(len(clones(target.pid)), 1)
            self.assertEqual(picture.release()[-1]["mode"], "clone")
        self.assert_untouched(target.pid)
        self.assert_healthy(target)


class SystemCalls(TargetTest):
    def check(self, mode):
        target = self.start(SYSCALLS)
        time.sleep(0.2)
        for _ in range(20):
            self.assertEqual(capture(target.pid, "--mode", mode, "--hold", 2)[0]["mode"], mode)
            # Calls with a relative time-out begin anew: let some of them come to their end.
            time.sleep(0.07)
        self.assert_untouched(target.pid)
        lines = self.assert_healthy(target)
        # Signals that came between a stop and the wait that goes on after it: see ask() in syscalls.c.
        slipped = [int(line.split()[1]) for line in lines if line.startswith("slipped")]
        self.assertLessEqual(slipped[0], 2)

    def test_waits_and_signals_are_as_ever_under_clones(self):
        self.check("clone")

    def test_waits_and_signals_are_as_ever_under_freezing(self):
        self.check("freeze")


class Killed(TargetTest):
    def kill_often(self, target, count, mode="clone", leftovers_min=0):
        """Kill captures, at any instant from their start to their end: so many, and until so many clones were left."""
        leftovers = done = 0
        options = "--mode", mode, "--repeat", 20, "--hold", 1
        start = time.monotonic()
        self.assertEqual(capture(target.pid, *options)[-1]["mode"], mode)
        # Here and now; on a busy machine that is long.
        whole_run = time.monotonic() - start
        while done < count or (leftovers < leftovers_min and done < KILLS_MAX):
            tool = start_capture(target.pid, *options)
            time.sleep(random.uniform(0.001, max(whole_run, 0.06)))
            tool.kill()
            tool.communicate()
            self.assertIsNone(target.process.poll(), "the target died")
            self.assertTrue(wait_until(lambda: status(target.pid, "TracerPid") == "0"))
            self.assertTrue(wait_until(
                lambda: all(state == "Z" for _, state, _ in clones(target.pid))),
                clones(target.pid))
            leftovers += len(clones(target.pid)) > 0
            done += 1
        self.assertGreaterEqual(leftovers, leftovers_min, "no kill hit a capture")

    def test_a_busy_process_survives(self):
        target = self.busy("subprocess")
        self.kill_often(target, KILLS // 2, leftovers_min=1)
        # The next run takes away what they left.
        self.assertEqual(capture(target.pid, "--mode", "clone")[0]["mode"], "clone")
        self.assert_untouched(target.pid)
        self.assert_healthy(target)

    def test_waits_go_on(self):
        target = self.start(SYSCALLS)
        self.kill_often(target, KILLS // 2)
        time.sleep(0.3)
        self.assertEqual(capture(target.pid, "--mode", "clone")[0]["mode"], "clone")
        self.assert_untouched(target.pid)
        self.assert_healthy(target, forgiven=EINTR_CALLS)

    def test_a_lone_thread_finds_its_way_back(self):
        for check in ("vector", "mask", "nanosleep", "poll", "select", "futex", "ppoll"):
            with self.subTest(check):
                target = self.start(SYSCALLS, check)
                self.kill_often(target, max(KILLS // 4, 1))
                self.assert_healthy(target)

    def test_freezing(self):
        target = self.busy("wait")
        self.kill_often(target, KILLS // 6, mode="freeze")
        self.assert_untouched(target.pid)
        self.assert_healthy(target)

    def test_signals_that_people_send_leave_nothing_behind(self):
        target = self.busy("wait")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * 5:
            tool = start_capture(target.pid, "--mode", "clone", "--repeat", 50)
            time.sleep(random.uniform(0.005, 0.05))
            tool.send_signal(number)
            tool.communicate()
            self.assertEqual(status(target.pid, "TracerPid"), "0")
            # Between a capture and its end we are not in a critical section, and a clone that is
            # held dies with us.
            self.assertTrue(wait_until(
                lambda: all(state == "Z" for _, state, _ in clones(target.pid))))
        capture(target.pid, "--mode", "clone")
        self.assert_untouched(target.pid)
        self.assert_healthy(target)

    def test_a_childs_zombie_of_the_targets_own_is_left_alone(self):
        # Made as a clone is made, exit signal 0, but not ended as one of ours ends.
        target = self.python(
            "import ctypes, sys\n"
            "libc = ctypes.CDLL(None)\n"
            "child = libc.syscall(56, 0, 0, 0, 0, 0)\n"
            "if child == 0: libc._exit(5)\n"
            "print('ready', child, flush=True)\n"
            "sys.stdin.read()\n"
            "import os; print(os.waitpid(child, 0x40000000))\n")
        child = int(target.ready[0])
        self.assertTrue(wait_until(lambda: (child, "Z", 0) in clones(target.pid)))
        capture(target.pid, "--mode", "clone", "--repeat", 2)
        self.assertEqual(clones(target.pid), [(child, "Z", 0)])
        self.assertEqual(target.finish(), [str((child, 5 << 8))])


if __name__ == "__main__":
    unittest.main()
