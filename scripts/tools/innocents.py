"""Clients that do nothing wrong, in lanes that never rest: each answer is held against what was asked, byte for byte, and each loss is counted."""

import collections
import contextlib
import json
import threading
import time

import client

LANES = 8


class Innocents:
    """`exact` answers, `losses` by what the client saw (`502`, `lost`, …), and `wrong`: answers that are somebody else's, or damaged."""

    def __init__(self, address, lanes=LANES, wait=0.002, host="app.test"):
        self.address = address
        self.host = host
        self.wait = wait
        self.exact = 0
        self.losses = collections.Counter()
        self.wrong = []
        self.slowest = 0.0
        # When an answer was last lost.
        self.last_loss = time.monotonic()
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.asking = [threading.Lock() for _ in range(lanes)]
        self.threads = [threading.Thread(target=self._lane, args=(lane,), daemon=True) for lane in range(lanes)]
        for thread in self.threads:
            thread.start()

    def _lane(self, lane):
        one, number = None, 0
        while not self.over.is_set():
            number += 1
            began = time.monotonic()
            try:
                if one is None or one.ended:
                    one = client.Client(self.address, deadline=30)
                # A client keeps every byte that it has seen.
                one.seen.clear()
                one.position = 0
                with self.asking[lane]:
                    word = self._ask(one, f"{lane}-{number}", number % 4 == 0)
            except (OSError, AssertionError) as error:
                # A connection that closes when nothing was asked yet is no loss; one that waits 30 s is.
                word = "late" if "in time" in str(error) else "lost"
            with self.lock:
                self.slowest = max(self.slowest, time.monotonic() - began)
                if word is None:
                    self.exact += 1
                elif word.startswith("wrong"):
                    self.wrong.append(word)
                else:
                    self.losses[word] += 1
                    self.last_loss = time.monotonic()
            if word is not None:
                if one:
                    one.close()
                one = None
            self.over.wait(self.wait)
        if one:
            one.close()

    def _ask(self, one, tag, posts):
        """None: the whole, exact answer; else what came instead."""
        if posts:
            body = f"body of {tag} ".encode() * 40
            answer = one.get("/echo", method="POST", body=body, host=self.host)
        else:
            answer = one.get(f"/inspect?tag={tag}", host=self.host)
        if answer.cut or answer.status is None:
            return "lost" if answer.status is None else "cut"
        if answer.status != 200:
            return str(answer.status)
        # The proxy may say that it is the last; then nothing else has been asked.
        if answer.field("connection") == "close":
            one.ended = one.ended or "eof"
        is_own = answer.body == body if posts else json.loads(answer.body)["url"] == f"/inspect?tag={tag}"
        return None if is_own else f"wrong: {tag} got {answer.body[:200]!r}"

    @property
    def lost(self):
        return sum(self.losses.values())

    def wait_for_calm(self, seconds=1.0, patience=60.0):
        """Until no answer has been lost for a while, and some have come; how long that took beyond the while."""
        began, exact = time.monotonic(), self.exact
        while time.monotonic() - max(self.last_loss, began) < seconds or self.exact < exact + 20:
            if time.monotonic() - began > patience:
                raise AssertionError(f"no calm within {patience:g} s: {dict(self.losses)}, {self.exact} exact")
            time.sleep(0.02)
        return max(0.0, self.last_loss - began)

    @contextlib.contextmanager
    def paused(self):
        """While this lasts nothing is asked, and nothing is on its way."""
        with contextlib.ExitStack() as stack:
            for one in self.asking:
                stack.enter_context(one)
            yield

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(40)
        return self
