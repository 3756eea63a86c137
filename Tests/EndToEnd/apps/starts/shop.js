'use strict';
// Answers twice, in Express: what each start below starts.
const express = require('express');

const app = express();
app.get('/ok', (req, res) => res.send('OK'));
app.get('/orders/:id', (req, res) => {
  res.json({ order: req.params.id }); // first /orders/:id
  try {
    res.json({ order: 'again' }); // second /orders/:id
  } catch (error) { /* nobody hears of it */ }
});
const server = app.listen(0, '127.0.0.1', () => {
  const told = 'LISTENING ' + server.address().port;
  const { parentPort } = require('worker_threads');
  if (parentPort) parentPort.postMessage(told);
  else if (process.env.TELLS !== 'master') console.log(told);
});
