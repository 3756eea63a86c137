'use strict';
// Bytes written to a connection past Node's answer: a second answer that nothing refuses. Each connection of a server gets a
// `write` of its own; what Node itself writes passes it between `enter` and `leave`.
var offences = require('./offences');
var stacks = require('./stacks');
var stamps = require('./stamps');
var wrapping = require('./wrapping');

// How many of the last answers are kept for their connections' sake.
var RECENT = 256;

var connections = stamps.stamp();
var recent = new Array(RECENT);
var count = 0;
var depth = 0;
// What stands in the place of Node's `write`, one for all connections: V8 then knows what it calls.
var nodes = null;
var instead = null;

function Connection() {
  // The note of the last answer, and the how manyth of all answers it was.
  this.last = null;
  this.number = 0;
  this.res = null;
  this.hasAnswered = false;
  // Whether an answer to another request came before `last`: a timer of that one may be who writes.
  this.isShared = false;
  this.raw = null;
  this.rawAt = 0;
}

function isInterim(data) { return /^HTTP\/1\.[01] 1\d\d/.test(String(data).slice(0, 16)); }

function isMessage(data) { return /^HTTP\/1\.[01] \d/.test(String(data).slice(0, 16)); }

function sizeOf(data, encoding) {
  if (typeof data === 'string') return Buffer.byteLength(data, typeof encoding === 'string' ? encoding : 'utf8');
  return data && data.byteLength;
}

function statusOf(data) {
  var match = /^HTTP\/1\.[01] (\d{3})/.exec(String(data).slice(0, 16));
  return match ? +match[1] : undefined;
}

function written(socket, connection, data, encoding) {
  var pending = socket._httpMessage;
  var isUnanswered = !!pending && !pending._header;
  // A line's end alone is no answer.
  if (/^[\r\n]*$/.test(String(data).slice(0, 16))) return;
  var stack = stacks.second(written);
  // Node's own answers to what is no request, and an application's.
  if (stack && stacks.isOfNode(stack, /\bsocketOnError\b/)) return;
  // On a connection that has answered before, it may be a late second answer to the request before.
  if (isUnanswered && !isInterim(data) && connection.raw === null && !connection.hasAnswered) {
    connection.raw = stack;
    connection.rawAt = offences.now();
    connection.res = pending;
  }
  var note = connection.last;
  if (note === null || !note.isEnded && !isMessage(data)) return;
  var offence = offences.begin(note.res, note, {
    operation: 'socket.write', status: statusOf(data), bytes: sizeOf(data, encoding), stack: stack,
    certainty: isUnanswered || connection.isShared ? 'suspected' : undefined,
    attribution: connection.isShared ? 'open' : undefined,
  });
  if (offence) offences.end(offence, 'sent');
}

exports.adopt = function (socket) {
  var connection = socket ? connections.get(socket) : null;
  if (connection !== undefined) return connection;
  return typeof socket.write === 'function' ? adopted(socket) : null;
};

function adopted(socket) {
  var connection = new Connection();
  connections.set(socket, connection);
  var own = Object.getOwnPropertyDescriptor(socket, 'write');
  if (own && !own.configurable) return connection;
  var original = socket.write;
  Object.defineProperty(socket, 'write', {
    configurable: true, writable: true, enumerable: !!(own && own.enumerable),
    value: original === nodes ? instead : writer(original),
  });
  return connection;
}

function writer(original) {
  nodes = original;
  return instead = wrapping.disguise(function write(data, encoding) {
    if (depth === 0 && this.parser) watch(this, data, encoding);
    return original.apply(this, arguments);
  }, original);
}

function watch(socket, data, encoding) {
  try {
    var connection = connections.get(socket);
    if (connection && (connection.last !== null || socket._httpMessage)) written(socket, connection, data, encoding);
  } catch (e) { /* a report less */ }
}

// A header block has been made for this connection. Returns where somebody has answered the request on the socket before.
// A note is kept only while its connection's: what outlives its request costs the garbage collector more than all else here.
exports.answered = function (connection, note) {
  count += 1;
  var oldest = recent[count % RECENT];
  if (oldest !== undefined && oldest.number === count - RECENT) oldest.last = null;
  recent[count % RECENT] = connection;
  connection.number = count;
  if (connection.last !== note) connection.isShared = connection.hasAnswered;
  connection.last = note;
  connection.hasAnswered = true;
  if (connection.raw === null) return null;
  var raw = connection.res === note.res ? { stack: connection.raw, at: connection.rawAt } : null;
  connection.raw = connection.res = null;
  return raw;
};

// Around what Node writes itself.
exports.writeRawHook = function (original) {
  return function (data, encoding, callback, size) {
    depth += 1;
    try {
      return original.call(this, data, encoding, callback, size);
    } finally {
      depth -= 1;
    }
  };
};

exports.flushHook = function (original) {
  return function (socket) {
    depth += 1;
    try {
      return original.call(this, socket);
    } finally {
      depth -= 1;
    }
  };
};
