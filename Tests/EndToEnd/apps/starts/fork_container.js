'use strict';
// What PM2 runs in fork mode: the program is loaded by a container, by what the environment says.
process.title = 'node ' + process.env.pm_exec_path;
process.argv[1] = process.env.pm_exec_path;
require('module')._load(process.env.pm_exec_path, null, true);
