'use strict';
// Stacks: captured as V8 has them, made into text only when a report needs them.
var requests = require('./requests');
var settings = require('./settings');

var FIRST_FRAMES = 24;
var SECOND_FRAMES = 64;
var FRAMES_TOLD = 24;
var FRAME_LENGTH = 512;
var TOKENS = 16;
var ROUTES_MAX = 256;
// A method of an answer: a framework's where all is one file, or what a middleware has put in its place.
var OF_ANSWER = /^at (?:async )?(?:(?:Http2)?ServerResponse|res|response)\./;
// Express 4's and 5's.
var PASSES_ERROR = /\b(?:handle_error|handleError)\b/;
var LIBRARY = /[\\/]node_modules[\\/]|^\/usr\/(?:share|lib)\/(?:nodejs|node_modules)\/|[\\/]\.yarn[\\/]|^npm:|[\\/]\.pnp\./;

var tokens = TOKENS;
var filledAt = 0;
var seen = 0;
var offenders = new Set();
var latest = new Map();

function capture(frames, above) {
  var holder = {};
  var limit = Error.stackTraceLimit;
  try { Error.stackTraceLimit = frames; } catch (e) { /* frozen: then as it is */ }
  Error.captureStackTrace(holder, above);
  try { if (Error.stackTraceLimit !== limit) Error.stackTraceLimit = limit; } catch (e) { /* frozen */ }
  return holder;
}

function key(note) { return note ? requests.key(note.req, note) : ''; }

// Of a first send: every one while there are few, else one in 1,024, and each of a route that has offended before.
exports.first = function (now, above, note) {
  var mode = settings.stacks();
  if (mode === 'off') return null;
  if (mode !== 'always') {
    if (tokens > 0) {
      tokens -= 1;
    } else if ((++seen & 255) === 0 && isSampled(now)) {
      var sampled = capture(FIRST_FRAMES, above);
      remember(key(note), sampled);
      return sampled;
    } else if (offenders.size === 0 || !offenders.has(key(note))) {
      return null;
    }
  }
  return capture(FIRST_FRAMES, above);
};

// Asked for each 256th: where these have taken more than a second, there are few.
function isSampled(now) {
  var areFew = now - filledAt > 1000;
  filledAt = now;
  if (areFew) tokens = TOKENS;
  return areFew || (seen & 1023) === 0;
}

exports.second = function (above) {
  return settings.stacks() === 'off' ? null : capture(SECOND_FRAMES, above);
};

function remember(key, stack) {
  if (latest.size >= ROUTES_MAX && !latest.has(key)) latest.delete(latest.keys().next().value);
  latest.set(key, stack);
}

// From now on the route's first sends are all captured. Returns where the route last sent first, as far as that is known.
exports.offended = function (key) {
  if (offenders.size >= ROUTES_MAX && !offenders.has(key)) offenders.delete(offenders.values().next().value);
  offenders.add(key);
  return latest.get(key) || null;
};

// V8: `at name (place)` or `at place`; a bundle's or a mapped file's name stands for the place.
function place(frame) {
  var inner = /\(([^()]*(?:\([^()]*\)[^()]*)*)\)$/.exec(frame);
  var where = inner ? inner[1] : frame.replace(/^at (?:async )?/, '');
  return where.replace(/^file:\/\//, '');
}

function isInternal(where) {
  return where === 'native' || where === '<anonymous>' || /^(?:node:|internal\/|ext:|bun:|unknown$)/.test(where) ||
    /^[\w]+(?:\/[\w]+)*\.js:\d/.test(where);
}

function text(holder) {
  var stack = holder.stack;
  if (Array.isArray(stack)) return stack.map(function (site) { return 'at ' + site; });
  if (typeof stack !== 'string') return [];
  var frames = [];
  stack.split('\n').forEach(function (line) {
    line = line.trim();
    // Older versions of Node tell the mapped place on a line of its own.
    if (line.slice(0, 3) === '-> ' && frames.length) {
      frames.push(frames.pop().replace(/\([^()]*\)$|(?:at )\S+$/, '(' + line.slice(3) + ')'));
    } else if (line.slice(0, 3) === 'at ') {
      frames.push(line.slice(0, FRAME_LENGTH));
    }
  });
  return frames;
}

// The application's own frames first, methods of the answer last of them, then those of libraries; Node's and the probe's own are left
// out unless there are no others.
exports.frames = function (holders) {
  var own = [], methods = [], libraries = [], internal = [];
  holders.forEach(function (holder) {
    if (!holder) return;
    text(holder).forEach(function (frame) {
      var where = place(frame);
      if (where.indexOf(__filename) === 0) return;
      if (isInternal(where)) internal.push(frame);
      else if (LIBRARY.test(where)) libraries.push(frame);
      else if (OF_ANSWER.test(frame)) methods.push(frame);
      else own.push(frame);
    });
  });
  var told = own.concat(methods, libraries);
  return (told.length ? told : internal).slice(0, FRAMES_TOLD);
};

function isOwn(frame) {
  var where = place(frame);
  return where.indexOf(__filename) !== 0 && !isInternal(where) && !LIBRARY.test(where);
}

// Error middlewares that only pass an error on stand between Express and whoever passed it first: from behind the last of them on, and then the rest.
exports.behindMiddlewares = function (holder) {
  if (!holder) return holder;
  var frames = text(holder), last = frames.length - 1;
  while (last >= 0 && !(PASSES_ERROR.test(frames[last]) && LIBRARY.test(place(frames[last])))) last -= 1;
  if (last < 0) return holder;
  var behind = frames.slice(last + 1);
  return { stack: (behind.some(isOwn) ? behind.concat(frames.slice(0, last + 1)) : behind).join('\n') };
};

exports.hasOwn = function (holder) { return text(holder).some(isOwn); };

// Whether Node itself made the call, or a frame on the way matches.
exports.isOfNode = function (holder, pattern) {
  var frames = text(holder).filter(function (frame) { return place(frame).indexOf(__filename) !== 0; });
  return frames.length > 0 && isInternal(place(frames[0])) || frames.some(function (frame) { return pattern.test(frame); });
};

// `app.js:12` of the topmost frame.
exports.brief = function (frames) {
  if (!frames.length) return null;
  var match = /([^\\/:]+):(\d+)(?::\d+)?$/.exec(place(frames[0]));
  return match ? match[1] + ':' + match[2] : null;
};
