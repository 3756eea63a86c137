'use strict';
// As probe_stacks.js, over HTTP/2: what a program sees of the errors of second sends, and of its own, by both of Node's APIs.
const fs = require('fs');
const http2 = require('http2');
const { deep, look, lookAtAll, print } = require('./seen_errors');

const [, , end] = process.argv;

const ofAnswers = {
  setHeader: (res) => res.setHeader('a', 'b'),
  appendHeader: (res) => res.appendHeader && res.appendHeader('a', 'b'),
  removeHeader: (res) => res.removeHeader('a'),
  writeHead: (res) => res.writeHead(500) && undefined,
};
const ofStreams = {
  respond: (stream) => stream.respond({ ':status': 500 }),
  respondWithFD: (stream) => stream.respondWithFD(0),
  respondWithFile: (stream) => stream.respondWithFile(__filename),
  additionalHeaders: (stream) => stream.additionalHeaders({ ':status': 103 }),
};

const answers = {
  '/own': (req, res) => {
    print(new Error('its own').stack);
    res.end();
  },
  '/thrown': (req, res) => {
    res.end('first');
    lookAtAll(ofAnswers, res);
    res.stream.on('close', () => lookAtAll(ofAnswers, res));
  },
  '/written': (req, res) => {
    res.end('first');
    res.stream.on('error', (error) => look('emitted', error));
    print(deep(+req.headers.depth, () => res.write('again', (error) => look('called back', error))));
    print(res.end('again') === res, res.write('again'));
  },
  '/end': (req, res) => {
    res.end('first');
    // Before the stream is closed: after that, Node lets it pass.
    process.nextTick(() => ofAnswers[end](res));
  },
};
const streams = {
  '/stream/own': (stream, headers, flags, raw) => {
    print(new Error('its own').stack, Object.keys(headers), flags, raw && raw.length, stream.listenerCount('error'));
    stream.respond();
    stream.end();
  },
  '/stream/thrown': (stream) => {
    stream.respond();
    lookAtAll(ofStreams, stream);
    stream.end('first');
    stream.on('close', () => lookAtAll(ofStreams, stream));
  },
  '/stream/end': (stream) => {
    stream.respond();
    stream.end('first');
    stream.on('close', () => ofStreams[end](stream));
  },
};

const server = http2.createServer((req, res) => {
  if (answers[req.url]) answers[req.url](req, res);
});
server.on('stream', (stream, headers, ...more) => {
  if (streams[headers[':path']]) streams[headers[':path']](stream, headers, ...more);
});
// What a program can see of the classes, once they are in use.
server.on('session', (session) => print(new Error('session').stack, Object.keys(session), session.eventNames()));
server.on('connection', () => print(server.listenerCount('stream'), server.listenerCount('session'), server.eventNames(), Object.getOwnPropertyNames(server).length));

const describe = (object) => Reflect.ownKeys(object).map((key) => {
  const { value, get, set, ...rest } = Object.getOwnPropertyDescriptor(object, key);
  const text = typeof value === 'function' ? [value.name, value.length, value.toString(), Object.keys(value).join()] : typeof value;
  return String(key) + JSON.stringify([rest, text, String(get), String(set)]);
}).join('\n');

function ask(session, path, depth) {
  return new Promise((resolve) => {
    const request = session.request({ ':path': path, depth });
    request.on('error', () => {}).on('close', () => setTimeout(resolve, 5)).resume().end();
  });
}

server.listen(0, '127.0.0.1', async () => {
  const session = http2.connect(`http://127.0.0.1:${server.address().port}`);
  session.on('error', () => {});
  if (end) return ask(session, ofAnswers[end] ? '/end' : '/stream/end').then(() => session.close(() => server.close()));
  for (const path of ['/own', '/stream/own', '/thrown', '/stream/thrown', '/written']) await ask(session, path, 0);
  await ask(session, '/written', 30);
  print(describe(http2.Http2ServerResponse.prototype));
  const another = http2.connect(`http://127.0.0.1:${server.address().port}`);
  await ask(another, '/stream/own', 0);
  another.close();
  session.close(() => server.close());
});
