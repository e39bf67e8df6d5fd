#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""mem: its parts add up to RSS, on every CPython; and what it predicts comes true when the target does it.

tests/targets/memory_shapes.py makes the memory, and does on its own what was predicted of it: a collection,
malloc_trim(0), sys._debugmallocstats(). Versions are tried two at a time. A file of a process says what the
process says (all of it: test_snapshot_files.py), also to hunt; cores are in test_core.py.
"""
import concurrent.futures
import contextlib
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SHAPES = os.path.join(HERE, "..", "targets", "memory_shapes.py")
sys.path[:0] = [os.path.join(HERE, "..", "support")]
sys.dont_write_bytecode = True

import interpreters  # noqa: E402

BUILD = os.environ.get("SHIKARI_BUILD", os.path.join(HERE, "..", "..", "build"))
SHIKARI = os.environ.get("SHIKARI", os.path.join(BUILD, "shikari"))
AT_A_TIME = 2
EXPLAINED_MIN = 0.95
# Pages come and go between the picture and the real thing: some of both allocators' own.
PAGES_TOLERANCE = 512 << 10
TRIM_TOLERANCE = 0.1
ALLOCATORS = {"libjemalloc.so.2": "jemalloc", "libtcmalloc_minimal.so.4": "tcmalloc",
              "libmimalloc.so.2": "mimalloc"}
FOUND = [found for found in interpreters.find() if found.is_release]
THIS = [sys.executable]


class Shape:
    """A process with memory of one shape."""

    def __init__(self, command, *words):
        self.process = subprocess.Popen([*command, SHAPES, *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if line != "ready\n":
            self.close()
            raise AssertionError(f"{words} does not start: {line!r}")

    def close(self):
        self.process.kill()
        self.process.communicate()

    def ask(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def rss(self):
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Rss:"))

    def snap(self, path):
        done = subprocess.run([SHIKARI, "snap", str(self.process.pid), "-o", path],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"snap: {done.stderr}")

    def mem(self, *options, of=None):
        done = subprocess.run([SHIKARI, "mem", "--json", *options, of or str(self.process.pid)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"mem: {done.stderr}")
        said = json.loads(done.stdout)
        said["by_part"] = {part["part"]: part["bytes"] for part in said["parts"]}
        return said


    def mem_and_rss(self, *options):
        """What is said of it, and between which figures its RSS was then. Looking can bring pages of files in, which
        is not the memory that was looked at; and a machine that is short of memory takes such pages back."""
        self.mem()
        before, said, after = self.rss(), self.mem(*options), self.rss()
        return said, min(before, after) - PAGES_TOLERANCE, max(before, after) + PAGES_TOLERANCE


@contextlib.contextmanager
def shape(command, *words):
    started = Shape(command, *words)
    try:
        yield started
    finally:
        started.close()


class MemTest(unittest.TestCase):
    def assert_adds_up(self, target, *options):
        """What is said of it: parts are all of RSS, and hardly anything of it is unexplained."""
        said, least, most = target.mem_and_rss(*options)
        self.assertEqual(sum(said["by_part"].values()), said["rss_bytes"])
        self.assertEqual(said["explained_bytes"],
                         said["rss_bytes"] - said["by_part"].get("unexplained", 0))
        self.assertGreaterEqual(said["explained_ratio"], EXPLAINED_MIN, said["by_part"])
        self.assertGreaterEqual(said["rss_bytes"], least)
        self.assertLessEqual(said["rss_bytes"], most)
        return said

    def assert_mixed(self, interpreter):
        with shape(interpreter.command(), "mixed") as target:
            said = self.assert_adds_up(target)
            self.assertEqual(said["malloc"]["torn_arenas"], 0)
            self.assertGreater(len(said["malloc"]["arenas"]), 1)
            if interpreter.version >= (3, 3):
                self.assertEqual(str(said["pymalloc"]["arenas"]), target.ask("stats"))
            collected = json.loads(target.ask("collect"))
            self.assertEqual(said["garbage"]["tracked_objects"], collected["count"])
            ours = {found["type"].rpartition(".")[2]: found["objects"]
                    for found in said["garbage"]["types"]}
            self.assertEqual({name: ours.get(name) for name in collected["types"]},
                             collected["types"])
            self.assertIn("__main__.Node", said["garbage"]["cycle"])
            predicted = target.mem()["malloc"]["trim_bytes"]
            real = int(target.ask("trim"))
            self.assertGreater(real, 4 << 20)
            self.assertLessEqual(abs(predicted - real), TRIM_TOLERANCE * real,
                                 f"{predicted} predicted, {real} returned")

    def assert_frozen(self, interpreter):
        """Cycles that were frozen and let go of: a collection does not find them, as was said."""
        with shape(interpreter.command(), "freeze") as target:
            said = target.mem()
            permanent = said["permanent"]
            self.assertEqual(str(permanent["objects"]), target.ask("frozen"))
            # An instance and a dict or two (its attributes may lie inline), and a list.
            self.assertIn(permanent["unreachable_objects"], (12000, 16000))
            self.assertGreater(said["by_part"]["frozen-garbage"], 4000 * 200)
            self.assertGreaterEqual(said["garbage"]["uncollectable_objects"], 12000)
            self.assertEqual(str(said["garbage"]["tracked_objects"]), target.ask("gc"))
            self.assertEqual(target.ask("gc"), "0")
            remedies = {found["remedy"]: found["freed_bytes"] for found in said["remedies"]}
            self.assertEqual(remedies["gc.unfreeze() and gc.collect()"],
                             said["by_part"]["frozen-garbage"])
            self.assertEqual(target.mem()["permanent"]["unreachable_objects"],
                             permanent["unreachable_objects"])
            self.assertEqual(target.ask("thaw"), str(permanent["unreachable_objects"]))
            # 3.12 has immortal ones there by itself.
            rest = target.mem()["permanent"]
            self.assertEqual(rest["objects"], rest["immortal_objects"])
            self.assertEqual(str(rest["objects"]), target.ask("frozen"))
            self.assertLess(rest["objects"], permanent["objects"] / 10)

    def try_each(self, check, found):
        def try_one(interpreter):
            try:
                check(interpreter)
            except Exception as error:  # pylint: disable=broad-exception-caught
                return f"{interpreter.name}: {type(error).__name__}: {error}"
            return None

        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            wrong = [line for line in pool.map(try_one, found) if line]
        self.assertTrue(found)
        self.assertEqual(wrong, [], "\n".join(wrong))

    def test_every_version(self):
        """Sums, arenas, garbage and malloc_trim, on each interpreter."""
        self.try_each(self.assert_mixed, FOUND)

    def test_what_gc_freeze_hides(self):
        self.try_each(self.assert_frozen, [found for found in FOUND if found.version >= (3, 7)])

    def test_a_file_says_what_the_process_says(self):
        with tempfile.TemporaryDirectory() as folder, shape(THIS, "fragmented") as target:
            path = os.path.join(folder, "a.shk")
            target.mem()
            target.snap(path)
            live, filed = target.mem("--maps"), target.mem("--maps", of=path)
            text = subprocess.run([SHIKARI, "mem", path], capture_output=True, text=True, check=False)
        self.assertEqual((live["source"], filed["source"]), ("process", "snapshot"))
        for name in ("pid", "python", "executable", "command_line", "threads", "mode", "smaps", "cause",
                     "limit_bytes", "families", "types", "garbage", "permanent", "pymalloc", "malloc",
                     "owners", "largest", "swap_bytes", "core_bytes", "notes"):
            self.assertEqual(live[name], filed[name], name)
        for name in "rss_bytes", "pss_bytes", "private_bytes":
            self.assertLessEqual(abs(live[name] - filed[name]), PAGES_TOLERANCE, name)
        self.assertEqual(sum(filed["by_part"].values()), filed["rss_bytes"])
        self.assertEqual([(found["start"], found["path"], found["part"]) for found in live["mappings"]],
                         [(found["start"], found["path"], found["part"]) for found in filed["mappings"]])
        self.assertEqual(sum(found["rss"] for found in filed["mappings"]), filed["rss_bytes"])
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        self.assertRegex(text.stdout, r"\Ashikari: \S+, process %d in a\.shk \(CPython " % target.process.pid)

    def test_a_fresh_interpreter_is_the_program(self):
        with shape(THIS, "fresh") as target:
            said = self.assert_adds_up(target, "--maps")
            self.assertEqual(sum(mapping["rss"] for mapping in said["mappings"]),
                             said["rss_bytes"])
            self.assertIn("code", said["verdict"])

    def test_a_fragmented_heap_is_pinned(self):
        with shape(THIS, "fragmented") as target:
            said = target.mem()
            self.assertEqual(said["cause"], "kept")
            pinned = said["pymalloc"]["pinned"]
            self.assertGreater(pinned["bytes"], 8 << 20)
            self.assertLess(pinned["used_bytes"], pinned["bytes"] / 10)
            self.assertEqual(pinned["held_by"][0]["type"], "list")
            self.assertIn("KEEP", pinned["held_by"][0]["path"])

    def test_what_python_2_keeps(self):
        """Ten million ints that are gone: their places stay."""
        for interpreter in FOUND:
            if interpreter.version >= (3,):
                continue
            with self.subTest(interpreter.name), shape(interpreter.command(), "numbers") as target:
                said = target.mem()
                self.assertEqual(said["cause"], "kept")
                self.assertGreater(said["by_part"]["number-blocks"], 200 << 20)
                self.assertGreaterEqual(said["explained_ratio"], EXPLAINED_MIN)
                self.assertIn("a new process", [r["remedy"] for r in said["remedies"]])

    def test_memory_of_c_code(self):
        with shape(THIS, "native") as target:
            said = target.mem()
            # 2000 blocks of 3000 bytes, rounded up.
            sizes = {found["size"]: found["count"] for found in said["malloc"]["c_sizes"]}
            self.assertGreaterEqual(sizes.get(3000, 0), 2000)
            self.assertGreater(said["by_part"]["c-other"], 6000000)
            self.assertEqual(said["cause"], "native")

    def test_references_that_nobody_explains(self):
        with shape(THIS, "references") as target:
            said = target.mem()
            unexplained = {found["type"]: found["unexplained_objects"] for found in said["types"]}
            # The last ones are also in registers and on the stack, or have gone the way of all lists.
            self.assertGreaterEqual(unexplained.get("list", 0), 1900)
            self.assertGreater(said["by_part"]["unexplained-references"], 2000 * 100)

    def test_numpy(self):
        try:
            target = Shape(THIS, "numpy")
        except AssertionError:
            self.skipTest("no numpy")
        self.addCleanup(target.close)
        said = self.assert_adds_up(target)
        # What is only reserved is not there.
        types = {found["type"]: found["bytes"] for found in said["types"]}
        self.assertGreater(types["numpy.ndarray"], 2 * 10 ** 6 * 8 + 2000 * 1000 * 8)
        self.assertLess(types["numpy.ndarray"], 10 ** 8)

    def test_other_allocators(self):
        """Objects are found in the memory of allocators that are not read, as many as in glibc's."""
        with shape(THIS, "large") as target:
            wanted = target.mem()["by_part"]["objects"]
        for library, name in ALLOCATORS.items():
            command = ["env", f"LD_PRELOAD={library}", *THIS]
            with self.subTest(name), shape(command, "large") as target:
                said = self.assert_adds_up(target)
                self.assertEqual(said["malloc"]["allocator"], name)
                found = said["by_part"]["objects"]
                self.assertLess(abs(found - wanted), wanted * 0.05, f"{found}, not {wanted}")
                self.assertGreater(said["by_part"]["other-allocator"], 0)

    def test_freeze_and_live_agree_with_a_clone(self):
        with shape(THIS, "heap") as target:
            target.mem()
            parts = [target.mem("--mode", mode)["by_part"] for mode in ("clone", "freeze", "live")]
            for other in parts[1:]:
                self.assertLessEqual(abs(other["objects"] - parts[0]["objects"]), PAGES_TOLERANCE)
                self.assertLess(other.get("unexplained", 0), PAGES_TOLERANCE)

    def test_the_text_fits_a_screen(self):
        with shape(THIS, "fragmented") as target:
            done = subprocess.run([SHIKARI, "mem", str(target.process.pid)], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertLess(done.stdout.count("\n"), 45)
            self.assertIn("explained ", done.stdout)
            self.assertIn("free blocks in pools that are in use", done.stdout)


class HugePagesTest(unittest.TestCase):
    """malloc in huge pages of the kernel's pool, which the kernel leaves out of RSS."""

    POOL = "/proc/sys/vm/nr_hugepages"
    PAGES = 48

    def read_pool(self):
        with open(self.POOL) as file:
            return int(file.read())

    def set_pool(self, pages):
        try:
            with open(self.POOL, "w") as file:
                file.write(f"{pages}\n")
        except OSError:
            pass
        return self.read_pool() >= pages

    def setUp(self):
        if not os.path.exists(self.POOL):
            self.skipTest("no huge pages here")
        # The pool is the machine's: one test at a time changes it.
        pool = open(self.POOL)
        self.addCleanup(pool.close)
        fcntl.flock(pool, fcntl.LOCK_EX)
        if self.read_pool():
            self.skipTest("somebody has a pool of huge pages here, who may need it")
        self.addCleanup(self.set_pool, 0)
        if not self.set_pool(self.PAGES):
            self.skipTest("no pool of huge pages can be had here")

    def pool_bytes(self, target):
        with open(f"/proc/{target.process.pid}/smaps_rollup") as file:
            return sum(int(line.split()[1]) << 10 for line in file if "_Hugetlb:" in line)

    def test_memory_of_the_pool(self):
        with shape(["env", "GLIBC_TUNABLES=glibc.malloc.hugetlb=2", *THIS], "lists") as target:
            pool = self.pool_bytes(target)
            if not pool:
                self.skipTest("this glibc does not ask for huge pages")
            self.assertGreater(pool, 16 << 20)
            said, least, most = target.mem_and_rss()
            self.assertGreaterEqual(said["rss_bytes"], least + pool)
            self.assertLessEqual(said["rss_bytes"], most + pool)
            self.assertEqual(sum(said["by_part"].values()), said["rss_bytes"])
            self.assertGreaterEqual(said["explained_ratio"], EXPLAINED_MIN, said["by_part"])
            self.assertGreaterEqual(said["by_part"]["objects"], 10 * 400000 * 8, said["by_part"])
            self.assertEqual(said["mode"], "clone")
            # What a clone would copy on write is not there any more.
            self.set_pool(pool >> 21)
            self.assertEqual(target.mem()["mode"], "freeze")
            done = subprocess.run([SHIKARI, "doctor", "--json", str(target.process.pid)],
                                  capture_output=True, text=True, check=False)
            checks = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
            self.assertEqual(checks["clone"]["status"], "warn", checks["clone"])
            self.assertIn("huge pages", checks["clone"]["why"])
            self.assertEqual(target.mem()["by_part"]["objects"], said["by_part"]["objects"])


class HuntTest(unittest.TestCase):
    """What hunt makes of them: the kind of leak, or why there is none."""

    SECONDS = 6
    # Shape: verdict, and the kind of the first suspect or the reason.
    EXPECTED = {
        ("cycles", "steadily"): ("leak", "garbage-cycles"),
        ("references", "steadily"): ("leak", "unexplained-references"),
        ("native", "steadily"): ("leak", "native"),
        ("fragmented",): ("no-leak", "kept"),
        ("malloc_burst",): ("no-leak", "kept"),
        ("lru_cache",): ("no-leak", "bounded"),
    }
    LRU_CACHE = os.path.join(HERE, "corpus", "healthy_lru_cache_warming.py")

    def hunt(self, arguments):
        program = [self.LRU_CACHE] if arguments[0] == "lru_cache" else [SHAPES, *arguments]
        process = subprocess.Popen([*THIS, *program], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        try:
            # A program of the corpus is ready before it is warm.
            while process.stdout.readline() not in ("ready\n", "warm\n"):
                self.assertIsNone(process.poll())
            done = subprocess.run(
                [SHIKARI, "hunt", "--json", "--for", str(self.SECONDS), "--snapshots", "3",
                 str(process.pid)],
                capture_output=True, text=True, check=False)
        finally:
            process.kill()
            process.communicate()
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stderr}")
        return json.loads(done.stdout)

    def hunt_files(self, name, steps=(0, 0)):
        """Hunt in three files of a shape, between which it grew by so many steps."""
        with tempfile.TemporaryDirectory() as folder, shape(THIS, name) as target:
            paths = [os.path.join(folder, f"{number}.shk") for number in range(3)]
            for path, count in zip(paths, (0, *steps)):
                for _ in range(count):
                    target.ask(f"grow_{name}")
                target.snap(path)
            done = subprocess.run([SHIKARI, "hunt", "--json", *paths], capture_output=True, text=True,
                                  check=False)
        if done.returncode:
            raise AssertionError(f"{name}: {done.stderr}")
        return json.loads(done.stdout)

    def test_files_say_the_same(self):
        """What needs figures of memory: in three files of a process there are such."""
        native = self.hunt_files("native", (1, 1))
        self.assertEqual((native["verdict"], [found["kind"] for found in native["suspects"]]),
                         ("leak", ["native"]), native["summary"])
        self.assertEqual(native["suspects"][0]["items"][0]["type"], "block of 3000 bytes")
        series = native["memory"]["parts"]["c-other"]
        self.assertEqual(len(series), 3)
        # 2000 blocks each time, of 3000 bytes and a head.
        self.assertLessEqual(abs(series[2] - series[0] - 4000 * 3008), 256 << 10)
        fragmented = self.hunt_files("fragmented")
        self.assertEqual((fragmented["verdict"], fragmented["reason"]), ("no-leak", "kept"),
                         fragmented["summary"])

    def test_what_comes_and_goes(self):
        """Emptied at 200,000 items: seen on its way up only, nothing tells it from a leak."""
        emptied = self.hunt_files("sawtooth", (10, 15))
        self.assertEqual((emptied["verdict"], emptied["reason"]), ("no-leak", "comes-and-goes"),
                         emptied["summary"])
        rising = self.hunt_files("sawtooth", (8, 8))
        self.assertEqual((rising["verdict"], rising["suspects"][0]["path"]),
                         ("leak", "__main__.KEEP[0]"), rising["summary"])

    def test_kinds_and_reasons(self):
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            answers = dict(zip(self.EXPECTED, pool.map(self.hunt, self.EXPECTED)))
        for shape_of, (verdict, what) in self.EXPECTED.items():
            answer = answers[shape_of]
            with self.subTest(shape_of[0]):
                self.assertEqual(answer["verdict"], verdict, answer["summary"])
                found = answer["suspects"][0]["kind"] if verdict == "leak" else answer["reason"]
                self.assertEqual(found, what, answer["summary"])
                series = answer["memory"]["parts"]["objects"]
                self.assertEqual(len(series), len(answer["snapshots"]))
        cycles = answers["cycles", "steadily"]["suspects"][0]
        self.assertIn("__main__.Node", " ".join(cycles["evidence"]))
        native = answers["native", "steadily"]["suspects"][0]
        self.assertEqual(native["items"][0]["type"], "block of 3000 bytes")
        references = answers["references", "steadily"]["suspects"][0]
        self.assertIn("list", [item["type"] for item in references["items"]])


if __name__ == "__main__":
    unittest.main()
