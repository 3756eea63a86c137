"""`sendonce explain ID`: one incident as a story, from the log, its rotated files, or the admin endpoint."""

import gzip
import json
import pathlib

import upstream
from harness import EndToEndTest, run_command

AGAIN = upstream.ok(b"first") + b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 3\r\n\r\nbad"


class ExplainIncident(EndToEndTest):
    def recorded(self, **options):
        self.origin = self.scripted(upstream.by_target({"/orders/7": AGAIN}))
        proxy = self.proxy(self.origin.address, **options)
        proxy.get("/orders/7")
        return proxy, proxy.wait_incidents(1)[0]

    def explain(self, *arguments, status=0, **options):
        done = run_command("explain", *arguments, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def test_the_story(self):
        proxy, record = self.recorded(incidents={"evidence": {"sample": "escaped"}, "capture": {"path": f"{self.directory}/captures"}})
        told = self.explain(record["id"], "--admin", proxy.admin)
        for text in ("second_response: GET /orders/{id}", record["time"], "proven", "its first, whole answer", self.origin.address, "5 bytes of body of 5 declared",
                     "nothing more is due", "HTTP/1.1 500 Internal Server Error", f"{record['evidence']['surplus_bytes']} bytes",
                     f"byte {record['evidence']['offset']} of the answer", "What to do", "Answer through `res` only", f"sendonce replay {record['capture']}",
                     r"Content-Length: 3\r\n\r\nbad"):
            self.assertIn(text, " ".join(told.split()))
        # In the order in which it happened.
        places = [told.index(text) for text in ("> ", "5 bytes of body", "nothing more is due", "!  ")]
        self.assertEqual(places, sorted(places))
        log = proxy.incidents_path
        for where in ([str(log)], ["--incidents", str(log)], [proxy.admin], [f"http://{proxy.admin}/"]):
            self.assertEqual(self.explain(record["id"], *where), told)
        self.assertEqual(self.explain(record["id"].lower(), str(log)), told)
        self.assertEqual(self.explain(record["id"], cwd=self.directory), told)  # incidents.jsonl is there

    def test_rotated_and_compressed(self):
        proxy, record = self.recorded()
        told = self.explain(record["id"], str(proxy.incidents_path))
        self.end(proxy)
        old = f"{self.directory}/old.jsonl"
        pathlib.Path(old).write_text("no record\n")
        pathlib.Path(f"{old}.1").write_text("")
        pathlib.Path(f"{old}.2.gz").write_bytes(gzip.compress(proxy.incidents_path.read_bytes()))
        self.assertEqual(self.explain(record["id"], old), told)

    def test_hostile_records_are_only_text(self):
        record = {"time": "2026-11-27T00:00:00.000000Z", "id": "01M8EM1DZ3KEGX06C7S1TMVR53", "kind": "body_after_end", "certainty": "proven",
                  "message": "\u001b[31mred\u0007", "request": {"method": "GET", "path": "/\u001b]0;x\u0007"}, "evidence": {"phase": [], "offset": {}, "second_fields": 3},
                  "candidates": ["x", {}], "application": {"first": "x", "second": [1, None]}, "suppressed": "x"}
        path = pathlib.Path(self.directory, "i.jsonl")
        path.write_text(json.dumps(record) + "\n")
        told = self.explain(record["id"], str(path))
        self.assertNotRegex(told, r"[\x00-\x09\x0b-\x1f\x7f]")

    def test_what_is_not_there_and_what_is_no_id(self):
        proxy, _ = self.recorded()
        other = "01M8EM1DZ3KEGX06C7S1TMVR53"
        self.assertIn(f"no incident {other}", self.explain(other, str(proxy.incidents_path), status=1))
        self.assertIn(f"no incident {other}", self.explain(other, "--admin", proxy.admin, status=1))
        self.assertIn("nothing.jsonl", self.explain(other, f"{self.directory}/nothing.jsonl", status=1))
        self.assertIn("one place", self.explain(other, "a", "--admin", "b:1", status=2))
        self.assertIn("no incident's id", self.explain("second_response", "--admin", proxy.admin, status=2))
