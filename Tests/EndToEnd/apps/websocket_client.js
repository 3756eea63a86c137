'use strict';
// Sends messages of all sizes through URL and wants each of them back; prints `OK` and how many.
// With `h2` as second argument over streams of one HTTP/2 connection (RFC 8441), where the ws module has no handshake of its own.
const crypto = require('crypto');
const http2 = require('http2');
const WebSocket = require('ws');

const sizes = [0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20, 4 << 20];
let echoed = 0;

const fail = (what) => { console.log('FAILED ' + what); process.exit(1); };

const session = process.argv[3] === 'h2' ? http2.connect(process.argv[2].replace('ws:', 'http:')) : null;
const settled = session ? new Promise((resolve) => session.once('remoteSettings', resolve)) : Promise.resolve();

const connect = (perMessageDeflate) => {
  if (!session) return new WebSocket(process.argv[2], { perMessageDeflate, maxPayload: 64 << 20 });
  const one = new WebSocket(null);
  one._isServer = false;
  const path = new URL(process.argv[2]).pathname;
  const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': path, 'sec-websocket-version': 13 });
  stream.setNoDelay = () => {};
  stream.on('response', (fields) => {
    if (fields[':status'] !== 200) fail('status ' + fields[':status']);
    one.setSocket(stream, Buffer.alloc(0), { maxPayload: 64 << 20 });
  });
  return one;
};

const talk = (perMessageDeflate) => new Promise((resolve) => {
  const one = connect(perMessageDeflate);
  const messages = [];
  for (const size of sizes) messages.push(crypto.randomBytes(size), 'x'.repeat(size));
  let next = 0;
  one.on('error', (error) => fail(error));
  one.on('open', () => {
    for (const message of messages) one.send(message);
    // In fragments, with a ping between them.
    one.send('a'.repeat(70000), { fin: false });
    one.ping('between');
    one.send('b'.repeat(70000), { fin: true });
    messages.push('a'.repeat(70000) + 'b'.repeat(70000));
  });
  let pongs = 0;
  one.on('pong', (data) => { if (data.toString() === 'between') pongs += 1; });
  one.on('message', (data, isBinary) => {
    const expected = messages[next++];
    if (isBinary !== Buffer.isBuffer(expected)) fail('sort of message ' + next);
    if (Buffer.compare(data, Buffer.from(expected))) fail(`message ${next}: ${data.length} bytes`);
    echoed += 1;
    if (next === messages.length) one.close(4321, 'enough');
  });
  one.on('close', (code) => (code === 4321 && pongs === 1 ? resolve() : fail(`close ${code}, ${pongs} pongs, ${next} messages`)));
});

settled.then(() => Promise.all(Array.from({ length: 8 }, (_, i) => talk(i % 2 === 0)))).then(() => {
  console.log('OK ' + echoed);
  if (session) session.close();
});
