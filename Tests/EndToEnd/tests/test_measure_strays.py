"""A few rounds of scripts/measure-strays: who gets another's answer, and that it is told."""

import contextlib

import measure_strays as measure
import upstream
from harness import EndToEndTest

ROUNDS = 12


class MeasureStrays(EndToEndTest):
    # Rounds are a matter of milliseconds.
    alone = True

    @classmethod
    def setUpClass(cls):
        cls.servers = {}
        for name in measure.CLASSES:
            node = upstream.Node("strays.js")
            cls.addClassCleanup(node.stop)
            cls.servers[name] = node.address

    def measure(self, proxy, servers=None):
        counts = measure.measure(proxy, measure.CLASSES, ROUNDS, servers or self.servers, 1)
        self.assertEqual([count.rounds for count in counts.values()], [ROUNDS] * len(measure.CLASSES))
        return counts

    def test_in_quarantine_nobody_gets_a_stray(self):
        for name, count in self.measure("defaults").items():
            with self.subTest(stray=name):
                self.assertGreater(count.quarantined, 0)
                self.assertEqual([slip for slip in count.slipped if slip[2]], [])
                self.assertEqual((count.failed, count.unrecorded), (0, []))

    def test_the_same_holds_for_other_runtimes(self):
        for runtime in ("bun", "deno"):
            with contextlib.ExitStack() as programs:
                servers = {}
                for name in measure.CLASSES:
                    program = upstream.Node("strays.js", runtime=runtime)
                    programs.callback(program.stop)
                    servers[name] = program.address
                for name, count in self.measure("defaults", servers).items():
                    with self.subTest(runtime=runtime, stray=name):
                        self.assertGreater(count.quarantined, 0)
                        self.assertEqual([slip for slip in count.slipped if slip[2]], [])
                        self.assertEqual((count.failed, count.unrecorded), (0, []))

    def test_without_guards_they_do(self):
        # Else the measurement would measure nothing.
        counts = self.measure("always")
        self.assertGreater(sum(len(count.slipped) for count in counts.values()), ROUNDS)

    def test_behind_nginx_they_do(self):
        counts = self.measure("nginx")
        self.assertGreater(sum(len(count.slipped) for count in counts.values()), ROUNDS)
