#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Snapshot files of real processes, on every CPython that is found: what comes back is what was there, and
a file that was harmed says so."""
import collections
import concurrent.futures
import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

import test_core
from targets import BUILD, TESTS, is_asleep, status, wait_until

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TESTS, "support"))
import interpreters  # noqa: E402

SHIKARI = os.path.join(BUILD, "shikari")
CHECK = os.path.join(BUILD, "tests", "support", "file-check")
SECONDS_MAX = 300
AT_A_TIME = 2
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": os.environ.get("HOME", "/"),
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
}

# Objects of every kind there is, in threads, generators and frames: those of test_truth.py.
ZOO = """
import os, shutil, sys, tempfile, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
import truth_zoo
directory = tempfile.mkdtemp(prefix="zoo-")
try:
    zoo = truth_zoo.build(directory)
finally:
    shutil.rmtree(directory)

def observed():
    os.write(1, ("ready %d\\n" % os.getpid()).encode())
    os.read(0, 1)

truth_zoo.observe_within(observed)
os._exit(0)
"""

# A list that grows, and one that does not; each line of input is a step.
LEAK = """
import sys
class Registry(object):
    entries = []
    settled = list(range(1000))
def step():
    for _ in range(500):
        Registry.entries.append(("session", [len(Registry.entries)] * 3))
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
step()
while sys.stdin.readline():
    step()
"""


@contextlib.contextmanager
def running(command):
    """The PID of a process that has said "ready", and the process."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            start_new_session=True)
        try:
            line = process.stdout.readline()
            if not line.startswith(b"ready"):
                log.seek(0)
                raise AssertionError(f"the target does not start: {log.read()[-2000:]!r}")
            words = line.split()
            pid = int(words[1]) if len(words) > 1 else process.pid
            # Not in the midst of what it does until it waits: all who look are to see the same.
            assert wait_until(lambda: is_asleep(pid))
            yield pid, process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()
            process.stdin.close()
            process.stdout.close()


def run(*command):
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


def check_round_trip(interpreter, folder):
    path = os.path.join(folder, interpreter.name.replace(" ", "-") + ".shk")
    with running(interpreter.command("-c", ZOO, os.path.join(TESTS, "system"))) as (pid, _):
        return run(CHECK, str(pid), path)


class RoundTrip(unittest.TestCase):
    def test_everything_that_can_be_asked_comes_back(self):
        found = interpreters.chosen()
        with tempfile.TemporaryDirectory() as folder, \
                concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            results = list(pool.map(lambda one: check_round_trip(one, folder), found))
        for interpreter, result in zip(found, results):
            with self.subTest(interpreter.name):
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                print(f"# {interpreter.name}: {result.stdout.strip()}", file=sys.stderr)
                words = result.stdout.split()
                figures = dict(zip(words[::2], map(int, words[1::2])))
                for name in ("labels", "names", "files", "lengths", "bounds", "free_variables", "roots"):
                    self.assertGreater(figures[name], 0, name)
                self.assertGreater(figures["labels"], 0.03 * figures["references"])
                self.assertEqual(figures["nameless"], 0)


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def snap(self, pid, name, *options):
        result = run(SHIKARI, "snap", str(pid), "-o", self.path(name), *options)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return self.path(name)

    def snap_idle(self, name="a.shk", *options):
        with running([sys.executable, "-I", "-S", "-c", LEAK]) as (pid, _):
            return self.snap(pid, name, *options)

    def test_the_file_is_its_owners_alone_and_nothing_else_is_left(self):
        os.umask(os.umask(0))
        path = self.snap_idle()
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(os.listdir(self.folder.name), ["a.shk"])

    def test_a_file_that_cannot_be_written_leaves_nothing(self):
        with running([sys.executable, "-I", "-S", "-c", LEAK]) as (pid, _):
            os.mkdir(self.path("taken"))
            result = run(SHIKARI, "snap", str(pid), "-o", self.path("taken"))
            self.assertEqual(result.returncode, 3)
            self.assertIn("cannot write", result.stderr)
            result = run(SHIKARI, "snap", str(pid), "-o", self.path("none/a.shk"))
            self.assertEqual(result.returncode, 3)
        self.assertEqual(os.listdir(self.folder.name), ["taken"])

    def test_contents_stay_out_unless_asked_for(self):
        # Made up while it runs: the command line is no object's contents, and is kept.
        secret = "a secret that nobody may read"
        code = LEAK.replace('"session"', "'a secret %s may read' % 'that nobody'").replace(
            "entries = []", "entries = []; accounts = {987654320 + 1: 'x', ('plain', 987650000 + 4321): 'y'}")
        with running([sys.executable, "-I", "-S", "-c", code]) as (pid, _):
            self.snap(pid, "a.shk")
            self.snap(pid, "b.shk", "--values")
        texts = [run(CHECK, "--texts", self.path(name)).stdout
                 for name in ("a.shk", "b.shk")]
        self.assertTrue("'entries'" in texts[0])
        self.assertFalse(secret in texts[0], "the secret is in the file")
        self.assertFalse("987654321" in texts[0], "a number is in the file")
        self.assertTrue("('plain', 987654321)" in texts[1])
        self.assertTrue(secret in texts[1])

    def test_a_harmed_file_is_an_error_and_says_what(self):
        with open(self.snap_idle(), "rb") as file:
            content = file.read()
        cases = {
            "head": (content[:40], "is truncated"),
            "half": (content[:len(content) // 2], "is truncated"),
            "end": (content[:-1], "is truncated"),
            "longer": (content + b"\0", "is truncated"),
            "header": (content[:30] + bytes([content[30] ^ 1]) + content[31:], "was changed"),
            "directory": (content[:-9] + bytes([content[-9] ^ 1]) + content[-8:], "was changed"),
        }
        for name, (harmed, words) in cases.items():
            with self.subTest(name):
                with open(self.path(name), "wb") as file:
                    file.write(harmed)
                result = run(SHIKARI, "show", self.path(name))
                self.assertEqual(result.returncode, 3)
                self.assertIn(words, result.stderr)
                self.assertIn(self.path(name), result.stderr)

    def test_any_changed_byte_is_noticed(self):
        path = self.snap_idle()
        with open(path, "rb") as file:
            content = file.read()
        for i in range(24):
            place = 64 + (len(content) - 64) * i // 24
            with self.subTest(place=place):
                with open(self.path("changed"), "wb") as file:
                    file.write(content[:place] + bytes([content[place] ^ 0x40]) + content[place + 1:])
                # Which reads all that there is in a file.
                result = run(SHIKARI, "mem", self.path("changed"))
                self.assertEqual(result.returncode, 3, result.stdout)
                self.assertIn("was changed", result.stderr)

    def test_a_newer_format_is_refused_as_such(self):
        with open(self.snap_idle(), "rb") as file:
            content = file.read()
        with open(self.path("newer"), "wb") as file:
            file.write(content[:8] + b"\x63\0\0\0\x62\0\0\0" + content[16:])
        result = run(SHIKARI, "show", self.path("newer"))
        self.assertEqual(result.returncode, 4)
        self.assertIn("version 99", result.stderr)

    def test_a_hunt_in_three_files_finds_what_grows(self):
        paths = []
        with running([sys.executable, "-I", "-S", "-c", LEAK]) as (pid, process):
            for i in range(3):
                paths.append(self.snap(pid, f"{i}.shk"))
                process.stdin.write(b"\n")
                process.stdin.flush()
                process.stdout.readline()
        result = run(SHIKARI, "hunt", "--json", *paths)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        answer = json.loads(result.stdout)
        self.assertEqual(answer["verdict"], "leak")
        self.assertEqual([one["path"] for one in answer["suspects"]], ["__main__.Registry.entries"])
        self.assertEqual(answer["suspects"][0]["growth"]["last"], 1500)
        self.assertEqual(len(answer["snapshots"]), 3)
        # In whatever order they are given.
        again = json.loads(run(SHIKARI, "hunt", "--json", *reversed(paths)).stdout)
        self.assertEqual(answer["suspects"], again["suspects"])

    def test_a_diff_says_what_is_new_and_gone(self):
        code = "class Kept(object):\n    pass\n" + LEAK.replace("def step():", CHANGE)
        with running([sys.executable, "-I", "-S", "-c", code]) as (pid, process):
            first = self.snap(pid, "a.shk")
            process.stdin.write(b"\n")
            process.stdin.flush()
            process.stdout.readline()
            last = self.snap(pid, "b.shk")
        rows = {row["type"]: row for row in json.loads(run(SHIKARI, "diff", "--json", first, last).stdout)["rows"]}
        kept = rows["__main__.Kept"]
        self.assertEqual((kept["growth_count"], kept["trend"]), (-200, "1,000 → 800"))
        # New ones may be where old ones were; no more than that is uncertain.
        self.assertEqual(kept["new"] - kept["gone"], -200)
        self.assertTrue(200 <= kept["gone"] <= 300, kept)
        self.assertGreaterEqual(rows["list"]["new"], 500)
        self.assertGreaterEqual(rows["list"]["growth_count"], 500)
        same = json.loads(run(SHIKARI, "diff", "--json", first, first).stdout)["rows"]
        self.assertEqual(same, [])
        back = {row["type"]: row for row in json.loads(run(SHIKARI, "diff", "--json", last, first).stdout)["rows"]}
        for name, row in rows.items():
            self.assertEqual((row["new"], row["gone"], row["fingerprint"], -row["growth_bytes"]),
                             (back[name]["gone"], back[name]["new"], back[name]["fingerprint"],
                              back[name]["growth_bytes"]))
        for condition, code in {"growth>1k": 1, "growth>1G": 0, "objects>100": 1, "objects>1M": 0,
                                "growth>": 2, "size>1": 2, "growth>1Q": 2}.items():
            with self.subTest(condition):
                self.assertEqual(run(SHIKARI, "diff", "--fail-if", condition, first, last).returncode, code)
        for by, count in {"holder": 500, "container": 500}.items():
            result = run(SHIKARI, "diff", "--json", "--by", by, first, last)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            places = {row["path"]: row for row in json.loads(result.stdout)["rows"]}
            entries = places["__main__.Registry.entries"]
            self.assertGreaterEqual(entries["growth_count"], count)
            self.assertGreater(entries["growth_bytes"], 500 * 100)
            self.assertIsNone(entries["new"])
        self.assertEqual(places["__main__.kept"]["trend"], "1,000 → 800")
        text = run(SHIKARI, "diff", first, last)
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        self.assertIn("1,000 → 800", text.stdout)

    def test_a_core_gives_the_same_file(self):
        interpreters.require_versions()
        found = {"%d.%d" % interpreter.version[:2]: interpreter for interpreter in interpreters.find()}
        wanted = [found[version] for version in test_core.VERSIONS if version in found]
        self.assertGreater(len(wanted), 0)
        pairs = []
        for interpreter in wanted:
            with self.subTest(interpreter.name):
                pairs.append(self.snap_both(interpreter))
                self.assertEqual(self.differences(*pairs[-1]), [])
                self.assertEqual(self.views(*pairs[-1]), [])
        # It could tell: another version has it all elsewhere.
        if len(pairs) > 1:
            self.assertEqual([table for table, _, _ in self.differences(pairs[0][0], pairs[-1][1])], list(SAME))

    def snap_both(self, interpreter):
        """A file of a process that stands still, and one of its core."""
        name = os.path.join(self.folder.name, interpreter.name.replace(" ", "-"))
        core, files = name + ".core", (name + ".process.shk", name + ".core.shk")
        sysroot = ["--sysroot", interpreter.root] if interpreter.root else []
        # With one worker, of paths that are equally good the same is chosen.
        snap = ["taskset", "-c", str(min(os.sched_getaffinity(0))), SHIKARI, "snap"]
        with running(interpreter.command("-c", test_core.PROGRAM)) as (pid, _):
            os.kill(pid, signal.SIGSTOP)
            self.assertTrue(wait_until(lambda: status(pid, "State") == "T"))
            results = [run(*snap, str(pid), "-o", files[0]),
                       run("gcore", "-a", "-o", core, str(pid)),
                       run(*snap, f"{core}.{pid}", "-o", files[1], *sysroot)]
            os.kill(pid, signal.SIGCONT)
        os.unlink(f"{core}.{pid}")
        self.assertEqual([result.stderr for result in results if result.returncode != 0], [])
        return files

    def rows(self, file, table):
        result = run(SHIKARI, "sql", "--csv", file, SAME[table])
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        rows = collections.Counter(result.stdout.splitlines())
        self.assertGreater(rows.total(), ROWS_MIN[table], table)
        return rows

    def differences(self, first, last):
        """[table, rows that only the first has, rows that only the last has] where there are any."""
        found = []
        for table in SAME:
            one, other = self.rows(first, table), self.rows(last, table)
            if one != other:
                found.append([table, list(one - other)[:3], list(other - one)[:3]])
        return found

    @staticmethod
    def views(first, last):
        """Rows of the command's own views that differ."""
        answers = [json.loads(run(SHIKARI, "diff", "--json", first, last).stdout)["rows"]]
        for view in (("show", "summary"), ("show", "threads"), ("path", "__main__.Rows.kept[7]")):
            pair = [json.loads(run(SHIKARI, view[0], "--json", file, *view[1:]).stdout)["rows"]
                    for file in (first, last)]
            answers.append([row for row in zip(*pair) if row[0] != row[1] and row[0].get("what") != "resident memory"])
        return [answer for answer in answers if answer]

    def test_files_of_two_processes_are_no_hunt(self):
        paths = [self.snap_idle(f"{i}.shk") for i in range(3)]
        result = run(SHIKARI, "hunt", *paths)
        self.assertEqual(result.returncode, 2)
        self.assertIn("two processes", result.stderr)


# At the second step 300 of 1,000 objects go, and 100 come.
CHANGE = """kept = [Kept() for _ in range(1000)]
steps = []
def step():
    steps.append(1)
    if len(steps) == 2:
        del kept[:300]
        kept.extend([Kept() for _ in range(100)])"""

# What there is to say of each row of each table, with addresses for the numbers of objects. Of paths, which take
# longest, a sample.
SAME = {
    "objects": "SELECT address, type, size, length, name, is_tracked, is_container, is_type, is_module, is_static, "
               "is_unexplained, is_uncollectable, retained, is_reachable FROM objects",
    "types": "SELECT t.name, role, objects, bytes, address FROM types t LEFT JOIN objects o ON o.id = node",
    "edges": "SELECT s.address, d.address, number, kind, label, is_inferred FROM edges "
             "JOIN objects s ON s.id = src JOIN objects d ON d.id = dst",
    "roots": "SELECT o.address, kind, r.name, file FROM roots r JOIN objects o ON o.id = node",
    "dominators": "SELECT o.address, i.address, d.retained, depth FROM dominators d "
                  "JOIN objects o ON o.id = node LEFT JOIN objects i ON i.id = idom",
    "paths": "SELECT o.address, p.path, h.address, is_user_code, is_named FROM objects o "
             "JOIN paths p ON p.node = o.id LEFT JOIN objects h ON h.id = parent WHERE o.address / 16 % 8 = 0",
}
ROWS_MIN = {"objects": 10000, "types": 50, "edges": 20000, "roots": 10, "dominators": 10000, "paths": 1000}


# What the views are asked about: each has something to find.
SCENE = """
import gc, sys, threading
gc.disable()
class Node(object):
    pass
class Holder(object):
    pass
class Shared(object):
    pass
class Item(object):
    pass
cache = {"first": Shared()}
log = [None, cache["first"]]
def work(ready, event):
    held = cache["first"]
    payload = [float(i) for i in range(5000)]
    ready.set()
    event.wait()
holder = Holder()
holder.big = [(i, float(i)) for i in range(20000)]
holder.copies = ["".join(["copy", "cat"]) for _ in range(300)]
holder.sparse = dict((i, i) for i in range(2000))
for i in range(1990):
    del holder.sparse[i]
holder.empty = [[] for _ in range(700)]
holder.requests = dict((i, Item()) for i in range(30))
holder.queue = [[Item()] for _ in range(20)]
for _ in range(50):
    a, b = Node(), Node()
    a.peer, b.peer = b, a
del a, b
ready, event = threading.Event(), threading.Event()
thread = threading.Thread(target=work, args=(ready, event), name="worker")
thread.daemon = True
thread.start()
ready.wait()
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
"""
VIEWS = ("types", "modules", "summary", "threads", "roots", "dominators", "garbage", "collections", "strings")


class Views(unittest.TestCase):
    """Of a process and of a file of it: once for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.answers, cls.live = {}, {}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.shk")
            with running([sys.executable, "-I", "-S", "-c", SCENE]) as (pid, _):
                result = run(SHIKARI, "snap", str(pid), "-o", path, "--values")
                assert result.returncode == 0, result.stderr
                for view in ("types", "threads", "garbage", "collections", "strings", "roots"):
                    cls.live[view] = cls.rows(str(pid), view)
            cls.paths = {what: run(SHIKARI, "path", "--json", path, what) for what in (
                "__main__.holder.big[3]", "__main__.holder.empty", "__main__.Node", "list", "__main__.Item",
                "__main__.cache['first']", "no.such.thing", "0x10")}
            cls.path_text = run(SHIKARI, "path", path, "__main__.cache['first']").stdout
            address = json.loads(cls.paths["__main__.holder.big[3]"].stdout)["rows"][0]["what"].split()[-1]
            cls.by_address = run(SHIKARI, "path", "--json", path, address)
            for view in VIEWS:
                cls.answers[view] = cls.rows(path, view)
                text = run(SHIKARI, "show", path, view)
                assert text.returncode == 0 and not text.stderr, text.stderr

    @staticmethod
    def rows(target, view):
        result = run(SHIKARI, "show", "--json", target, view)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)["rows"]

    def row(self, view, **wanted):
        found = [row for row in self.answers[view]
                 if all(row[name] == value for name, value in wanted.items())]
        self.assertEqual(len(found), 1, (view, wanted))
        return found[0]

    def test_a_file_says_what_the_process_says(self):
        for view, rows in self.live.items():
            with self.subTest(view):
                mine = self.answers[view]
                if view == "strings":  # only the file was told to keep texts
                    mine = [{**row, "text": None} for row in mine]
                self.assertEqual(rows, mine)

    def test_types_and_modules_add_up(self):
        self.assertEqual(self.row("types", type="__main__.Node")["count"], 100)
        for name in ("count", "bytes"):
            sums = {sum(row[name] for row in self.answers[view]) for view in ("types", "modules")}
            sums.add(self.row("summary", what="objects")[name])
            self.assertEqual(len(sums), 1, name)
        self.assertGreaterEqual(self.row("modules", module="__main__")["count"], 101)

    def test_threads_hold_what_only_they_hold(self):
        work = self.row("threads", function="__main__.work")
        self.assertEqual(work["thread"], "worker")
        self.assertGreater(work["holds_bytes"], 5000 * (24 + 8))
        self.assertLess(work["holds_bytes"], 5000 * (24 + 16) + 4096)

    def test_dominators_are_a_tree_with_names(self):
        big = self.row("dominators", path="__main__.holder.big")
        self.assertEqual(big["type"], "list")
        self.assertGreater(big["retained_bytes"], 20000 * 80)
        depth = 0
        for row in self.answers["dominators"]:
            self.assertLessEqual(row["depth"], depth + 1)
            depth = row["depth"]

    def test_roots_name_what_they_keep(self):
        modules = self.row("roots", kind="modules")
        self.assertGreater(modules["retained_bytes"], 0)
        self.assertTrue(any(row["kind"] == "frame" and row["name"].startswith("thread 'worker' __main__.work")
                            for row in self.answers["roots"]))

    def test_garbage_is_counted(self):
        self.assertEqual(self.row("garbage", type="__main__.Node", fate="collectable")["count"], 100)

    def test_collections_that_waste(self):
        self.assertGreaterEqual(self.row("collections", type="list", fill="empty")["count"], 700)
        sparse = self.row("collections", type="dict", fill="under half full")
        self.assertGreater(sparse["room"], 2000)
        self.assertGreater(sparse["wasted_bytes"], 40000)

    def section(self, what, name):
        result = self.paths[what]
        self.assertEqual(result.returncode, 0, result.stderr)
        return [row for row in json.loads(result.stdout)["rows"] if row["section"].startswith(name)]

    def test_a_path_says_of_each_reference_what_it_is(self):
        steps = self.section("__main__.holder.big[3]", "held by")
        self.assertEqual(steps[0]["what"], "sys.modules")
        self.assertEqual((steps[-1]["what"], steps[-1]["verdict"]), ("[3]", "suspicious"))
        self.assertIn("20,000 items", steps[-1]["why"])
        self.assertTrue(all(step["verdict"] == "expected" for step in steps[:3]), steps)
        holders = self.section("__main__.holder.big[3]", "all that refers")
        self.assertEqual([row["what"] for row in holders], ["__main__.holder.big [3]"])

    def test_a_path_says_what_would_be_freed(self):
        freed = {row["type"]: row["count"] for row in self.section("__main__.holder.empty", "would be freed")}
        self.assertEqual(freed["list"], 701)
        self.assertEqual(json.loads(self.by_address.stdout)["rows"],
                         json.loads(self.paths["__main__.holder.big[3]"].stdout)["rows"])

    def test_the_objects_of_a_type_are_told_by_how_they_are_held(self):
        groups = self.section("__main__.Node", "100 objects")
        self.assertEqual([(row["what"], row["count"]) for row in groups], [("unreachable", 100)])
        groups = {path: row["count"] for path, row in self.tree("list", "")}
        self.assertEqual(groups["__main__.holder.empty[…]"], 700)

    def tree(self, what, section):
        above = []
        for row in self.section(what, section):
            above[row["depth"]:] = [row["what"]]
            yield "".join(above), row

    def test_the_paths_of_a_type_are_merged(self):
        self.assertEqual([(row["depth"], row["what"], row["type"], row["count"])
                          for _, row in self.tree("__main__.Item", "50 objects")],
                         [(0, "__main__.holder", "__main__.Holder", 50),
                          (1, ".requests[…]", "__main__.Item", 30),
                          (1, ".queue[…][…]", "__main__.Item", 20)])

    def test_all_that_holds_an_object_is_a_tree(self):
        rows = {path: row for path, row in self.tree("__main__.cache['first']", "all ways")}
        self.assertEqual({path: (row["depth"], row["type"], row["count"]) for path, row in rows.items()},
                         {"__main__": (0, "module", 2),
                          "__main__.cache['first']": (1, "__main__.Shared", 1),
                          "__main__.log[1]": (1, "__main__.Shared", 1),
                          "thread 'worker' __main__.work local held": (0, "__main__.Shared", 1)})
        self.assertEqual(rows["thread 'worker' __main__.work local held"]["verdict"], "expected")
        self.assertRegex(self.path_text, r"(?m)^expected +__main__ .*\n"
                                         r"unknown +  \.cache\['first'\] .*\nunknown +  \.log\[1\] ")
        # What has one holder needs no tree.
        self.assertEqual(self.section("__main__.holder.big[3]", "all ways"), [])

    def test_what_is_not_there_is_said(self):
        for what, words in {"no.such.thing": "no type", "0x10": "no object begins"}.items():
            self.assertEqual(self.paths[what].returncode, 3)
            self.assertIn(words, self.paths[what].stderr)

    def test_strings_that_are_there_again_and_again(self):
        copies = self.row("strings", text="copycat")
        self.assertEqual((copies["count"], copies["length"]), (300, 7))
        self.assertTrue(copies["path"].startswith("__main__.holder.copies["), copies)


if __name__ == "__main__":
    unittest.main(testRunner=None if len(sys.argv) > 1 else unittest.TextTestRunner(verbosity=1))
