'use strict';
// Dies in the middle of a body: Content-Length on /length, chunked on /chunked.
const { serve } = require('./serve');

const crash = (res) => {
  res.write('hello');
  setTimeout(() => { throw new Error('boom'); }, 15);
};

serve({
  '/length': (req, res) => {
    res.writeHead(200, { 'Content-Length': 20 });
    crash(res);
  },
  '/chunked': (req, res) => crash(res),
});
