'use strict';
// Prints what a program sees of the errors of second sends.
// With the name of one of its ends it dies of an uncaught error instead: what Node prints then is what is looked at.
const http = require('http');
const express = require('express');
const { deep, look, lookAtAll, print } = require('./seen_errors');

const [, , end] = process.argv;
// Every way in which Node refuses a second send by throwing.
const refusals = {
  setHeader: (res) => res.setHeader('a', 'b'),
  appendHeader: (res) => res.appendHeader && res.appendHeader('a', 'b'),
  setHeaders: (res) => res.setHeaders && res.setHeaders(new Map([['a', 'b']])),
  removeHeader: (res) => res.removeHeader('a'),
  writeHead: (res) => res.writeHead(500),
  json: (res) => res.json({ again: true }),
  send: (res) => res.status(500).send('again'),
  redirect: (res) => res.redirect('/elsewhere'),
  cookie: (res) => res.cookie('a', 'b'),
};

// And by an error that nobody may have asked for.
const ends = {
  write: (res) => res.write('again'),
  end: (res) => res.end('again'),
};

const app = express();
app.disable('x-powered-by');
app.get('/thrown', (req, res) => {
  res.send('first');
  lookAtAll(refusals, res);
});
app.get('/emitted/:operation', (req, res) => {
  res.send('first');
  res.on('error', (error) => look(`error ${req.params.operation}`, error));
  print(deep(+req.query.depth || 0, () => res[req.params.operation]('again', (error) => look('called back', error))) === res);
});
app.get('/end/:name', (req, res) => {
  res.send('first');
  if (ends[end]) ends[end](res);
  else setTimeout(() => refusals[end](res), 1);
});

async function ask(port, path) {
  await new Promise((resolve) => http.get({ port, path, agent: false }, (answer) => answer.resume().on('end', resolve)));
  await new Promise(setImmediate);
}

const server = app.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  if (end) return ask(port, '/end/now').then(() => setTimeout(() => server.close(), 5));
  for (const path of ['/thrown', '/emitted/write', '/emitted/end', '/emitted/write?depth=30', '/emitted/end?depth=30']) await ask(port, path);
  server.close();
  // A server that cannot listen.
  http.createServer().on('error', (error) => print(error.stack)).listen({ path: __dirname });
});
