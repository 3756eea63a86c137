"""Programs that answer once, however odd: under the probe each of their answers is what it is without, and nobody is accused."""

import json
import unittest

import probed
from harness import EndToEndTest

VARIES = {"date", "etag", "last-modified"}


class ProbeInnocentTest(EndToEndTest):
    def answers(self, arguments):
        app = probed.Probed("probe_innocents.js", self.directory, arguments=arguments)
        self.addCleanup(app.stop)
        found = {}
        for path in json.loads(app.process.stdout.readline()):
            with app.connect() as one:
                one.request(path, fields=["Accept-Encoding: gzip"])
                answer = one.read_response()
                found[path] = (answer.status, [field for field in answer.fields if field[0].lower() not in VARIES], answer.body)
        return found, app.records()

    def test_each_answer_is_what_it_was(self):
        without, _ = self.answers([])
        found, records = self.answers(["--require", str(probed.PROBE)])
        self.assertEqual(found, without)
        self.assertEqual(records, [])
        self.assertGreater(len(found), 75)
        statuses = {path: answer[0] for path, answer in found.items()}
        self.assertEqual({statuses[f"/{name}/json"] for name in ("plain", "compression", "morgan", "headers", "session")}, {200})
        self.assertEqual(statuses["/unreadable"], 200)


if __name__ == "__main__":
    unittest.main()
