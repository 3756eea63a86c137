'use strict';
// Echoes WebSocket messages; /greet speaks first, /refuse answers the upgrade with 403.
const { WebSocketServer } = require('ws');
const { serve } = require('./serve');

serve({}, (server) => {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true, maxPayload: 64 << 20 });
  server.on('upgrade', (req, socket, head) => {
    if (req.url === '/refuse') {
      return socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
    }
    sockets.handleUpgrade(req, socket, head, (one) => {
      if (req.url === '/greet') one.send('hello');
      one.on('message', (data, isBinary) => one.send(data, { binary: isBinary }));
      one.on('error', () => {});
      one.on('close', (code) => console.log('CLOSED ' + code));
    });
  });
});
