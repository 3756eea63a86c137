"""A network with a delay, made of two network namespaces: each has a TUN device, and this process carries the packets over.

The kernels on both sides speak real TCP: their segments, acknowledgements and retransmissions cross the way one after the other,
each `delay` after it was sent. A packet can be watched, held and let go. Needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN) and /dev/net/tun;
whoever lacks them is told by `missing()`.
"""

import collections
import ctypes
import fcntl
import heapq
import os
import queue
import random
import select
import socket
import struct
import threading
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
IFF_UP, IFF_RUNNING = 0x1, 0x40
DEVICE = "delayed0"
PACKET_BYTES_MAX = 65536


def missing():
    """What keeps such a network from being made here, or None."""
    try:
        Namespace("10.91.0.1").stop()
    except OSError as error:
        return f"no network namespace with a TUN device: {error}"
    return None


class Packet:
    """An IPv4 packet; of TCP it knows the ports, the two numbers and the payload."""

    def __init__(self, data, goes_far):
        self.data = data
        self.goes_far = goes_far
        self.ports = self.sequence = self.acknowledged = None
        self.payload = b""
        if len(data) >= 40 and data[0] >> 4 == 4 and data[9] == socket.IPPROTO_TCP:
            tcp = data[(data[0] & 15) * 4:struct.unpack("!H", data[2:4])[0]]
            *self.ports, self.sequence, self.acknowledged = struct.unpack("!HHII", tcp[:12])
            self.payload = tcp[(tcp[12] >> 4) * 4:]


class Namespace:
    """A thread in a network namespace of its own. Sockets and programs that it makes stay there, whoever uses them."""

    def __init__(self, address):
        self.address = address
        self.tasks = queue.Queue()
        self.tun = None
        threading.Thread(target=self._work, daemon=True).start()
        try:
            self.run(self._set_up)
        except OSError:
            self.stop()
            raise

    def run(self, task):
        """Does `task()` in the namespace; its result."""
        done = queue.Queue()
        self.tasks.put((task, done))
        result, error = done.get()
        if error:
            raise error
        return result

    def listen(self):
        """A listening socket at a port that the kernel chose."""
        return self.run(lambda: socket.create_server((self.address, 0)))

    def stop(self):
        self.tasks.put(None)
        if self.tun is not None:
            os.close(self.tun)
            self.tun = None

    def _work(self):
        while (item := self.tasks.get()) is not None:
            task, done = item
            try:
                done.put((task(), None))
            except Exception as error:
                done.put((None, error))

    def _set_up(self):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"unshare: {os.strerror(ctypes.get_errno())}")
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                for request, value in ((SIOCSIFADDR, self.address), (SIOCSIFNETMASK, "255.255.255.0")):
                    address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
                    fcntl.ioctl(one, request, struct.pack("16s16s8x", DEVICE.encode(), address))
                for device in (DEVICE, "lo"):
                    fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sH22x", device.encode(), IFF_UP | IFF_RUNNING))
        except OSError:
            os.close(tun)
            raise
        self.tun = tun


class DelayedNetwork:
    """`near` and `far`, and the way between them.

    `intercept(packet)`, if set, sees every packet as it is sent, on the thread that carries them; when it returns True the packet
    is held until `let_go`. `delivered(packet)` sees it as it arrives. A share `loss` of the packets is lost; `jitter` is a time by
    which a packet may be later than others, which lets it be overtaken. `rates` are bytes a second, to `far` and to `near`: what would
    have to wait for longer than `queue` seconds is lost.
    """

    def __init__(self, delay, loss=0.0, jitter=0.0, seed=1, rates=None, queue=1.0):
        self.delay, self.loss, self.jitter = delay, loss, jitter
        self.rates, self.queue = rates, queue
        # When each way has sent all that it has been given.
        self._free = {True: 0.0, False: 0.0}
        self.intercept = self.delivered = None
        self.failure = None
        self._closing = False
        self.counts = collections.Counter()
        self._random = random.Random(seed)
        self._held = []
        self._under_way = []
        self._order = 0
        self._lock = threading.Lock()
        self._awake = os.eventfd(0, os.EFD_CLOEXEC)
        self.near = Namespace("10.91.0.1")
        try:
            self.far = Namespace("10.91.0.2")
        except OSError:
            self.near.stop()
            raise
        self._carrier = threading.Thread(target=self._carry, daemon=True)
        self._carrier.start()

    @property
    def held(self):
        with self._lock:
            return list(self._held)

    def let_go(self):
        """What was held goes on its way now."""
        with self._lock:
            held, self._held = self._held, []
            for packet in held:
                self._send(packet)
        os.eventfd_write(self._awake, 1)

    def stop(self):
        with self._lock:
            self.intercept = self.delivered = None
        self._closing = True
        os.eventfd_write(self._awake, 1)
        self._carrier.join()
        self.near.stop()
        self.far.stop()
        os.close(self._awake)
        if self.failure:
            raise self.failure

    def _send(self, packet):
        """Under the lock."""
        start = time.monotonic()
        if self.rates:
            start = max(start, self._free[packet.goes_far])
            if start - time.monotonic() > self.queue:
                self.counts["lost"] += 1
                return
            start += len(packet.data) / self.rates[0 if packet.goes_far else 1]
            self._free[packet.goes_far] = start
        due = start + self.delay + (self._random.random() * self.jitter if self.jitter else 0)
        self._order += 1
        heapq.heappush(self._under_way, (due, self._order, packet))

    def _carry(self):
        poll = select.epoll()
        for descriptor in (self.near.tun, self.far.tun, self._awake):
            poll.register(descriptor, select.EPOLLIN)
        try:
            while not self._closing:
                wait = None
                with self._lock:
                    if self._under_way:
                        wait = max(0, self._under_way[0][0] - time.monotonic())
                ready = [descriptor for descriptor, _ in poll.poll(wait)]
                if self._awake in ready:
                    os.eventfd_read(self._awake)
                for descriptor in (self.near.tun, self.far.tun):
                    if descriptor in ready:
                        self._take(descriptor)
                self._deliver()
        except Exception as error:
            self.failure = error
        finally:
            poll.close()

    def _take(self, descriptor):
        while True:
            try:
                data = os.read(descriptor, PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            packet = Packet(data, descriptor == self.near.tun)
            self.counts["packets"] += 1
            if self.loss and self._random.random() < self.loss:
                self.counts["lost"] += 1
                continue
            is_held = self.intercept is not None and self.intercept(packet)
            with self._lock:
                if is_held:
                    self._held.append(packet)
                else:
                    self._send(packet)

    def _deliver(self):
        while True:
            with self._lock:
                if not self._under_way or self._under_way[0][0] > time.monotonic():
                    return
                packet = heapq.heappop(self._under_way)[2]
            if self.delivered is not None:
                self.delivered(packet)
            try:
                os.write(self.far.tun if packet.goes_far else self.near.tun, packet.data)
            except OSError:
                # What the other side will not have is lost, as on any network.
                self.counts["lost"] += 1
