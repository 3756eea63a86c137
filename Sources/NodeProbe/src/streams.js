'use strict';
// HTTP/2: its streams, and the servers that have them. The module is loaded by whoever serves HTTP/2, not by the probe: it is hooked
// when a server gets its first connection.
var net = require('net');
var again = require('./again');
var compat = require('./compat');
var offences = require('./offences');
var places = require('./places');
var requests = require('./requests');
var sessions = require('./sessions');
var stacks = require('./stacks');
var stamps = require('./stamps');
var wrapping = require('./wrapping');

var SENT = 'ERR_HTTP2_HEADERS_SENT';
var GONE = 'ERR_HTTP2_INVALID_STREAM';
var LATE = 'ERR_HTTP2_HEADERS_AFTER_RESPOND';
var ECHO = 'sendonce-id';
var CONNECTIONS_TOLD = !process.versions.bun && !process.versions.deno && parseInt(process.versions.node, 10) >= 20;

var notes = stamps.stamp();
var servers = new WeakSet();
var isHooked = false;
var isStreamHooked = false;

function Note(req) {
  this.req = req;
  // When the header block was made; undefined: not yet.
  this.at = undefined;
  this.first = null;
  this.isEnded = false;
  this.endedAt = 0;
  this.end = null;
  this.offence = null;
  this.route = req && req.route;
  this.base = req && req.baseUrl;
  this.status = 0;
  this.pipes = null;
}

// What stands for the request where only the stream's API is used.
function bare(headers) {
  return { headers: headers, method: headers[':method'], url: headers[':path'], httpVersion: '2.0', httpVersionMajor: 2 };
}

// What is noted of a stream that has its answer's header block; else undefined.
function noteOfSent(stream) {
  var note = stream ? notes.get(stream) : undefined;
  return note !== undefined && note.at !== undefined ? note : undefined;
}

function codeOf(stream, other) { return stream.destroyed || stream.closed ? GONE : other; }

// `index`: which of the arguments has the fields.
function respondHook(original, refusal, name) {
  var index = name === 'respond' ? 0 : 1;
  return function () {
    if (again.isBusy()) return original.apply(this, arguments);
    var note = noteOfSent(this);
    if (note === undefined) return original.apply(this, firstSend(this, arguments, index));
    var headers = arguments[index];
    var facts = { operation: name, isHTTP2: true, code: codeOf(this, SENT), status: headers && +headers[':status'] || 200 };
    var result = again.noted(this, note, original, arguments, facts, again.refusal, refusal);
    if (refusal.error === null) return result;
    if (refusal.error.code === GONE)
      refusal.make();
    else
      refusal.make();
  };
}

function additionalHook(original, refusal, name) {
  return function () {
    var note = again.isBusy() ? undefined : noteOfSent(this);
    if (note === undefined) return original.apply(this, arguments);
    var facts = { operation: name, isHTTP2: true, code: codeOf(this, LATE) };
    var result = again.noted(this, note, original, arguments, facts, again.refusal, refusal);
    if (refusal.error === null) return result;
    if (refusal.error.code === GONE)
      refusal.make();
    else
      refusal.make();
  };
}

// Notes it, and returns the arguments with the request's id among the fields.
function firstSend(stream, args, index) {
  try {
    var note = notes.get(stream);
    if (note === undefined) notes.set(stream, note = new Note(null));
    note.at = offences.now();
    var headers = args[index];
    note.status = headers && !Array.isArray(headers) && +headers[':status'] || 200;
    note.first = stacks.first(note.at, firstSend, note);
    var id = note.req && requests.echo(note.req);
    if (!id || Array.isArray(headers)) return args;
    var echoed = Array.prototype.slice.call(args);
    echoed[index] = Object.assign({}, headers);
    echoed[index][ECHO] = id;
    return echoed;
  } catch (e) {
    return args;
  }
}

var environment = {
  again: again, codeOf: codeOf, firstSend: firstSend, noteOfSent: noteOfSent, GONE: GONE, LATE: LATE, SENT: SENT,
};

function hookStreams(prototype) {
  if (isStreamHooked || !prototype || typeof prototype.respond !== 'function') return;
  isStreamHooked = true;
  function place(name, build) {
    wrapping.wrap(prototype, name, function (original) {
      return places.hook(build, environment, name, original, [[{ destroyed: true }, []], [{ headersSent: true }, []]]);
    });
  }
  place('respond', respondHook);
  place('respondWithFD', respondHook);
  place('respondWithFile', respondHook);
  place('additionalHeaders', additionalHook);
}

// A session's stream has come: its headers are the request.
function begun(stream, headers) {
  try {
    hookStreams(Object.getPrototypeOf(stream));
    if (headers && notes.get(stream) === undefined) notes.set(stream, new Note(bare(headers)));
  } catch (e) { /* a note less */ }
}

// An answer shows the classes of what is under it, where a server gets its connections from elsewhere.
exports.learn = function (stream) {
  if (isStreamHooked && sessions.isHooked() || !stream) return;
  try {
    hookStreams(Object.getPrototypeOf(stream));
    if (stream.session) sessions.met(stream.session);
  } catch (e) { /* then HTTP/2 goes without */ }
};

// The note of an answer of the compatible API.
exports.noteOf = function (res) {
  var note = noteOfSent(res.stream) || notes.get(res);
  if (note === undefined) return undefined;
  if (notes.get(res) === undefined) notes.set(res, note);
  if (res.req && note.req !== res.req) note.req = res.req;
  return note;
};

function isLoaded() {
  var list = process.moduleLoadList;
  return Array.isArray(list) && list.some(function (name) { return /^NativeModule (?:internal\/http2\/core|http2)$/.test(name); });
}

function found(server, socket) {
  if (servers.has(server)) return;
  servers.add(server);
  if (!isHooked && isLoaded()) {
    isHooked = true;
    sessions.listen(begun);
    compat.hook(require('http2').Http2ServerResponse, exports);
  }
  if (!isHooked || sessions.isHooked() || !/^Http2(?:Secure)?Server$/.test(server.constructor && server.constructor.name)) return;
  // Its connection has its session, or will have it.
  var session = socket && sessions.of(socket);
  if (session) sessions.met(session);
  else server.prependOnceListener('session', sessions.met);
}

function foundQuietly(server, socket) {
  try { found(server, socket); } catch (e) { /* then HTTP/2 goes without */ }
}

exports.hook = function () {
  // Versions that tell of each connection need no hook, which an error of listen would show.
  if (CONNECTIONS_TOLD) {
    require('diagnostics_channel').channel('net.server.socket').subscribe(function (message) { foundQuietly(message.socket.server, message.socket); });
    return;
  }
  wrapping.wrap(net.Server.prototype, 'listen', function (original) {
    return function () {
      foundQuietly(this);
      return original.apply(this, arguments);
    };
  });
};
