"""Other proxies before the same servers, each by its own defaults with connections kept alive: one upstream a host name (`NAME.test`)."""

import json
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import client
import harness
from judges import judge


class Peer:
    """Started on a port of its own; `configure` says how."""

    def __init__(self, servers):
        self.directory = tempfile.mkdtemp(prefix="peer-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        command = self.configure(pathlib.Path(self.directory), servers)
        self.process = subprocess.Popen(command, cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Some listen before they know their routes.
        harness.wait_for(lambda: all(map(self._serves, servers)), f"{type(self).__name__} to serve", 60)

    def _serves(self, name):
        try:
            with client.Client(self.address) as one:
                return one.get("/victim/ready", host=f"{name}.test").status == 200
        except (OSError, AssertionError):
            return False

    def is_quarantined(self, name):
        return False

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
        return None


class Nginx(Peer):
    def configure(self, folder, servers):
        upstreams = "".join(f"upstream {name} {{ server {server}; keepalive 64; }}\n" for name, server in servers.items())
        hosts = "".join(
            f"server {{ listen {self.address}; server_name {name}.test; location / {{ proxy_pass http://{name};"
            f" proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }}\n" for name in servers)
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;\n"
            f"events {{}}\nhttp {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};\n"
            f"keepalive_requests 1000000; {upstreams}{hosts} }}\n")
        return [judge("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


class HAProxy(Peer):
    def configure(self, folder, servers):
        rules = "".join(f"  use_backend {name} if {{ req.hdr(host) -m beg {name}.test }}\n" for name in servers)
        backends = "".join(f"backend {name}\n  http-reuse always\n  server one {server}\n" for name, server in servers.items())
        (folder / "haproxy.cfg").write_text(
            f"global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
            f"frontend front\n  bind {self.address}\n{rules}{backends}")
        return [judge("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


class Caddy(Peer):
    def configure(self, folder, servers):
        routes = [{"match": [{"host": [f"{name}.test"]}], "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": server}]}]}
                  for name, server in servers.items()]
        (folder / "caddy.json").write_text(json.dumps({
            "admin": {"disabled": True},
            "apps": {"http": {"servers": {"front": {"listen": [self.address], "automatic_https": {"disable": True}, "routes": routes}}}}}))
        return [judge("caddy"), "run", "--config", str(folder / "caddy.json")]


class Traefik(Peer):
    def configure(self, folder, servers):
        (folder / "routes.yaml").write_text(json.dumps({"http": {
            "routers": {name: {"rule": f"Host(`{name}.test`)", "service": name} for name in servers},
            "services": {name: {"loadBalancer": {"servers": [{"url": f"http://{server}"}]}} for name, server in servers.items()}}}))
        (folder / "traefik.yaml").write_text(json.dumps({
            "entryPoints": {"front": {"address": self.address}}, "providers": {"file": {"filename": str(folder / "routes.yaml")}},
            "global": {"checkNewVersion": False, "sendAnonymousUsage": False}, "log": {"level": "ERROR"}}))
        return [judge("traefik"), "--configFile=" + str(folder / "traefik.yaml")]


PEERS = {"nginx": Nginx, "haproxy": HAProxy, "caddy": Caddy, "traefik": Traefik}
