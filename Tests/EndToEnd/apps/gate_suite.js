'use strict';
// A suite as people write them with supertest: a server on a port of its own for each test, whose answers are checked. Every test
// passes, whatever is sent afterwards. `gate_suite.js PATH...` asks the paths of probe_express.js.
const assert = require('assert');
const http = require('http');
const app = require('./probe_express');

process.on('uncaughtException', () => {});

function ask(path) {
  return new Promise((resolve, reject) => {
    const server = http.createServer(app).listen(0, '127.0.0.1', () => {
      http.get({ port: server.address().port, path, agent: false }, (res) => {
        let text = '';
        res.on('data', (chunk) => { text += chunk; });
        // What comes late has its time before the server goes.
        res.on('end', () => setTimeout(() => server.close(() => resolve({ status: res.statusCode, text })), 40));
        res.on('error', reject);
      }).on('error', reject);
    });
  });
}

(async () => {
  for (const path of process.argv.slice(2)) {
    const { status } = await ask(path);
    assert.ok([200, 302, 503].includes(status), `${path}: ${status}`);
  }
  console.log('all passed');
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
