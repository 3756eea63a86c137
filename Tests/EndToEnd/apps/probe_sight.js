'use strict';
// Prints what a program can see of Node's http: names, order, texts and properties of functions, keys of an answer, errors.
const http = require('http');
const timers = require('timers');

const describe = (object) => Reflect.ownKeys(object).map((key) => {
  const { value, ...rest } = Object.getOwnPropertyDescriptor(object, key);
  const text = typeof value === 'function' ? [value.name, value.length, value.toString(), `${value}`, Object.keys(value).join()] : typeof value;
  return String(key) + JSON.stringify([rest, text]);
}).join('\n');

console.log(describe(http.OutgoingMessage.prototype));
console.log(describe(http.ServerResponse.prototype));
console.log(describe(require('stream').Readable.prototype));
console.log(http.ServerResponse.prototype.writeHead === http.ServerResponse.prototype.writeHeader);
console.log(setImmediate === timers.setImmediate, setImmediate.name, setImmediate.length, Reflect.ownKeys(setImmediate).filter((key) => key !== 'toString'));
console.log(typeof require('util').promisify(setImmediate)().then);

const keys = (object) => { const all = []; for (const key in object) all.push(key); return all.join(); };
const error = (call) => { try { return call(); } catch (e) { return [e.name, e.code, e.message, Object.keys(e)]; } };

const server = http.createServer((req, res) => {
  res.end('first', () => {});
  console.log(keys(res), Reflect.ownKeys(res).map(String), res.getHeaders(), res.headersSent, res.writableEnded);
  console.log(error(() => res.setHeader('a', 'b')), error(() => res.writeHead(500)), error(() => res.setHeader('bad name', 'b')));
  res.on('error', (e) => console.log('error', e.code));
  console.log(res.write('x') === false, res.end('again') === res, res.end() === res);
  console.log(Object.keys(req.socket).filter((key) => !key.startsWith('_')).join());
}).listen(0, '127.0.0.1', () => {
  http.get({ port: server.address().port, agent: false }, (response) => {
    response.resume().on('end', () => {
      console.log(response.statusCode, Object.keys(response.headers));
      server.close(() => console.log('closed'));
    });
  });
});
