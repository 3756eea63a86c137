"""The programs of docs/kinds.md, as they stand there: each `Before` yields its kind behind the proxy, no `After` does."""

import pathlib
import re
import subprocess
import time

import upstream
from harness import EndToEndTest, ROOT, wait_for

INTERVAL = re.compile(r"^setInterval\(\(\) => \{\n(.*?)^\}, \d+\);", re.M | re.S)
LISTENS = re.compile(r"\.listen\(3000\)")


def programs():
    """kind: (before, after), from the document."""
    found = {}
    for section in re.split(r"^## ", (ROOT / "docs/kinds.md").read_text(), flags=re.M)[1:]:
        if match := re.match(r"`([a-z_]+)`: ", section):
            found[match[1]] = tuple(
                re.search(rf"^### {title}\n.*?^```js\n(.*?)^```$", section, re.M | re.S)[1] for title in ("Before", "After"))
    return found


class Case:
    """What to ask, what its client gets of each program, and what else is rightly told of the mended one."""

    def __init__(self, before, after, paths=("/",), certainty="proven", also=(), publishes=False, hangs_up=False,
                 **options):
        # (status, body, whole?) of the last path's answer.
        self.before, self.after = before, after
        self.paths = paths
        self.certainty = certainty
        self.also = list(also)
        # Its interval comes when the last path has been asked for, and not when it happens to.
        self.publishes = publishes
        # It hangs up, which counts within 50 ms of the end alone: passed on in one segment with the answer.
        self.hangs_up = hangs_up
        # For the program that is not mended; the other has all the time that it wants.
        self.options = options


CASES = {
    "second_response": Case((200, b"report", True), (200, b"report", True)),
    "header_block_in_body": Case((200, b"id,total\n", False), (200, b"id,total\n", False), also=["truncated_response"]),
    "late_interim": Case((200, b"first part, second part", True), (200, b"first part, second part", True)),
    "body_after_end": Case((200, "héllo wörld".encode()[:11], True), (200, "héllo wörld".encode(), True)),
    "misdelivered_response": Case(
        None, (200, b"your account", True), paths=("/wait", "/account"), certainty="proven", publishes=True,
        connections={"max": 1, "reuse": "always"}, incidents={"quarantine": {"for": "0s"}}),
    "duplicate_field": Case((200, b'{"a":1}', True), (200, b'{"a":1}', True)),
    "conflicting_framing": Case((200, b"hello", True), (200, b"hello", True)),
    "truncated_response": Case((200, b"id,total\n", False), (500, None, True)),
    "stalled_response": Case(
        (200, b"id,total\n", False), (200, b"id,total\n", False), also=["truncated_response"], timeouts={"body_idle": "200ms"}),
    "hangup_after_end": Case(
        (400, b'{"error":"id is missing"}', True), (400, b'{"error":"id is missing"}', True), certainty="suspected",
        hangs_up=True),
    "malformed_message": Case((200, b"hello ", False), (200, b"hello world", True)),
    # Nothing of it reaches the wire: there is nothing for a proxy to record, and the program's own log is the witness.
    "application_double_send": Case((503, b"too slow", True), (503, b"too slow", True)),
}
PROBE_ONLY = "application_double_send"


class Explanations(EndToEndTest):
    def node_of(self, kind, title, source, publishes=False):
        """The program, as it stands there but for its port, and for the moment of its interval."""
        if publishes:
            source, count = INTERVAL.subn(r"function publish() {\n\1}", source)
            self.assertEqual(count, 1, source)
            source = source.replace(
                "}).listen(3000)", "}).on('request', (req) => { if (req.url !== '/wait') publish(); }).listen(3000)")
        told = "listen(0, '127.0.0.1', function () { console.log('LISTENING ' + this.address().port); })"
        source, count = LISTENS.subn("." + told, source)
        self.assertEqual(count, 1, source)
        path = pathlib.Path(self.directory, f"{kind}-{title}.js")
        path.write_text(source)
        return self.node(str(path))

    def ask(self, proxy, case):
        """The last answer, which is always there."""
        with proxy.connect() as one:
            for path in case.paths:
                answer = one.get(path)
                if not answer.complete:
                    break
        return answer

    def assertAnswered(self, answer, expected):
        status, body, whole = expected
        self.assertEqual((answer.status, answer.complete), (status, whole), answer)
        if body is not None:
            self.assertEqual(answer.body, body)

    def before(self, kind):
        case = CASES[kind]
        node = self.node_of(kind, "before", programs()[kind][0], case.publishes)
        address = node.address
        if case.hangs_up:
            ends = upstream.EndsInOneStep(address, case.paths)
            self.addCleanup(ends.stop)
            address = ends.address
        proxy = self.proxy(address, **case.options)

        def told():
            if kind == "misdelivered_response":
                # Found afterwards it is an answer too many: one record, of the surplus, with those whom it may belong to.
                return [incident for incident in proxy.incidents()
                        if incident["kind"] in (kind, "second_response") and incident["client_impact"] == "misdelivered"
                        and case.paths[0] in [one["path"] for one in (incident["request"], *incident.get("candidates", []))]]
            return [incident for incident in proxy.incidents()
                    if incident["kind"] == kind and incident["request"]["path"] == case.paths[0]]
        answer = self.ask(proxy, case)
        if case.before:
            self.assertAnswered(answer, case.before)
        if kind == PROBE_ONLY:
            self.assertIn("ERR_HTTP_HEADERS_SENT", node.process.stderr.readline())
            return self.assertNoIncidents(proxy)
        wait_for(told, lambda: f"a {kind}; recorded: {proxy.incidents()}")
        self.assertIncident(told()[0], certainty=case.certainty)

    def after(self, kind):
        case = CASES[kind]
        options = {name: value for name, value in case.options.items() if name != "timeouts"}
        proxy = self.proxy(self.node_of(kind, "after", programs()[kind][1]).address, **options)
        for _ in range(3):
            self.assertAnswered(self.ask(proxy, case), case.after)
        # What came late would come now: the longest timer in these programs is 60 ms.
        time.sleep(0.15)
        self.assertEqual([incident["kind"] for incident in self.end(proxy)], case.also * 3)

    def test_every_kind_is_tried(self):
        self.assertEqual(set(programs()), set(CASES))


def _tests(kind):
    def before(self):
        if kind == "late_interim" and node_version() >= (24, 19):
            self.skipTest("this Node refuses a late interim, as the document says")
        self.before(kind)

    def after(self):
        self.after(kind)
    setattr(Explanations, f"test_{kind}_before", before)
    setattr(Explanations, f"test_{kind}_after", after)


def node_version():
    text = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.findall(r"\d+", text)[:2]))


for _kind in CASES:
    _tests(_kind)
