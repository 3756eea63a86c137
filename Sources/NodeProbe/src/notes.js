'use strict';
// What is noted of each HTTP/1 answer. The note is put on the answer as soon as that is made, when all answers still have one
// shape: Express gives each answer another prototype, after which every new field costs V8 a shape of its own.
var requests = require('./requests');
var stamps = require('./stamps');

var stamped = stamps.stamp();

// Every answer has one: it is kept small.
function Note(res, req) {
  this.res = res;
  this.req = req;
  // When the header block was made; undefined: not yet.
  this.at = undefined;
  this.first = null;
  this.isEnded = false;
  this.route = undefined;
  this.base = undefined;
  this.id = undefined;
  this.connection = null;
  this.hasArrived = false;
}

// What few answers have.
Note.prototype.endedAt = 0;
Note.prototype.end = null;
Note.prototype.offence = null;
Note.prototype.status = 0;
Note.prototype.pipes = null;
Note.prototype.isByCall = false;

// The answer that was asked for last: most programs send it before the next one, and to know it needs no look at it, which costs
// microseconds where each answer has a shape of its own.
var latest = new Note(null, undefined);

exports.begin = function (res, req) {
  var note = new Note(res, req);
  try { if (req) note.id = requests.id(req); } catch (e) { /* a request of the program's own making */ }
  stamped.add(res, note);
  return note;
};

exports.arrived = function (res) {
  var note = stamped.get(res);
  if (note === undefined) note = exports.begin(res, res.req);
  note.hasArrived = true;
  latest = note;
  return note;
};

// Which request an answer is for, where the answer itself does not say it.
exports.ask = function (res, req) {
  var note = stamped.get(res);
  if (note === undefined) return void exports.begin(res, req);
  note.req = req;
  note.id = requests.id(req);
};

exports.peek = function (res) { return latest.res === res ? latest : stamped.get(res); };

// True: no header block has been made. False: look closer.
exports.isFresh = function (res) { return latest.res === res ? latest.at === undefined : isFreshToo(res); };

// Of an answer among others: the hooks that it passes next know it again.
function isFreshToo(res) {
  var note = stamped.get(res);
  if (note === undefined || !note.hasArrived) return false;
  latest = note;
  return note.at === undefined;
}
