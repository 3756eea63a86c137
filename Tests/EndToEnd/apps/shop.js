'use strict';
// A small Express shop as one may come to be, with the ways of answering twice that are met in such programs; innocents between them.
const express = require('express');
const { announce } = require('./serve');

const app = express();
const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });
const products = new Map([['7', 'Tea'], ['8', 'M\u00fcsli'], ['9', 'Salt']]);

// Answers for whoever takes too long; the late ones are answered by their handlers as well.
function timeLimit(ms) {
  return (req, res, next) => {
    setTimeout(() => { if (!res.headersSent) res.status(503).json({ error: 'timeout' }); }, ms); // first /reports/:id
    next();
  };
}

app.get('/', (req, res) => res.send('<h1>Shop</h1>'));
app.get('/products/:id', (req, res) => res.json({ name: products.get(req.params.id) }));
app.get('/orders/:id', (req, res) => {
  if (!/^\d+$/.test(req.params.id)) res.status(400).json({ error: 'no such order' }); // first /orders/:id
  res.json({ order: req.params.id }); // second /orders/:id
});
app.get('/reports/:id', timeLimit(30), async (req, res) => {
  await wait(req.params.id % 3 === 0 ? 60 : 5);
  try {
    res.json({ report: req.params.id }); // second /reports/:id
  } catch (error) { /* it was answered */ }
});
app.get('/labels/:id', (req, res) => {
  const text = products.get(req.params.id) || 'none';
  // Counts characters where bytes are due.
  res.set('Content-Length', text.length).type('text').end(text);
});
// Speaks to the socket itself, so that it works however far the answer has got.
app.get('/export/:name', async (req, res) => {
  const { socket } = req;
  res.json({ rows: 0 }); // first /export/:name
  await wait(20);
  const body = JSON.stringify({ error: 'the export failed' });
  socket.write('HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n' + // second /export/:name
    `Content-Length: ${body.length}\r\n\r\n${body}`);
});

const server = app.listen(+process.env.PORT, '127.0.0.1', () => announce(server));
server.keepAliveTimeout = 60_000;
