'use strict';
// The environment, read when it is first needed: some process managers set it after the preload.
var path = require('path');

var MODES = { always: 'always', off: 'off' };
var BEGAN = 'sendonce.began';
var began = '';
var read = null;

// Notes the directory in which the process began: a relative file is one of there, wherever the program goes. Its threads begin where it is
// by then, so they are told; that takes a module of 2 ms, which is loaded where it is needed alone.
exports.begin = function () {
  try {
    began = process.cwd() + '/';
    var file = process.env.SENDONCE_PROBE_FILE;
    if (!file || path.isAbsolute(file)) return;
    var threads = require('worker_threads');
    if (threads.isMainThread) threads.setEnvironmentData(BEGAN, began);
    else began = threads.getEnvironmentData(BEGAN) || began;
  } catch (e) { /* the directory is gone, or the version too old to tell threads of it */ }
};

function settings() {
  if (read === null) {
    var file = process.env.SENDONCE_PROBE_FILE;
    read = {
      socket: process.env.SENDONCE_PROBE_SOCKET || null,
      file: file ? (path.isAbsolute(file) ? '' : began) + file : null,
      stacks: MODES[String(process.env.SENDONCE_PROBE_STACKS).toLowerCase()] || 'sampled',
    };
  }
  return read;
}

exports.isOff = function () { return /^(?:off|0|false|no)$/i.test(process.env.SENDONCE_PROBE || ''); };
exports.socket = function () { return settings().socket; };
exports.file = function () { return settings().file; };
exports.stacks = function () { return settings().stacks; };
