"""Other proxies before the same servers, each by its own defaults with connections kept alive: one upstream a host name (`NAME.test`)."""

import json
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

import client
import harness
from judges import judge
from processes import end


# What a proxy may say of bytes that no answer accounts for. None of the four names a request.
REMARK = re.compile(r"(?i)unsolicited|unexpected|sent more data|sent invalid|invalid response|malformed|extra data")


class Peer:
    """Started on a port of its own; `configure` says how, `version` how to ask which it is."""

    version = ()

    def __init__(self, servers):
        self.directory = tempfile.mkdtemp(prefix="peer-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        command = self.configure(pathlib.Path(self.directory), servers)
        # Its log, at the level that it has by itself.
        self.log = pathlib.Path(self.directory) / "log"
        self.remarks = 0
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=subprocess.STDOUT)
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
        end(self.process)
        self.remarks = sum(1 for line in self.log.read_text(errors="replace").splitlines() if REMARK.search(line))
        shutil.rmtree(self.directory, ignore_errors=True)
        return None

    @classmethod
    def name(cls):
        """The program and its version, as it says itself."""
        said = subprocess.run([judge(cls.version[0]), *cls.version[1:]], capture_output=True, text=True)
        return f"{cls.version[0]} {re.search(r'[0-9]+[.][0-9]+[.][0-9]+', said.stdout + said.stderr)[0]}"


class Nginx(Peer):
    version = ("nginx", "-v")

    def configure(self, folder, servers):
        upstreams = "".join(f"upstream {name} {{ server {server}; keepalive 64; }}\n" for name, server in servers.items())
        hosts = "".join(
            f"server {{ listen {self.address}; server_name {name}.test; location / {{ proxy_pass http://{name};"
            f" proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }}\n" for name in servers)
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;\n"
            f"events {{}}\nhttp {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};\n"
            f"keepalive_requests 1000000; {upstreams}{hosts} }}\n")
        return [judge("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


class HAProxy(Peer):
    version = ("haproxy", "-v")

    def configure(self, folder, servers):
        rules = "".join(f"  use_backend {name} if {{ req.hdr(host) -m beg {name}.test }}\n" for name in servers)
        backends = "".join(f"backend {name}\n  server one {server}\n" for name, server in servers.items())
        (folder / "haproxy.cfg").write_text(
            "global\n  nbthread 1\n  log stdout format raw local0\ndefaults\n  log global\n  mode http\n"
            "  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
            f"frontend front\n  bind {self.address}\n{rules}{backends}")
        return [judge("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


class Caddy(Peer):
    version = ("caddy", "version")

    def configure(self, folder, servers):
        routes = [{"match": [{"host": [f"{name}.test"]}], "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": server}]}]}
                  for name, server in servers.items()]
        (folder / "caddy.json").write_text(json.dumps({
            "admin": {"disabled": True},
            "apps": {"http": {"servers": {"front": {"listen": [self.address], "automatic_https": {"disable": True}, "routes": routes}}}}}))
        return [judge("caddy"), "run", "--config", str(folder / "caddy.json")]


class Traefik(Peer):
    version = ("traefik", "version")

    def configure(self, folder, servers):
        (folder / "routes.yaml").write_text(json.dumps({"http": {
            "routers": {name: {"rule": f"Host(`{name}.test`)", "service": name} for name in servers},
            "services": {name: {"loadBalancer": {"servers": [{"url": f"http://{server}"}]}} for name, server in servers.items()}}}))
        (folder / "traefik.yaml").write_text(json.dumps({
            "entryPoints": {"front": {"address": self.address}}, "providers": {"file": {"filename": str(folder / "routes.yaml")}},
            "global": {"checkNewVersion": False, "sendAnonymousUsage": False}}))
        return [judge("traefik"), "--configFile=" + str(folder / "traefik.yaml")]


PEERS = {"nginx": Nginx, "haproxy": HAProxy, "caddy": Caddy, "traefik": Traefik}
