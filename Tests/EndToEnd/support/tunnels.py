"""Tunnels of raw bytes: an upgrade to a protocol that is whatever a test makes of it."""

from harness import EndToEndTest

UPGRADE = ["Connection: keep-alive, Upgrade", "Upgrade: echo/1"]
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"


class TunnelTest(EndToEndTest):
    def tunnel(self, script, listener=None, receive_buffer=None, **options):
        """A client behind the proxy, in a tunnel to a script."""
        def switching(conversation):
            conversation.read_request()
            conversation.send(SWITCHING)
            script(conversation)
        self.to = self.proxy(self.scripted(switching, listener=listener).address, **options)
        one = self.to.connect(receive_buffer=receive_buffer)
        self.addCleanup(one.close)
        one.request("/", fields=UPGRADE)
        one.read_until(b"\r\n\r\n")
        return one
