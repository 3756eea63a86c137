'use strict';
// Express's `next(err)` after the answer: its final handler cannot answer any more and hangs up, in a later turn, so that
// no stack leads back. Two calls of setImmediate show the way: the router's, made where next(err) was called, and the
// final handler's, which names error, request and answer together.
var answers = require('./answers');
var notes = require('./notes');
var offences = require('./offences');
var stacks = require('./stacks');
var wrapping = require('./wrapping');

var origins = new WeakMap();

function isObject(value) { return typeof value === 'object' && value !== null; }

function passedOn(error, above) {
  if (!origins.has(error)) origins.set(error, stacks.second(above));
}

// Whoever hangs up now, in the same run, is the final handler.
function finalHandler(error, req, res) {
  var note = notes.peek(res);
  var socket = req && req.socket;
  if (!note || !note.isEnded || note.offence || !socket || Object.prototype.hasOwnProperty.call(socket, 'destroy')) return;
  var destroy = socket.destroy;
  var code = typeof error.code === 'string' ? error.code.slice(0, 64) : undefined;
  Object.defineProperty(socket, 'destroy', {
    configurable: true, writable: true, enumerable: false,
    value: function () {
      delete socket.destroy;
      var stack = stacks.behindMiddlewares(isObject(error) && origins.get(error) || stacks.second());
      // A handler that throws has Express itself call next(err).
      var thrown = isObject(error) && stack && !stacks.hasOwn(stack) ? error : null;
      var offence = offences.begin(res, note, { operation: 'next(err)', code: code, stack: stack, below: thrown, status: 500 });
      if (offence) offences.end(offence, 'swallowed');
      return destroy.apply(this, arguments);
    },
  });
  process.nextTick(function () {
    if (Object.prototype.hasOwnProperty.call(socket, 'destroy')) delete socket.destroy;
  });
}

exports.hook = function () {
  var timers = require('timers');
  var isShared = globalThis.setImmediate === timers.setImmediate;
  wrapping.wrap(globalThis, 'setImmediate', function (original) {
    return function setImmediate(callback, error, req, res) {
      try {
        if (arguments.length === 2 && isObject(error) && typeof error.message === 'string') passedOn(error, setImmediate);
        else if (arguments.length === 4 && error && answers.isAnswer(res)) finalHandler(error, req, res);
      } catch (e) { /* a report less */ }
      return original.apply(this, arguments);
    };
  });
  if (isShared) wrapping.wrap(timers, 'setImmediate', function () { return globalThis.setImmediate; });
};
