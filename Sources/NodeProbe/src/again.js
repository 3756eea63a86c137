'use strict';
// Calls that Node is expected to refuse, made between two looks: what such a call does in its turn is no offence of its own.
var notes = require('./notes');
var offences = require('./offences');
var places = require('./places');

var busy = false;

exports.isBusy = function () { return busy; };

function noteOf(res) { return notes.peek(res) || notes.begin(res, res.req); }

// `judge(threw)` says what has become of it. `refusal`: what the hook knows of its place; the error is left there, for the hook to
// throw, or to put in order before it is emitted.
exports.call = function (res, original, args, facts, judge, refusal) {
  return exports.noted(res, noteOf(res), original, args, facts, judge, refusal);
};

exports.noted = function again(res, note, original, args, facts, judge, refusal) {
  var offence = offences.begin(res, note, facts, again);
  if (refusal && refusal.isThrown) return caught(res, original, args, offence, judge, refusal);
  if (refusal && refusal.isEmitted) {
    return places.watched(function () { return called(res, original, args, offence, judge); }, function (error) { refusal.error = error; });
  }
  return called(res, original, args, offence, judge);
};

function called(res, original, args, offence, judge) {
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
}

function caught(res, original, args, offence, judge, refusal) {
  var threw = false, wasBusy = busy;
  if (offence !== null) busy = true;
  try {
    return original.apply(res, args);
  } catch (e) {
    threw = true;
    refusal.error = e;
  } finally {
    busy = wasBusy;
    if (offence !== null) offences.end(offence, judge(threw));
  }
}

exports.refusal = function (threw) { return threw ? 'thrown' : null; };
