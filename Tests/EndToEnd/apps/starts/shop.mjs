// A program of ECMAScript modules, with every way of naming what the probe hooks.
import process from 'node:process';
import * as http from 'node:http';
import { createServer, ServerResponse } from 'node:http';

const { setHeader } = ServerResponse.prototype;
const server = createServer((req, res) => {
  res.end('first'); // first /
  try {
    setHeader.call(res, 'X-Late', '1'); // second /
  } catch (error) { /* nobody hears of it */ }
});
if (http.ServerResponse !== ServerResponse) process.exit(1);
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
console.log('LISTENING ' + server.address().port);
