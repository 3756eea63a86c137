#!/usr/bin/env python3
"""Runs the end-to-end tests: a line a test, and `N passed, N failed` at the end.

    run.py [PATTERN]...     only the tests whose name contains one of the patterns

SENDONCE is the binary (default: .build/release/sendonce). Classes run two at a time; those that measure run alone, afterwards,
or with E2E_NO_MEASURING (scripts/sanitize) not at all, as those that harness.not_sanitized marks.
"""

import concurrent.futures
import os
import pathlib
import resource
import sys
import threading
import time
import traceback
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "support"), str(HERE.parents[1] / "scripts/tools")]

import harness  # noqa: E402

TESTS = str(HERE / "tests")
AT_ONCE = 2
WATCHDOG_SECONDS = int(os.environ.get("E2E_WATCHDOG_SECONDS", 20 * 60))
WHY_CHARACTERS_MAX = 500


class Results(unittest.TestResult):
    """Prints each test as it ends; safe to share between threads, because every class has its own and they share the lock."""

    lock = threading.Lock()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    failures_told = []

    def startTest(self, test):
        self.started = time.monotonic()
        self.problems = []
        self.skipped_because = None

    def addError(self, test, error):
        self._problem(test, error)

    def addFailure(self, test, error):
        self._problem(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._problem(subtest, error)

    def addSkip(self, test, reason):
        self.skipped_because = reason
        if not isinstance(test, unittest.TestCase):
            self._tell("skipped", test, f"  ({reason})")

    def _problem(self, test, error):
        text = f"{test.id()}\n" + "".join(traceback.format_exception(*error))
        self.why = traceback.format_exception_only(*error[:2])[-1].strip().split("\n")[0][:WHY_CHARACTERS_MAX]
        if isinstance(test, unittest.TestCase):
            self.problems.append(text)
        else:
            # A class that could not be set up: none of its tests run.
            self.started = time.monotonic()
            self._tell("failed", test, "", text)

    def stopTest(self, test):
        if self.problems:
            diagnosis = getattr(test, "diagnosis", str)()
            self._tell("failed", test, "", "\n".join(self.problems) + diagnosis)
        elif self.skipped_because:
            self._tell("skipped", test, f"  ({self.skipped_because})")
        else:
            self._tell("passed", test)

    def _tell(self, verdict, test, remark="", detail=None):
        word = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[verdict]
        with self.lock:
            self.counts[verdict] += 1
            print(f"{word:<8} {time.monotonic() - self.started:6.2f} s  {test.id()}{remark}", flush=True)
            if detail:
                print("    " + detail.rstrip().replace("\n", "\n    "), flush=True)
                # Once more at the end, where whoever keeps only the end of a log finds it.
                self.failures_told.append(f"{test.id()}: {self.why}")


def classes(suite):
    """The tests by class, in the order in which they were found."""
    found = {}
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            for name, tests in classes(test).items():
                found.setdefault(name, []).extend(tests)
        else:
            found.setdefault(type(test), []).append(test)
    return found


def verdict():
    counts = Results.counts
    for name in Results.failures_told:
        print(f"failed: {name}")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"\n{counts['passed']} passed, {counts['failed']} failed{skipped}", flush=True)
    if path := os.environ.get("E2E_RESULT"):
        pathlib.Path(path).write_text(f"{counts['passed']} {counts['failed']}\n")
    return counts["failed"] == 0 and counts["passed"] > 0


def out_of_time():
    Results.counts["failed"] += 1
    Results.failures_told.append(f"the whole run: not done in {WATCHDOG_SECONDS} s")
    verdict()
    os._exit(1)


def main(patterns):
    if not os.access(harness.BINARY, os.X_OK):
        sys.exit(f"no program at {harness.BINARY}: build it with scripts/e2e, or set SENDONCE")
    # Thousands of idle connections are one of the tests; the proxies started here inherit the limit.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    watchdog = threading.Timer(WATCHDOG_SECONDS, out_of_time)
    watchdog.daemon = True
    watchdog.start()

    loader = unittest.TestLoader()
    found = classes(loader.discover(TESTS, pattern="test_*.py", top_level_dir=TESTS))
    if loader.errors:
        sys.exit("\n".join(loader.errors))
    together, alone = [], []
    measuring = not os.environ.get("E2E_NO_MEASURING")
    for case, tests in found.items():
        if patterns:
            tests = [test for test in tests if any(pattern in test.id() for pattern in patterns)]
        if not measuring:
            tests = [test for test in tests if not hasattr(getattr(test, test._testMethodName), "not_sanitized")]
        if tests:
            (alone if getattr(case, "alone", False) else together).append(unittest.TestSuite(tests))
    if not together and not alone:
        sys.exit(f"no test has {' or '.join(patterns)} in its name")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(suite.run, Results()) for suite in together]:
            done.result()
    for suite in alone if measuring else []:
        suite.run(Results())
    sys.exit(0 if verdict() else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
