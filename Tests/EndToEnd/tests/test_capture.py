"""incidents.capture: the guilty connection as a trace, and the same incident told again by `sendonce replay`."""

import json
import os
import pathlib
import re

import upstream
from harness import EndToEndTest, run_command, wait_for

SECRET = "hunter2hunter2"
AGAIN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 3\r\nSet-Cookie: sid=%s\r\n\r\nbad" % SECRET.encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"first")
STORIES = {
    "second_response": lambda c: c.send(upstream.ok(b"first", f"Set-Cookie: sid={SECRET}") + AGAIN),
    "body_after_end": lambda c: c.send(upstream.ok(b"first") + b"second"),
    "header_block_in_body": lambda c: c.send(CHUNKED + AGAIN),
    "late_interim": lambda c: c.send(CHUNKED + b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + b"0\r\n\r\n"),
    "duplicate_field": lambda c: c.send(b"HTTP/1.1 200 OK\r\nETag: a\r\nETag: b\r\nContent-Length: 2\r\n\r\nOK"),
    "conflicting_framing": lambda c: c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"first") + b"0\r\n\r\n"),
    "malformed_message": lambda c: c.send(CHUNKED + b"zz\r\nnot a chunk"),
    "truncated_response": lambda c: (c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nfirst"), c.socket.close()),
}


def script(conversation):
    while request := conversation.read_request():
        story = STORIES.get(request.target.split("?")[0].strip("/"))
        if story is None:
            conversation.send(upstream.ok(b"fine " + b"y" * 100_000))
        else:
            story(conversation)
            if request.target.startswith("/truncated"):
                return


class Capture(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.directory) / "captures"
        self.origin = self.scripted(script)

    def captured(self, **capture):
        return self.proxy(self.origin.address, incidents={"capture": {"path": str(self.folder)} | capture})

    def file(self, record):
        path = self.folder / record["capture"]
        wait_for(path.exists, lambda: f"{path}; there are {os.listdir(self.folder)}")
        return path

    def test_each_kind_is_told_again(self):
        for kind in STORIES:
            with self.subTest(kind=kind):
                proxy = self.captured()
                before = len(proxy.incidents())
                with proxy.connect() as one:
                    one.get("/before?token=" + SECRET, fields=[f"Cookie: sid={SECRET}", f"Authorization: Bearer {SECRET}"])
                try:
                    proxy.get(f"/{kind}?token={SECRET}", fields=[f"Cookie: sid={SECRET}"])
                except (AssertionError, OSError, EOFError):
                    pass  # the client's answer was cut short, as it should be
                record = next(one for one in proxy.wait_incidents(before + 1)[before:] if one["kind"] == kind)
                self.end(proxy)
                path = self.file(record)
                text = path.read_text()
                self.assertNotIn(SECRET, text)
                self.assertNotIn("first", text)
                self.assertIn(f"incident: {record['id']} {kind}", text)
                told = run_command("replay", str(path))
                self.assertEqual(told.returncode, 0, f"{text}\n{told.stdout}{told.stderr}")
                line = next(one for one in told.stdout.splitlines() if one.startswith("!"))
                self.assertRegex(line, rf"^! {kind} {record['certainty']}\b")
                if surplus := record["evidence"].get("surplus_bytes"):
                    self.assertIn(f"surplus_bytes={surplus}", line)

    def test_the_page_offers_it(self):
        proxy = self.captured()
        proxy.get("/body_after_end")
        record, = proxy.wait_incidents(1)
        path = self.file(record)
        answer = proxy.ask_admin(f"/captures/{record['capture']}")
        self.assertEqual((answer.status, answer.body), (200, path.read_bytes()))
        self.assertEqual(json.loads(proxy.ask_admin("/captures").body)["captures"], [record["capture"]])
        for name in ("../incidents.jsonl", "..%2Fincidents.jsonl", "nothing.trace", record["capture"] + "x", ""):
            self.assertEqual(proxy.ask_admin(f"/captures/{name}").status, 404)

    def test_bodies_are_kept_only_when_asked_for(self):
        proxy = self.captured(body="keep")
        proxy.get("/body_after_end")
        record, = proxy.wait_incidents(1)
        self.assertIn("firstsecond", self.file(record).read_text())

    def test_no_more_files_than_allowed_and_the_newest_stay(self):
        proxy = self.captured(keep=3)
        for count in range(1, 7):
            proxy.get("/duplicate_field")
            record = proxy.wait_incidents(count)[-1]
            self.file(record)
        names = sorted(one["capture"] for one in proxy.incidents())
        wait_for(lambda: sorted(os.listdir(self.folder)) == names[-3:], lambda: f"{names[-3:]}, there are {os.listdir(self.folder)}")

    def test_a_large_body_costs_little_and_is_told(self):
        proxy = self.captured(max_bytes="4KiB")
        with proxy.connect() as one:
            for _ in range(5):
                one.get("/large")
        proxy.get("/body_after_end")
        record, = proxy.wait_incidents(1)
        text = self.file(record).read_text()
        self.assertLess(len(text), 8192)
        self.assertEqual(run_command("replay", str(self.file(record))).returncode, 0)

    def test_the_rate_is_bounded(self):
        proxy = self.proxy(self.origin.address, incidents={"capture": {"path": str(self.folder)}, "limit": {"burst": 1000, "per_second": 1000}})
        for _ in range(60):
            proxy.get("/duplicate_field")
        records = proxy.wait_incidents(60)
        self.assertLess(sum("capture" in record for record in records), 60)
        self.assertGreaterEqual(sum("capture" in record for record in records), 10)

    def test_off_by_default_and_changed_by_a_reload(self):
        proxy = self.proxy(self.origin.address)
        proxy.get("/duplicate_field")
        self.assertNotIn("capture", proxy.wait_incidents(1)[0])
        proxy.reload(proxy.config | {"incidents": proxy.config["incidents"] | {"capture": {"path": str(self.folder)}}})
        proxy.get("/duplicate_field")
        self.file(proxy.wait_incidents(2)[1])

    def test_a_folder_that_cannot_be_had_is_told(self):
        pathlib.Path(self.directory, "file").write_text("")
        config = pathlib.Path(self.directory, "c.yaml")
        config.write_text(f"listeners: [{{address: '127.0.0.1:0'}}]\nadmin: off\nupstreams: {{app: {{servers: ['127.0.0.1:1']}}}}\n"
                          f"incidents: {{path: {self.directory}/i.jsonl, capture: {{path: {self.directory}/file/captures}}}}\n")
        done = run_command("run", "--config", str(config))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, re.escape(f"{self.directory}/file/captures"))
