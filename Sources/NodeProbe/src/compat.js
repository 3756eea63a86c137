'use strict';
// The answers of HTTP/2's compatible API, over its streams.
var events = require('events');
var again = require('./again');
var offences = require('./offences');
var places = require('./places');
var stacks = require('./stacks');
var wrapping = require('./wrapping');

var SENT = 'ERR_HTTP2_HEADERS_SENT';
var AFTER_END = 'ERR_STREAM_WRITE_AFTER_END';

function bytesOf(chunk) {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk && chunk.byteLength;
}

function fieldHook(original, refusal, operation) {
  return function (name) {
    var note = sentNote(this);
    if (note === undefined) return original.apply(this, arguments);
    var facts = { operation: operation, isHTTP2: true, code: SENT, field: typeof name === 'string' ? name.toLowerCase().slice(0, 128) : undefined };
    var result = again.noted(this, note, original, arguments, facts, again.refusal, refusal);
    if (refusal.error === null) return result;
    refusal.make();
  };
}

function writeHeadHook(original, refusal, operation) {
  return function (status) {
    var note = sentNote(this);
    if (note === undefined) return original.apply(this, arguments);
    var facts = { operation: operation, isHTTP2: true, code: SENT, status: typeof status === 'number' ? status : undefined };
    var result = again.noted(this, note, original, arguments, facts, silence(facts), refusal);
    if (refusal.error === null) return result;
    refusal.make();
    return result;
  };
}

function writeHook(original, refusal, operation) {
  return function (chunk) {
    var note = endedNote(this);
    if (note === undefined || chunk === undefined || chunk === null) return original.apply(this, arguments);
    var facts = { operation: operation, isHTTP2: true, code: AFTER_END, bytes: bytesOf(chunk) };
    var result = again.noted(this, note, original, arguments, facts, writeOutcome(this, arguments), refusal);
    if (refusal.error === null) return result;
    refusal.make();
    return result;
  };
}

function endHook(original) {
  return function end(chunk) {
    var note = endedNote(this);
    if (note === undefined) {
      ending(this, end);
      return original.apply(this, arguments);
    }
    if (typeof chunk === 'function' || chunk === undefined || chunk === null) return original.apply(this, arguments);
    var facts = { operation: 'end', isHTTP2: true, bytes: bytesOf(chunk) };
    return again.noted(this, note, original, arguments, facts, silence(facts));
  };
}

// These say no without a word.
function interimHook(operation, status) {
  return function (original) {
    return function () {
      var note = sentNote(this);
      if (note === undefined) return original.apply(this, arguments);
      var facts = { operation: operation, isHTTP2: true, status: status };
      return again.noted(this, note, original, arguments, facts, silence(facts));
    };
  };
}

var streams = null;

function sentNote(res) {
  streams.learn(res.stream);
  return again.isBusy() || !res.headersSent ? undefined : streams.noteOf(res);
}

function endedNote(res) {
  streams.learn(res.stream);
  return again.isBusy() || !res.writableEnded ? undefined : streams.noteOf(res);
}

// The header block has gone before: where the answer ended may be elsewhere.
function ending(res, above) {
  try {
    var note = sentNote(res);
    if (note === undefined || note.isEnded) return;
    note.isEnded = true;
    note.endedAt = offences.now();
    note.end = stacks.first(note.endedAt, above, note);
  } catch (e) { /* a stack less */ }
}

function silence(facts) {
  return function (threw) {
    if (threw) return 'thrown';
    facts.code = undefined;
    return 'swallowed';
  };
}

// Whoever wrote hears of it by a callback, or the stream's listeners do; one of these is Node's own.
function writeOutcome(res, args) {
  var stream = res.stream;
  var isHeard = typeof args[args.length - 1] === 'function' || !stream.destroyed && stream.listenerCount('error') > 1;
  return function (threw) { return threw ? 'thrown' : isHeard ? 'emitted' : 'swallowed'; };
}

var environment = {
  again: again, endedNote: endedNote, bytesOf: bytesOf, sentNote: sentNote, silence: silence, writeOutcome: writeOutcome,
  AFTER_END: AFTER_END, SENT: SENT,
};

// An answer of nobody's, which has been sent and ended.
function spent(Answer) {
  var stream = new events.EventEmitter();
  stream.headersSent = true;
  stream.end = stream.destroy = function () {};
  var res = new Answer(stream);
  res.end();
  return res;
}

// `owner`: what knows the streams.
exports.hook = function (Answer, owner) {
  if (!Answer) return;
  streams = owner;
  var answer = Answer.prototype;
  function place(name, build, args) {
    wrapping.wrap(answer, name, function (original) {
      return places.hook(build, environment, name, original, [[spent(Answer), args]]);
    });
  }
  place('setHeader', fieldHook, ['a', 'b']);
  place('appendHeader', fieldHook, ['a', 'b']);
  place('removeHeader', fieldHook, ['a']);
  place('writeHead', writeHeadHook, [200]);
  place('write', writeHook, ['a', 'utf8', function () {}]);
  wrapping.wrap(answer, 'end', endHook);
  wrapping.wrap(answer, 'writeContinue', interimHook('writeContinue', 100));
  wrapping.wrap(answer, 'writeEarlyHints', interimHook('writeEarlyHints', 103));
};
