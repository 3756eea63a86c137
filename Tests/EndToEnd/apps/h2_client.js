'use strict';
// node h2_client.js URL COUNT PATH...: COUNT requests at once on one HTTP/2 connection, over the paths in turn.
// Prints one JSON object: for each request its status, body, trailers and how it ended.
const http2 = require('http2');
const [url, count, ...paths] = process.argv.slice(2);
const session = http2.connect(url);
const answers = new Array(+count);
let left = +count;
session.on('error', (error) => { console.log(JSON.stringify({ failed: error.message })); process.exit(1); });
for (let i = 0; i < +count; i++) {
  const answer = (answers[i] = { body: '', interim: [] });
  const request = session.request({ ':path': paths[i % paths.length] });
  request.setEncoding('latin1');
  request.on('headers', (fields) => answer.interim.push(fields[':status']));
  request.on('response', (fields) => { answer.status = fields[':status']; answer.fields = fields; });
  request.on('trailers', (fields) => { answer.trailers = fields; });
  request.on('data', (piece) => { answer.body += piece; });
  request.on('error', (error) => { answer.error = error.code; });
  request.on('close', () => {
    answer.code = request.rstCode;
    if (--left === 0) { console.log(JSON.stringify(answers)); session.close(); }
  });
  request.end();
}
