# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""shikari doctor on processes of all sorts: the right reason, the right remedy, nothing changed."""
import ctypes
import glob
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from targets import BUILD, SECONDS_MAX, TargetTest, status, wait_until

SHIKARI = os.path.join(BUILD, "shikari")
NOBODY = 65534
libc = ctypes.CDLL(None, use_errno=True)

IDLE = "import sys; print('ready', flush=True); sys.stdin.read()"

# Programs of classic BPF: what is done about one system call, all others are allowed.
REFUSE, KILL = 0x00050001, 0x80000000
PTRACE, CLONE = 101, 56

# Set a filter, then execute the rest of the arguments.
FILTER = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None)
number, action = int(sys.argv[1]), int(sys.argv[2])
program = b"".join(struct.pack("HBBI", *i) for i in [
    (0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, action), (0x06, 0, 0, 0x7fff0000)])
code = ctypes.create_string_buffer(program)
header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.c_char_p(header), 0, 0) == 0
if len(sys.argv) > 3: os.execv(sys.argv[3], sys.argv[3:])
print("ready", flush=True); sys.stdin.read()
"""


def run(*arguments, before=(), **popen):
    """The finished command; `before` are words that are put in front of it."""
    program = popen.pop("program", SHIKARI)
    return subprocess.run([*before, program, "doctor", *map(str, arguments)], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=SECONDS_MAX, check=False, **popen)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(text))


class DoctorTest(TargetTest):
    def examine(self, *arguments, code=0, **options):
        """The report as a dictionary, with its checks by name; the exit code must be this one."""
        done = run("--json", *arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (code, ""), done.stdout)
        report = json.loads(done.stdout)
        self.assertEqual(report["schema"], "shikari.doctor/1")
        self.assertEqual(report["verdict"], {0: "ready", 3: "not-ready", 4: "unsupported"}[code])
        report["by_name"] = {check["check"]: check for check in report["checks"]}
        self.assertEqual(len(report["by_name"]), len(report["checks"]))
        for check in report["checks"]:
            self.assertIn(check["status"], ("ok", "warn", "fail", "unknown"))
            self.assertTrue(check["what"])
            if check["status"] == "fail":
                self.assertTrue(check["remedy"], check)
        self.assertEqual(any(check["status"] == "fail" for check in report["checks"]), code != 0)
        return report

    def assert_check(self, report, name, state, *words):
        check = report["by_name"][name]
        self.assertEqual(check["status"], state, check)
        text = " ".join(check[key] or "" for key in ("what", "why", "remedy"))
        for word in words:
            self.assertIn(word, text)

    def copy_for_all(self):
        """The command where any user may run it."""
        folder = tempfile.mkdtemp(prefix="shikari-test-")
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        return shutil.copy(SHIKARI, folder)


class Machine(DoctorTest):
    def test_this_machine(self):
        report = self.examine()
        self.assertIsNone(report["pid"])
        self.assertIsNone(report["forecast"])
        for name in ("kernel", "pythons", "ptrace", "read-memory", "process-vm-readv", "pagemap"):
            self.assert_check(report, name, "ok")
        self.assert_check(report, "kernel", "ok", os.uname().release)
        self.assertNotIn("attach", report["by_name"])

    def test_every_check_is_documented(self):
        target = self.python(IDLE)
        with open(os.path.join(os.path.dirname(__file__), "..", "..", "docs", "json.md"),
                  encoding="utf-8") as file:
            page = file.read()
        for name in self.examine(target.pid)["by_name"]:
            self.assertIn(f"`{name}`", page)

    def test_text(self):
        done = run()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("✓ ok     Linux ", done.stdout)
        self.assertRegex(done.stdout.splitlines()[-1], r"^● ready")
        self.assertNotIn("\033", done.stdout)
        self.assertIn("\033[", run("--color=always").stdout)

    def test_usage(self):
        for arguments in (("1", "2"), ("12x",), ("--", "-1"), ("--frobnicate",), ("0",)):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertRegex(done.stderr, r"\Ashikari: [^\n]+\n\Z")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_an_ordinary_user(self):
        report = self.examine(program=self.copy_for_all(), user=NOBODY, group=NOBODY,
                              extra_groups=[])
        self.assert_check(report, "capabilities", "warn", f"user {NOBODY}", "run shikari as root")
        self.assertIn(f"processes of user {NOBODY}", report["summary"])

    def test_a_filter_that_refuses_ptrace(self):
        for action, words in ((REFUSE, "refused"), (KILL, "kills")):
            options = {
                "before": [sys.executable, "-c", FILTER, str(PTRACE), str(action)],
                # LeakSanitizer would need ptrace itself.
                "env": {**os.environ, "ASAN_OPTIONS":
                        os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"},
            }
            report = self.examine(code=3, **options)
            self.assert_check(report, "ptrace", "fail", words, "seccomp", "--cap-add SYS_PTRACE")
            target = self.python(IDLE)
            report = self.examine(target.pid, code=3, **options)
            self.assert_check(report, "ptrace", "fail", f"--mode live {target.pid}")
            self.assert_check(report, "interpreter", "ok")
            self.assert_check(report, "clone", "unknown", "ptrace")
            self.assert_check(report, "live", "ok")
            self.assert_untouched(target.pid)


class Ready(DoctorTest):
    def test_a_python(self):
        target = self.python(IDLE)
        report = self.examine(target.pid)
        self.assertEqual(report["pid"], target.pid)
        self.assertEqual(report["forecast"]["mode"], "clone")
        self.assertGreater(report["forecast"]["stop_ms"], 0)
        self.assertGreater(report["forecast"]["extra_bytes"], 1 << 20)
        for name in ("attach", "access", "layout", "clone", "freeze", "live", "files"):
            self.assert_check(report, name, "ok")
        version = ".".join(map(str, sys.version_info[:3]))
        self.assert_check(report, "interpreter", "ok", f"CPython {version}")
        self.assert_check(report, "malloc", "ok", "glibc")
        self.assert_untouched(target.pid)

    def test_the_last_line_is_the_verdict(self):
        target = self.python(IDLE)
        done = run(target.pid)
        self.assertRegex(done.stdout.splitlines()[-1],
                         rf"^● ready: `shikari hunt {target.pid}` will stop it for about .* ms")

    def test_threads_and_interpreters(self):
        target = self.python(
            "import sys, threading\n"
            "import _xxsubinterpreters as interpreters\n"
            "keep = interpreters.create()\n"
            "threading.Thread(target=sys.stdin.read).start()\n"
            "print('ready', flush=True)")
        report = self.examine(target.pid)
        self.assert_check(report, "interpreters", "ok", "2 interpreters")
        self.assert_check(report, "threads", "ok", "2 threads")

    def test_the_allocator(self):
        environment = {**os.environ, "PYTHONMALLOC": "malloc"}
        target = self.python(IDLE, env=environment)
        self.assert_check(self.examine(target.pid), "allocator", "warn", "PYTHONMALLOC=malloc")
        target = self.start(sys.executable, "-I", "-c", IDLE, env=environment)
        self.assert_check(self.examine(target.pid), "allocator", "ok")
        target = self.start(sys.executable, "-X", "dev", "-c", IDLE)
        self.assert_check(self.examine(target.pid), "allocator", "ok", "debug")

    def test_a_main_thread_that_ended_before_the_others(self):
        target = self.python(
            "import ctypes, sys, threading, time\n"
            "def work():\n"
            "    print('ready', flush=True)\n"
            "    time.sleep(3600)\n"
            "threading.Thread(target=work).start()\n"
            "time.sleep(0.2)\n"
            "ctypes.CDLL(None).syscall(60, 0)\n")
        self.assertTrue(wait_until(lambda: status(target.pid, "State") == "Z"))
        self.assert_check(self.examine(target.pid), "attach", "ok")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_other_namespaces(self):
        target = self.start("unshare", "--pid", "--mount-proc", "--fork", "--kill-child",
                            sys.executable, "-c", IDLE)
        child = int(read(f"/proc/{target.pid}/task/{target.pid}/children"))
        report = self.examine(child)
        self.assert_check(report, "namespaces", "ok", "not the same PID namespace")
        self.assert_check(report, "interpreter", "ok")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_user_namespace(self):
        target = self.start("unshare", "--user", "--map-root-user", sys.executable, "-c", IDLE)
        self.assert_check(self.examine(target.pid), "user-namespace", "ok", "another")


class Unharmed(DoctorTest):
    def test_a_busy_process(self):
        target = self.busy("wait")
        for _ in range(10):
            self.examine(target.pid)
            self.assert_untouched(target.pid)
        self.assert_healthy(target)

    def test_killed_at_any_moment(self):
        target = self.busy("wait")
        begin = time.monotonic()
        run(target.pid)
        seconds = time.monotonic() - begin
        for _ in range(60):
            doctor = subprocess.Popen([SHIKARI, "doctor", str(target.pid)],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, seconds))
            doctor.kill()
            doctor.wait()
        self.assertTrue(wait_until(lambda: status(target.pid, "TracerPid") == "0"))
        self.assert_untouched(target.pid)
        self.assert_healthy(target)

    def test_killed_while_it_reads_a_filter(self):
        target = self.python(FILTER, str(CLONE), str(KILL))
        for _ in range(40):
            doctor = subprocess.Popen([SHIKARI, "doctor", str(target.pid)],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0.01, 0.06))
            doctor.kill()
            doctor.wait()
        self.assertTrue(wait_until(lambda: status(target.pid, "State") == "S"))
        self.assert_untouched(target.pid)

    def test_signals_are_not_lost(self):
        # The C handler answers each one, before the next is sent: two at once would be one.
        target = self.python(
            "import os, signal, sys\n"
            "os.set_blocking(1, False)\n"
            "signal.signal(signal.SIGUSR1, lambda number, frame: None)\n"
            "signal.set_wakeup_fd(1)\n" + IDLE)
        answers = target.process.stdout.fileno()

        def examine():
            for _ in range(20):
                run(target.pid)
        doctor = threading.Thread(target=examine)
        doctor.start()
        while doctor.is_alive():
            target.process.send_signal(signal.SIGUSR1)
            readable, _, _ = select.select([answers], [], [], SECONDS_MAX)
            self.assertTrue(readable, "a signal was lost")
            self.assertEqual(os.read(answers, 2), bytes([signal.SIGUSR1]))
        doctor.join()

    def test_a_stopped_process_stays_stopped(self):
        target = self.python(IDLE)
        target.process.send_signal(signal.SIGSTOP)
        self.assertTrue(wait_until(lambda: status(target.pid, "State") == "T"))
        report = self.examine(target.pid)
        self.assert_check(report, "state", "warn", f"kill -CONT {target.pid}")
        self.assertTrue(wait_until(lambda: status(target.pid, "State") == "T"))
        time.sleep(0.05)
        self.assertEqual(status(target.pid, "State"), "T")


class Filtered(DoctorTest):
    def test_a_filter_that_allows_clones(self):
        target = self.python(FILTER, "1000", str(KILL))
        report = self.examine(target.pid)
        if os.geteuid() == 0:
            self.assert_check(report, "seccomp", "ok", "allows", "no_new_privs")
            self.assertEqual(report["forecast"]["mode"], "clone")
        else:
            self.assert_check(report, "seccomp", "warn", "CAP_SYS_ADMIN")
            self.assertEqual(report["forecast"]["mode"], "freeze")

    def test_a_filter_that_would_kill(self):
        target = self.python(FILTER, str(CLONE), str(KILL))
        report = self.examine(target.pid)
        self.assert_check(report, "seccomp", "warn", "seccomp")
        self.assert_check(report, "clone", "warn", "freeze")
        self.assertEqual(report["forecast"]["mode"], "freeze")
        self.assertIsNone(target.process.poll())
        self.assert_untouched(target.pid)


class Full(DoctorTest):
    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_user_with_too_many_processes(self):
        target = self.python(
            "import os, resource, sys\n"
            "resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))\n"
            f"os.setuid({NOBODY})\n" + IDLE)
        report = self.examine(target.pid)
        self.assert_check(report, "clone", "warn", f"user {NOBODY}", "ulimit -u", "freeze")
        self.assert_check(report, "seccomp", "ok")
        self.assertEqual(report["forecast"]["mode"], "freeze")

    @unittest.skipUnless(os.path.isdir("/sys/fs/cgroup/pids") and os.geteuid() == 0,
                         "needs root and cgroup v1")
    def test_a_cgroup_with_too_many_processes(self):
        folder = tempfile.mkdtemp(prefix="shikari-test-", dir="/sys/fs/cgroup/pids")
        self.addCleanup(os.rmdir, folder)
        target = self.python(IDLE)
        write(folder + "/cgroup.procs", target.pid)
        write(folder + "/pids.max", 1)
        report = self.examine(target.pid)
        self.assert_check(report, "clone", "warn", "pids.max is 1", "freeze")
        target.kill()
        self.assertTrue(wait_until(lambda: not read(folder + "/cgroup.procs")))


class NotReady(DoctorTest):
    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_somebody_elses_process(self):
        target = self.python(IDLE)
        nobody = {"program": self.copy_for_all(), "user": NOBODY, "group": NOBODY,
                  "extra_groups": []}
        report = self.examine(target.pid, code=3, **nobody)
        self.assert_check(report, "attach", "fail", f"user 0, shikari as user {NOBODY}",
                          f"sudo shikari doctor {target.pid}")
        self.assert_check(report, "interpreter", "unknown", "'attach' failed")
        last = run(target.pid, **nobody).stdout.splitlines()[-1]
        self.assertRegex(last, "^● not ready: .* may not be traced; run as root: sudo")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_ones_own_process_that_is_not_dumpable(self):
        target = self.python(
            f"import ctypes, os, sys; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
            "assert ctypes.CDLL(None).prctl(4, 0, 0, 0, 0) == 0\n" + IDLE)
        report = self.examine(target.pid, code=3, program=self.copy_for_all(), user=NOBODY,
                              group=NOBODY, extra_groups=[])
        self.assert_check(report, "attach", "fail", "PR_SET_DUMPABLE", "as root")
        self.assert_check(report, "dumpable", "ok", "not dumpable")
        self.assert_check(self.examine(target.pid), "dumpable", "ok", "not dumpable")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_without_capabilities(self):
        target = self.python(IDLE)
        report = self.examine(target.pid, code=3,
                              before=["setpriv", "--bounding-set", "-sys_ptrace"])
        self.assert_check(report, "attach", "fail", "root without CAP_SYS_PTRACE",
                          "--cap-add SYS_PTRACE")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_from_within_a_user_namespace(self):
        target = self.python(IDLE)
        done = subprocess.run(["unshare", "--user", "true"], stderr=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            self.skipTest("needs root that may make user namespaces")
        report = self.examine(target.pid, code=3, before=["unshare", "--user", "--map-root-user"])
        self.assert_check(report, "attach", "fail", "user namespace", "on the host")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_hidden_process(self):
        target = self.python(IDLE)
        program = self.copy_for_all()
        script = "mount -t proc -o hidepid=2 proc /proc || exit 77; exec setpriv --reuid 65534 " \
                 "--regid 65534 --clear-groups \"$@\""
        done = run("--json", target.pid, program=program,
                   before=["unshare", "--mount", "sh", "-c", script, "sh"])
        if done.returncode == 77:
            self.skipTest("needs root that may mount /proc")
        self.assertEqual(done.returncode, 3, done.stderr)
        report = json.loads(done.stdout)
        report["by_name"] = {check["check"]: check for check in report["checks"]}
        self.assert_check(report, "process", "fail", "hidden", "hidepid", "root")
        self.assert_check(report, "hidepid", "warn", "root")

    def test_a_process_that_is_traced(self):
        target = self.python(IDLE)
        if libc.ptrace(0x4206, target.pid, None, None) != 0:  # PTRACE_SEIZE
            self.skipTest("may not trace")
        report = self.examine(target.pid, code=3)
        name = read("/proc/self/comm")
        self.assert_check(report, "tracer", "fail", f"process {os.getpid()} ({name})",
                          f"kill {os.getpid()}")
        self.assert_check(report, "attach", "unknown", "'tracer' failed")
        self.assertEqual(status(target.pid, "TracerPid"), str(os.getpid()))

    def test_no_process(self):
        child = subprocess.Popen(["true"])
        child.wait()
        report = self.examine(child.pid, code=3)
        self.assert_check(report, "process", "fail", str(child.pid), "container", "pgrep")

    def test_a_zombie(self):
        child = os.fork()
        if child == 0:
            os._exit(0)
        self.addCleanup(os.waitpid, child, 0)
        self.assertTrue(wait_until(lambda: status(child, "State") == "Z"))
        report = self.examine(child, code=3)
        self.assert_check(report, "process", "fail", "zombie", f"parent {os.getpid()}")
        self.assert_check(report, "attach", "unknown", "'process' failed")

    def test_a_thread_id(self):
        target = self.python(
            "import threading, sys\n"
            "t = threading.Thread(target=sys.stdin.read); t.start()\n"
            "print('ready', t.native_id, flush=True)")
        report = self.examine(target.ready[0], code=3)
        self.assert_check(report, "process", "fail", f"give that number: {target.pid}")

    @unittest.skipUnless(os.path.isdir("/sys/fs/cgroup/memory") and os.geteuid() == 0,
                         "needs root and cgroup v1")
    def test_a_tight_cgroup(self):
        folder = tempfile.mkdtemp(prefix="shikari-test-", dir="/sys/fs/cgroup/memory")
        self.addCleanup(os.rmdir, folder)
        target = self.python(
            "import sys; b = bytearray(b'x') * (200 << 20)\n"
            "print('ready', flush=True); sys.stdin.read()",
            preexec_fn=lambda: write(folder + "/cgroup.procs", os.getpid()))
        write(folder + "/memory.limit_in_bytes", 230 << 20)
        report = self.examine(target.pid, code=3)
        self.assert_check(report, "memory", "fail", "are free", "--force", "--mode live")
        target.kill()
        self.assertTrue(wait_until(lambda: not read(folder + "/cgroup.procs")))

    @unittest.skipUnless(os.path.isdir("/sys/fs/cgroup/freezer") and os.geteuid() == 0,
                         "needs root and cgroup v1")
    def test_a_frozen_cgroup(self):
        folder = tempfile.mkdtemp(prefix="shikari-test-", dir="/sys/fs/cgroup/freezer")
        self.addCleanup(os.rmdir, folder)
        target = self.python(IDLE)
        write(folder + "/cgroup.procs", target.pid)
        write(folder + "/freezer.state", "FROZEN")
        self.assertTrue(wait_until(lambda: read(folder + "/freezer.state") == "FROZEN"))
        done = run("--json", target.pid)
        write(folder + "/freezer.state", "THAWED")
        checks = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
        self.assertEqual(checks["state"]["status"], "warn")
        self.assertIn("frozen", checks["state"]["what"])
        target.kill()
        self.assertTrue(wait_until(lambda: not read(folder + "/cgroup.procs")))


class Unsupported(DoctorTest):
    def test_not_python(self):
        process = subprocess.Popen(["sleep", "60"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        report = self.examine(process.pid, code=4)
        self.assert_check(report, "interpreter", "fail", "not a Python process", "pgrep")
        self.assert_check(report, "layout", "unknown", "'interpreter' failed")

    def test_every_version_is_judged_as_a_hunt_does(self):
        interpreters = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python")))
        if not interpreters:
            self.skipTest("there is no Python 3.8 here, nor any other")
        for path in interpreters:
            with self.subTest(path):
                target = self.start(
                    path, "-c", "import sys; sys.stdout.write('ready\\n'); sys.stdout.flush(); "
                    "sys.stdin.read()")
                done = run("--json", target.pid)
                self.assertIn(done.returncode, (0, 4), done.stdout)
                if done.returncode == 0:
                    continue
                hunt = subprocess.run([SHIKARI, "hunt", str(target.pid)], text=True, check=False,
                                      capture_output=True, timeout=SECONDS_MAX)
                self.assertEqual(hunt.returncode, 4, hunt.stderr)
                reason = hunt.stderr.strip().removeprefix("shikari: ")
                self.assertIn(reason, json.loads(done.stdout)["summary"])

    @unittest.skipUnless(os.path.exists("/proc/2/stat") and status(2, "Kthread") != "0",
                         "kernel threads are not visible")
    def test_a_kernel_thread(self):
        report = self.examine(2, code=4)
        self.assert_check(report, "process", "fail", "kernel")

    def test_a_32_bit_program(self):
        # push 29 (pause); pop eax; int 0x80; jmp back
        code = bytes([0x6a, 29, 0x58, 0xcd, 0x80, 0xeb, 0xf9])
        head = bytes.fromhex("7f454c46010101000000000000000000020003000100000054800408"
                             "340000000000000000000000340020000100000000000000"
                             "01000000000000000080040800800408")
        size = (84 + len(code)).to_bytes(4, "little")
        image = head + size + size + (5).to_bytes(4, "little") + (4096).to_bytes(4, "little") + code
        folder = tempfile.mkdtemp(prefix="shikari-test-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "program")
        with open(path, "wb") as file:
            file.write(image)
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
        report = self.examine(process.pid, code=4)
        self.assert_check(report, "architecture", "fail", "32-bit")


if __name__ == "__main__":
    unittest.main()
