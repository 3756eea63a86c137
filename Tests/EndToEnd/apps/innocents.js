'use strict';
// Programs that do nothing wrong, however much some of it looks like a second answer.
const { serve } = require('./serve');

const LOOKS_LIKE_ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';

serve({
  '/unanswered': () => {},
  '/upload': (req, res) => {
    let bytes = 0;
    req.on('data', (data) => { bytes += data.length; });
    req.on('end', () => res.end(String(bytes)));
  },
  '/early-hints': (req, res) => {
    res.writeEarlyHints({ link: '</a.css>; rel=preload' });
    setTimeout(() => res.end('hinted'), 10);
  },
  '/processing': (req, res) => {
    res.writeProcessing();
    res.writeProcessing();
    setTimeout(() => res.end('processed'), 10);
  },
  '/text': (req, res) => {
    res.setHeader('Content-Length', 4);
    res.end('text');
  },
  '/chunked-text': (req, res) => {
    res.write('te');
    res.end('xt');
  },
  '/no-content': (req, res) => {
    res.writeHead(204);
    res.end();
  },
  '/not-modified': (req, res) => {
    res.writeHead(304, { 'Content-Length': 1234, ETag: '"a"' });
    res.end();
  },
  '/trailers': (req, res) => {
    res.writeHead(200, { Trailer: 'X-Checksum' });
    res.write('body');
    res.addTrailers({ 'X-Checksum': 'abc', 'Content-Type': 'text/plain' });
    res.end();
  },
  '/spells-chunked': (req, res) => {
    res.write('doc: ');
    setTimeout(() => res.end(LOOKS_LIKE_ANSWER), 15);
  },
  '/spells-length': (req, res) => {
    res.setHeader('Content-Length', LOOKS_LIKE_ANSWER.length);
    res.end(LOOKS_LIKE_ANSWER);
  },
  '/close-delimited': (req, res) => {
    res.useChunkedEncodingByDefault = false;
    res.removeHeader('Transfer-Encoding');
    res.write('until ');
    setTimeout(() => res.end('the close'), 10);
  },
  '/many-fields': (req, res) => {
    res.setHeader('Set-Cookie', ['a=1', 'b=2', 'c=3']);
    res.setHeader('Vary', ['Accept', 'Cookie']);
    res.setHeader('Link', ['</a>; rel=preload', '</b>; rel=preload']);
    res.setHeader('Cache-Control', ['no-cache', 'no-store']);
    res.setHeader('WWW-Authenticate', ['Basic realm="a"', 'Digest realm="b"']);
    res.setHeader('X-Whatever', ['1', '2']);
    res.end('fields');
  },
  '/endless': (req, res) => {
    const more = () => { while (!res.destroyed && res.write('x'.repeat(1024))); };
    res.on('drain', more);
    more();
  },
  '/early-answer': (req, res) => {
    res.writeHead(413, { Connection: 'close' });
    res.end('too large');
  },
}, (server) => { server.keepAliveTimeout = +(process.env.KEEP_ALIVE_TIMEOUT || 5000); });
