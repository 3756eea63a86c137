'use strict';
// Tells its NAME; `/healthz` is well, paths that end in `/slow-ish` take 5 ms. With GRACEFUL it ends as deployments ask for it: on
// SIGTERM it takes no more connections, closes idle ones, and answers those who have asked.
const { serve } = require('./serve');

let isEnding = false;
const name = (req, res) => {
  if (isEnding) res.setHeader('Connection', 'close');
  res.end(process.env.NAME);
};
const slow = (req, res) => setTimeout(() => name(req, res), 5);
const handlers = { '/': name, '/healthz': name, '/slow-ish': slow };
for (const prefix of (process.env.PREFIXES || '').split(',')) handlers[`/${prefix}/slow-ish`] = slow;

const server = serve(handlers);
if (process.env.GRACEFUL) {
  process.on('SIGTERM', () => {
    isEnding = true;
    server.close(() => process.exit(0));
  });
}
