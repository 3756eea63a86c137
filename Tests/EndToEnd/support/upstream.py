"""What stands behind the proxy in a test: real Node programs, and scripts that send exact bytes at exact moments."""

import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import threading

import client

APPS = pathlib.Path(__file__).resolve().parent.parent / "apps"


# How a runtime is told to run a program of apps/.
RUNTIMES = {"node": ["node"], "bun": ["bun"], "deno": ["deno", "run", "--allow-all", "--no-lock", "--unstable-detect-cjs"]}


class Node:
    """A Node program of apps/, on a port that the kernel chose, or on a Unix socket; under another runtime, where one is named."""

    def __init__(self, program, unix_path=None, runtime="node", **environment):
        if not shutil.which(RUNTIMES[runtime][0]):
            raise RuntimeError(f"no {runtime} on PATH: scripts/setup --test installs it")
        # Debian keeps its Node modules here; a Node from elsewhere has to be told.
        paths = [path for path in (os.environ.get("NODE_PATH"), "/usr/share/nodejs") if path]
        self.process = subprocess.Popen(
            [*RUNTIMES[runtime], str(APPS / program)],
            env=os.environ | {"PORT": unix_path or "0", "NODE_PATH": ":".join(paths), "DENO_NO_UPDATE_CHECK": "1"} | environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not (match := re.match(r"LISTENING (\S+)", line)):
            raise RuntimeError(f"{program} did not start: {line}{self.process.communicate()[1]}")
        self.address = f"unix:{match[1]}" if unix_path else f"{environment.get('HOST', '127.0.0.1')}:{match[1]}"

    def stop(self):
        self.process.kill()
        self.process.communicate()


class Request:
    def __init__(self, head, body):
        self.head = head
        self.body = body
        start, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        self.method, self.target, self.version = start.split(" ", 2)
        self.fields = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def field(self, name):
        values = self.all(name)
        return values[0] if values else None


class Conversation:
    """One accepted connection, as its script sees it."""

    def __init__(self, peer, number):
        self.socket = peer
        self.number = number
        self.received = bytearray()
        self.position = 0
        # Set when the script is through with the connection, which it usually is when the proxy has closed it.
        self.ended = threading.Event()

    def read_head(self):
        """The next request up to the end of its fields; None at the end of the connection."""
        start = self.position
        while (end := self.received.find(b"\r\n\r\n", start)) < 0:
            if not self._more():
                return None
        self.position = end + 4
        return Request(bytes(self.received[start:self.position]), b"")

    def read_request(self):
        request = self.read_head()
        return request and self.read_body(request)

    def read_body(self, request):
        if (request.field("transfer-encoding") or "").lower() == "chunked":
            while (size := int(self._read_line().split(b";")[0], 16)) > 0:
                request.body += self.read_exactly(size)
                self.read_exactly(2)
            while self._read_line():
                pass
        elif length := request.field("content-length"):
            request.body = self.read_exactly(int(length))
        return request

    def read_exactly(self, count):
        while len(self.received) - self.position < count:
            if not self._more():
                raise ConnectionError("the proxy closed in the middle of a request")
        self.position += count
        return bytes(self.received[self.position - count:self.position])

    def _read_line(self):
        while (end := self.received.find(b"\r\n", self.position)) < 0:
            if not self._more():
                raise ConnectionError("the proxy closed in the middle of a request")
        line = bytes(self.received[self.position:end])
        self.position = end + 2
        return line

    def send(self, data):
        self.socket.sendall(data)

    def reset(self):
        client.reset(self.socket)

    def announce_end(self):
        """TLS's close_notify; waits for the proxy's own."""
        self.socket.unwrap()

    def wait_for_end(self):
        """Reads until the proxy closes; what came in the meantime."""
        start = self.position
        while self._more():
            pass
        return bytes(self.received[start:])

    def _more(self):
        try:
            data = self.socket.recv(262144)
        except (ConnectionResetError, ssl.SSLEOFError):
            return False
        self.received += data
        return bool(data)


class Scripted:
    """Runs `script(conversation)` in a thread for every connection that the proxy opens; the connection ends with it.

    `tls` is an ssl.SSLContext: the script then runs when the handshake has ended. Its end is a cut, unless it announces it.
    """

    def __init__(self, script, unix_path=None, tls=None, listener=None):
        self.script = script
        self.tls = tls
        self.conversations = []
        self.errors = []
        self.lock = threading.Lock()
        if unix_path:
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listener.bind(unix_path)
            self.address = f"unix:{unix_path}"
        else:
            self.listener = listener or socket.create_server(("127.0.0.1", 0))
            self.address = "%s:%d" % self.listener.getsockname()[:2]
        self.listener.listen(1024)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            peer.settimeout(30)
            if peer.family != socket.AF_UNIX:
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                conversation = Conversation(peer, len(self.conversations) + 1)
                self.conversations.append(conversation)
            threading.Thread(target=self._converse, args=(conversation,), daemon=True).start()

    def _converse(self, conversation):
        try:
            if self.tls:
                conversation.socket = self.tls.wrap_socket(
                    conversation.socket, server_side=True, suppress_ragged_eofs=False)
            self.script(conversation)
        except (ssl.SSLError, BrokenPipeError, ConnectionError, TimeoutError):
            # The proxy may hang up on a script that misbehaves: that is for the test to judge.
            pass
        except Exception as error:
            self.errors.append(error)
        finally:
            try:
                conversation.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            conversation.socket.close()
            conversation.ended.set()

    def stop(self):
        # A close alone would leave the accepting thread in its system call.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            conversations = list(self.conversations)
        for conversation in conversations:
            try:
                conversation.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if self.errors:
            raise AssertionError(f"the upstream's script failed: {self.errors!r}")


class EndsInOneStep:
    """Stands before a program that ends its connections after its answers to some targets: passes such an answer on together with the
    end, in one segment, however long a busy machine lets the program take between the two."""

    def __init__(self, address, targets):
        self.behind = address
        self.targets = targets
        self.scripted = Scripted(self._pass)
        self.address = self.scripted.address
        self.stop = self.scripted.stop

    def _pass(self, conversation):
        with client.Client(self.behind, deadline=30) as one:
            while request := conversation.read_request():
                start = one.position
                one.send(request.head + request.body)
                if request.target in self.targets:
                    answer = one.rest()
                    conversation.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                    conversation.send(answer)
                    return conversation.socket.shutdown(socket.SHUT_WR)
                one.read_response(request.method)
                conversation.send(bytes(one.seen[start:one.position]))


def answering(*answers):
    """A script that gives the same answers, in turn, to the requests of every connection, then waits for the proxy to close."""
    def script(conversation):
        for answer in answers:
            if conversation.read_request() is None:
                return
            conversation.send(answer)
        conversation.wait_for_end()
    return script


def by_target(answers):
    """A script that looks the answer up by the request's target: bytes, or a function of (conversation, request)."""
    def script(conversation):
        while (request := conversation.read_request()) is not None:
            answer = answers[request.target]
            if callable(answer):
                answer(conversation, request)
            else:
                conversation.send(answer)
    return script


def shifting(first, stray, other):
    """A conversation whose stray meets the second request, and that request's true answer, which is then one too many: it is sent
    when the event that comes with the script is set."""
    shifted = threading.Event()

    def script(conversation):
        conversation.read_request()
        conversation.send(first)
        if conversation.read_request():
            conversation.send(stray)
            shifted.wait(10)
            conversation.send(other)
            conversation.wait_for_end()
    return script, shifted


def ok(body=b"OK", *fields):
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def refusing_address():
    """An address that refuses connections for as long as the returned socket is kept."""
    kept = socket.socket()
    kept.bind(("127.0.0.1", 0))
    return kept, "127.0.0.1:%d" % kept.getsockname()[1]
