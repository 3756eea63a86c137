"""Recorded Node programs (`Tests/Traces/http1`), played with their timing behind the proxy, many at a time.

The corpus that they come from, replayed by its own program: scripts/corpus.
"""

import corpus
import recordings
from harness import EndToEndTest

# The few that last longer are for scripts/corpus.
SECONDS_MAX = 1.0


class Recordings(EndToEndTest):
    # Some incidents are a matter of milliseconds.
    alone = True

    @classmethod
    def setUpClass(cls):
        cls.traces = [t for t in corpus.traces_named([]) if not t.pipelined and t.lasts < SECONDS_MAX]

    def play(self, judge, **options):
        self.assertGreater(len(self.traces), 150)
        wrong = self.traces
        # On a busy machine a recording may be played too slowly: those that go wrong are played again, with more room.
        for at_once in (40, 8, 2):
            results = corpus.run(wrong, lambda trace: recordings.Player(trace).address, at_once=at_once, **options)
            found = {result[0].name: judge(*result) for result in results}
            wrong = [trace for trace in wrong if found[trace.name]]
            if not wrong:
                return
        for trace in wrong:
            with self.subTest(trace=trace.name):
                self.assertEqual(found[trace.name], [])

    def test_each_yields_exactly_its_incidents(self):
        self.play(corpus.judge)

    def test_the_guards_accuse_nobody_else(self):
        self.play(corpus.judge_guarded, connections={})
