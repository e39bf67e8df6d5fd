# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""gc and trim on real processes: what they do is done, and the process goes on as if nothing had been.

SHIKARI_SOAK=1000 kills that many times instead of 60.
"""
import ctypes
import glob
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from targets import BUILD, SECONDS_MAX, TESTS, TargetTest, clones, is_asleep, status, wait_until

sys.path.insert(0, os.path.join(TESTS, "support"))
import interpreters
from test_capture_safety import EINTR_CALLS

SHIKARI = os.path.join(BUILD, "shikari")
CALL_TOOL = os.path.join(BUILD, "tests", "support", "call-tool")
SYSCALLS = os.path.join(BUILD, "tests", "targets", "syscalls")
CYCLES = os.path.join(TESTS, "targets", "cycles.py")
COUNT = 2000
SYS_TGKILL = 234
libc = ctypes.CDLL(None)
KILLS = int(os.environ.get("SHIKARI_SOAK", "60"))
# What kills are to hit takes milliseconds, of which a busy machine may let us see none for a while.
KILLS_MAX = 1000
# Modes of cycles.py in which all of it waits, as soon as it is ready.
WAITING = ("select", "sleep", "poll", "accept", "lock", "stdin", "blocked", "burst", "slow_wait", "held_wait", "spawn")


def shikari(*arguments):
    """(exit status, the answer or None, what stderr says)"""
    done = subprocess.run([SHIKARI, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=SECONDS_MAX, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


class CallTest(TargetTest):
    def cycles(self, mode, interpreter=None, count=COUNT):
        command = interpreter.command(CYCLES, mode, str(count)) if interpreter else [
            sys.executable, CYCLES, mode, str(count)]
        target = self.start(*command)
        target.pid = int(target.ready[0])
        if mode in WAITING:
            self.assertTrue(wait_until(lambda: is_asleep(target.pid)))
        return target

    def end(self, target):
        """Let it end, and return what it says as a dictionary."""
        # To the main thread itself. For one that has just been let go of and does not run yet, the kernel would
        # take another, in which no wait is to be ended.
        libc.syscall(SYS_TGKILL, target.pid, target.pid, signal.SIGUSR1)
        lines = target.finish()
        self.assertEqual(target.process.returncode, 0)
        self.assertEqual([line for line in lines if line.startswith("violation")], [])
        return {line.split()[0]: line.split()[-1] for line in lines}

    def gc(self, target, *options):
        return shikari("gc", "--json", *options, target.pid)

    def assert_collected(self, target, *options):
        code, answer, words = self.gc(target, *options)
        self.assertEqual((code, words), (0, ""), answer)
        self.assertEqual(answer["schema"], "shikari.gc/1")
        self.assertEqual(answer["outcome"], "done")
        self.assertEqual(status(target.pid, "TracerPid"), "0")
        said = self.end(target)
        self.assertEqual(said["alive"], "0")
        # It stays as the program wanted it.
        self.assertEqual(said["enabled"], "False")
        return answer


class EachInterpreter(CallTest):
    def each(self, *modes):
        interpreters.require_versions()
        for interpreter in interpreters.find():
            for mode in modes:
                with self.subTest(interpreter=interpreter.name, mode=mode):
                    self.assert_collected(self.cycles(mode, interpreter), "--no-count", "--wait", "60")

    def test_cycles_go_where_a_thread_waits(self):
        self.each("select")

    def test_cycles_go_where_the_only_thread_computes(self):
        self.each("compute")

    def test_cycles_go_where_one_waits_and_another_computes(self):
        self.each("threads", "waiters")

    def test_a_burst_is_given_back(self):
        for interpreter in interpreters.find():
            with self.subTest(interpreter=interpreter.name):
                target = self.cycles("burst", interpreter)
                code, answer, words = shikari("trim", "--json", "--wait", "60", target.pid)
                self.assertEqual((code, words), (0, ""), answer)
                self.assertEqual((answer["schema"], answer["outcome"]), ("shikari.trim/1", "done"))
                # 40 MB, of which every fiftieth block stays.
                self.assertGreater(answer["given_back_bytes"], 20e6)
                self.assertEqual(self.end(target)["alive"], str(COUNT))


class Waits(CallTest):
    def test_each_kind_of_wait(self):
        for mode in ("sleep", "poll", "accept", "lock", "stdin"):
            with self.subTest(mode=mode):
                target = self.cycles(mode)
                answer = self.assert_collected(target, "--no-count", "--wait", "60")
                self.assertEqual(answer["way"], "in a thread that waited")
                self.assertEqual(answer["thread"], target.pid)

    def test_trim_where_it_waits_and_where_it_computes(self):
        for mode in ("poll", "compute", "churn", "long_call"):
            with self.subTest(mode=mode):
                target = self.cycles(mode)
                for _ in range(5):
                    code, answer, words = shikari("trim", "--json", "--wait", "60", target.pid)
                    self.assertEqual((code, words, answer["outcome"]), (0, "", "done"))
                self.end(target)

    def test_a_long_call_of_c_code_is_waited_for(self):
        self.assert_collected(self.cycles("long_call"), "--no-count", "--wait", "60")

    def test_what_never_gives_up_the_gil_is_left_alone(self):
        target = self.cycles("blocked")
        for command in (["gc", "--no-count"], ["trim"]):
            code, answer, _ = shikari(*command, "--json", "--wait", "0.5", target.pid)
            self.assertEqual((code, answer["outcome"], answer["thread"]), (3, "not-done", None))
            self.assertIn("does not give up the GIL", answer["way"])
        self.assertEqual(status(target.pid, "TracerPid"), "0")

    def test_a_signal_meanwhile_is_not_lost(self):
        # It comes while a slow finalizer runs. The handler has to run, and end the wait, when that is over.
        for mode in ("slow_wait", "slow_compute"):
            with self.subTest(mode=mode):
                target = self.cycles(mode)
                tool = subprocess.Popen([SHIKARI, "gc", "--no-count", str(target.pid)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.addCleanup(tool.wait)
                self.assertEqual(target.process.stdout.readline(), "finalizing\n")
                time.sleep(0.2)
                said = self.end(target)
                self.assertEqual(said["alive"], "0")

    def test_children_of_finalizers_have_the_programs_signal_mask(self):
        target = self.cycles("spawn")
        answer = self.assert_collected(target, "--no-count", "--wait", "60")
        self.assertEqual(answer["outcome"], "done")

    def test_objects_are_counted(self):
        target = self.cycles("select")
        answer = self.assert_collected(target, "--wait", "60")
        before, after = answer["before"]["heap"], answer["after"]["heap"]
        # At least two nodes and a list for each.
        self.assertGreaterEqual(before["garbage_objects"], 3 * COUNT)
        self.assertLess(after["garbage_objects"], 100)
        self.assertGreaterEqual(before["objects"] - after["objects"], 3 * COUNT)

    def test_time_is_up_in_the_midst(self):
        # What was begun ends by itself; what was not begun never is.
        target = self.cycles("held_wait")
        # On a busy machine time may be up before it is begun.
        for seconds in (0.3, 1, 4, 16, 64):
            code, answer, _ = self.gc(target, "--no-count", "--wait", seconds)
            if answer["outcome"] != "not-done":
                break
            self.assertEqual(code, 3)
            self.assertEqual(select.select([target.process.stdout], [], [], 0)[0], [])
        self.assertEqual((code, answer["outcome"]), (3, "left"))
        self.assertEqual(target.process.stdout.readline(), "finalizing\n")
        self.assertEqual(status(target.pid, "TracerPid"), "0")
        target.process.stdin.write("x")
        target.process.stdin.flush()
        self.assertTrue(wait_until(lambda: is_asleep(target.pid) and not self.is_reading(target.pid)))
        self.assertEqual(self.end(target)["alive"], "0")

    @staticmethod
    def is_reading(pid):
        with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
            return file.read().startswith("0 0x0 ")


class Refusals(CallTest):
    def assert_refused(self, command, pid, code, *words):
        done = subprocess.run([SHIKARI, *command, str(pid)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX, check=False)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_a_process_that_is_stopped(self):
        target = self.cycles("select")
        os.kill(target.pid, signal.SIGSTOP)
        self.assertTrue(wait_until(lambda: status(target.pid, "State") == "T"))
        for command in (["gc", "--no-count"], ["trim"]):
            self.assert_refused(command, target.pid, 3, "SIGSTOP")
        self.assertEqual(status(target.pid, "State"), "T")
        os.kill(target.pid, signal.SIGCONT)
        self.assertEqual(self.end(target)["alive"], str(COUNT))

    def test_another_malloc(self):
        with tempfile.TemporaryDirectory() as folder:
            source, library = os.path.join(folder, "malloc.c"), os.path.join(folder, "libother.so")
            with open(source, "w", encoding="ascii") as file:
                file.write("void *__libc_malloc(unsigned long);\n"
                           "void *malloc(unsigned long size) { return __libc_malloc(size); }\n")
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
            target = self.start(sys.executable, CYCLES, "select", "10",
                                env={**os.environ, "LD_PRELOAD": library})
            self.assert_refused(["trim"], target.pid, 4, "libother.so", "malloc_trim")
            # The collector does not care.
            self.assertEqual(self.gc(target, "--no-count")[0], 0)

    def test_not_python(self):
        target = subprocess.Popen(["sleep", "60"])
        try:
            self.assertTrue(wait_until(lambda: os.readlink(f"/proc/{target.pid}/exe").endswith("sleep")))
            self.assert_refused(["trim"], target.pid, 4, "not a Python process")
            self.assert_refused(["gc"], target.pid, 4, "not a Python process")
        finally:
            target.kill()
            target.wait()

    def test_remote_debugging_switched_off(self):
        # 3.14 and later: no script then, but another way.
        for interpreter in interpreters.find():
            if interpreter.version < (3, 14):
                continue
            for environment, way in (({}, "PEP 768"), ({"PYTHON_DISABLE_REMOTE_DEBUG": "1"}, "main thread")):
                with self.subTest(interpreter=interpreter.name, way=way):
                    target = self.start(*interpreter.command(CYCLES, "compute", str(COUNT)),
                                        env={**os.environ, **environment})
                    target.pid = int(target.ready[0])
                    answer = self.assert_collected(target, "--no-count", "--wait", "60")
                    self.assertIn(way, answer["way"])

    def test_usage(self):
        self.assert_refused(["gc"], "", 2)
        self.assert_refused(["trim", "--wait", "0"], "1", 2)


class Embedded(CallTest):
    def test_uwsgi(self):
        uwsgi = shutil.which("uwsgi") or shutil.which("uwsgi-core")
        self.assertTrue(uwsgi, "uwsgi is not installed: tools/install-dependencies test")
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "app.py"), "w", encoding="ascii") as file:
                file.write(UWSGI_APPLICATION)
            for options in ([], ["--enable-threads"], ["--enable-threads", "--threads", "2"]):
                with self.subTest(options=options):
                    self.check_uwsgi(uwsgi, folder, options)

    def check_uwsgi(self, uwsgi, folder, options):
        path = os.path.join(folder, "socket")
        server = subprocess.Popen(
            [uwsgi, "--plugin", os.environ.get("UWSGI_PLUGIN", "python3"), "--http-socket", path,
             "--chdir", folder, "--module", "app", "--processes", "1", "--master", "--die-on-term",
             "--pidfile", os.path.join(folder, "pid"), *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            self.assertTrue(wait_until(lambda: accepts(path)))
            worker, made, alive = ask(path)
            self.assertEqual((made, alive), (COUNT, COUNT))
            self.assertEqual(shikari("gc", "--no-count", "--json", "--wait", "60", worker)[1]["outcome"],
                             "done")
            self.assertEqual(shikari("trim", "--json", "--wait", "60", worker)[1]["outcome"], "done")
            self.assertEqual(ask(path), [worker, 2 * COUNT, COUNT])
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
            os.unlink(path)


UWSGI_APPLICATION = f"""
import gc, json, os, weakref
gc.disable()
references = []
class Node(object): pass
def application(environ, start_response):
    for _ in range({COUNT}):
        node = Node()
        node.itself = node
        references.append(weakref.ref(node))
    del node
    start_response("200 OK", [])
    alive = sum(reference() is not None for reference in references)
    return [json.dumps([os.getpid(), len(references), alive]).encode()]
"""


def accepts(path):
    """A socket has a name for a moment before anybody can connect."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(path) == 0


def ask(path):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS_MAX)
        connection.connect(path)
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: connection.recv(65536), b""))
    return json.loads(text.partition(b"\r\n\r\n")[2])


class SystemCalls(TargetTest):
    """Functions called in threads that are anywhere: nothing of the program's state may change."""

    def check(self, function, *options):
        target = self.start(SYSCALLS)
        done = subprocess.run([CALL_TOOL, str(target.pid), function, "150", *options],
                              stdout=subprocess.PIPE, text=True, timeout=1200, check=False)
        answer = json.loads(done.stdout)
        self.assertEqual(answer.get("done"), 150, answer)
        self.assert_untouched(target.pid)
        # While the main thread is traced and others are not yet, or not any more, a SIGCHLD that the process
        # ignores wakes one of them (kernel/signal.c: sig_ignored()): few times in thousands of stops.
        self.assert_healthy(target, forgiven=EINTR_CALLS)

    def test_everything_is_as_ever(self):
        self.check("scratch")

    def test_while_signals_wait(self):
        self.check("scratch", "hold")

    def test_in_two_steps(self):
        self.check("scratch", "twice")

    def test_functions_that_wait_themselves(self):
        self.check("scratch_wait")


def is_traced(pid):
    for thread in glob.glob(f"/proc/{pid}/task/*"):
        try:
            if status(thread[len("/proc/"):], "TracerPid") != "0":
                return True
        except OSError:
            continue
    return False


class Killed(CallTest):
    """Killed at any instant, we leave a call that ends by itself, or none."""
    hits = 0

    def kill_once(self, target, *command):
        tool = subprocess.Popen([*map(str, command), str(target.pid)], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        # Most of its time it reads files: wait for what matters, and hit that.
        while tool.poll() is None and not is_traced(target.pid):
            pass
        time.sleep(random.choice((0, 0, random.uniform(0, 0.003), random.uniform(0, 0.03))))
        was_running = tool.poll() is None
        tool.kill()
        tool.wait()
        self.assertIsNone(target.process.poll(), "the target died")
        self.assertTrue(wait_until(lambda: not is_traced(target.pid)))
        return was_running

    def kill_often(self, target, count, commands):
        """So many times, and until one hit."""
        done = 0
        while done < count or (not self.hits and done < KILLS_MAX):
            self.hits += self.kill_once(target, SHIKARI, *commands[done % len(commands)])
            done += 1

    def check(self, mode, interpreter, count):
        target = self.cycles(mode, interpreter)
        self.kill_often(target, count, (["gc", "--no-count", "--wait", "60"], ["trim", "--wait", "60"]))
        # The whole of it still works, and a GIL or a lock that was kept would show.
        self.assert_collected(target, "--no-count", "--wait", "60")
        self.assertEqual(clones(target.pid), [])

    def test_everything_at_once(self):
        for interpreter in interpreters.find():
            with self.subTest(interpreter=interpreter.name):
                self.check("churn", interpreter, max(KILLS // 10, 1))
        self.assertGreater(self.hits, 0, "no kill hit a call")

    def test_a_lone_thread(self):
        for mode in ("sleep", "poll", "compute"):
            with self.subTest(mode=mode):
                self.check(mode, None, max(KILLS // 10, 3))
        self.assertGreater(self.hits, 0, "no kill hit a call")

    def test_registers_and_waits(self):
        for check in ("vector", "mask", "nanosleep", "poll", "select", "futex"):
            for options in ([], ["hold"], ["twice"]):
                with self.subTest(check=check, options=options):
                    target = self.start(SYSCALLS, check)
                    for _ in range(max(KILLS // 10, 1)):
                        tool = subprocess.Popen([CALL_TOOL, str(target.pid), "scratch", "1000", *options],
                                                stdout=subprocess.DEVNULL)
                        time.sleep(random.uniform(0.002, 0.02))
                        tool.kill()
                        tool.wait()
                    self.assertTrue(wait_until(lambda pid=target.pid: not is_traced(pid)))
                    self.assert_healthy(target)


if __name__ == "__main__":
    unittest.main()
