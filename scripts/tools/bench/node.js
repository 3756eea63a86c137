// Node beside the proxies of scripts/bench.
//   node.js serve PORT             hello in JSON, uploads, WebSockets that echo, event streams; /twice is answered twice
//   node.js echo PORT SECONDS      64 WebSockets, a message after the other on each
//   node.js events PORT SECONDS    1,000 event streams
'use strict';
const http = require('node:http');
const net = require('node:net');

const STREAMS = 1000;
const [what, port, seconds] = process.argv.slice(2);

function serve() {
  const streams = new Set();
  const server = http.createServer((req, res) => {
    if (req.url === '/upload') {
      let bytes = 0;
      req.on('data', (piece) => { bytes += piece.length; });
      req.on('end', () => res.end(`${bytes}`));
    } else if (req.url === '/events') {
      res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      res.write(':\n\n');
      streams.add(res);
      res.on('close', () => streams.delete(res));
    } else if (req.url === '/twice') {
      const { socket } = res;
      res.end('once');
      socket.write('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n');
    } else {
      res.setHeader('Content-Type', 'application/json');
      res.end(JSON.stringify({ hello: 'world', at: req.url }));
    }
  });
  server.on('upgrade', (req, socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
      + 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n');
    socket.pipe(socket);
  });
  server.keepAliveTimeout = 60_000;
  server.requestTimeout = 0;
  setInterval(() => { for (const res of streams) res.write('data: tick\n\n'); }, 1000);
  server.listen(Number(port), '127.0.0.1', 4096, () => console.log('ready'));
}

function opened(request, onBytes) {
  const socket = net.connect(Number(port), '127.0.0.1', () => socket.write(request));
  let head = '';
  let isOpen = false;
  socket.setNoDelay(true);
  socket.on('data', (bytes) => {
    if (isOpen) return onBytes(socket, bytes);
    head += bytes.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    isOpen = true;
    if (!/^HTTP\/1\.1 (101|200)/.test(head)) failed += 1;
    return onBytes(socket, Buffer.alloc(0), true);
  });
  socket.on('error', () => { failed += 1; });
}

let done = 0;
let failed = 0;

function finish() {
  setTimeout(() => {
    console.log(`${done} done, ${failed} failed`);
    process.exit(0);
  }, Number(seconds) * 1000);
}

function echo() {
  const message = Buffer.alloc(32, 0x61);
  message[0] = 0x82;
  message[1] = 0x9a;
  const request = 'GET /echo HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
  for (let i = 0; i < 64; i += 1) {
    let back = 0;
    opened(request, (socket, bytes, isFirst) => {
      back += bytes.length;
      if (isFirst) socket.write(message);
      while (back >= message.length) {
        back -= message.length;
        done += 1;
        socket.write(message);
      }
    });
  }
  finish();
}

function events() {
  const request = 'GET /events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n';
  for (let i = 0; i < STREAMS; i += 1) {
    opened(request, (_, bytes) => {
      for (let at = bytes.indexOf('data:'); at >= 0; at = bytes.indexOf('data:', at + 5)) done += 1;
    });
  }
  finish();
}

({ serve, echo, events })[what]();
