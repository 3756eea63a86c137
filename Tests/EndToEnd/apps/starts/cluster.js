'use strict';
// A master that serves nothing, and two workers that share a port.
const cluster = require('cluster');

cluster.setupMaster({ exec: require.resolve('./shop') });
const ports = [];
cluster.on('listening', (worker, address) => {
  if (ports.push(address.port) === 2) console.log('LISTENING ' + address.port);
});
for (let i = 0; i < 2; i++) cluster.fork({ TELLS: 'master' });
process.on('SIGTERM', () => process.exit());
