'use strict';
// HTTP/2's sessions: how each stream begins is heard as its session hears it. Node's own listener is compiled once more, at its place and
// with one call more: another listener, or a hook on the way from there to the program, would show on the stack of all that the program does.
var events = require('events');
var places = require('./places');
var wrapping = require('./wrapping');

var TEXT = /^(function sessionOnStream\((\w+), (\w+), \w+, \w+\) \{)(\s+if \(this\[kServer\] !== undefined\)\s+this\[kServer\]\.emit\('stream', [\w, ]+\);\s+\})$/;
var MARK = 'this[kServer].emit(';
var CLASS = 'ServerHttp2Session';

var heard = new WeakSet();
var isHooked = false;
var nodes = null;
var instead = null;
var begun = null;

function symbolOf(session) {
  return Object.getOwnPropertySymbols(session).filter(function (symbol) { return symbol.description === 'server'; })[0];
}

// What hears in the place of Node's listener; null where that is another than it was.
function replica(session, listener) {
  if (nodes === listener) return instead;
  nodes = listener;
  instead = null;
  try {
    var match = TEXT.exec(Function.prototype.toString.call(listener)), kServer = symbolOf(session);
    if (!match || !kServer) return null;
    var text = match[1] + ' begun(' + match[2] + ', ' + match[3] + ');' + match[4];
    instead = wrapping.disguise(places.moved(text, { kServer: kServer, begun: begun }, MARK, siteIn(listener, kServer)), listener);
  } catch (e) { /* then there are two */ }
  return instead;
}

// Where it calls its server.
function siteIn(listener, kServer) {
  var receiver = {}, site = null;
  receiver[kServer] = { emit: function emit() { site = places.caller(emit); } };
  listener.call(receiver);
  return site;
}

function hear(session, on, listener) {
  heard.add(session);
  var made = listener && replica(session, listener);
  if (!made) on.call(session, 'stream', begun);
  return made;
}

// Node's own listener is every session's first.
function hook(prototype) {
  if (isHooked || typeof prototype.on !== 'function' || Object.prototype.hasOwnProperty.call(prototype, 'on')) return;
  isHooked = true;
  var original = prototype.on;
  Object.defineProperty(prototype, 'on', {
    configurable: true, writable: true, enumerable: false,
    value: wrapping.disguise(function on(type, listener) {
      try {
        if (type === 'stream' && !heard.has(this)) listener = hear(this, original, listener) || listener;
      } catch (e) { /* then its streams have no notes */ }
      return original.call(this, type, listener);
    }, original),
  });
}

// A session that has begun without being heard.
exports.met = function (session) {
  try {
    hook(Object.getPrototypeOf(session));
    if (heard.has(session)) return;
    var listener = session.listeners('stream')[0];
    var made = hear(session, events.prototype.prependListener, listener);
    if (!made) return;
    // In its place, so that the order of names stays.
    if (session._events.stream === listener) {
      session._events.stream = made;
    } else {
      session.removeListener('stream', listener);
      session.prependListener('stream', made);
    }
  } catch (e) { /* then its streams have no notes */ }
};

exports.isHooked = function () { return isHooked; };

// The session that a connection has, if it has one.
exports.of = function (socket) {
  return Reflect.ownKeys(socket).map(function (key) {
    return (Object.getOwnPropertyDescriptor(socket, key) || {}).value;
  }).filter(function (value) {
    return value && typeof value === 'object' && value.constructor && value.constructor.name === CLASS;
  })[0];
};

// `listener` is told of each stream, with its fields.
exports.listen = function (listener) { begun = listener; };
