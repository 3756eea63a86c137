'use strict';
// What PM2 runs in cluster mode: the environment comes in one variable, and is put in place once the process has started.
const given = JSON.parse(process.env.pm2_env);
delete process.env.pm2_env;
for (const [name, value] of Object.entries(given)) process.env[name] = value;
process.argv[1] = given.pm_exec_path;
require('module')._load(given.pm_exec_path, null, true);
