'use strict';
// What Node's parser makes of the bytes that it is given, told as JSON lines.
//
//   views.js requests            two servers, strict and lenient (insecureHTTPParser): a line for each connection when it has ended.
//                                A line on standard input asks for the end: once every connection has closed, DONE is printed.
//   views.js answers             a client: reads `PORT METHOD PATH TAG` lines, sends each request on a connection of its own, and tells what
//                                it was answered, with the bytes.
const http = require('http');
const net = require('net');
const readline = require('readline');

const tell = (object) => process.stdout.write(JSON.stringify(object) + '\n');
let arrivals = 0;
const base64 = (chunks) => Buffer.concat(chunks).toString('base64');

function watch(lenient, open) {
  // No time limit is one of the parser's opinions.
  const server = http.createServer({ insecureHTTPParser: lenient, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0, maxHeaderSize: 131072 });
  server.httpAllowHalfOpen = true;
  server.maxHeadersCount = 0;
  const seen = (req) => {
    const one = { arrival: arrivals++, method: req.method, url: req.url, fields: req.rawHeaders, body: null };
    req.socket.view.requests.push(one);
    const body = [];
    req.on('data', (data) => body.push(data));
    req.on('error', () => {});
    return { one, body };
  };
  server.on('request', (req, res) => {
    const { one, body } = seen(req);
    req.on('end', () => {
      one.body = base64(body);
      one.trailers = req.rawTrailers;
      res.end('seen');
    });
  });
  server.on('checkContinue', (req, res) => { res.writeContinue(); server.emit('request', req, res); });
  server.on('checkExpectation', (req, res) => server.emit('request', req, res));
  server.on('upgrade', (req, socket, head) => {
    Object.assign(seen(req).one, { body: '', tunnel: true });
    socket.view.raw.push(head);
    socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  server.on('connect', (req, socket) => {
    Object.assign(seen(req).one, { body: '', tunnel: true });
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  server.on('clientError', (error, socket) => {
    socket.view.error = error.code || String(error);
    if (error.code !== 'ECONNRESET' && socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  const listener = net.createServer({ allowHalfOpen: true }, (socket) => {
    const view = { lenient, address: socket.remoteAddress, requests: [], error: null, raw: [] };
    socket.view = view;
    open.add(socket);
    server.emit('connection', socket);
    // Afterwards, so that the parser no longer takes the bytes from the socket behind our back.
    socket.on('data', (data) => view.raw.push(data));
    socket.on('error', () => {});
    socket.on('close', () => {
      view.raw = base64(view.raw);
      tell(view);
      open.delete(socket);
    });
  });
  return listener;
}

function requests() {
  const open = new Set();
  const listeners = [watch(false, open), watch(true, open)];
  let waiting = listeners.length;
  for (const listener of listeners) {
    listener.listen(0, '127.0.0.1', 512, () => {
      if (--waiting === 0) console.log('LISTENING ' + listeners.map((one) => one.address().port).join(','));
    });
  }
  readline.createInterface({ input: process.stdin }).on('line', () => {
    const look = () => (open.size ? setTimeout(look, 5) : console.log('DONE'));
    look();
  });
}

function ask(port, method, path, tag, done) {
  const view = { tag, status: null, body: null, complete: false, error: null, raw: [] };
  const finish = () => {
    if (view.told) return;
    view.told = true;
    tell({ ...view, raw: base64(view.raw), told: undefined });
    done();
  };
  const req = http.request({ host: '127.0.0.1', port, method, path, agent: false, maxHeaderSize: 1048576, headers: { 'X-Tag': tag } });
  req.on('socket', (socket) => {
    socket.on('data', (data) => view.raw.push(data));
    socket.on('close', () => setImmediate(finish));
  });
  req.on('upgrade', (res, socket) => { view.status = res.statusCode; view.complete = true; socket.destroy(); });
  req.on('response', (res) => {
    const body = [];
    Object.assign(view, { status: res.statusCode, fields: res.rawHeaders });
    res.on('data', (data) => body.push(data));
    res.on('error', () => {});
    res.on('close', () => Object.assign(view, { body: base64(body), complete: res.complete, trailers: res.rawTrailers }));
  });
  req.on('error', (error) => { view.error = error.code || String(error); });
  req.setTimeout(20000, () => { view.error = 'TIMEOUT'; req.destroy(); });
  req.end();
}

function answers() {
  const waiting = [];
  let running = 0, ended = false;
  const next = () => {
    while (running < 8 && waiting.length) {
      running++;
      ask(...waiting.shift(), () => { running--; next(); });
    }
    if (ended && !running && !waiting.length) console.log('DONE');
  };
  readline.createInterface({ input: process.stdin })
    .on('line', (line) => { waiting.push(line.split(' ')); next(); })
    .on('close', () => { ended = true; next(); });
  console.log('LISTENING 0');
}

({ requests, answers })[process.argv[2]]();
