"""The demo: the proxy before the upstream with faults that is built in."""

import pathlib
import re
import signal

import client
import metrics
from harness import EndToEndTest, wait_for


class Demo(EndToEndTest):
    def demo(self, number):
        demo = self.program("demo", cwd=self.directory)

        def said(pattern):
            text = "\n".join(demo.output + demo.lines)
            if demo.process.poll() is not None:
                raise AssertionError(f"the demo ended with {demo.wait()}:\n{text}")
            return re.search(pattern, text)
        url = wait_for(lambda: said(r"http://(\S+?:\d+)/metrics"), lambda: f"the URL of the metrics: {demo.output} {demo.lines}")[1]
        wait_for(lambda: said(r"second_response"), lambda: f"an incident: {demo.output} {demo.lines}")

        def counted():
            with client.Client(url) as one:
                return metrics.Metrics(one.get("/metrics", close=True, host="localhost").body.decode()).sum("sendonce_incidents_total") > 0
        wait_for(counted, "the metrics to count the demo's incidents")
        self.thread_stacks_are_given_back(demo, said(r"Proxy: +http://(\S+?:\d+)/")[1])
        self.assertEqual(demo.stop(number), 0, demo.log)

    def thread_stacks_are_given_back(self, demo, proxy):
        """Each connection to the faulty upstream is a thread's, which nobody waits for."""
        def stacks():
            ranges = re.findall(r"(?m)^(\w+)-(\w+) ---p", pathlib.Path(f"/proc/{demo.pid}/maps").read_text())
            return sum(int(end, 16) - int(start, 16) == 4096 for start, end in ranges)  # a stack ends with one page that nobody may touch
        before = stacks()
        for _ in range(40):
            with client.Client(proxy) as one:
                self.assertEqual(one.get("/orders/7", close=True).status, 200)
        wait_for(lambda: stacks() < before + 20, lambda: f"the stacks of 40 threads to go, of {before} there are {stacks()}")

    def test_shows_incidents_until_interrupted(self):
        self.demo(signal.SIGINT)

    def test_shows_incidents_until_terminated(self):
        self.demo(signal.SIGTERM)
