'use strict';
// The main thread serves nothing; each of two worker threads has a server.
const { Worker } = require('worker_threads');

for (let i = 0; i < 2; i++) new Worker(require.resolve('./shop')).on('message', (told) => console.log(told));
