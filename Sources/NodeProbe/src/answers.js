'use strict';
// HTTP/1 answers: the hooks on ServerResponse and its parent. What the application sees stays as it was.
//
// A hook that each answer passes has a maker of its own, which is called once: V8 then knows what it wraps, and makes one
// function of both. And it asks `notes` before it looks at the answer, whose shape may be new to every line that looks.
var http = require('http');
var again = require('./again');
var notes = require('./notes');
var offences = require('./offences');
var pipes = require('./pipes');
var places = require('./places');
var properties = require('./properties');
var sockets = require('./sockets');
var stacks = require('./stacks');
var wrapping = require('./wrapping');

var SENT = 'ERR_HTTP_HEADERS_SENT';
var AFTER_END = 'ERR_STREAM_WRITE_AFTER_END';
var ECHO_FIELD = 'SendOnce-Id';
var ENDS = /\n  this\.finished = true;\n[^]*\n  return this;\n\}$/;
var ECHO_START = ECHO_FIELD + ': ';

var ServerResponse = http.ServerResponse;
var now = offences.now;
var isFresh = notes.isFresh;

// Bun and Deno have answers of their own making, whose header blocks do not all pass _storeHeader.
var isNode = !process.versions.bun && !process.versions.deno;

function isAnswer(message) { return message instanceof ServerResponse; }

function isSent(res) { return isNode ? res._header : res.headersSent || res._header; }

function fieldName(name) { return typeof name === 'string' ? name.toLowerCase().slice(0, 128) : undefined; }

// setHeader and its like throw once a header block has been made. A hook leaves Node's error at its `refusal.make()`, see `places`.
function setHeaderHook(original, refusal) {
  return function setHeader(name) {
    if (isFresh(this) || !isSent(this) || again.isBusy() || !isAnswer(this)) return original.apply(this, arguments);
    var result = fieldAgain(this, original, arguments, 'setHeader', name, refusal);
    if (refusal.error === null) return result;
    refusal.make();
  };
}

function fieldHook(original, refusal, operation) {
  return function (name) {
    if (isFresh(this) || !isSent(this) || again.isBusy() || !isAnswer(this)) return original.apply(this, arguments);
    var result = fieldAgain(this, original, arguments, operation, name, refusal);
    if (refusal.error === null) return result;
    refusal.make();
  };
}

function fieldAgain(res, original, args, operation, name, refusal) {
  return again.call(res, original, args, { operation: operation, code: SENT, field: fieldName(name) }, again.refusal, refusal);
}

function bytesOf(chunk, encoding) {
  try {
    if (typeof chunk === 'string') return Buffer.byteLength(chunk, typeof encoding === 'string' ? encoding : 'utf8');
    return chunk && typeof chunk.byteLength === 'number' ? chunk.byteLength : undefined;
  } catch (e) {
    return undefined;
  }
}

function bodyOutcome(res, facts) {
  var isGone = res.destroyed, isRefused = res.finished;
  return function (threw) {
    if (threw) return 'thrown';
    if (isRefused) return isGone ? 'swallowed' : 'emitted';
    facts.code = undefined;
    return res.socket ? 'sent' : 'swallowed';
  };
}

function writeHook(original, refusal) {
  return function write(chunk, encoding) {
    if (isFresh(this) || again.isBusy() || !isAnswer(this)) return original.apply(this, arguments);
    if (!isSent(this)) return isNode ? original.apply(this, arguments) : otherwise(this, original, arguments, write);
    var note = notes.peek(this);
    if (!this.finished && !(note !== undefined && note.isEnded)) return original.apply(this, arguments);
    var facts = { operation: 'write', code: AFTER_END, bytes: bytesOf(chunk, encoding) };
    var result = again.call(this, original, arguments, facts, bodyOutcome(this, facts), refusal);
    if (refusal.error === null) return result;
    refusal.make();
    return result;
  };
}

function endHook(original, refusal) {
  // Node's own has ended the answer where it returns; what somebody else has put in its place may do that later.
  var isSure = isNode && ENDS.test(Function.prototype.toString.call(original));
  return function end() {
    if (isFresh(this)) {
      var fresh = notes.peek(this);
      var ended = original.apply(this, arguments);
      if (fresh.at !== undefined && (isSure || this.finished)) fresh.isEnded = true;
      return ended;
    }
    if (again.isBusy() || !isAnswer(this)) return original.apply(this, arguments);
    var note = notes.peek(this);
    if (isSent(this)) {
      if (this.finished || (note !== undefined && note.isEnded)) {
        var refused = endAgain(this, original, arguments, refusal);
        if (refusal.error === null) return refused;
        refusal.make();
        return refused;
      }
      if (note !== undefined && note.at !== undefined) {
        // The header block has gone before: where the answer ended may be elsewhere.
        noteEnd(note, end);
      }
    }
    var isNoted = note !== undefined && note.at !== undefined;
    var result = isNode || isNoted ? original.apply(this, arguments) : otherwise(this, original, arguments, end);
    if (note === undefined) note = notes.peek(this);
    if (note !== undefined && note.at !== undefined && this.finished) note.isEnded = true;
    return result;
  };
}

// The first send where no _storeHeader tells of it.
function otherwise(res, original, args, above) {
  var note = notes.peek(res);
  if (note === undefined || note.at === undefined) {
    if (note === undefined) note = notes.begin(res, res.req);
    note.isByCall = true;
    noteFirst(note, above);
    try { if (note.id !== undefined) res.setHeader(ECHO_FIELD, note.id); } catch (e) { /* no echo */ }
  }
  var result = original.apply(res, args);
  if (note.status === 0) note.status = res.statusCode;
  return result;
}

function noteFirst(note, above) {
  var req = note.req;
  note.at = now();
  // The program's own properties: to read one may throw.
  try {
    if (req) {
      note.route = properties.get(req, 'route');
      if (note.route) note.base = properties.get(req, 'baseUrl');
    }
    note.first = stacks.first(note.at, above, note);
  } catch (e) { /* a stack less */ }
}

function noteEnd(note, above) {
  note.endedAt = now();
  try { note.end = stacks.first(note.endedAt, above, note); } catch (e) { /* a stack less */ }
}

function endAgain(res, original, args, refusal) {
  var chunk = typeof args[0] === 'function' ? undefined : args[0];
  var note = notes.peek(res) || notes.begin(res, res.req);
  note.isEnded = true;
  if (chunk) {
    var facts = { operation: 'end', code: AFTER_END, bytes: bytesOf(chunk, args[1]) };
    return again.call(res, original, args, facts, bodyOutcome(res, facts), refusal);
  }
  // Nothing was to be sent, which Node defines as harmless; unless it was to have another status.
  var head = /^HTTP\/1\.1 (\d{3})/.exec(res._header || '');
  var first = head ? +head[1] : note.status;
  if (!first || first === res.statusCode) return original.apply(res, args);
  var wasFinished = res.finished;
  return again.call(res, original, args, { operation: 'end', status: res.statusCode }, function () {
    return wasFinished ? 'swallowed' : 'sent';
  });
}

function writeHeadHook(original, refusal) {
  return function writeHead(status) {
    if (isFresh(this)) return original.apply(this, arguments);
    if (!isSent(this) || again.isBusy()) {
      return isNode || again.isBusy() ? original.apply(this, arguments) : otherwise(this, original, arguments, writeHead);
    }
    var facts = { operation: 'writeHead', code: SENT, status: status >= 100 && status <= 999 ? status | 0 : undefined };
    var isOver = this.finished, wasSent = this._headerSent;
    var result = again.call(this, original, arguments, facts, function (threw) {
      if (threw) return 'thrown';
      facts.code = undefined;
      // Older versions put it in the place of a header block that has not left yet.
      return wasSent && !isOver ? 'sent' : 'swallowed';
    }, refusal);
    if (refusal.error === null) return result;
    refusal.make();
  };
}

function interimHook(operation, status) {
  return function (original) {
    return function () {
      if (!isSent(this) || again.isBusy()) return original.apply(this, arguments);
      var wasSent = this._headerSent, hasSocket = !!this.socket, facts = { operation: operation, code: SENT, status: status };
      return again.call(this, original, arguments, facts, function (threw) {
        if (threw) return 'thrown';
        facts.code = undefined;
        // Before the header block has left, an interim answer still stands where it may stand.
        return !wasSent ? null : hasSocket ? 'sent' : 'swallowed';
      });
    };
  };
}

function trailersHook(original) {
  return function () {
    var note = this._header && !again.isBusy() && isAnswer(this) ? notes.peek(this) : undefined;
    if (note === undefined || !note.isEnded) return original.apply(this, arguments);
    return again.call(this, original, arguments, { operation: 'addTrailers' }, function (threw) {
      return threw ? 'thrown' : 'swallowed';
    });
  };
}

function assignHook(original, refusal) {
  return function assignSocket(socket) {
    var other = socket && socket._httpMessage;
    if (!other) {
      arrived(this, socket);
      return original.apply(this, arguments);
    }
    if (again.isBusy() || other === this || !this.req || this.req !== other.req) return original.apply(this, arguments);
    var facts = { operation: 'assignSocket', code: 'ERR_HTTP_SOCKET_ASSIGNED' };
    var result = again.call(other, original.bind(this), arguments, facts, again.refusal, refusal);
    if (refusal.error === null) return result;
    refusal.make();
  };
}

// An answer gets its connection: mostly before the application sees it, where requests are pipelined perhaps after it was sent.
function arrived(res, socket) {
  try {
    var connection = sockets.adopt(socket);
    if (!isNode) return;
    var note = notes.arrived(res);
    note.connection = connection;
    if (note.at !== undefined && connection) sockets.answered(connection, note);
  } catch (e) { /* a note less */ }
}

// The one place through which each header block goes, whoever has asked for it.
function storeHeaderHook(original) {
  function storeHeader(firstLine, headers) {
    var note = notes.peek(this);
    if (note === undefined) {
      if (!isAnswer(this)) return original.apply(this, arguments);
      note = notes.begin(this, this.req);
    }
    if (note.isByCall) {
      note.isByCall = false;
      return original.call(this, firstLine, headers);
    }
    if (note.id !== undefined) firstLine += ECHO_START + note.id + '\r\n';
    if (note.at !== undefined) {
      // Somebody has put Node's own notes back: a second header block that nothing refuses.
      return again.isBusy() ? original.call(this, firstLine, headers) : headAgain(this, original, firstLine, headers);
    }
    noteFirst(note, storeHeader);
    var raw = note.connection !== null ? sockets.answered(note.connection, note) : null;
    if (raw === null) return original.call(this, firstLine, headers);
    // The application has answered on the socket itself before.
    note.first = raw.stack;
    note.at = raw.at;
    return headAgain(this, original, firstLine, headers);
  }
  return storeHeader;
}

function headAgain(res, original, firstLine, headers) {
  var match = /^HTTP\/1\.1 (\d{3})/.exec(firstLine);
  var facts = { operation: 'writeHead', status: match ? +match[1] : undefined };
  return again.call(res, original, [firstLine, headers], facts, function () { return res.socket ? 'sent' : 'swallowed'; });
}

// Node 14 has no `res.req`.
function noteRequests() {
  if ('req' in blank()) return;
  try {
    require('diagnostics_channel').channel('http.server.request.start').subscribe(function (message) {
      notes.ask(message.response, message.request);
    });
  } catch (e) { /* then reports have no request */ }
}

exports.isAnswer = isAnswer;

// What the hooks that are compiled elsewhere name.
var environment = {
  again: again, arrived: arrived, bodyOutcome: bodyOutcome, bytesOf: bytesOf, endAgain: endAgain, fieldAgain: fieldAgain, isAnswer: isAnswer,
  isFresh: isFresh, isNode: isNode, isSent: isSent, noteEnd: noteEnd, notes: notes, otherwise: otherwise, AFTER_END: AFTER_END,
  ENDS: ENDS, SENT: SENT,
};

// An answer of nobody's.
function blank() { return new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1, headers: {} }); }

function spent() {
  var res = blank();
  res.setHeader('a', 'b');
  res._header = 'HTTP/1.1 200 OK\r\n\r\n';
  res.finished = true;
  return res;
}

exports.hook = function () {
  var outgoing = http.OutgoingMessage.prototype, answer = ServerResponse.prototype;
  function wrap(name, build) {
    wrapping.wrap(Object.prototype.hasOwnProperty.call(answer, name) ? answer : outgoing, name, build);
  }
  // `args`: what Node refuses of an answer that has been sent.
  function place(name, build, args) {
    wrap(name, function (original) {
      return places.hook(build, environment, name, original, [[spent(), args]]);
    });
  }
  place('setHeader', setHeaderHook, ['a', 'b']);
  place('setHeaders', fieldHook, [new Map()]);
  place('appendHeader', fieldHook, ['a', 'b']);
  place('removeHeader', fieldHook, ['a']);
  wrap('_storeHeader', storeHeaderHook);
  place('write', writeHook, ['a']);
  place('end', endHook, ['a']);
  wrap('addTrailers', trailersHook);
  var isAlias = answer.writeHeader === answer.writeHead;
  place('writeHead', writeHeadHook, [200]);
  if (isAlias) wrap('writeHeader', function () { return answer.writeHead; });
  wrap('writeContinue', interimHook('writeContinue', 100));
  wrap('writeProcessing', interimHook('writeProcessing', 102));
  wrap('writeEarlyHints', interimHook('writeEarlyHints', 103));
  place('assignSocket', assignHook, [{ _httpMessage: {} }]);
  wrap('_writeRaw', sockets.writeRawHook);
  wrap('_flushOutput', sockets.flushHook);
  pipes.hook(isAnswer);
  noteRequests();
};
