# SPDX-FileCopyrightText: 2026 The shikari authors
# SPDX-License-Identifier: Apache-2.0
"""A process that is still starting: modules come in bursts, and libraries fill their caches."""

import importlib
import time

from workload import WARM_UP, announce, warm

MODULES = """xml.dom.minidom http.server unittest.mock asyncio multiprocessing.pool sqlite3 decimal
    fractions ctypes.util concurrent.futures logging.handlers argparse tarfile zipfile urllib.request
    ssl json pdb doctest difflib inspect email.mime.text wsgiref.simple_server xmlrpc.client
    importlib.metadata distutils.core lib2to3.main pydoc turtledemo cProfile imaplib ftplib smtplib
    telnetlib nntplib poplib mailbox curses.ascii plistlib configparser statistics zoneinfo
    graphlib tomllib venv ensurepip idlelib.config""".split()

announce()
time.sleep(WARM_UP)
warm()
while True:
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # not all are installed everywhere
        time.sleep(0.2)
