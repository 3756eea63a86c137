'use strict';
// PM2's daemon: not started with the probe, it hands NODE_OPTIONS and the environment of the program on to the workers.
const cluster = require('cluster');

const [, , pm2_env, NODE_OPTIONS] = process.argv;
cluster.setupMaster({ exec: require.resolve('./cluster_container'), windowsHide: true });
cluster.on('listening', (worker, address) => console.log('LISTENING ' + address.port));
cluster.fork({ pm2_env, NODE_OPTIONS });
process.on('SIGTERM', () => process.exit());
