# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Processes of all sorts: stopped, ending, filtered, foreign, half dead; and what a picture shows."""
import ctypes
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from targets import (DENIED, GONE, NOT_FOUND, TOOL, UNSAFE, UNSUPPORTED, USAGE, TargetTest, capture,
                     start_capture, finish_capture, HeldCapture, status, wait_until)

NOBODY = 65534
libc = ctypes.CDLL(None, use_errno=True)

IDLE = "import sys; print('ready', flush=True); sys.stdin.read()"


class Picture(TargetTest):
    # Writes a number to one end of a block, then to the other: no moment has them differ by more
    # than one.
    COUNTER = (
        "import ctypes, mmap\n"
        "size = 64 << 20\n"
        "block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "for i in range(0, size, 4096): block[i] = 1\n"
        "start = ctypes.addressof(ctypes.c_char.from_buffer(block))\n"
        "low = ctypes.c_uint64.from_address(start)\n"
        "high = ctypes.c_uint64.from_address(start + size - 8)\n"
        "low.value = high.value = 1\n"
        "print('ready', hex(start), hex(start + size - 8), flush=True)\n"
        "while True:\n"
        "    low.value += 1\n"
        "    high.value += 1\n")

    def differences(self, mode, count):
        target = self.python(self.COUNTER)
        words = "--word", target.ready[0], "--word", target.ready[1]

        def now():
            return capture(target.pid, "--mode", "live", "--hold", 1, *words)[0]["word0"]

        found = set()
        for _ in range(count):
            before = now()
            with HeldCapture(target.pid, "--mode", mode, *words) as picture:
                after = now()
                # The words are read from the picture after the process went on.
                self.assertTrue(wait_until(lambda: now() > after))
                line = picture.release()[-1]
            self.assertEqual(line["mode"], mode)
            self.assertLessEqual(before, line["word0"])
            self.assertLessEqual(line["word0"], after)
            found.add(line["word0"] - line["word1"])
        return found

    def test_a_clone_is_one_moment(self):
        self.assertLessEqual(self.differences("clone", 20), {0, 1})

    def test_a_frozen_copy_is_one_moment(self):
        self.assertLessEqual(self.differences("freeze", 10), {0, 1})

    def test_repeated_pictures_are_of_different_moments(self):
        target = self.python(self.COUNTER)
        for mode in ("clone", "freeze"):
            lines = []

            def are_different():
                lines.extend(capture(target.pid, "--mode", mode, "--repeat", 10, "--hold", 20,
                                     "--word", target.ready[0], "--word", target.ready[1]))
                return len({line["word0"] for line in lines}) > 1
            # Others may have the processor for all the time between two of them.
            self.assertTrue(wait_until(are_different))
            values = [line["word0"] for line in lines]
            self.assertEqual(values, sorted(values))
            self.assertLessEqual({line["word0"] - line["word1"] for line in lines}, {0, 1})

    def test_all_of_the_memory_is_there(self):
        token = os.urandom(24)
        target = self.python(
            "import sys\n"
            "token = bytes.fromhex(sys.argv[1])\n"
            "keep = [token + bytes([i % 256]) for i in range(5000)]\n"
            "print('ready', flush=True); sys.stdin.read()", token.hex())
        found = {mode: capture(target.pid, "--mode", mode, "--find", token.hex())[0]["found"]
                 for mode in ("live", "clone", "freeze")}
        self.assertGreaterEqual(found["live"], 5000)
        self.assertEqual(len(set(found.values())), 1, found)

    def test_untouched_memory_reads_as_zeros_from_a_frozen_copy(self):
        target = self.python(
            "import ctypes, mmap, sys\n"
            "block = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
            "start = ctypes.addressof(ctypes.c_char.from_buffer(block))\n"
            "print('ready', hex(start + 8192), flush=True)\n"
            "sys.stdin.readline()\n"
            "block[8192] = 7\n"
            "print('written', flush=True); sys.stdin.read()\n")
        with HeldCapture(target.pid, "--mode", "freeze", "--word", target.ready[0]) as picture:
            target.process.stdin.write("\n")
            target.process.stdin.flush()
            self.assertEqual(target.process.stdout.readline(), "written\n")
            self.assertEqual(picture.release()[-1]["word0"], 0)
        line = capture(target.pid, "--mode", "freeze", "--word", target.ready[0])[0]
        self.assertEqual(line["word0"], 7)


class Stopped(TargetTest):
    def test_a_stopped_process_stays_stopped(self):
        target = self.busy("wait")
        target.process.send_signal(signal.SIGSTOP)
        self.assertTrue(wait_until(lambda: status(target.pid, "State") == "T"))
        for mode in ("clone", "freeze", "clone"):
            lines = capture(target.pid, "--mode", mode, "--repeat", 5)
            self.assertEqual(lines[-1]["mode"], mode)
            self.assertTrue(wait_until(lambda: status(target.pid, "State") == "T"))
        for delay in (0.002, 0.004, 0.008, 0.012, 0.02):
            tool = start_capture(target.pid, "--mode", "clone", "--repeat", 20, "--hold", 1)
            time.sleep(delay)
            tool.kill()
            tool.communicate()
            self.assertTrue(wait_until(lambda: status(target.pid, "State") == "T"))
        time.sleep(0.05)
        self.assertEqual(status(target.pid, "State"), "T")
        target.process.send_signal(signal.SIGCONT)
        self.assertTrue(wait_until(lambda: status(target.pid, "State") != "T"))
        capture(target.pid, "--mode", "clone")
        self.assert_untouched(target.pid)
        self.assert_healthy(target)

    def test_stop_and_continue_signals_during_captures(self):
        target = self.busy("wait")
        tool = start_capture(target.pid, "--mode", "clone", "--repeat", 100, "--hold", 1)
        while tool.poll() is None:
            target.process.send_signal(signal.SIGSTOP)
            time.sleep(0.003)
            target.process.send_signal(signal.SIGCONT)
            time.sleep(0.003)
        lines = finish_capture(tool)
        self.assertEqual(len(lines), 100, lines[-1:])
        self.assert_untouched(target.pid)
        self.assert_healthy(target)


class Ending(TargetTest):
    def test_processes_that_end_midway(self):
        outcomes = {}
        for i in range(30):
            target = self.start(
                sys.executable, "-S", "-c",
                "import sys, time, threading\n"
                "threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
                "print('ready', flush=True)\n"
                f"time.sleep({0.02 + i * 0.0007}); import os; os._exit(0)")
            lines = capture(target.pid, "--mode", "clone", "--repeat", 1000)
            self.assert_error(lines, lines[-1]["kind"])
            outcomes[lines[-1]["kind"]] = lines[-1]["error"]
        self.assertLessEqual(set(outcomes), {GONE, NOT_FOUND}, outcomes)

    @unittest.skipUnless(os.path.isdir("/sys/fs/cgroup/freezer") and os.geteuid() == 0,
                         "needs root and the freezer of cgroup version 1")
    def test_a_thread_that_takes_its_time_to_end(self):
        folder = tempfile.mkdtemp(prefix="shikari-test-", dir="/sys/fs/cgroup/freezer")
        self.addCleanup(os.rmdir, folder)
        state = Path(folder, "freezer.state")
        for mode in ("live", "clone", "freeze"):
            with self.subTest(mode):
                self.check_slow_end(mode, Path(folder, "tasks"), state)

    def check_slow_end(self, mode, tasks, state):
        target = self.python(
            "import os, sys, threading, time\n"
            "thread = threading.Thread(target=time.sleep, args=(999,), daemon=True)\n"
            "thread.start()\n"
            "print('ready', thread.native_id, flush=True)\n"
            "sys.stdin.readline()\n"
            "os._exit(0)\n")
        with HeldCapture(target.pid, "--mode", mode, "--repeat", 2) as picture:
            tasks.write_text(target.ready[0])
            try:
                # The last thread of a process that has ended: it still has the memory.
                state.write_text("FROZEN")
                self.assertTrue(wait_until(lambda: state.read_text() == "FROZEN\n"))
                target.process.stdin.write("\n")
                target.process.stdin.flush()
                self.assertTrue(wait_until(lambda: status(target.pid, "State") == "Z"))
                self.assert_error(picture.release(), GONE, "has ended")
            finally:
                state.write_text("THAWED")
                target.kill()
                self.assertTrue(wait_until(lambda: not tasks.read_text()))

    def test_processes_that_execute_another_program_midway(self):
        # On command: when captures of it are under way.
        code = ("import os, sys, time, threading\n"
                "threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
                "print('ready', flush=True)\n"
                "sys.stdin.readline()\n"
                "time.sleep(float(sys.argv[2]))\n"
                "os.execv(sys.executable, [sys.executable, '-c', sys.argv[1], sys.argv[1], str(float(sys.argv[2]) + 0.0007)])\n")
        target = self.python(code, code, "0")
        for _ in range(30):
            tool = start_capture(target.pid, "--mode", "clone", "--repeat", 100000)
            self.assertIn("mode", json.loads(tool.stdout.readline()))
            target.process.stdin.write("\n")
            target.process.stdin.flush()
            self.assert_error(finish_capture(tool), GONE, "executed another program")
            self.assertEqual(target.process.stdout.readline(), "ready\n")
        self.assertIsNone(target.process.poll())

    def test_a_main_thread_that_ended_before_the_others(self):
        target = self.python(
            "import ctypes, threading, time, sys, math\n"
            "def work():\n"
            "    right = sum(map(math.sin, range(9999)))\n"
            "    print('ready', flush=True)\n"
            "    for i in range(10 ** 9):\n"
            "        if sum(map(math.sin, range(9999))) != right: print('violation', flush=True)\n"
            "threading.Thread(target=work).start()\n"
            "time.sleep(0.2)\n"
            "ctypes.CDLL(None).syscall(60, 0)\n")
        self.assertTrue(wait_until(lambda: status(target.pid, "State") == "Z"))
        for mode in ("clone", "freeze", "live"):
            lines = capture(target.pid, "--mode", mode, "--repeat", 10)
            self.assertEqual(lines[-1].get("mode"), mode, lines[-1])
            self.assertGreater(lines[-1]["bytes"], 1 << 20)
        self.assert_untouched(target.pid)
        self.assertIsNone(target.process.poll())


class Fallback(TargetTest):
    def test_a_seccomp_filter_that_allows_clones(self):
        lines = self.filtered("[(0x06, 0, 0, 0x7fff0000)]")
        if os.geteuid() == 0:
            self.assertEqual(lines[0]["mode"], "clone", lines)
        else:
            # The filter cannot be read, so it could be one that kills.
            self.assertEqual(lines[0]["mode"], "freeze", lines)
            self.assertIn("CAP_SYS_ADMIN", lines[0]["fallback_reason"])

    def test_a_seccomp_filter_that_would_kill(self):
        # Load the number; kill for clone (56), else allow.
        lines = self.filtered("[(0x20, 0, 0, 0), (0x15, 0, 1, 56), (0x06, 0, 0, 0x80000000),"
                              " (0x06, 0, 0, 0x7fff0000)]")
        self.assertEqual(lines[0]["mode"], "freeze", lines)
        self.assertIn("seccomp", lines[0]["fallback_reason"])

    def filtered(self, instructions):
        target = self.python(
            "import ctypes, struct, sys\n"
            "libc = ctypes.CDLL(None)\n"
            f"program = b''.join(struct.pack('HBBI', *i) for i in {instructions})\n"
            "code = ctypes.create_string_buffer(program)\n"
            "header = struct.pack('HxxxxxxQ', len(program) // 8, ctypes.addressof(code))\n"
            "assert libc.prctl(38, 1, 0, 0, 0) == 0\n"
            "assert libc.prctl(22, 2, ctypes.c_char_p(header), 0, 0) == 0\n"
            "print('ready', flush=True); sys.stdin.read()")
        lines = capture(target.pid)
        self.assertIsNone(target.process.poll())
        self.assert_untouched(target.pid)
        return lines

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_user_with_too_many_processes(self):
        target = self.python(
            "import os, resource, sys\n"
            "resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))\n"
            f"os.setuid({NOBODY})\n"
            "try: os.fork() or os._exit(0)\n"
            "except BlockingIOError: print('ready', flush=True)\n"
            "sys.stdin.read()")
        lines = capture(target.pid)
        self.assertEqual(lines[0]["mode"], "freeze")
        self.assertIn("refused", lines[0]["fallback_reason"])
        self.assert_error(capture(target.pid, "--mode", "clone"), UNSUPPORTED, "refused")
        self.assertIsNone(target.process.poll())


class Limits(TargetTest):
    def test_a_stop_that_would_be_too_long_is_refused(self):
        target = self.python(
            "import sys; b = bytearray(400 << 20)\nprint('ready', flush=True); sys.stdin.read()")
        self.assert_error(capture(target.pid, "--mode", "freeze", "--max-pause", 5), UNSAFE,
                          "--max-pause")
        self.assertEqual(capture(target.pid, "--max-pause", 5000)[0]["mode"], "clone")

    @unittest.skipUnless(os.path.isdir("/sys/fs/cgroup/memory") and os.geteuid() == 0,
                         "needs root and cgroup v1")
    def test_a_tight_cgroup_is_noticed(self):
        folder = tempfile.mkdtemp(prefix="shikari-test-", dir="/sys/fs/cgroup/memory")
        inner = os.path.join(folder, "inner")
        self.addCleanup(os.rmdir, folder)
        os.mkdir(inner)
        self.addCleanup(os.rmdir, inner)
        target = self.python(
            "import sys; b = bytearray(b'x') * (200 << 20)\n"
            "print('ready', flush=True); sys.stdin.read()",
            preexec_fn=lambda: Path(inner, "cgroup.procs").write_text(str(os.getpid())))
        # The limit is at an outer level.
        with open(folder + "/memory.limit_in_bytes", "w") as file:
            file.write(str(230 << 20))
        self.assert_error(capture(target.pid), UNSAFE, "--force", "MB are free")
        self.assertEqual(capture(target.pid, "--force", "--hold", 1)[0]["mode"], "clone")
        forecast = capture(target.pid, "--predict")[0]
        self.assertLess(forecast["headroom_bytes"], 40 << 20)
        self.assertGreater(forecast["extra_bytes"], 200 << 20)
        target.kill()
        self.assertTrue(wait_until(lambda: not Path(inner, "cgroup.procs").read_text()))


class Refusals(TargetTest):
    """Each names what is wrong and what to do."""

    def test_no_such_process(self):
        self.assert_error(capture(2 ** 22 + 1), NOT_FOUND, "there is no process")

    def test_not_a_pid(self):
        self.assert_error(capture(0), USAGE, "not a PID")

    def test_a_thread_id(self):
        target = self.python(
            "import threading, sys\n"
            "t = threading.Thread(target=sys.stdin.read); t.start()\n"
            "print('ready', t.native_id, flush=True)")
        self.assert_error(capture(target.ready[0]), USAGE, f"thread of process {target.pid}")

    def test_a_zombie(self):
        child = os.fork()
        if child == 0:
            os._exit(0)
        self.addCleanup(os.waitpid, child, 0)
        self.assertTrue(wait_until(lambda: status(child, "State") == "Z"))
        self.assert_error(capture(child), GONE, "parent", str(os.getpid()))

    @unittest.skipUnless(os.path.exists("/proc/2/stat") and status(2, "Kthread") != "0",
                         "kernel threads are not visible")
    def test_a_kernel_thread(self):
        self.assert_error(capture(2), UNSUPPORTED, "kernel")

    def test_a_process_that_is_traced(self):
        target = self.python(IDLE)
        if libc.ptrace(0x4206, target.pid, None, None) != 0:
            self.skipTest("may not trace")
        with open("/proc/self/comm") as file:
            name = file.read().strip()
        self.assert_error(capture(target.pid), DENIED, "already traced", str(os.getpid()), name)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_somebody_elses_process(self):
        target = self.python(IDLE)
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        shutil.copy(TOOL, folder)
        tool = subprocess.run([folder + "/capture-tool", str(target.pid)], user=NOBODY, group=NOBODY,
                              extra_groups=[], stdout=subprocess.PIPE, text=True)
        self.assertIn("run as that user, or as root", tool.stdout)
        self.assertEqual(tool.returncode, 1)

    def test_a_32_bit_program(self):
        # push 29 (pause); pop eax; int 0x80; jmp back
        code = bytes([0x6a, 29, 0x58, 0xcd, 0x80, 0xeb, 0xf9])
        image = struct.pack("<4sBBB9xHHIIIIIHHHHHHIIIIIIII", b"\x7fELF", 1, 1, 1, 2, 3, 1,
                            0x8048054, 52, 0, 0, 52, 32, 1, 0, 0, 0,
                            1, 0, 0x8048000, 0x8048000, 84 + len(code), 84 + len(code), 5, 4096)
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "program")
        with open(path, "wb") as file:
            file.write(image + code)
        os.chmod(path, 0o755)
        try:
            process = subprocess.Popen([path])
        except OSError as error:
            self.skipTest(f"32-bit programs do not run here: {error}")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertTrue(wait_until(lambda: status(process.pid, "State") in "SZ"))
        if process.poll() is not None:
            self.skipTest("32-bit programs do not run here")
        self.assert_error(capture(process.pid), UNSUPPORTED, "32-bit")


if __name__ == "__main__":
    unittest.main()
