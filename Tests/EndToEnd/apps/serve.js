'use strict';
// Serves a table of handlers by path. PORT is a number (0: the kernel chooses) or the path of a Unix socket.
// HOST: the address to listen at, when it is not the loopback's. CERTIFICATE and KEY (PEM files): over TLS. HTTP2: in cleartext.
// Prints `LISTENING <where>` once connections are accepted. Every table also answers /ok and /slow properly.
const fs = require('fs');
const http = require('http');
const http2 = require('http2');
const https = require('https');

const always = {
  '/ok': (req, res) => res.end('OK'),
  '/slow': (req, res) => setTimeout(() => res.end('SLOW'), 60),
};

exports.announce = (server) => {
  const where = server.address();
  console.log('LISTENING ' + (typeof where === 'string' ? where : where.port));
};

exports.serve = (handlers, configure = () => {}) => {
  const answer = (req, res) => {
    const path = req.url.split('?')[0];
    const handler = handlers[path] || always[path];
    if (handler) return handler(req, res);
    res.statusCode = 404;
    res.end('no such case: ' + path);
  };
  const server = process.env.CERTIFICATE
    ? https.createServer({
        cert: fs.readFileSync(process.env.CERTIFICATE), key: fs.readFileSync(process.env.KEY),
      }, answer)
    : process.env.HTTP2 ? http2.createServer(answer) : http.createServer(answer);
  configure(server);
  const port = process.env.PORT;
  if (/^\d+$/.test(port)) server.listen(+port, process.env.HOST || '127.0.0.1', () => exports.announce(server));
  else server.listen(port, () => exports.announce(server));
  return server;
};
