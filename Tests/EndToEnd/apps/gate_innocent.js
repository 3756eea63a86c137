'use strict';
// An Express program that answers every request once, in many ways; some look much like a second send.
const express = require('express');
const { Readable } = require('stream');
const { announce } = require('./serve');

const app = express();
app.get('/json', (req, res) => res.json({ ok: true }));
app.get('/async', async (req, res, next) => {
  try {
    await null;
    return res.send('done');
  } catch (error) { return next(error); }
});
app.get('/stream', (req, res) => { Readable.from(['a', 'b', 'c']).pipe(res); });
app.get('/chunks', (req, res) => {
  res.write('1');
  setTimeout(() => {
    res.write('2');
    res.end('3');
  }, 2);
});
app.get('/race', async (req, res) => {
  const wait = (ms, value) => new Promise((done) => { setTimeout(done, ms, value); });
  res.send(await Promise.race([wait(2, 'fast'), wait(8, 'slow')]));
});
app.get('/guarded', (req, res, next) => {
  res.write('begun');
  setTimeout(() => next(new Error('too late')), 2);
});
app.get('/fails', () => { throw new Error('before the answer'); });
app.get('/redirect', (req, res) => res.redirect('/json'));
app.get('/unchanged', (req, res) => res.status(304).end());
app.get('/early', (req, res) => {
  res.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' });
  res.send('late');
});
app.get('/status-late', (req, res) => {
  res.send('sent');
  res.statusCode = 500; // changes nothing
});
app.get('/text', (req, res) => res.type('text').send('1200 \u20ac HTTP/1.1 200 OK\r\n\r\n'));
app.post('/echo', (req, res) => { req.pipe(res); });
app.use((error, req, res, next) => {
  if (res.headersSent) return res.destroy();
  return res.status(500).send('error');
});

module.exports = app;
if (require.main === module) {
  const server = app.listen(+process.env.PORT, '127.0.0.1', () => announce(server));
}
