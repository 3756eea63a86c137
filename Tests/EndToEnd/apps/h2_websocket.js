'use strict';
// WebSockets over HTTP/2 (RFC 8441), cleartext: /ws echoes messages as the ws module has them; on other paths raw bytes.
// /raw echoes and ends when its client has, /bye speaks, ends its side and then tells what it has heard,
// /gone ends the connection, /silent says nothing, /refuse answers 403. NO_CONNECT: extended CONNECT is not enabled.
const http2 = require('http2');
const WebSocket = require('ws');
const { announce } = require('./serve.js');

const tunnels = {
  '/ws': (stream) => {
    stream.setNoDelay = () => {};
    const one = new WebSocket(null);
    one.setSocket(stream, Buffer.alloc(0), { maxPayload: 64 << 20 });
    one.on('message', (data, isBinary) => one.send(data, { binary: isBinary }));
  },
  '/raw': (stream) => stream.pipe(stream),
  '/bye': (stream) => {
    let heard = '';
    stream.on('data', (piece) => { heard += piece; });
    stream.on('end', () => console.log('HEARD ' + heard));
    stream.end('bye');
  },
  '/gone': (stream) => stream.once('data', () => stream.session.destroy()),
  '/silent': (stream) => stream.resume(),
};

const server = http2.createServer({ settings: { enableConnectProtocol: !process.env.NO_CONNECT } });
server.on('stream', (stream, fields) => {
  stream.on('error', () => {});
  stream.on('close', () => console.log(`CLOSED ${fields[':path']} ${stream.rstCode}`));
  if (fields[':method'] !== 'CONNECT') return stream.respond({ ':status': 200 }), stream.end(`${fields[':method']} OK`);
  if (fields[':path'] === '/refuse') return stream.respond({ ':status': 403 }), stream.end('no');
  const wrong = fields[':protocol'] !== 'websocket' || fields['sec-websocket-key'] || fields.upgrade || fields.connection;
  if (wrong) return stream.respond({ ':status': 400 }), stream.end(JSON.stringify(fields));
  const asked = fields['sec-websocket-protocol'];
  stream.respond({ ':status': 200, ...(asked && { 'sec-websocket-protocol': asked }) });
  tunnels[fields[':path']](stream);
});
server.listen(0, '127.0.0.1', () => announce(server));
