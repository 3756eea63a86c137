'use strict';
// An origin that closes idle connections after IDLE_MS, and says so in no field. `GET /count` tells how many POSTs it has served.
const { serve } = require('./serve');

let posts = 0;
serve({
  '/post': (req, res) => {
    let bytes = 0;
    req.on('data', (data) => { bytes += data.length; });
    req.on('end', () => {
      posts++;
      res.end(String(bytes));
    });
  },
  '/count': (req, res) => res.end(String(posts)),
}, (server) => {
  server.keepAliveTimeout = +process.env.IDLE_MS;
});
