"""Authorities and certificates, made by the openssl program for one run."""

import atexit
import functools
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading

_SCRIPT = """
set -e
ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
authority() { openssl req -x509 $ec -subj "/CN=$1" -keyout $1.key -out $1.pem -days 30; }
issue() { # name, authority, names
    openssl req $ec -new -subj "/CN=$1" -keyout $1.key -out $1.csr
    printf 'subjectAltName=%s\\n' "$3" >$1.ext
    openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -extfile $1.ext -out $1.pem -days ${4:-30}
}
authority ca
authority stranger
issue shop ca DNS:shop.example,IP:127.0.0.1
issue wild ca DNS:*.shop.example
issue admin ca DNS:admin.example
issue renewed ca DNS:shop.example
issue expired ca DNS:shop.example -1
issue customer ca DNS:customer.example
issue intruder stranger DNS:customer.example
issue fake stranger DNS:shop.example
"""


_lock = threading.Lock()


def directory():
    # Tests run in several threads, and a cache alone would let each make its own.
    with _lock:
        return _made()


@functools.cache
def _made():
    path = pathlib.Path(tempfile.mkdtemp(prefix="sendonce-certificates-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    done = subprocess.run(["bash", "-c", _SCRIPT], cwd=path, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl failed: {done.stderr}")
    return path


def file(name):
    return str(directory() / name)


def pair(name):
    """As the configuration wants it."""
    return {"certificate": file(f"{name}.pem"), "key": file(f"{name}.key")}


def server(name="shop", version=None, **options):
    """A context for a scripted upstream."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file(f"{name}.pem"), file(f"{name}.key"))
    return _limited(context, version, options)


def trusting(version=None, show=None, **options):
    """A context for a client that trusts our authority; `show`: the certificate that it presents."""
    context = ssl.create_default_context(cafile=file("ca.pem"))
    if show:
        context.load_cert_chain(file(f"{show}.pem"), file(f"{show}.key"))
    return _limited(context, version, options)


def _limited(context, version, options):
    if version:
        context.minimum_version = context.maximum_version = version
    for name, value in options.items():
        setattr(context, name, value)
    return context
