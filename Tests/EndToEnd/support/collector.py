"""An OpenTelemetry collector as a test wants it: takes what comes over OTLP/HTTP, in either form, and answers as it is told."""

import base64
import gzip
import hashlib
import http.server
import importlib.util
import json
import pathlib
import shutil
import ssl
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from harness import wait_for


# The collector itself, of contrib, in a package that nobody vouches for: only these bytes are run.
CONTRIB_SHA256 = "f621d924828a0395b732855e5e8aed81a1a2068d87fb26c65e0fd2179e88b964"


def contrib(directory):
    """A copy of the OpenTelemetry Collector that can be executed."""
    package = importlib.util.find_spec("otel_collector")
    if not package:
        raise AssertionError("no OpenTelemetry Collector on this machine: scripts/setup --test installs it")
    program = pathlib.Path(package.origin).parent / "bin/otelcol-contrib_linux_amd64"
    if hashlib.sha256(program.read_bytes()).hexdigest() != CONTRIB_SHA256:
        raise AssertionError(f"{program} is not the program that was looked at")
    copy = pathlib.Path(shutil.copy(program, directory))
    copy.chmod(0o755)
    return copy


def from_json(body):
    """OTLP's JSON differs from protobuf's own in one thing: identifiers are hexadecimal."""
    message = json.loads(body)
    for logs in message.get("resourceLogs", []):
        for scope in logs.get("scopeLogs", []):
            for record in scope.get("logRecords", []):
                for name in ("traceId", "spanId"):
                    if name in record:
                        record[name] = base64.b64encode(bytes.fromhex(record[name])).decode()
    # Strict: a member that OTLP does not know is an error.
    return json_format.ParseDict(message, ExportLogsServiceRequest())


def plain(value):
    """An AnyValue as Python has it."""
    sort = value.WhichOneof("value")
    if sort == "array_value":
        return [plain(one) for one in value.array_value.values]
    if sort == "kvlist_value":
        return {one.key: plain(one.value) for one in value.kvlist_value.values}
    return getattr(value, sort) if sort else None


class Collector:
    """`answers`: what to say to each request in turn, (status, fields, rejected); after the last, 200."""

    def __init__(self, answers=(), certificate=None):
        self.answers = list(answers)
        self.requests = []
        self.lock = threading.Lock()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                collector.receive(self)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def receive(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        sort = handler.headers["Content-Type"]
        message = from_json(body) if sort == "application/json" else ExportLogsServiceRequest.FromString(body)
        with self.lock:
            self.requests.append((handler.path, dict(handler.headers), message))
            status, fields, rejected = self.answers.pop(0) if self.answers else (200, {}, 0)
        response = ExportLogsServiceResponse()
        if rejected:
            response.partial_success.rejected_log_records = rejected
            response.partial_success.error_message = "too old"
        payload = json_format.MessageToJson(response).encode() if sort == "application/json" else response.SerializeToString()
        handler.send_response(status)
        for name, value in ({"Content-Type": sort, "Content-Length": str(len(payload))} | fields).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(payload)

    @property
    def records(self):
        with self.lock:
            return [record for _, _, message in self.requests for logs in message.resource_logs
                    for scope in logs.scope_logs for record in scope.log_records]

    def wait_requests(self, count):
        wait_for(lambda: len(self.requests) >= count, lambda: f"{count} requests, came: {len(self.requests)}", 20)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
