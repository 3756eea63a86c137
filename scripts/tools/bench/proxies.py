"""Proxies under measurement: each with one worker, connections to its upstream kept, no access log, and otherwise its own defaults."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CPU = ["taskset", "-c", "0"]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def nginx_form(origin):
    """As nginx and nghttpx spell an address."""
    return f"unix:{origin[5:]}" if origin.startswith("unix:") else origin


class Proxy:
    """One process that listens for HTTP/1 and cleartext HTTP/2 (`plain`, `h2c`) and for TLS (`tls`), and passes everything to `origin`."""

    name, program = "", ""
    speaks = {"h1", "tls", "h2c", "h2tls"}
    # Measured to show what something costs; no peer.
    is_variant = False

    def __init__(self, origin, pair, cpu=CPU):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-"))
        self.plain, self.tls = free_port(), free_port()
        self.h2c = self.plain
        self.certificate, self.key = pair
        command = self.configure(origin)
        self.log = (self.folder / "log").open("w")
        self.began = time.perf_counter()
        self.process = subprocess.Popen([*cpu, *command], cwd=self.folder, stdout=self.log, stderr=self.log)
        self.start_time = self.wait(20)

    @classmethod
    def installed(cls):
        return shutil.which(cls.program) is not None

    def wait(self, most):
        """Seconds from its start to its first answer."""
        while time.perf_counter() - self.began < most:
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.plain), 1) as one:
                    one.settimeout(2)
                    one.sendall(b"GET /small HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                    if b" 200" in one.recv(4096)[:15]:
                        return time.perf_counter() - self.began
            except OSError:
                time.sleep(0.0003)
        text = (self.folder / "log").read_text()[-600:]
        self.stop()
        raise RuntimeError(f"{self.name} does not serve: {text}")

    def pids(self):
        found = [self.process.pid]
        for pid in found:
            for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        return found

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class SendOnce(Proxy):
    name, program = "SendOnce", os.environ.get("SENDONCE", "sendonce")
    connections = ""

    def configure(self, origin):
        (self.folder / "sendonce.yaml").write_text(f"""
listeners:
  - {{address: "127.0.0.1:{self.plain}", protocols: [http1, http2]}}
  - {{address: "127.0.0.1:{self.tls}", protocols: [http1, http2], tls: {{certificate: "{self.certificate}", key: "{self.key}"}}}}
admin: {{address: "127.0.0.1:{free_port()}"}}
workers: 1
upstreams:
  origin: {{servers: ["{origin}"]{self.connections}}}
routes:
  - {{name: all, path_prefix: /, upstream: origin}}
incidents: {{path: "{self.folder}/incidents.jsonl"}}
""")
        return [self.program, "run", "--config", "sendonce.yaml"]


class SendOnceAlways(SendOnce):
    name = "SendOnce, `reuse: always`"
    is_variant = True
    connections = ", connections: {reuse: always}"


class SendOnceBefore(SendOnce):
    """A build of another version, which SENDONCE_BEFORE names."""

    name, program = "SendOnce, another version", os.environ.get("SENDONCE_BEFORE", "")
    is_variant = True


class Nginx(Proxy):
    name = program = "nginx"
    buffers = "proxy_buffer_size 16k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;"

    def configure(self, origin):
        self.h2c = free_port()
        folder = self.folder
        (folder / "nginx.conf").write_text(f"""
worker_processes 1; daemon off; worker_rlimit_nofile 65000; error_log {folder}/error.log crit; pid {folder}/pid;
events {{ worker_connections 30000; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; large_client_header_buffers 8 16k;
  client_body_buffer_size 64k; client_body_temp_path {folder}; proxy_temp_path {folder};
  upstream origin {{ server {nginx_form(origin)}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 60s; }}
  map $http_upgrade $kept {{ default upgrade; '' ''; }}
  server {{
    listen 127.0.0.1:{self.plain} backlog=4096;
    listen 127.0.0.1:{self.h2c} http2 backlog=4096;
    listen 127.0.0.1:{self.tls} ssl http2 backlog=4096;
    ssl_certificate {self.certificate}; ssl_certificate_key {self.key}; ssl_session_cache shared:S:10m;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {{
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection $kept; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme; {self.buffers}
    }}
  }}
}}
""")
        return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


class NginxUnbuffered(Nginx):
    name = "nginx, unbuffered, 256k"
    buffers = ("proxy_buffering off; proxy_request_buffering off; proxy_buffer_size 256k; proxy_buffers 4 256k;"
               " proxy_busy_buffers_size 512k; proxy_max_temp_file_size 0;")


class HAProxy(Proxy):
    name, program = "HAProxy, splice", "haproxy"

    def configure(self, origin):
        self.h2c = free_port()
        both = self.folder / "both.pem"
        both.write_text(pathlib.Path(self.certificate).read_text() + pathlib.Path(self.key).read_text())
        (self.folder / "haproxy.cfg").write_text(f"""
global
  maxconn 30000
  no strict-limits
  nbthread 1
defaults
  mode http
  timeout client 300s
  timeout server 60s
  timeout connect 5s
  timeout http-keep-alive 300s
  option http-keep-alive
  option splice-response
  option splice-request
  no log
  http-reuse always
frontend front
  bind 127.0.0.1:{self.plain} backlog 4096
  bind 127.0.0.1:{self.h2c} backlog 4096 proto h2
  bind 127.0.0.1:{self.tls} backlog 4096 ssl crt {both} alpn h2,http/1.1
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  default_backend back
backend back
  server one {origin.replace("unix:", "unix@")} pool-purge-delay 60s
""")
        return ["haproxy", "-db", "-f", "haproxy.cfg"]


class Nghttpx(Proxy):
    name = program = "nghttpx"

    def configure(self, origin):
        backend = origin if origin.startswith("unix:") else origin.replace(":", ",")
        (self.folder / "nghttpx.conf").write_text(f"""
frontend=127.0.0.1,{self.plain};no-tls
frontend=127.0.0.1,{self.tls}
backend={backend}
workers=1
backlog=4096
private-key-file={self.key}
certificate-file={self.certificate}
errorlog-file={self.folder}/error.log
add-x-forwarded-for=yes
frontend-read-timeout=300s
frontend-keep-alive-timeout=300s
backend-keep-alive-timeout=60s
""")
        return ["nghttpx", "--conf=nghttpx.conf"]


ALL = {
    "sendonce": SendOnce, "sendonce-before": SendOnceBefore, "sendonce-always": SendOnceAlways, "nginx": Nginx,
    "nginx-unbuf256": NginxUnbuffered, "haproxy": HAProxy, "nghttpx": Nghttpx,
}


def version(kind):
    option = {"nginx": "-v", "haproxy": "-v"}.get(kind.program, "--version")
    out = subprocess.run([kind.program, option], capture_output=True, text=True)
    return (out.stdout + out.stderr).strip().splitlines()[0].removeprefix("nginx version: ")
