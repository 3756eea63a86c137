'use strict';
// Express programs that answer twice, one a path. A line that ends in `// first PATH` or `// second PATH` is where the probe
// has to point.
const fs = require('fs');
const express = require('express');
const { announce } = require('./serve');

const app = express();
const shop = express.Router();
app.disable('etag');

if (process.env.SURVIVE) process.on('uncaughtException', () => {});

app.get('/ok', (req, res) => res.send('OK'));
app.get('/orders/:id', (req, res) => {
  res.json({ order: req.params.id }); // first /orders/:id
  res.status(500).json({ order: 'again' }); // second /orders/:id
});
app.get('/async', async (req, res) => {
  res.send('first'); // first /async
  await null;
  try {
    res.send('second'); // second /async
  } catch (error) { /* nobody hears of it */ }
});
app.get('/timer', (req, res) => {
  res.send('first'); // first /timer
  setTimeout(() => {
    res.send('second'); // second /timer
  }, 10);
});
app.get('/next-error', (req, res, next) => {
  res.json({ ok: true }); // first /next-error
  next(new Error('too late')); // second /next-error
});
app.get('/next-error-late', (req, res, next) => {
  res.json({ ok: true }); // first /next-error-late
  setTimeout(() => next(new Error('too late')), 5); // second /next-error-late
});
app.get('/guarded', (req, res, next) => {
  res.json({ ok: true }); // first /guarded
  next(new Error('too late')); // second /guarded
});
app.get('/guarded-throw', (req, res) => {
  res.json({ ok: true }); // first /guarded-throw
  throw new Error('too late'); // second /guarded-throw
});
app.get('/next-string', (req, res, next) => {
  res.json({ ok: true });
  next('too late');
});
app.get('/thrown', (req, res) => {
  res.json({ ok: true }); // first /thrown
  throw new Error('too late'); // second /thrown
});
app.get('/timed', (req, res, next) => {
  const { end } = res;
  res.end = function (...args) {
    res.setHeader('X-Took', '1');
    return end.apply(this, args);
  };
  next();
}, (req, res) => {
  res.send('first'); // first /timed
  try {
    res.send('second'); // second /timed
  } catch (error) { /* nobody hears of it */ }
});
app.get('/timeout', (req, res, next) => {
  setTimeout(() => res.status(503).send('timeout'), 5); // first /timeout
  new Promise((resolve) => setTimeout(resolve, 20)).then(() => {
    res.send('late'); // second /timeout
  }).catch(next);
});
app.get('/guarded-by-nothing', (req, res) => {
  res.send('first'); // first /guarded-by-nothing
  throw new Error('after the answer');
});
app.get('/cookie', (req, res) => {
  res.send('first'); // first /cookie
  try {
    res.cookie('seen', 'yes'); // second /cookie
  } catch (error) { /* nobody hears of it */ }
});
app.get('/pipe', (req, res) => {
  res.on('error', () => {});
  fs.createReadStream(__filename).pipe(res); // second /pipe
  res.end('early'); // first /pipe
});
app.get('/redirect', (req, res) => {
  res.redirect('/ok'); // first /redirect
  res.send('and on'); // second /redirect
});
app.get('/next-route', (req, res, next) => {
  res.send('first'); // first /next-route
  next();
});
app.get('/next-route', (req, res) => {
  res.send('fallback'); // second /next-route
});
shop.get('/items/:item', (req, res) => {
  res.send('first'); // first /shops/:shop/items/:item
  res.send('second'); // second /shops/:shop/items/:item
});
app.use('/shops/:shop', shop);

// Two answers whose calls alternate, each again after its end.
let waiting = null;
app.get('/pair/:name', (req, res) => {
  if (waiting === null) {
    waiting = res;
    return;
  }
  const both = [waiting, res];
  waiting = null;
  both.forEach((each) => each.set('X-Pair', 'yes'));
  both.forEach((each) => each.status(201));
  both.forEach((each) => each.send('pair'));
  both.forEach((each) => { try { each.set('X-Late', 'yes'); } catch (error) { /* nobody hears of it */ } });
});

// Error middlewares as they should be, which pass on what comes too late.
for (const path of ['/guarded', '/guarded-throw']) {
  for (let i = 0; i < 2; i++) app.use(path, (error, req, res, next) => (res.headersSent ? next(error) : res.sendStatus(500)));
}
// An error middleware that asks nobody whether the answer has gone.
app.use('/guarded-by-nothing', (error, req, res, next) => {
  res.status(500).send('error'); // second /guarded-by-nothing
});
// A test suite takes the program as it is, and listens by itself.
module.exports = app;
if (require.main === module) {
  const server = app.listen(+process.env.PORT, '127.0.0.1', () => announce(server));
}
