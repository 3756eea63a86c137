#!/usr/bin/env python3
"""The same bytes through SendOnce to Node's parser, and to nginx, HAProxy and Node without it: is there ever a second view of one message?

    differential.py [-n MUTATIONS] [--seed SEED] [--show CASE]

Requests (Tests/Differential/requests.txt, and MUTATIONS of them) go to SendOnce, behind which Node tells what it reads. Held:

    each request that Node reads is one that SendOnce's access log has, with the same method, target and length of body, and no other
    what SendOnce writes upstream is read alike by one strict reading, by Node, by Node's lenient parser, by nginx and by HAProxy
    the access log's answered requests are the ones that Node has read to their ends

Answers (answers.txt, and as many mutations) come from an upstream; Node's client is the one who asks. Held: Node, one strict reading of
the bytes and the access log agree on status, body and whether it is whole; nothing comes after it.

What nginx, HAProxy and Node make of the list's bytes without SendOnce is compared too. A difference has to stand in
Tests/Differential/differences.txt with its reason, and what stands there has to be seen. Ends with 1 when anything of this is not so.
"""

import argparse
import collections
import fnmatch
import sys
import time

import wire_cases
from wire_answers import Answers
from wire_requests import Requests

TABLE = wire_cases.FOLDER / "differences.txt"


def table():
    """The explained differences: (what, program, pattern of cases, relation, reason)."""
    rows = []
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            facts, reason = line.split(": ", 1)
            rows.append((*facts.split(), reason))
    return rows


def fits(case, patterns):
    return any(fnmatch.fnmatchcase(case, pattern) for pattern in patterns.split(","))


def explain(differences):
    """The differences that no row explains, and the rows that explain nothing."""
    rows = table()
    used, unexplained = set(), []
    for what, program, case, relation, facts in differences:
        fitting = [row for row in rows if row[:2] == (what, program) and row[3] == relation and fits(case, row[2])]
        used.update(fitting)
        if not fitting:
            unexplained.append(f"{what} {program} {case} {relation}: {facts}")
    return unexplained, [" ".join(row[:4]) for row in rows if row not in used and not row[4].startswith("sometimes, ")]


def run(mutations, seed, tell=print):
    """Everything once; the faults found, in words."""
    faults, differences = [], []
    for what, kind in (("request", Requests), ("answer", Answers)):
        begun = time.monotonic()
        cases = wire_cases.load(f"{what}s.txt")
        comparison = kind(cases, wire_cases.mutations(cases, mutations, seed))
        faults += comparison.faults
        differences += comparison.differences
        tell(f"{what}s: {len(cases)} cases and {mutations} mutations in {time.monotonic() - begun:.0f} s; {comparison.summary}")
    unexplained, unused = explain(differences)
    kinds = collections.Counter(f"{program} {relation}" for _, program, _, relation, _ in differences)
    tell(f"differences explained: {len(differences) - len(unexplained)} ({', '.join(f'{kind} {count}' for kind, count in sorted(kinds.items()))})")
    faults += [f"not explained: {one}" for one in unexplained]
    faults += [f"explained, but not seen: {one}" for one in unused]
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-n", type=int, default=2000, metavar="MUTATIONS", help="how many mutated requests, and answers (2000)")
    parser.add_argument("--seed", type=lambda text: int(text, 0), default=1, help="the first mutation's seed (1)")
    parser.add_argument("--show", metavar="CASE", help="only print a case's bytes, of requests and of answers")
    arguments = parser.parse_args()
    if arguments.show:
        for name in ("requests.txt", "answers.txt"):
            cases = wire_cases.load(name)
            if arguments.show.startswith("0x"):
                cases = wire_cases.mutations(cases, 1, int(arguments.show, 0))
            if arguments.show in cases:
                print(name, cases[arguments.show])
        return
    faults = run(arguments.n, arguments.seed)
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"\n{len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
