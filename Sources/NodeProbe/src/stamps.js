'use strict';
// Notes on other people's objects. A private field is used, which no reflection shows: neither keys nor symbols nor
// console.log of an answer change. Where the language has no `#field in object` (Node 14), a WeakMap does the same.
var vm = require('vm');

var CLASS = '(class extends (class { constructor(o) { return o; } }) { #s;' +
  ' constructor(o, s) { super(o); this.#s = s; }' +
  ' static add(o, s) { new this(o, s); }' +
  ' static get(o) { return #s in o ? o.#s : undefined; }' +
  ' static set(o, s) { if (#s in o) o.#s = s; else new this(o, s); } })';

function Weak() {
  var notes = new WeakMap();
  return {
    get: function (object) { return notes.get(object); },
    add: function (object, note) { notes.set(object, note); },
    set: function (object, note) { notes.set(object, note); },
  };
}

// A new kind of note: get(object), add(object, note) where there is none yet, set(object, note).
exports.stamp = function () {
  try {
    var made = vm.runInThisContext(CLASS, { filename: 'sendonce-stamp' });
    var trial = {};
    made.set(trial, 1);
    if (made.get(trial) === 1 && made.get({}) === undefined) return made;
  } catch (e) { /* an older language */ }
  return Weak();
};
