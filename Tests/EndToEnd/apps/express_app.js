'use strict';
// What Express makes of an answer sent twice: the second send throws, and its final handler hangs up.
const express = require('express');
const { announce } = require('./serve');

const app = express();
app.get('/ok', (req, res) => res.send('OK'));
app.get('/orders/:id', (req, res) => {
  res.json({ order: req.params.id });
  res.json({ order: 'again' });
});
app.get('/missing-return', (req, res) => {
  if (!req.query.user) res.status(400).json({ error: 'user is required' });
  res.json({ user: req.query.user });
});
const server = app.listen(+process.env.PORT, '127.0.0.1', () => announce(server));
