'use strict';
// Sends messages of all sizes through URL and wants each of them back; prints `OK` and how many.
const crypto = require('crypto');
const WebSocket = require('ws');

const sizes = [0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20, 4 << 20];
let echoed = 0;

const fail = (what) => { console.log('FAILED ' + what); process.exit(1); };

const talk = (perMessageDeflate) => new Promise((resolve) => {
  const one = new WebSocket(process.argv[2], { perMessageDeflate, maxPayload: 64 << 20 });
  const messages = [];
  for (const size of sizes) messages.push(crypto.randomBytes(size), 'x'.repeat(size));
  let next = 0;
  one.on('error', (error) => fail(error));
  one.on('open', () => {
    for (const message of messages) one.send(message);
    // In fragments, with a ping between them.
    one.send('a'.repeat(70000), { fin: false });
    one.ping('between');
    one.send('b'.repeat(70000), { fin: true });
    messages.push('a'.repeat(70000) + 'b'.repeat(70000));
  });
  let pongs = 0;
  one.on('pong', (data) => { if (data.toString() === 'between') pongs += 1; });
  one.on('message', (data, isBinary) => {
    const expected = messages[next++];
    if (isBinary !== Buffer.isBuffer(expected)) fail('sort of message ' + next);
    if (Buffer.compare(data, Buffer.from(expected))) fail(`message ${next}: ${data.length} bytes`);
    echoed += 1;
    if (next === messages.length) one.close(4321, 'enough');
  });
  one.on('close', (code) => (code === 4321 && pongs === 1 ? resolve() : fail(`close ${code}, ${pongs} pongs, ${next} messages`)));
});

Promise.all(Array.from({ length: 8 }, (_, i) => talk(i % 2 === 0))).then(() => console.log('OK ' + echoed));
