#!/usr/bin/env python3
"""The corpus of Node programs that send twice, behind the real binary: a line a difference, and `N right, N wrong` at the end.

    corpus.py [--traces] [--defaults] [PATTERN]...     only the recordings whose name contains one of the patterns

Each HTTP/1 recording of the corpus folder, one a case and one for every version of Node that tells another story, is served by
the corpus's own replay.py with the recorded timing, and asked as its recorder asked. What SendOnce records must be the `!` lines
of the trace of that name in Tests/Traces/http1: kind, certainty, guilty exchange, surplus bytes, fields, victim. The client must
get its own whole answer or a visibly cut one, and not one byte more.

--traces plays the traces themselves instead (no corpus folder is needed). By default every request of a recording goes out on the
connection that had served the one before, as it was recorded; --defaults leaves the guards on, so that a recording's later
requests may be moved away from it: then only what was recorded before can be told, and must not be more than expected.

CORPUS_DIR is the folder (default: ../shared/corpus beside the checkout), SENDONCE the binary, AT_ONCE how many at a time (24).
"""

import argparse
import concurrent.futures
import contextlib
import importlib.util
import io
import json
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time

import configuration
import harness
import recordings

AS_RECORDED = {"max": 1, "reuse": "always"}


def corpus_folder():
    return pathlib.Path(os.environ.get("CORPUS_DIR", recordings.ROOT.parent / "shared/corpus"))


def case_folder(folder, name):
    """A trace's case: NAME, or NAME/nodeNN for NAME.nodeNN."""
    case, _, version = name.partition(".")
    return folder / case / version if version else folder / case


def load_replay(folder):
    spec = importlib.util.spec_from_file_location("replay", folder / "replay.py")
    replay = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(replay)
    return replay


def replayed(replay, case):
    """Serves a case once; returns its address."""
    there, port = threading.Event(), []

    def ready(number):
        port.append(number)
        there.set()

    def serve():
        try:
            replay.serve(str(case), 0, once=True, ready=ready)
        except OSError:
            pass  # the proxy hung up
    threading.Thread(target=serve, daemon=True).start()
    if not there.wait(10):
        raise RuntimeError(f"replay.py does not serve {case}")
    return f"127.0.0.1:{port[0]}"


def run(traces, address_of, *, connections=AS_RECORDED, at_once=24, workers=1):
    """Every trace through one proxy: [(trace, incidents, answers, complaints)]."""
    directory = tempfile.mkdtemp(prefix="sendonce-")
    try:
        addresses = [address_of(trace) for trace in traces]
        config = configuration.configuration(
            None, directory, workers_=workers, incidents={"quarantine": {"for": "10s"}},
            **recordings.settings(traces, addresses, connections))
        proxy = harness.SendOnce(directory, config)
        try:
            with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
                # The longest first: they would otherwise be waited for in the end.
                order = sorted(range(len(traces)), key=lambda n: -traces[n].lasts)
                asked = dict(zip(order, pool.map(lambda n: recordings.ask(traces[n], n, proxy.address), order)))
            # What a connection is listened to after its last byte.
            time.sleep(0.3)
        finally:
            status = proxy.stop()
        if status != 0:
            raise AssertionError(f"the proxy ended with {status}:\n{proxy.log[-3000:]}")
        found = proxy.incidents()
        return [(trace, [i for i in found if i["route"] == f"t{n}"], *asked[n]) for n, trace in enumerate(traces)]
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def judge(trace, incidents, answers, complaints):
    return (complaints + recordings.judge_answers(trace, answers) + recordings.judge_incidents(trace, incidents, answers))


def judge_guarded(trace, incidents, answers, complaints):
    """With the guards on, later requests may have left the connection: nothing is told that was not expected."""
    expected = [(one["kind"], one["certainty"], one["exchange"]) for one in trace.expected]
    for incident in incidents:
        line = recordings.told(incident)
        if (line["kind"], line["certainty"], line.get("exchange")) not in expected:
            complaints.append(f"recorded: {line}\n        expected: {trace.expected}")
    if not trace.expected:
        complaints += recordings.judge_answers(trace, answers, guarded=True)
    return complaints


def traces_named(patterns):
    found = [recordings.Trace(path) for path in sorted(recordings.TRACES.glob("*.trace"))]
    return [t for t in found if not patterns or any(pattern in t.name for pattern in patterns)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", action="store_true")
    parser.add_argument("--defaults", action="store_true")
    parser.add_argument("patterns", nargs="*")
    arguments = parser.parse_args()
    traces = traces_named(arguments.patterns)
    unreachable = [trace for trace in traces if trace.pipelined]
    traces = [trace for trace in traces if not trace.pipelined]
    if arguments.traces:
        def address_of(trace):
            return recordings.Player(trace).address
    else:
        folder = corpus_folder()
        if not (folder / "replay.py").exists():
            sys.exit(f"no corpus at {folder}: set CORPUS_DIR, or use --traces")
        replay = load_replay(folder)
        absent = [trace.name for trace in traces if not (case_folder(folder, trace.name) / "timeline.json").exists()]
        if absent:
            sys.exit(f"not in the corpus: {' '.join(absent)}")

        def address_of(trace):
            case = case_folder(folder, trace.name)
            if trace.is_answered_early or json.loads((case / "timeline.json").read_text())["truncated"]:
                # replay.py waits for the rest of an upload that a proxy need not send any more; or it has not all the bytes.
                return recordings.Player(trace).address
            with contextlib.redirect_stdout(io.StringIO()):
                return replayed(replay, case)
    began = time.monotonic()
    options = {"connections": {}} if arguments.defaults else {}
    judgement = judge_guarded if arguments.defaults else judge
    at_once, again, results, incidents, accused = int(os.environ.get("AT_ONCE", "24")), traces, {}, 0, set()
    # On a busy machine a recording may be played too slowly: those that go wrong are played again, with more room.
    for _ in range(3):
        for trace, told, answers, complaints in run(again, address_of, at_once=at_once, **options):
            incidents += len(told)
            results[trace.name] = judgement(trace, told, answers, complaints)
            if told and not trace.expected:
                accused.add(trace.name)
        again, at_once = [trace for trace in traces if results[trace.name]], 2
        if not again:
            break
        print(f"once more: {' '.join(trace.name for trace in again)}")
    for name, complaints in results.items():
        for complaint in complaints:
            print(f"WRONG   {name}: {complaint}")
    wrong = len(again)
    for trace in unreachable:
        print(f"not reachable, its client pipelined: {trace.name}")
    print(f"\n{incidents} incidents in {time.monotonic() - began:.0f} s; {len(accused)} of "
          f"{sum(not t.expected for t in traces)} recordings without an incident accused\n"
          f"{len(results) - wrong} right, {wrong} wrong")
    sys.exit(0 if wrong == 0 and results else 1)


if __name__ == "__main__":
    main()
