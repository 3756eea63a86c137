'use strict';
// A well-behaved origin to send bytes through.
const crypto = require('crypto');
const { serve } = require('./serve');

const block = Buffer.from(Array.from({ length: 65521 }, (_, i) => i % 251));

serve({
  // The body comes back as it was.
  '/echo': (req, res) => {
    if (req.headers['content-length']) res.setHeader('Content-Length', req.headers['content-length']);
    req.pipe(res);
  },
  // What arrived: method, url, fields in order, length and hash of the body.
  '/inspect': (req, res) => {
    const hash = crypto.createHash('sha256');
    let bytes = 0;
    req.on('data', (data) => { bytes += data.length; hash.update(data); });
    req.on('end', () => {
      const body = JSON.stringify({
        method: req.method, url: req.url, version: req.httpVersion, fields: req.rawHeaders, bytes, sha256: hash.digest('hex'),
      });
      res.setHeader('Content-Type', 'application/json');
      res.end(body);
    });
  },
  // ?bytes=N: so many bytes of a fixed pattern, with their Content-Length (&chunked=1: chunked).
  '/bytes': (req, res) => {
    const query = new URL(req.url, 'http://a').searchParams;
    const total = +query.get('bytes');
    if (!query.get('chunked')) res.setHeader('Content-Length', total);
    let sent = 0;
    const more = () => {
      while (sent < total) {
        const part = block.subarray(0, Math.min(block.length, total - sent));
        sent += part.length;
        if (!res.write(part)) { res.once('drain', more); return; }
      }
      res.end();
    };
    more();
  },
});
