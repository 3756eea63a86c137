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
        results = corpus.run(self.traces, lambda trace: recordings.Player(trace).address, at_once=40, **options)
        self.assertGreater(len(results), 150)
        for trace, incidents, answers, complaints in results:
            with self.subTest(trace=trace.name):
                self.assertEqual(judge(trace, incidents, answers, complaints), [])

    def test_each_yields_exactly_its_incidents(self):
        self.play(corpus.judge)

    def test_the_guards_accuse_nobody_else(self):
        self.play(corpus.judge_guarded, connections={})
