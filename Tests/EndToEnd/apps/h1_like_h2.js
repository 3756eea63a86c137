'use strict';
// The plain cases of h2.js over HTTP/1.1.
const { serve } = require('./serve.js');
serve({
  '/echo': (req, res) => req.pipe(res),
  '/no-content': (req, res) => { res.statusCode = 204; res.end(); },
  '/big': (req, res) => {
    const piece = Buffer.alloc(64 << 10, 'x');
    let left = 320;
    const write = () => {
      while (left-- > 0) if (!res.write(piece)) return res.once('drain', write);
      res.end();
    };
    write();
  },
});
