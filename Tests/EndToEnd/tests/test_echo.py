"""Answers that carry their requests' ids, where something else than the server's answers to them comes: strays that look like Node's own words, and what a
cache in between has kept."""

import os
import pathlib
import subprocess
import threading

import probed
from harness import EndToEndTest, wait_for
from judges import judge

OWN_ERRORS = [b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 5\r\n\r\nstray",
              b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 5\r\n\r\nstray",
              b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n"]


class Strays(EndToEndTest):
    def echoing(self, stray):
        """A server whose answers have their ids, and behind the first of a connection, before the second, comes a stray."""
        def script(conversation):
            count = 0
            while (request := conversation.read_request()) is not None:
                count += 1
                if count == 2:
                    conversation.send(stray)
                conversation.send(b"HTTP/1.1 200 OK\r\nSendOnce-Id: %s\r\nContent-Length: 3\r\n\r\nown" % request.field("SendOnce-Id").encode())
        return self.scripted(script).address

    def test_no_stray_passes_for_an_answer_of_node_itself(self):
        for echo in "auto", "require":
            for stray in OWN_ERRORS:
                with self.subTest(stray=stray[:20], echo=echo):
                    proxy = self.proxy(self.echoing(stray), probe={"echo": echo}, connections={"hold": "0ms"})
                    with proxy.connect() as one:
                        self.assertEqual([one.get("/").body for _ in range(3)], [b"own"] * 3)
                    self.assertEqual(proxy.wait_incidents(1)[0]["kind"], "misdelivered_response")

    def test_what_is_asked_again_goes_to_no_connection_that_has_been_used(self):
        """However few there may be: strays wait on each of those."""
        ready = threading.Barrier(3)

        def script(conversation):
            request = conversation.read_request()
            if request.target == "/first":
                ready.wait(30)
            while request is not None:
                mark = request.field("SendOnce-Id").encode()
                conversation.send(b"HTTP/1.1 200 OK\r\nSendOnce-Id: %s\r\nContent-Length: 3\r\n\r\nown" % mark)
                if (request := conversation.read_request()) is not None:
                    conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray")
        proxy = self.proxy(self.scripted(script).address, connections={"max": 3, "hold": "0ms"}, incidents={"quarantine": {"for": 0}})
        clients = [proxy.connect() for _ in range(3)]
        for one in clients:
            self.addCleanup(one.close)
            one.request("/first")
        self.assertEqual([one.read_response().body for one in clients], [b"own"] * 3)
        self.assertEqual(clients[0].get("/again").body, b"own")


class Caches(EndToEndTest):
    def behind_cache(self):
        path, config = f"{self.directory}/nginx", pathlib.Path(self.directory, "nginx.conf")
        app = self.node("plain.js", NODE_OPTIONS=f"--require {probed.PROBE}", SENDONCE_PROBE_FILE=f"{self.directory}/reports.jsonl")
        # The master may be root, and its children then are somebody else.
        os.chmod(self.directory, 0o777)
        config.write_text(f"""
            daemon off; pid {path}.pid; error_log {path}.log; events {{}}
            http {{ access_log off; client_body_temp_path {path}.body; proxy_temp_path {path}.proxy; fastcgi_temp_path {path}.fastcgi;
                uwsgi_temp_path {path}.uwsgi; scgi_temp_path {path}.scgi; proxy_cache_path {path}.cache keys_zone=answers:1m;
                server {{ listen unix:{path}; location / {{ proxy_pass http://{app.address}; proxy_cache answers; proxy_cache_valid 200 1m; }} }} }}""")
        process = subprocess.Popen([judge("nginx"), "-c", str(config), "-e", f"{path}.log"], stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        wait_for(lambda: os.path.exists(path), "nginx")
        return self.proxy(f"unix:{path}", probe={"echo": "auto"}, connections={"hold": "0ms"})

    def test_what_a_cache_has_kept_is_nobody_s_second_answer(self):
        proxy = self.behind_cache()
        with proxy.connect() as one:
            self.assertEqual({one.get(f"/bytes?bytes={number % 3}").body for number in range(30)}, {b"", b"\x00", b"\x00\x01"})
        self.assertNoIncidents(proxy)
