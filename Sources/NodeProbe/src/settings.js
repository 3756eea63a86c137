'use strict';
// The environment, read when it is first needed: some process managers set it after the preload.
var MODES = { always: 'always', off: 'off' };
var read = null;

function settings() {
  if (read === null) {
    read = {
      socket: process.env.SENDONCE_PROBE_SOCKET || null,
      file: process.env.SENDONCE_PROBE_FILE || null,
      stacks: MODES[String(process.env.SENDONCE_PROBE_STACKS).toLowerCase()] || 'sampled',
    };
  }
  return read;
}

exports.isOff = function () { return /^(?:off|0|false|no)$/i.test(process.env.SENDONCE_PROBE || ''); };
exports.socket = function () { return settings().socket; };
exports.file = function () { return settings().file; };
exports.stacks = function () { return settings().stacks; };
