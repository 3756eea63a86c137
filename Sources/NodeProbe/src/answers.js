'use strict';
// HTTP/1 answers: the hooks on ServerResponse and its parent. What the application sees stays as it was.
var http = require('http');
var stream = require('stream');
var offences = require('./offences');
var requests = require('./requests');
var sockets = require('./sockets');
var stacks = require('./stacks');
var stamps = require('./stamps');
var wrapping = require('./wrapping');

var SENT = 'ERR_HTTP_HEADERS_SENT';
var AFTER_END = 'ERR_STREAM_WRITE_AFTER_END';
var ECHO_FIELD = 'SendOnce-Id';
var ECHO_MAX = 64;
var PIPES_MAX = 4;

var ServerResponse = http.ServerResponse;
var notes = stamps.stamp();
var pipes = stamps.stamp();
var now = offences.now;

// The offence whose call is being made: what that call does in its turn is no other one.
var current = null;
var isBusy = false;

// Bun and Deno have answers of their own making, whose header blocks do not all pass _storeHeader.
var isNode = !process.versions.bun && !process.versions.deno;

function isAnswer(message) { return message instanceof ServerResponse; }

var isSent = isNode ? function (res) { return res._header; } : function (res) { return res.headersSent || res._header; };

function Note(req, at) {
  this.req = req;
  this.at = at;
  this.first = null;
  this.isEnded = false;
  this.endedAt = 0;
  this.end = null;
  this.offence = null;
  this.route = undefined;
  this.base = undefined;
  this.status = 0;
  this.pipes = null;
  this.isByCall = false;
}

function noteOf(res) {
  var note = notes.get(res);
  if (note === undefined) {
    note = new Note(res.req, undefined);
    notes.set(res, note);
  }
  note.pipes = pipes.get(res) || null;
  return note;
}

// Makes a call that Node is expected to refuse. `judge(threw, offence)` says what has become of it.
function again(res, original, args, facts, judge) {
  var note = noteOf(res);
  var offence = offences.begin(res, note, facts, again);
  if (offence === null) return original.apply(res, args);
  var threw = true;
  var outer = current, wasBusy = isBusy;
  current = offence;
  isBusy = true;
  // `finally` alone: a `catch` that throws again would change what Node prints of an uncaught error.
  try {
    var result = original.apply(res, args);
    threw = false;
    return result;
  } finally {
    current = outer;
    isBusy = wasBusy;
    offences.end(offence, judge(threw, offence));
  }
}

function fieldName(name) { return typeof name === 'string' ? name.toLowerCase().slice(0, 128) : undefined; }

function refusal(threw) { return threw ? 'thrown' : null; }

// setHeader and its like throw once a header block has been made.
function fieldHook(operation) {
  return function (original) {
    return function (name) {
      if (!isSent(this) || isBusy || !isAnswer(this)) return original.apply(this, arguments);
      return again(this, original, arguments, { operation: operation, code: SENT, field: fieldName(name) }, refusal);
    };
  };
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

function writeHook(original) {
  return function write(chunk, encoding) {
    if (isBusy || !isAnswer(this)) return original.apply(this, arguments);
    if (!isSent(this)) return isNode ? original.apply(this, arguments) : otherwise(this, original, arguments, write);
    var note = notes.get(this);
    if (!this.finished && !(note !== undefined && note.isEnded)) return original.apply(this, arguments);
    var facts = { operation: 'write', code: AFTER_END, bytes: bytesOf(chunk, encoding) };
    return again(this, original, arguments, facts, bodyOutcome(this, facts));
  };
}

function endHook(original) {
  return function end() {
    if (isBusy || !isAnswer(this)) return original.apply(this, arguments);
    var note = isSent(this) ? notes.get(this) : undefined;
    if (isSent(this) && (this.finished || (note !== undefined && note.isEnded))) return endAgain(this, original, arguments);
    if (note !== undefined) {
      // The header block has gone before: where the answer ended may be elsewhere.
      note.endedAt = now();
      note.end = stacks.first(note.endedAt, end, function () { return requests.key(note.req, note); });
    }
    var result = isNode || note !== undefined ? original.apply(this, arguments) : otherwise(this, original, arguments, end);
    if (note === undefined) note = notes.get(this);
    if (note !== undefined && this.finished) note.isEnded = true;
    return result;
  };
}

// The first send where no _storeHeader tells of it.
function otherwise(res, original, args, above) {
  if (notes.get(res) === undefined) {
    var req = res.req;
    var note = new Note(req, now());
    note.isByCall = true;
    if (req) {
      note.route = req.route;
      note.base = req.baseUrl;
    }
    var id = req ? echoOf(req) : undefined;
    try { if (id !== undefined) res.setHeader(ECHO_FIELD, id); } catch (e) { /* no echo */ }
    note.first = stacks.first(note.at, above, function () { return requests.key(req, note); });
    notes.set(res, note);
  }
  return original.apply(res, args);
}

function endAgain(res, original, args) {
  var chunk = typeof args[0] === 'function' ? undefined : args[0];
  var note = noteOf(res);
  note.isEnded = true;
  if (chunk) {
    var facts = { operation: 'end', code: AFTER_END, bytes: bytesOf(chunk, args[1]) };
    return again(res, original, args, facts, bodyOutcome(res, facts));
  }
  // Nothing was to be sent, which Node defines as harmless; unless it was to have another status.
  var head = /^HTTP\/1\.1 (\d{3})/.exec(res._header || '');
  if (head === null || +head[1] === res.statusCode) return original.apply(res, args);
  var wasFinished = res.finished;
  return again(res, original, args, { operation: 'end', status: res.statusCode }, function () {
    return wasFinished ? 'swallowed' : 'sent';
  });
}

function writeHeadHook(original) {
  return function writeHead(status) {
    if (!isSent(this) || isBusy) {
      return isNode || isBusy ? original.apply(this, arguments) : otherwise(this, original, arguments, writeHead);
    }
    var facts = { operation: 'writeHead', code: SENT, status: status >= 100 && status <= 999 ? status | 0 : undefined };
    var isOver = this.finished, wasSent = this._headerSent;
    return again(this, original, arguments, facts, function (threw) {
      if (threw) return 'thrown';
      facts.code = undefined;
      // Older versions put it in the place of a header block that has not left yet.
      return wasSent && !isOver ? 'sent' : 'swallowed';
    });
  };
}

function interimHook(operation, status) {
  return function (original) {
    return function () {
      if (!isSent(this) || isBusy) return original.apply(this, arguments);
      var wasSent = this._headerSent, hasSocket = !!this.socket, facts = { operation: operation, code: SENT, status: status };
      return again(this, original, arguments, facts, function (threw) {
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
    var note = this._header && !isBusy && isAnswer(this) ? notes.get(this) : undefined;
    if (note === undefined || !note.isEnded) return original.apply(this, arguments);
    return again(this, original, arguments, { operation: 'addTrailers' }, function (threw) { return threw ? 'thrown' : 'swallowed'; });
  };
}

function assignHook(original) {
  return function (socket) {
    var other = socket && socket._httpMessage;
    if (!other) sockets.adopt(socket);
    if (!other || isBusy || other === this || !this.req || this.req !== other.req) return original.apply(this, arguments);
    return again(other, original.bind(this), arguments, { operation: 'assignSocket', code: 'ERR_HTTP_SOCKET_ASSIGNED' }, refusal);
  };
}

// The request's id of this hop. The proxy writes the field last.
function echoOf(req) {
  var raw = req.rawHeaders;
  if (!raw) return undefined;
  for (var i = raw.length - 2; i >= 0; i -= 2) {
    if (raw[i] === ECHO_FIELD) return raw[i + 1].length <= ECHO_MAX ? raw[i + 1] : undefined;
  }
  return undefined;
}

// The one place through which each header block goes, whoever has asked for it.
function storeHeaderHook(original) {
  function storeHeader(firstLine, headers) {
    if (!isAnswer(this)) return original.apply(this, arguments);
    var note = notes.get(this);
    if (note !== undefined && note.isByCall) {
      note.isByCall = false;
      return original.call(this, firstLine, headers);
    }
    var req = this.req || (note && note.req);
    var id = req ? echoOf(req) : undefined;
    if (id !== undefined) firstLine += ECHO_FIELD + ': ' + id + '\r\n';
    if (note !== undefined && note.at !== undefined) {
      if (!isBusy) return headAgain(this, original, firstLine, headers);
      if (current !== null && current.res === this) current.reachedWire = true;
      return original.call(this, firstLine, headers);
    }
    var at = now();
    if (note === undefined) {
      note = new Note(req, at);
      notes.set(this, note);
    } else {
      note.at = at;
    }
    if (req) {
      note.route = req.route;
      note.base = req.baseUrl;
    }
    note.first = stacks.first(at, storeHeader, function () { return requests.key(req, note); });
    var raw = this.socket ? sockets.answered(this.socket, this, note) : null;
    if (raw !== null) return headAfterRaw(this, note, raw, original, firstLine, headers);
    return original.call(this, firstLine, headers);
  }
  return storeHeader;
}

// Somebody has put Node's own notes back: a second header block that nothing refuses.
function headAgain(res, original, firstLine, headers) {
  var match = /^HTTP\/1\.1 (\d{3})/.exec(firstLine);
  var facts = { operation: 'writeHead', status: match ? +match[1] : undefined };
  return again(res, original, [firstLine, headers], facts, function () { return res.socket ? 'sent' : 'swallowed'; });
}

// The application has answered on the socket itself before.
function headAfterRaw(res, note, raw, original, firstLine, headers) {
  note.first = raw.stack;
  note.at = raw.at;
  var match = /^HTTP\/1\.1 (\d{3})/.exec(firstLine);
  var facts = { operation: 'writeHead', status: match ? +match[1] : undefined };
  return again(res, original, [firstLine, headers], facts, function () { return 'sent'; });
}

function pipeHook(original) {
  return function pipe(destination) {
    if (isAnswer(destination)) {
      try {
        var list = pipes.get(destination);
        if (!list) pipes.set(destination, list = []);
        if (list.length < PIPES_MAX) list.push({ source: this, stack: stacks.first(now(), pipe, String) });
      } catch (e) { /* a stack less */ }
    }
    return original.apply(this, arguments);
  };
}

// A stream is taken off an answer that somebody else has ended: what it had to say is swallowed.
function unpipeHook(original) {
  return function unpipe(destination) {
    if (destination && isAnswer(destination)) {
      try { cutOff(this, destination); } catch (e) { /* a report less */ }
    }
    return original.apply(this, arguments);
  };
}

function cutOff(source, res) {
  var note = notes.get(res), list = pipes.get(res), req = note && note.req;
  if (!note || !note.isEnded || !list || note.offence || source.readableEnded || source.destroyed || (req && req.aborted)) return;
  var state = source._readableState;
  if (!state || (state.ended && state.length === 0)) return;
  var piped = list.filter(function (entry) { return entry.source === source; })[0];
  if (!piped) return;
  // Of a stream that was in full flow, one cannot know whether it was meant to be cut.
  var facts = { operation: 'pipe', stack: piped.stack, certainty: state.dataEmitted ? 'suspected' : undefined };
  var offence = offences.begin(res, noteOf(res), facts, unpipeHook);
  if (offence) offences.end(offence, 'swallowed');
}

// Node 14 has no `res.req`.
function noteRequests() {
  if ('req' in new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1, headers: {} })) return;
  try {
    require('diagnostics_channel').channel('http.server.request.start').subscribe(function (message) {
      notes.set(message.response, new Note(message.request, undefined));
    });
  } catch (e) { /* then reports have no request */ }
}

exports.noteOf = noteOf;
exports.peek = function (res) { return notes.get(res); };
exports.isAnswer = isAnswer;

exports.hook = function () {
  var outgoing = http.OutgoingMessage.prototype, answer = ServerResponse.prototype;
  function wrap(name, build) {
    wrapping.wrap(Object.prototype.hasOwnProperty.call(answer, name) ? answer : outgoing, name, build);
  }
  ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'].forEach(function (name) { wrap(name, fieldHook(name)); });
  wrap('_storeHeader', storeHeaderHook);
  wrap('write', writeHook);
  wrap('end', endHook);
  wrap('addTrailers', trailersHook);
  var isAlias = answer.writeHeader === answer.writeHead;
  wrap('writeHead', writeHeadHook);
  if (isAlias) wrap('writeHeader', function () { return answer.writeHead; });
  wrap('writeContinue', interimHook('writeContinue', 100));
  wrap('writeProcessing', interimHook('writeProcessing', 102));
  wrap('writeEarlyHints', interimHook('writeEarlyHints', 103));
  wrap('assignSocket', assignHook);
  wrap('_writeRaw', sockets.internal);
  wrap('_flushOutput', sockets.internal);
  wrapping.wrap(stream.Readable.prototype, 'pipe', pipeHook);
  wrapping.wrap(stream.Readable.prototype, 'unpipe', unpipeHook);
  noteRequests();
};
