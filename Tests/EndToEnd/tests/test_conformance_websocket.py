"""WebSocket by the sections of RFC 6455: through the tunnel a server's bytes are the ones that it sends without us."""

import client
import conformance
import websocket_cases
from harness import ROOT, EndToEndTest


class WebSocketConformance(EndToEndTest):
    def answer(self, address, case, cut):
        """The status, all bytes after the head and how the connection ends."""
        with client.Client(address) as one:
            one.request("/", fields=case.handshake)
            response = one.read_response()
            if response.status != 101:
                return response.status, response.body, None
            try:
                if cut:
                    for i in range(0, min(len(case.sent), 300)):
                        one.send(case.sent[i:i + 1])
                    one.send(case.sent[300:])
                else:
                    one.send(case.sent)
            except ConnectionError:
                # The server was done with it before all of it was sent.
                pass
            return response.status, one.rest(), response.field("sec-websocket-accept")

    def test_each_case(self):
        app = self.node("websocket.js")
        proxy = self.proxy(app.address)
        for case in websocket_cases.cases():
            direct = self.answer(app.address, case, cut=False)
            for cut in (False, True):
                with self.subTest(section=case.section, case=case.name, cut=cut):
                    self.assertEqual(self.answer(proxy.address, case, cut), direct)
        self.assertNoIncidents(proxy)


class Documents(EndToEndTest):
    def test_the_table_counts_the_cases(self):
        self.assertIn(conformance.table(), (ROOT / "docs/reliability.md").read_text())
