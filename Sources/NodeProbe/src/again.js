'use strict';
// Calls that Node is expected to refuse, made between two looks: what such a call does in its turn is no offence of its own.
var notes = require('./notes');
var offences = require('./offences');

var busy = false;

exports.isBusy = function () { return busy; };

function noteOf(res) { return notes.peek(res) || notes.begin(res, res.req); }

// `judge(threw)` says what has become of it.
exports.call = function again(res, original, args, facts, judge) {
  var offence = offences.begin(res, noteOf(res), facts, again);
  if (offence === null) return original.apply(res, args);
  var threw = true, wasBusy = busy;
  busy = true;
  // `finally` alone: a `catch` that throws again would change what Node prints of an uncaught error.
  try {
    var result = original.apply(res, args);
    threw = false;
    return result;
  } finally {
    busy = wasBusy;
    offences.end(offence, judge(threw));
  }
};

exports.refusal = function (threw) { return threw ? 'thrown' : null; };
