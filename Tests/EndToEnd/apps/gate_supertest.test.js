'use strict';
// A suite of supertest's as people write them, for mocha or `node --test`: one test a path of probe_express.js (PATHS), or of
// gate_innocent.js (ROUNDS: how often). What is asserted holds, whatever is sent afterwards.
const assert = require('assert');
const request = require('supertest');

const { describe, it } = globalThis.it ? globalThis : require('node:test');
const paths = (process.env.PATHS || '').split(',').filter(Boolean);

describe('the shop', () => {
  for (const path of paths) {
    it(`answers ${path}`, async () => {
      const { status } = await request(require('./probe_express')).get(path);
      assert.ok([200, 302, 503].includes(status), String(status));
      // As long as tests take that have a database to clean.
      await new Promise((done) => { setTimeout(done, 40); });
    });
  }
});

describe('the innocent', () => {
  for (let round = 0; round < +(process.env.ROUNDS || 0); round++) {
    it(`answers once, round ${round}`, async () => {
      // A server of its own for each request: supertest ends it with the answer.
      const agent = new Proxy({}, { get: (_, method) => (path) => request(require('./gate_innocent'))[method](path) });
      await agent.get('/json').expect(200, { ok: true });
      await Promise.all([
        agent.get('/async').expect(200, 'done'), agent.get('/stream').expect(200), agent.get('/chunks').expect(200),
        agent.get('/race').expect(200, 'fast'),
      ]);
      await assert.rejects(async () => agent.get('/guarded'), /aborted|hang up|ECONNRESET/);
      await agent.get('/fails').expect(500, 'error');
      await agent.get('/redirect').expect('Location', '/json').expect(302);
      await agent.get('/unchanged').expect(304);
      await agent.get('/early').expect(200, 'late');
      await agent.get('/status-late').expect(200, 'sent');
      await agent.head('/text').expect(200);
      await agent.post('/echo').type('text').send('x'.repeat(100000)).expect(200);
      await agent.get('/nowhere').expect(404);
    });
  }
});
