'use strict';
// An offence: a send after the answer had been sent. Told once for each answer.
var events = require('events');
var outlet = require('./outlet');
var records = require('./records');
var stacks = require('./stacks');
var requests = require('./requests');

var BURST = 100;
var PER_SECOND = 50;

var soon = setImmediate;
var pending = [];
var isWatching = false;
var isScheduled = false;
var budget = BURST;
var filledAt = 0;
var suppressed = 0;

exports.now = (function () {
  var performance = require('perf_hooks').performance;
  return function () { return performance.now(); };
})();

function isAllowed(now) {
  budget = Math.min(BURST, budget + (now - filledAt) / 1000 * PER_SECOND);
  filledAt = now;
  if (budget < 1) {
    suppressed += 1;
    return false;
  }
  budget -= 1;
  return true;
}

// Before the call that may be refused: notes where it stands. `note` is the answer's; `facts` has operation, code, and
// perhaps status, field, bytes, certainty, attribution. Null where there is nothing to tell.
exports.begin = function (res, note, facts, above) {
  try {
    if (note.offence && (note.offence.facts.certainty !== 'suspected' || facts.certainty === 'suspected')) return null;
    if (!outlet.exists()) return null;
    var now = exports.now();
    if (!isAllowed(now)) return null;
    var key = requests.key(note.req, note);
    var usual = stacks.offended(key);
    var offence = { res: res, note: note, facts: facts, at: now, second: facts.stack || stacks.second(above), usual: usual };
    offence.sent = null;
    note.offence = offence;
    return offence;
  } catch (e) {
    return null;
  }
};

// After the call: `outcome` is what Node has done with it, or is about to do; null where it was an ordinary call after all.
exports.end = function (offence, outcome) {
  try {
    if (outcome === null) {
      offence.note.offence = null;
      return;
    }
    watch();
    offence.outcome = outcome;
    if (outcome === 'emitted' || outcome === 'swallowed') watchErrors(offence);
    offence.record = records.make(offence, suppressed);
    suppressed = 0;
    offence.record.application.dropped = outlet.takeDropped() || undefined;
    if (outlet.isImmediate()) {
      offence.sent = outcome;
      outlet.send(offence.record);
    }
    pending.push(offence);
    if (!isScheduled) {
      isScheduled = true;
      soon(settle);
    }
  } catch (e) { /* a report less */ }
};

// Whether Node emits the error of a write after the end is known in a later tick.
function watchErrors(offence) {
  var res = offence.res;
  if (!events.errorMonitor || typeof res.once !== 'function') return;
  var seen = function (error) {
    offence.outcome = 'emitted';
    if (error && typeof error.code === 'string') offence.record.application.code = error.code;
  };
  res.once(events.errorMonitor, seen);
  offence.unwatch = function () { res.removeListener(events.errorMonitor, seen); };
}

function settle() {
  isScheduled = false;
  var settled = pending;
  pending = [];
  settled.forEach(function (offence) {
    try {
      if (offence.unwatch) offence.unwatch();
      tell(offence);
    } catch (e) { /* a report less */ }
    offence.res = offence.usual = offence.second = offence.record = null;
  });
}

function tell(offence) {
  var record = offence.record;
  if (offence.sent === null) {
    records.conclude(record, offence.outcome);
    outlet.send(record);
  } else if (offence.sent !== offence.outcome) {
    outlet.send({ schema: 1, id: record.id, application: { outcome: offence.outcome } });
  }
  offence.sent = offence.outcome;
}

function watch() {
  if (isWatching) return;
  isWatching = true;
  process.on('exit', settle);
  process.on('uncaughtExceptionMonitor', function (error) {
    try {
      var survives = process.listenerCount('uncaughtException') > 0 ||
        (process.hasUncaughtExceptionCaptureCallback && process.hasUncaughtExceptionCaptureCallback());
      var code = error && error.code;
      if (survives || typeof code !== 'string') return;
      for (var i = pending.length - 1; i >= 0; i--) {
        if (pending[i].record.application.code !== code) continue;
        pending[i].outcome = 'crashed';
        break;
      }
      settle();
    } catch (e) { /* a report less */ }
  });
}
