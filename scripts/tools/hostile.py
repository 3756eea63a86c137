"""Clients that nobody wants: they say nothing, or drip, flood, break rules and leave. All of them in one thread each, on addresses of the loopback."""

import asyncio
import logging
import random
import socket
import threading

import frames

# Who is hostile writes to connections that have ended, and asyncio has something to say about it each time.
logging.getLogger("asyncio").setLevel(logging.ERROR)


def listen(port):
    """A listening socket on the port, or None while somebody has it."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        return None


class Crowd:
    """So many clients in an event loop of their own, from `begin` to `end`."""

    def __init__(self, address, count, host="app.test"):
        self.host, self.port = address.rsplit(":", 1)
        self.name = host.encode()
        self.count = count
        self.over = threading.Event()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        self.loop.run_until_complete(self._every())

    async def _every(self):
        self.stop = asyncio.Event()
        room = asyncio.Semaphore(200)
        await asyncio.gather(*(self._one(number, room) for number in range(self.count)), return_exceptions=True)

    async def _connect(self, number, room):
        async with room:
            # Ports are had per pair of addresses: many addresses have many.
            return await asyncio.open_connection(self.host, int(self.port), local_addr=(f"127.3.{number >> 8 & 255}.{(number & 255) or 1}", 0))

    def end(self):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(60)


class Idle(Crowd):
    """Each is connected and says nothing."""

    async def _one(self, number, room):
        _, writer = await self._connect(number, room)
        await self.stop.wait()
        writer.close()


class Hostile(Crowd):
    """Each does one of these things until the end, again and again."""

    async def _one(self, number, room):
        chance = random.Random(number)
        plays = (self.drip, self.garbage, self.resets, self.pings, self.shut_window, self.leaves, self.big_head, self.smuggles)
        while not self.stop.is_set():
            try:
                reader, writer = await self._connect(number, room)
                try:
                    await plays[number % len(plays)](reader, writer, chance)
                finally:
                    writer.close()
            except OSError:
                pass
            await self.pause(0.2 + chance.random())

    async def pause(self, seconds):
        try:
            await asyncio.wait_for(self.stop.wait(), seconds)
        except TimeoutError:
            pass

    async def drip(self, reader, writer, chance):
        for byte in b"GET /ok HTTP/1.1\r\nHost: " + self.name + b"\r\nX: " + b"y" * 20:
            writer.write(bytes([byte]))
            await self.pause(0.3)
            if self.stop.is_set():
                return

    async def garbage(self, reader, writer, chance):
        writer.write(chance.randbytes(chance.randrange(1, 4000)))
        await asyncio.wait_for(reader.read(), 5)

    async def resets(self, reader, writer, chance):
        writer.write(frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0) + b"".join(
            frames.request(2 * i + 1, "/ok", authority=self.name) + frames.frame(frames.RST_STREAM, 0, 2 * i + 1, bytes(4)) for i in range(50)))
        await self.pause(0.5)

    async def pings(self, reader, writer, chance):
        writer.write(frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0) + frames.frame(frames.PING, 0, 0, bytes(8)) * 500)
        await asyncio.wait_for(reader.read(), 5)

    async def shut_window(self, reader, writer, chance):
        writer.write(frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0, b"\0\x04\0\0\0\0") + frames.request(1, "/ok", authority=self.name))
        await self.pause(2)

    async def leaves(self, reader, writer, chance):
        writer.write(b"POST /echo HTTP/1.1\r\nHost: " + self.name + b"\r\nContent-Length: 1000\r\n\r\nsome")
        await self.pause(0.1)
        writer.transport.abort()

    async def big_head(self, reader, writer, chance):
        writer.write(b"GET /ok HTTP/1.1\r\nHost: " + self.name + b"\r\n" + b"X: " + b"y" * 70000)
        await asyncio.wait_for(reader.read(), 5)

    async def smuggles(self, reader, writer, chance):
        writer.write(b"POST /ok HTTP/1.1\r\nHost: " + self.name + b"\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        await asyncio.wait_for(reader.read(), 5)
