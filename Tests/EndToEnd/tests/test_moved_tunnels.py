"""What passes through tunnels in quantity, and is moved by the kernel unread, beside what is too small for that."""

import json
import pathlib
import socket
import threading

from harness import wait_for
from moved import BIG, BODY, MovedBytes, narrow
from tunnels import TunnelTest


class MovedTunnels(TunnelTest, MovedBytes):
    def test_both_ways_at_once(self):
        def script(conversation):
            sending = threading.Thread(target=conversation.send, args=(BODY,))
            sending.start()
            self.assertEqual(conversation.read_exactly(BIG) == BODY[::-1], True)
            sending.join()
            conversation.send(conversation.read_exactly(3))

        def both():
            sending = threading.Thread(target=one.send, args=(BODY[::-1],))
            sending.start()
            self.assertEqual(one.read_exactly(BIG) == BODY, True)
            sending.join()
            one.send(b"end")
            self.assertEqual(one.rest(), b"end")
        path = pathlib.Path(self.directory, "access.log")
        one = self.tunnel(script, access_log={"path": str(path)})
        moved, read = self.traced(self.to, both)
        self.assertGreater(moved, BIG)
        self.assertLess(read, 2 * BIG)
        one.close()
        wait_for(lambda: path.exists() and path.read_text().endswith("\n"), "the access log's line")
        line = json.loads(path.read_text())
        self.assertEqual((line["request"]["body_bytes"], line["response"]["body_bytes"]), (BIG + 3, BIG + 3))
        self.assertNoIncidents(self.to)

    def test_small_messages_are_read(self):
        def script(conversation):
            for _ in range(100):
                conversation.send(conversation.read_exactly(200))

        def chat():
            for at in range(100):
                one.send(BODY[at:at + 200])
                self.assertEqual(one.read_exactly(200), BODY[at:at + 200])
        one = self.tunnel(script)
        self.assertFalse(self.spliced(self.to, chat))

    def test_an_end_comes_after_what_is_before_it(self):
        """Sides that read slowly, so that bytes wait in pipes when the other side ends its own."""
        def script(conversation):
            self.assertEqual(conversation.wait_for_end() == BODY, True)
            conversation.send(BODY[::-1])
        one = self.tunnel(script, narrow(), receive_buffer=4096)
        one.send(BODY)
        one.socket.shutdown(socket.SHUT_WR)
        self.assertEqual((one.rest() == BODY[::-1], one.ended), (True, "eof"))
        self.assertNoIncidents(self.to)

    def test_a_side_that_goes_away(self):
        """While bytes for it wait in a pipe."""
        def silent(conversation):
            conversation.read_exactly(1)
            if self.resets:
                conversation.reset()

        def sending(conversation):
            conversation.send(BODY)
        for script in (silent, sending):
            for self.resets in (False, True):
                with self.subTest(script=script.__name__, resets=self.resets):
                    one = self.tunnel(script)
                    threading.Thread(target=self.send, args=(one,), daemon=True).start()
                    one.read_exactly(1) if script is sending else one.rest()
                    if script is sending and self.resets:
                        one.reset()
                    one.close()
                    self.to.wait_metric(0, "sendonce_upstream_connections")
                    self.to.wait_metric(0, "sendonce_client_connections")
                    self.assertNoIncidents(self.to)
                    self.end(self.to)

    @staticmethod
    def send(one):
        try:
            one.send(BODY)
        except OSError:
            pass
