'use strict';
// Tests of gate_innocent.js: against SENDONCE_URL where there is one, else against a port of their own, as supertest does it. ROUNDS: how often.
const assert = require('node:assert');
const http = require('node:http');
const test = require('node:test');

const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });

function ask(base, method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(path, base), { method, agent }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk) => { text += chunk; });
      res.on('end', () => resolve({ status: res.statusCode, text }));
      res.on('error', () => resolve({ status: res.statusCode, text, isCut: true }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

// A client that goes away in the middle.
function abandon(base, path) {
  return new Promise((resolve) => {
    const request = http.get(new URL(path, base), (res) => res.once('data', () => request.destroy()));
    request.on('error', () => {});
    request.on('close', resolve);
  });
}

async function all(base) {
  const equal = async (path, status, text) => assert.deepStrictEqual(await ask(base, 'GET', path), { status, text });
  await equal('/json', 200, '{"ok":true}');
  await Promise.all([equal('/async', 200, 'done'), equal('/stream', 200, 'abc'), equal('/chunks', 200, '123'), equal('/race', 200, 'fast')]);
  assert.ok((await ask(base, 'GET', '/guarded')).isCut);
  await equal('/fails', 500, 'error');
  assert.strictEqual((await ask(base, 'GET', '/redirect')).status, 302);
  await equal('/unchanged', 304, '');
  await equal('/early', 200, 'late');
  await equal('/status-late', 200, 'sent');
  await equal('/text', 200, '1200 \u20ac HTTP/1.1 200 OK\r\n\r\n');
  assert.deepStrictEqual(await ask(base, 'HEAD', '/text'), { status: 200, text: '' });
  assert.deepStrictEqual(await ask(base, 'POST', '/echo', 'x'.repeat(100000)), { status: 200, text: 'x'.repeat(100000) });
  assert.strictEqual((await ask(base, 'GET', '/nowhere')).status, 404);
  await abandon(base, '/chunks');
}

for (let round = 0; round < +(process.env.ROUNDS || 1); round++) {
  test(`round ${round}`, async () => {
    if (process.env.SENDONCE_URL) return all(process.env.SENDONCE_URL);
    const server = http.createServer(require('./gate_innocent'));
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    try {
      await all(`http://127.0.0.1:${server.address().port}`);
    } finally {
      await new Promise((done) => { server.close(done); server.closeAllConnections(); });
    }
  });
}
test('the connections are closed', () => agent.destroy());
