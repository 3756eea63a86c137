'use strict';
// Prints what a program sees of the errors of second sends: stacks, as text and as CallSites, under each setting that changes them.
// With the name of one of its ends it dies of an uncaught error instead: what Node prints then is what is looked at.
const http = require('http');
const express = require('express');

const [, , end] = process.argv;
const print = (...values) => console.log(...values);
const caught = (call) => {
  try {
    call();
  } catch (error) {
    return error;
  }
};

function deep(depth, call) { return depth === 0 ? call() : deep(depth - 1, call); }

// Every way in which Node refuses a second send by throwing.
const refusals = {
  setHeader: (res) => res.setHeader('a', 'b'),
  appendHeader: (res) => res.appendHeader && res.appendHeader('a', 'b'),
  setHeaders: (res) => res.setHeaders && res.setHeaders(new Map([['a', 'b']])),
  removeHeader: (res) => res.removeHeader('a'),
  writeHead: (res) => res.writeHead(500),
  json: (res) => res.json({ again: true }),
  send: (res) => res.status(500).send('again'),
  redirect: (res) => res.redirect('/elsewhere'),
  cookie: (res) => res.cookie('a', 'b'),
};

// And by an error that nobody may have asked for.
const ends = {
  write: (res) => res.write('again'),
  end: (res) => res.end('again'),
};

const settings = {
  usual: (call) => call(),
  'no frames': (call) => within('stackTraceLimit', 0, call),
  'three frames': (call) => within('stackTraceLimit', 3, call),
  'two and a half': (call) => within('stackTraceLimit', 2.5, call),
  'all frames': (call) => within('stackTraceLimit', Infinity, call),
  'a limit that is none': (call) => within('stackTraceLimit', 'many', call),
  'no limit': (call) => {
    const limit = Error.stackTraceLimit;
    delete Error.stackTraceLimit;
    try {
      return call();
    } finally {
      print(Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit'));
      Error.stackTraceLimit = limit;
    }
  },
  'sites at once': (call) => within('prepareStackTrace', (error, sites) => sites.map(site), () => {
    const error = call();
    print(error && error.stack);
    return error;
  }),
  'another captureStackTrace': (call) => within('captureStackTrace', () => { throw new Error('captured'); }, call),
};

function within(name, value, call) {
  const property = Object.getOwnPropertyDescriptor(Error, name);
  Error[name] = value;
  try {
    return call();
  } finally {
    print(Object.getOwnPropertyDescriptor(Error, name).value === value);
    if (property) Object.defineProperty(Error, name, property);
    else delete Error[name];
  }
}

function site(one) {
  return [String(one), one.getFileName(), one.getLineNumber(), one.getColumnNumber(), one.getFunctionName(), one.getTypeName(),
    one.getMethodName(), one.isNative(), one.isToplevel(), one.isConstructor(), typeof one.getThis(), typeof one.getFunction()].join(' ');
}

function look(name, error) {
  print(name, error && [error.name, error.code, error.message, Object.keys(error), Reflect.ownKeys(error).map(String)]);
  if (!error) return;
  const { value, get, set, ...rest } = Object.getOwnPropertyDescriptor(error, 'stack') || {};
  print(error.stack, rest, typeof value, typeof get, typeof set);
  print(error);
  if (typeof structuredClone === 'function') print(structuredClone(error).stack);
}

const app = express();
app.disable('x-powered-by');
app.get('/thrown', (req, res) => {
  res.send('first');
  for (const [setting, set] of Object.entries(settings)) {
    for (const [name, call] of Object.entries(refusals)) look(`${setting}: ${name}`, set(() => caught(() => call(res))));
  }
  for (const [name, call] of Object.entries(refusals)) {
    look(`deep: ${name}`, deep(30, () => caught(() => call(res))));
    const late = caught(() => call(res));
    if (!late) continue;
    late.message = 'changed before anybody looked';
    look(`changed: ${name}`, late);
    const sites = caught(() => call(res));
    within('prepareStackTrace', (error, all) => all.map(site), () => print(sites.stack));
  }
});
app.get('/emitted/:operation', (req, res) => {
  res.send('first');
  res.on('error', (error) => look(`error ${req.params.operation}`, error));
  print(deep(+req.query.depth || 0, () => res[req.params.operation]('again', (error) => look('called back', error))) === res);
});
app.get('/end/:name', (req, res) => {
  res.send('first');
  if (ends[end]) ends[end](res);
  else setTimeout(() => refusals[end](res), 1);
});

async function ask(port, path) {
  await new Promise((resolve) => http.get({ port, path, agent: false }, (answer) => answer.resume().on('end', resolve)));
  await new Promise(setImmediate);
}

const server = app.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  if (end) return ask(port, '/end/now').then(() => setTimeout(() => server.close(), 5));
  for (const path of ['/thrown', '/emitted/write', '/emitted/end', '/emitted/write?depth=30', '/emitted/end?depth=30']) await ask(port, path);
  server.close();
  // A server that cannot listen.
  http.createServer().on('error', (error) => print(error.stack)).listen({ path: __dirname });
});
