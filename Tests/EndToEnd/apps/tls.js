'use strict';
// Whether the proxy's session with us is a resumed one, and what it asked for.
require('./serve').serve({
  '/session': (req, res) => res.end(JSON.stringify({
    reused: req.socket.isSessionReused(), version: req.socket.getProtocol(), alpn: req.socket.alpnProtocol || null,
    name: req.socket.servername || null,
  })),
  '/close': (req, res) => { res.setHeader('Connection', 'close'); res.end('CLOSED'); },
  '/twice': (req, res) => { res.setHeader('Content-Length', 5); res.write('first'); res.write('second'); res.end(); },
  '/echo': (req, res) => req.pipe(res),
});
