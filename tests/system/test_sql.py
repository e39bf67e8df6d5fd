#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""Questions in SQL to snapshots of real processes: the same figures as `shikari show` has, by the command and
by the extension in the sqlite3 shell. tests/unit/test_sql.c has the tables on a graph made by hand."""
import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

from targets import BUILD, SECONDS_MAX, TESTS, is_asleep, wait_until

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TESTS, "support"))
import interpreters  # noqa: E402

SHIKARI = os.path.join(BUILD, "shikari")
EXTENSION = os.path.join(BUILD, "src", "sql", "shikari_sqlite")

TARGET = """
import sys
class Thing(object):
    def __init__(self, number):
        self.number = number + 1000
things = [Thing(number) for number in range(500)]
cache = dict(("key%d" % number, [number]) for number in range(300))
while True:
    sys.stdout.write("ready\\n")
    sys.stdout.flush()
    if not sys.stdin.readline():
        break
    things.extend(Thing(number) for number in range(100))
"""


def run(*command, code=0, **more):
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX, check=False, **more)
    if done.returncode != code:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr}")
    return done


def sql(*files_and_question):
    return json.loads(run(SHIKARI, "sql", "--json", *files_and_question).stdout)


def shell(*statements):
    """What the sqlite3 shell prints. A sanitizer in the extension wants to be there before the shell; that the
    shell gives back all memory is not for us to check."""
    libraries = run("ldd", EXTENSION + ".so").stdout.splitlines()
    sanitizers = [line.split()[2] for line in libraries if "libasan" in line]
    return run("sqlite3", "-cmd", f".load {EXTENSION}", ":memory:", *statements, env={
        **os.environ, "LD_PRELOAD": ":".join(sanitizers),
        "ASAN_OPTIONS": "detect_leaks=0"}).stdout


def chosen():
    """The oldest and the newest that there are: what is between has test_snapshot_files.py."""
    found = sorted(interpreters.find(), key=lambda interpreter: interpreter.hexversion)
    return [found[0], found[-1]] if len(found) > 1 else found


class Snapshots(unittest.TestCase):
    """Two snapshots of a process, between which 100 things were added."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sql-")
        self.addCleanup(self.folder.cleanup)

    def take(self, interpreter):
        files = [os.path.join(self.folder.name, name) for name in ("a.shk", "it's b.shk")]
        program = os.path.join(self.folder.name, "target.py")
        with open(program, "w", encoding="ascii") as out:
            out.write(TARGET)
        target = subprocess.Popen(interpreter.command(program), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        try:
            for file in files:
                self.assertEqual(target.stdout.readline(), "ready\n")
                self.assertTrue(wait_until(lambda: is_asleep(target.pid)))
                run(SHIKARI, "snap", target.pid, "-o", file)
                target.stdin.write("more\n")
                target.stdin.flush()
        finally:
            target.kill()
            target.communicate()
        return files

    def check_types(self, file):
        shown = json.loads(run(SHIKARI, "show", "--json", file, "types").stdout)["rows"]
        expected = sorted((row["type"], row["count"], row["bytes"]) for row in shown)
        scanned = sql(file, "SELECT type, count(*) AS n, sum(size) AS bytes FROM objects GROUP BY type")
        counted = sql(file, "SELECT name AS type, sum(objects) AS n, sum(bytes) AS bytes FROM types "
                            "WHERE objects > 0 GROUP BY name")
        for rows in scanned, counted:
            self.assertEqual(sorted((row["type"], row["n"], row["bytes"]) for row in rows), expected)

    def check_references(self, file):
        summary = json.loads(run(SHIKARI, "show", "--json", file, "summary").stdout)["rows"]
        counts = {row["what"]: row["count"] for row in summary}
        self.assertEqual(sql(file, "SELECT count(*) AS n, sum(is_inferred) AS i FROM edges"),
                         [{"n": counts["references"], "i": counts["of them inferred"]}])
        # All that the root retains is what it reaches.
        row, = sql(file, "SELECT (SELECT retained FROM dominators WHERE node = 0) AS retained, "
                         "(SELECT sum(size) FROM objects WHERE is_reachable) AS reached")
        self.assertEqual(row["retained"], row["reached"])

    def check_names(self, file):
        row, = sql(file, "SELECT o.length, p.path, o.retained, o.address FROM objects o JOIN paths p "
                         "ON p.node = o.id WHERE o.type = 'list' AND p.path = '__main__.things'")
        self.assertEqual(row["length"], 500)
        self.assertGreater(row["retained"], 500 * 16)
        self.assertEqual(sql(file, f"SELECT type FROM objects WHERE address = {row['address']}"),
                         [{"type": "list"}])
        row, = sql(file, "SELECT e.kind, e.label FROM objects o JOIN edges e ON e.dst = o.id "
                         "WHERE o.type = 'list' AND o.path = '__main__.cache[''key7'']'")
        self.assertEqual(row, {"kind": "value", "label": "'key7'"})
        self.assertGreater(sql(file, "SELECT count(*) AS n FROM mappings WHERE path LIKE '%libc%'")[0]["n"], 0)

    def check_two(self, files):
        question = ("SELECT name, b.objects - a.objects AS more FROM {} a JOIN {} b USING (name) "
                    "WHERE name = '__main__.Thing'")
        expected = [{"name": "__main__.Thing", "more": 100}]
        self.assertEqual(sql(*files, question.format("a.types", "b.types")), expected)
        words = ["'" + file.replace("'", "''") + "'" for file in files]
        tables = [f"shikari_types({word})" for word in words]
        self.assertEqual(sql(*files, question.format(*tables)), expected)
        self.assertEqual(shell(question.format(*tables)), "__main__.Thing|100\n")
        row, = sql(files[0], "SELECT objects FROM types WHERE name = '__main__.Thing'")
        self.assertEqual(
            shell(f"CREATE VIRTUAL TABLE temp.objects USING shikari_objects({words[0]})",
                  "SELECT count(*) FROM objects WHERE type = '__main__.Thing'"),
            f"{row['objects']}\n")

    def test_answers_are_those_of_show(self):
        for interpreter in chosen():
            with self.subTest(interpreter=interpreter.name):
                files = self.take(interpreter)
                self.check_types(files[0])
                self.check_references(files[0])
                self.check_names(files[0])
                self.check_two(files)


class Command(unittest.TestCase):
    """What it prints, and what it refuses."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="sql-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.file = os.path.join(cls.folder.name, "a.shk")
        target = subprocess.Popen([sys.executable, "-c", TARGET], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        try:
            target.stdout.readline()
            assert wait_until(lambda: is_asleep(target.pid))
            run(SHIKARI, "snap", target.pid, "-o", cls.file)
            cls.live = sql(target.pid, "SELECT objects FROM types WHERE name = '__main__.Thing'")
        finally:
            target.kill()
            target.communicate()

    def test_a_process_is_asked_as_a_file_is(self):
        self.assertEqual(self.live, sql(self.file, "SELECT objects FROM types WHERE name = '__main__.Thing'"))

    def test_formats(self):
        question = "SELECT 'a,\"b' AS x, 1 AS n, NULL AS \"no\" UNION ALL SELECT x'0aff', 20.5, 'ü'"
        self.assertEqual(run(SHIKARI, "sql", self.file, question).stdout,
                         "x        n  no\na,\"b     1  \n0aff  20.5  ü\n")
        self.assertEqual(sql(self.file, question),
                         [{"x": "a,\"b", "n": 1, "no": None}, {"x": "0aff", "n": 20.5, "no": "ü"}])
        text = run(SHIKARI, "sql", "--csv", self.file, question).stdout
        self.assertEqual(list(csv.reader(io.StringIO(text))),
                         [["x", "n", "no"], ["a,\"b", "1", ""], ["0aff", "20.5", "ü"]])
        self.assertEqual(sql(self.file, "SELECT 1 WHERE 0"), [])

    def test_wrong_questions_are_refused_in_a_line(self):
        for question in ("SELEC 1", "SELECT x FROM objects", "DELETE FROM objects", "ATTACH 'x' AS y",
                         "SELECT 1; SELECT 2", "", "SELECT * FROM shikari_types('/etc/passwd')"):
            with self.subTest(question=question):
                done = run(SHIKARI, "sql", self.file, question, code=2, cwd=self.folder.name)
                self.assertEqual(done.stdout, "")
                self.assertRegex(done.stderr, r"\Ashikari: [^\n]+\n\Z")
        self.assertEqual(os.listdir(self.folder.name), ["a.shk"])
        run(SHIKARI, "sql", self.file, code=2)

    def test_a_harmed_file_says_so(self):
        harmed = os.path.join(self.folder.name, "harmed")
        with open(self.file, "rb") as file:
            content = bytearray(file.read())
        self.addCleanup(os.remove, harmed)
        for place in range(64, len(content), len(content) // 40):
            content[place] ^= 0xff
        with open(harmed, "wb") as file:
            file.write(content)
        done = subprocess.run([SHIKARI, "sql", harmed, "SELECT count(path) FROM objects"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=SECONDS_MAX, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_an_endless_question_is_interrupted(self):
        endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
        asked = subprocess.Popen([SHIKARI, "sql", "--csv", self.file, endless], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL)
        try:
            self.assertTrue(asked.stdout.read(1000))
            asked.send_signal(signal.SIGINT)
            asked.stdout.read()
            self.assertEqual(asked.wait(SECONDS_MAX), 128 + signal.SIGINT)
        finally:
            asked.kill()
            asked.stdout.close()
            asked.wait()


if __name__ == "__main__":
    unittest.main()
