'use strict';
// How a Node program reads a request's target, in each of the ways that they are written.
const http = require('http');
const path = require('path');
const url = require('url');
const express = require('express');
const { announce } = require('./serve');

const app = express();
app.use('/admin', (req, res) => res.readings('admin'));
app.use((req, res) => res.readings('rest'));

const under = (read) => (/^\/+admin(\/|$)/.test(read || '') ? 'admin' : 'rest');
const attempt = (read) => { try { return under(read()); } catch { return 'refused'; } };
const server = http.createServer((req, res) => {
  const target = req.url;
  res.readings = (inExpress) => {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({
      parse: attempt(() => url.parse(target).pathname),
      URL: attempt(() => new URL(target, `http://${req.headers.host}`).pathname),
      spelled: attempt(() => new URL(`http://${req.headers.host}${target}`).pathname),
      normalized: attempt(() => path.posix.normalize(decodeURIComponent(url.parse(target).pathname))),
      express: inExpress,
    }));
  };
  app(req, res);
}).listen(+process.env.PORT, '127.0.0.1', () => announce(server));
