'use strict';
// Streams that are piped into an answer.
var stream = require('stream');
var notes = require('./notes');
var offences = require('./offences');
var stacks = require('./stacks');
var wrapping = require('./wrapping');

var PIPES_MAX = 4;

function pipeHook(original, isAnswer) {
  return function pipe(destination) {
    if (isAnswer(destination)) {
      try {
        var note = notes.peek(destination) || notes.begin(destination, destination.req);
        if (note.pipes === null) note.pipes = [];
        if (note.pipes.length < PIPES_MAX) note.pipes.push({ source: this, stack: stacks.first(offences.now(), pipe, null) });
      } catch (e) { /* a stack less */ }
    }
    return original.apply(this, arguments);
  };
}

// A stream is taken off an answer that somebody else has ended: what it had to say is swallowed.
function unpipeHook(original, isAnswer) {
  return function unpipe(destination) {
    if (destination && isAnswer(destination)) {
      try { cutOff(this, destination, unpipe); } catch (e) { /* a report less */ }
    }
    return original.apply(this, arguments);
  };
}

function cutOff(source, res, above) {
  var note = notes.peek(res), req = note && note.req;
  if (!note || !note.isEnded || !note.pipes || note.offence || source.readableEnded || source.destroyed || (req && req.aborted)) return;
  var state = source._readableState;
  if (!state || (state.ended && state.length === 0)) return;
  var piped = note.pipes.filter(function (entry) { return entry.source === source; })[0];
  if (!piped) return;
  // Of a stream that was in full flow, one cannot know whether it was meant to be cut.
  var facts = { operation: 'pipe', stack: piped.stack, certainty: state.dataEmitted ? 'suspected' : undefined };
  var offence = offences.begin(res, note, facts, above);
  if (offence) offences.end(offence, 'swallowed');
}

exports.hook = function (isAnswer) {
  var readable = stream.Readable.prototype;
  wrapping.wrap(readable, 'pipe', function (original) { return pipeHook(original, isAnswer); });
  wrapping.wrap(readable, 'unpipe', function (original) { return unpipeHook(original, isAnswer); });
};
