'use strict';
// Where reports go: a Unix socket, written synchronously, so that they survive a crash in the same tick; else a file.
var fs = require('fs');
var net = require('net');
var settings = require('./settings');

var LINE_MAX = 32 * 1024;
var WAITING_MAX = 256 * 1024;
var RECONNECT_MS = 1000;
var NEWLINE = 10;
var APPENDING = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NONBLOCK;

var socket = null;
var lastTry = -Infinity;
var waiting = [];
var waitingBytes = 0;
var restOf = null;
var timer = null;
var dropped = 0;
var isTorn = false;

function isReady() { return socket !== null && !socket.destroyed && !!socket._handle; }

function connect() {
  var now = Date.now();
  if (isReady() || now - lastTry < RECONNECT_MS) return;
  lastTry = now;
  var made = socket = net.connect({ path: settings.socket() });
  made.unref();
  made.on('error', function () { if (socket === made) abandon(); });
  made.on('close', function () { if (socket === made) abandon(); });
  made.resume();
}

function later() {
  if (timer !== null || waiting.length === 0) return;
  timer = setTimeout(function () {
    timer = null;
    flush();
  }, RECONNECT_MS);
  if (timer.unref) timer.unref();
}

function keep(bytes) {
  if (waitingBytes + bytes.length > WAITING_MAX) {
    dropped += 1;
    return;
  }
  waiting.push(bytes);
  waitingBytes += bytes.length;
}

// libuv connects a Unix socket in the call itself: its descriptor can be written at once.
function write(bytes) {
  var handle = socket._handle;
  if (typeof handle.fd !== 'number' || handle.fd < 0) {
    socket.write(bytes);
    return bytes.length;
  }
  return fs.writeSync(handle.fd, bytes, 0, bytes.length);
}

function flush() {
  try {
    connect();
  } catch (e) { socket = null; }
  while (waiting.length > 0 && isReady()) {
    var bytes = waiting[0];
    var written = 0;
    try {
      written = write(bytes);
    } catch (e) {
      if (e && e.code === 'EAGAIN') break;
      abandon();
      break;
    }
    waitingBytes -= written;
    if (written < bytes.length) {
      waiting[0] = bytes.slice(written);
      restOf = socket;
      break;
    }
    waiting.shift();
    restOf = null;
  }
  if (waiting.length > 0 && settings.file() && !isReady()) spill();
  later();
}

// What has gone in part on a connection that is no more cannot be finished on another one.
function abandon() {
  var broken = socket;
  socket = null;
  if (restOf !== null && restOf === broken) {
    waitingBytes -= waiting.shift().length;
    restOf = null;
    dropped += 1;
  }
  if (broken) broken.destroy();
}

function spill() {
  while (waiting.length > 0) append(waiting.shift());
  waitingBytes = 0;
}

// The program never waits for whoever reads: a FIFO that nobody reads, or that is full, costs a report.
function append(bytes) {
  var written = 0;
  if (isTorn) bytes = Buffer.concat([Buffer.from('\n'), bytes]);
  try {
    var descriptor = fs.openSync(settings.file(), APPENDING);
    try { written = fs.writeSync(descriptor, bytes, 0, bytes.length); } finally { fs.closeSync(descriptor); }
  } catch (e) { /* as if nothing had been written */ }
  if (written < bytes.length) dropped += 1;
  // Half a line stays half a line: the next report begins on a new one.
  if (written > 0) isTorn = bytes[written - 1] !== NEWLINE;
}

exports.exists = function () { return settings.socket() !== null || settings.file() !== null; };
// A socket takes a report at once and a change of mind later; a line in a file is final.
exports.isImmediate = function () { return settings.socket() !== null; };
exports.takeDropped = function () {
  var count = dropped;
  dropped = 0;
  return count;
};

exports.send = function (record) {
  var bytes = Buffer.from(JSON.stringify(record) + '\n');
  if (bytes.length > LINE_MAX) {
    dropped += 1;
    return;
  }
  if (!settings.socket()) return append(bytes);
  keep(bytes);
  flush();
};
