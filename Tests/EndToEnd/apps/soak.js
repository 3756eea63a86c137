'use strict';
// Innocent answers, and guilty ones by path; /planted says how many second answers were begun.
const { serve } = require('./serve');

// How often a second answer was begun, by path. Where a timer is late because the machine is busy, there is none: nobody listens for ever.
const planted = { late: 0, swallowed: 0 };
const LATE_MS = 30;

function again(name, res, milliseconds, send) {
  res.end('first');
  const at = Date.now();
  setTimeout(() => {
    if (Date.now() - at > LATE_MS) return;
    planted[name] += 1;
    try { send(); } catch (error) { /* nobody hears of it */ }
  }, milliseconds);
}

const SECOND = 'HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nSECOND';

serve({
  '/inspect': (req, res) => res.end(JSON.stringify({ url: req.url })),
  '/echo': (req, res) => req.pipe(res),
  // A second answer on the wire.
  '/late': (req, res) => again('late', res, 10, () => req.socket.write(SECOND)),
  // A second answer that Node refuses, and that only the probe sees.
  '/swallowed': (req, res) => again('swallowed', res, 2, () => res.setHeader('X-Late', '1')),
  '/planted': (req, res) => res.end(JSON.stringify(planted)),
}, (server) => { server.keepAliveTimeout = 30_000; });
