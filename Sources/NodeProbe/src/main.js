'use strict';
// Hooks what can answer, once in a process.
var settings = require('./settings');

exports.start = function () {
  if (settings.isOff()) return;
  var mark = Symbol.for('sendonce.probe');
  if (process[mark]) return;
  Object.defineProperty(process, mark, { value: true, enumerable: false });
  settings.begin();
  require('./answers').hook();
  require('./errors').hook();
  require('./requests').listen();
  require('./streams').hook();
  // Modules of the newer kind have names for the builtins' functions, which are brought up to date.
  var modules = require('module');
  if (modules.syncBuiltinESMExports) modules.syncBuiltinESMExports();
};
