"""No message has two views: what SendOnce, Node, nginx and HAProxy read in the same bytes (scripts/differential does more of it)."""

import differential
import wire_cases
import wire_readers
from harness import EndToEndTest


class Views(EndToEndTest):
    def test_every_case_and_some_mutations(self):
        self.assertEqual(differential.run(mutations=300, seed=1, tell=lambda text: None), [])


class StrictReading(EndToEndTest):
    """What the others are held against."""

    def test_what_is_whole_is_read_whole(self):
        cases = wire_cases.load("requests.txt")
        found, fault = wire_readers.requests(cases["plain/pipelined"])
        self.assertEqual(([target for _, target, _, _ in found], fault), (["/one", "/two", "/three"], None))
        found, fault = wire_readers.requests(cases["plain/chunked_pipelined"])
        self.assertEqual(([(target, body) for _, target, _, body in found], fault), ([("/plain", b"hello"), ("/two", b"")], None))

    def test_what_has_two_readings_has_none(self):
        cases = wire_cases.load("requests.txt")
        for name in ("both/cl_te", "both/te_cl", "length/twice_differs", "length/plus", "coding/twice", "chunk/line_feed_after_size", "field/folded"):
            found, fault = wire_readers.requests(cases[name])
            self.assertEqual(found, [], name)
            self.assertNotIn(fault, [None, "short"], name)

    def test_mutations_are_their_seed_s(self):
        cases = wire_cases.load("requests.txt")
        self.assertEqual(wire_cases.mutations(cases, 5, 7), wire_cases.mutations(cases, 5, 7))
        self.assertEqual(wire_cases.mutations(cases, 1, 9)["0x9"], wire_cases.mutations(cases, 5, 7)["0x9"])
