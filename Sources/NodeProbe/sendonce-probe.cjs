// SendOnce's probe for Node: tells which line of an application sent an answer first, and which sent it again.
//   NODE_OPTIONS="--require /path/to/sendonce-probe.cjs" node app.js
// Made by scripts/bundle-probe of Sources/NodeProbe/src: edit that. Syntax that every version can parse, so that a version
// too old is left alone.
// SPDX-License-Identifier: Apache-2.0
(function () {
  'use strict';
  var VERSION = 14;
  if (typeof process !== 'object' || !process.versions || !(parseInt(process.versions.node, 10) >= VERSION)) return;
  var parts = {}, loaded = {};
  function part(name) {
    name = name.replace('./', '');
    if (!Object.prototype.hasOwnProperty.call(parts, name)) return require(name);
    if (!loaded[name]) parts[name](part, loaded[name] = {});
    return loaded[name];
  }

  // src/again.js
  parts.again = function (require, exports) {
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
  };

  // src/answers.js
  parts.answers = function (require, exports) {
    // HTTP/1 answers: the hooks on ServerResponse and its parent. What the application sees stays as it was.
    //
    // A hook that each answer passes has a maker of its own, which is called once: V8 then knows what it wraps, and makes one
    // function of both. And it asks `notes` before it looks at the answer, whose shape may be new to every line that looks.
    var http = require('http');
    var again = require('./again');
    var notes = require('./notes');
    var offences = require('./offences');
    var pipes = require('./pipes');
    var places = require('./places');
    var properties = require('./properties');
    var sockets = require('./sockets');
    var stacks = require('./stacks');
    var wrapping = require('./wrapping');

    var SENT = 'ERR_HTTP_HEADERS_SENT';
    var AFTER_END = 'ERR_STREAM_WRITE_AFTER_END';
    var ECHO_FIELD = 'SendOnce-Id';
    var ENDS = /\n  this\.finished = true;\n[^]*\n  return this;\n\}$/;
    var ECHO_START = ECHO_FIELD + ': ';

    var ServerResponse = http.ServerResponse;
    var now = offences.now;
    var isFresh = notes.isFresh;

    // Bun and Deno have answers of their own making, whose header blocks do not all pass _storeHeader.
    var isNode = !process.versions.bun && !process.versions.deno;

    function isAnswer(message) { return message instanceof ServerResponse; }

    function isSent(res) { return isNode ? res._header : res.headersSent || res._header; }

    function fieldName(name) { return typeof name === 'string' ? name.toLowerCase().slice(0, 128) : undefined; }

    // setHeader and its like throw once a header block has been made. A hook leaves Node's error at its `refusal.make()`, see `places`.
    function setHeaderHook(original, refusal) {
      return function setHeader(name) {
        if (isFresh(this) || !isSent(this) || again.isBusy() || !isAnswer(this)) return original.apply(this, arguments);
        var result = fieldAgain(this, original, arguments, 'setHeader', name, refusal);
        if (refusal.error === null) return result;
        refusal.make();
      };
    }

    function fieldHook(original, refusal, operation) {
      return function (name) {
        if (isFresh(this) || !isSent(this) || again.isBusy() || !isAnswer(this)) return original.apply(this, arguments);
        var result = fieldAgain(this, original, arguments, operation, name, refusal);
        if (refusal.error === null) return result;
        refusal.make();
      };
    }

    function fieldAgain(res, original, args, operation, name, refusal) {
      return again.call(res, original, args, { operation: operation, code: SENT, field: fieldName(name) }, again.refusal, refusal);
    }

    function bytesOf(chunk, encoding) {
      try {
        if (typeof chunk === 'string') return Buffer.byteLength(chunk, typeof encoding === 'string' ? encoding : 'utf8');
        return chunk && typeof chunk.byteLength === 'number' ? chunk.byteLength : undefined;
      } catch (e) {
        return undefined;
      }
    }

    function bodyOutcome(res, facts) {
      var isGone = res.destroyed, isRefused = res.finished;
      return function (threw) {
        if (threw) return 'thrown';
        if (isRefused) return isGone ? 'swallowed' : 'emitted';
        facts.code = undefined;
        return res.socket ? 'sent' : 'swallowed';
      };
    }

    function writeHook(original, refusal) {
      return function write(chunk, encoding) {
        if (isFresh(this) || again.isBusy() || !isAnswer(this)) return original.apply(this, arguments);
        if (!isSent(this)) return isNode ? original.apply(this, arguments) : otherwise(this, original, arguments, write);
        var note = notes.peek(this);
        if (!this.finished && !(note !== undefined && note.isEnded)) return original.apply(this, arguments);
        var facts = { operation: 'write', code: AFTER_END, bytes: bytesOf(chunk, encoding) };
        var result = again.call(this, original, arguments, facts, bodyOutcome(this, facts), refusal);
        if (refusal.error === null) return result;
        refusal.make();
        return result;
      };
    }

    function endHook(original, refusal) {
      // Node's own has ended the answer where it returns; what somebody else has put in its place may do that later.
      var isSure = isNode && ENDS.test(Function.prototype.toString.call(original));
      return function end() {
        if (isFresh(this)) {
          var fresh = notes.peek(this);
          var ended = original.apply(this, arguments);
          if (fresh.at !== undefined && (isSure || this.finished)) fresh.isEnded = true;
          return ended;
        }
        if (again.isBusy() || !isAnswer(this)) return original.apply(this, arguments);
        var note = notes.peek(this);
        if (isSent(this)) {
          if (this.finished || (note !== undefined && note.isEnded)) {
            var refused = endAgain(this, original, arguments, refusal);
            if (refusal.error === null) return refused;
            refusal.make();
            return refused;
          }
          if (note !== undefined && note.at !== undefined) {
            // The header block has gone before: where the answer ended may be elsewhere.
            noteEnd(note, end);
          }
        }
        var isNoted = note !== undefined && note.at !== undefined;
        var result = isNode || isNoted ? original.apply(this, arguments) : otherwise(this, original, arguments, end);
        if (note === undefined) note = notes.peek(this);
        if (note !== undefined && note.at !== undefined && this.finished) note.isEnded = true;
        return result;
      };
    }

    // The first send where no _storeHeader tells of it.
    function otherwise(res, original, args, above) {
      var note = notes.peek(res);
      if (note === undefined || note.at === undefined) {
        if (note === undefined) note = notes.begin(res, res.req);
        note.isByCall = true;
        noteFirst(note, above);
        try { if (note.id !== undefined) res.setHeader(ECHO_FIELD, note.id); } catch (e) { /* no echo */ }
      }
      var result = original.apply(res, args);
      if (note.status === 0) note.status = res.statusCode;
      return result;
    }

    function noteFirst(note, above) {
      var req = note.req;
      note.at = now();
      // The program's own properties: to read one may throw.
      try {
        if (req) {
          note.route = properties.get(req, 'route');
          if (note.route) note.base = properties.get(req, 'baseUrl');
        }
        note.first = stacks.first(note.at, above, note);
      } catch (e) { /* a stack less */ }
    }

    function noteEnd(note, above) {
      note.endedAt = now();
      try { note.end = stacks.first(note.endedAt, above, note); } catch (e) { /* a stack less */ }
    }

    function endAgain(res, original, args, refusal) {
      var chunk = typeof args[0] === 'function' ? undefined : args[0];
      var note = notes.peek(res) || notes.begin(res, res.req);
      note.isEnded = true;
      if (chunk) {
        var facts = { operation: 'end', code: AFTER_END, bytes: bytesOf(chunk, args[1]) };
        return again.call(res, original, args, facts, bodyOutcome(res, facts), refusal);
      }
      // Nothing was to be sent, which Node defines as harmless; unless it was to have another status.
      var head = /^HTTP\/1\.1 (\d{3})/.exec(res._header || '');
      var first = head ? +head[1] : note.status;
      if (!first || first === res.statusCode) return original.apply(res, args);
      var wasFinished = res.finished;
      return again.call(res, original, args, { operation: 'end', status: res.statusCode }, function () {
        return wasFinished ? 'swallowed' : 'sent';
      });
    }

    function writeHeadHook(original, refusal) {
      return function writeHead(status) {
        if (isFresh(this)) return original.apply(this, arguments);
        if (!isSent(this) || again.isBusy()) {
          return isNode || again.isBusy() ? original.apply(this, arguments) : otherwise(this, original, arguments, writeHead);
        }
        var facts = { operation: 'writeHead', code: SENT, status: status >= 100 && status <= 999 ? status | 0 : undefined };
        var isOver = this.finished, wasSent = this._headerSent;
        var result = again.call(this, original, arguments, facts, function (threw) {
          if (threw) return 'thrown';
          facts.code = undefined;
          // Older versions put it in the place of a header block that has not left yet.
          return wasSent && !isOver ? 'sent' : 'swallowed';
        }, refusal);
        if (refusal.error === null) return result;
        refusal.make();
      };
    }

    function interimHook(operation, status) {
      return function (original) {
        return function () {
          if (!isSent(this) || again.isBusy()) return original.apply(this, arguments);
          var wasSent = this._headerSent, hasSocket = !!this.socket, facts = { operation: operation, code: SENT, status: status };
          return again.call(this, original, arguments, facts, function (threw) {
            if (threw) return 'thrown';
            facts.code = undefined;
            // Before the header block has left, an interim answer still stands where it may stand.
            return !wasSent ? null : hasSocket ? 'sent' : 'swallowed';
          });
        };
      };
    }

    function trailersHook(original) {
      return function () {
        var note = this._header && !again.isBusy() && isAnswer(this) ? notes.peek(this) : undefined;
        if (note === undefined || !note.isEnded) return original.apply(this, arguments);
        return again.call(this, original, arguments, { operation: 'addTrailers' }, function (threw) {
          return threw ? 'thrown' : 'swallowed';
        });
      };
    }

    function assignHook(original, refusal) {
      return function assignSocket(socket) {
        var other = socket && socket._httpMessage;
        if (!other) {
          arrived(this, socket);
          return original.apply(this, arguments);
        }
        if (again.isBusy() || other === this || !this.req || this.req !== other.req) return original.apply(this, arguments);
        var facts = { operation: 'assignSocket', code: 'ERR_HTTP_SOCKET_ASSIGNED' };
        var result = again.call(other, original.bind(this), arguments, facts, again.refusal, refusal);
        if (refusal.error === null) return result;
        refusal.make();
      };
    }

    // An answer gets its connection: mostly before the application sees it, where requests are pipelined perhaps after it was sent.
    function arrived(res, socket) {
      try {
        var connection = sockets.adopt(socket);
        if (!isNode) return;
        var note = notes.arrived(res);
        note.connection = connection;
        if (note.at !== undefined && connection) sockets.answered(connection, note);
      } catch (e) { /* a note less */ }
    }

    // The one place through which each header block goes, whoever has asked for it.
    function storeHeaderHook(original) {
      function storeHeader(firstLine, headers) {
        var note = notes.peek(this);
        if (note === undefined) {
          if (!isAnswer(this)) return original.apply(this, arguments);
          note = notes.begin(this, this.req);
        }
        if (note.isByCall) {
          note.isByCall = false;
          return original.call(this, firstLine, headers);
        }
        if (note.id !== undefined) firstLine += ECHO_START + note.id + '\r\n';
        if (note.at !== undefined) {
          // Somebody has put Node's own notes back: a second header block that nothing refuses.
          return again.isBusy() ? original.call(this, firstLine, headers) : headAgain(this, original, firstLine, headers);
        }
        noteFirst(note, storeHeader);
        var raw = note.connection !== null ? sockets.answered(note.connection, note) : null;
        if (raw === null) return original.call(this, firstLine, headers);
        // The application has answered on the socket itself before.
        note.first = raw.stack;
        note.at = raw.at;
        return headAgain(this, original, firstLine, headers);
      }
      return storeHeader;
    }

    function headAgain(res, original, firstLine, headers) {
      var match = /^HTTP\/1\.1 (\d{3})/.exec(firstLine);
      var facts = { operation: 'writeHead', status: match ? +match[1] : undefined };
      return again.call(res, original, [firstLine, headers], facts, function () { return res.socket ? 'sent' : 'swallowed'; });
    }

    // Node 14 has no `res.req`.
    function noteRequests() {
      if ('req' in blank()) return;
      try {
        require('diagnostics_channel').channel('http.server.request.start').subscribe(function (message) {
          notes.ask(message.response, message.request);
        });
      } catch (e) { /* then reports have no request */ }
    }

    exports.isAnswer = isAnswer;

    // What the hooks that are compiled elsewhere name.
    var environment = {
      again: again, arrived: arrived, bodyOutcome: bodyOutcome, bytesOf: bytesOf, endAgain: endAgain, fieldAgain: fieldAgain, isAnswer: isAnswer,
      isFresh: isFresh, isNode: isNode, isSent: isSent, noteEnd: noteEnd, notes: notes, otherwise: otherwise, AFTER_END: AFTER_END,
      ENDS: ENDS, SENT: SENT,
    };

    // An answer of nobody's.
    function blank() { return new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1, headers: {} }); }

    function spent() {
      var res = blank();
      res.setHeader('a', 'b');
      res._header = 'HTTP/1.1 200 OK\r\n\r\n';
      res.finished = true;
      return res;
    }

    exports.hook = function () {
      var outgoing = http.OutgoingMessage.prototype, answer = ServerResponse.prototype;
      function wrap(name, build) {
        wrapping.wrap(Object.prototype.hasOwnProperty.call(answer, name) ? answer : outgoing, name, build);
      }
      // `args`: what Node refuses of an answer that has been sent.
      function place(name, build, args) {
        wrap(name, function (original) {
          return places.hook(build, environment, name, original, [[spent(), args]]);
        });
      }
      place('setHeader', setHeaderHook, ['a', 'b']);
      place('setHeaders', fieldHook, [new Map()]);
      place('appendHeader', fieldHook, ['a', 'b']);
      place('removeHeader', fieldHook, ['a']);
      wrap('_storeHeader', storeHeaderHook);
      place('write', writeHook, ['a']);
      place('end', endHook, ['a']);
      wrap('addTrailers', trailersHook);
      var isAlias = answer.writeHeader === answer.writeHead;
      place('writeHead', writeHeadHook, [200]);
      if (isAlias) wrap('writeHeader', function () { return answer.writeHead; });
      wrap('writeContinue', interimHook('writeContinue', 100));
      wrap('writeProcessing', interimHook('writeProcessing', 102));
      wrap('writeEarlyHints', interimHook('writeEarlyHints', 103));
      place('assignSocket', assignHook, [{ _httpMessage: {} }]);
      wrap('_writeRaw', sockets.writeRawHook);
      wrap('_flushOutput', sockets.flushHook);
      pipes.hook(isAnswer);
      noteRequests();
    };
  };

  // src/compat.js
  parts.compat = function (require, exports) {
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
  };

  // src/errors.js
  parts.errors = function (require, exports) {
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
  };

  // src/main.js
  parts.main = function (require, exports) {
    // Hooks what can answer, once in a process.
    var settings = require('./settings');

    exports.start = function () {
      if (settings.isOff()) return;
      var mark = Symbol.for('sendonce.probe');
      if (process[mark]) return;
      Object.defineProperty(process, mark, { value: true, enumerable: false });
      settings.begin();
      require('./answers').hook();
      require('./errors').hook();
      require('./requests').listen();
      require('./streams').hook();
      // Modules of the newer kind have names for the builtins' functions, which are brought up to date.
      var modules = require('module');
      if (modules.syncBuiltinESMExports) modules.syncBuiltinESMExports();
    };
  };

  // src/mounts.js
  parts.mounts = function (require, exports) {
    // Where Express has mounted the routers of a route: `/t/:tenant`, of which it leaves no more on the request than `/t/acme`. Looked up in
    // the application's own tables, when there is something to tell.
    var DEPTH_MAX = 8;
    var LAYERS_MAX = 4096;
    var CHAINS_MAX = 16;
    // By route, the layers that lead to it: its router may be mounted in several places.
    var chainsOf = new WeakMap();

    function collect(stack, route, chain, found, budget) {
      for (var i = 0; i < stack.length && budget.left > 0 && found.length < CHAINS_MAX; i++) {
        budget.left -= 1;
        var layer = stack[i];
        if (layer.route === route) found.push(chain);
        else if (layer.handle && Array.isArray(layer.handle.stack) && chain.length < DEPTH_MAX) {
          collect(layer.handle.stack, route, chain.concat(layer), found, budget);
        }
      }
    }

    function chains(app, route) {
      var found = chainsOf.get(route);
      if (!found) {
        // Version 4 throws where its `router` is asked for.
        var router = app._router || app.router;
        found = [];
        collect(router.stack, route, [], found, { left: LAYERS_MAX });
        chainsOf.set(route, found);
      }
      return found;
    }

    // What a layer takes from the front of the path, {path, values: [[name, value]]}; undefined: nothing, for it is another's.
    function taken(layer, path) {
      if (layer.slash || (layer.regexp && layer.regexp.fast_slash)) return { path: '', values: [] };
      if (layer.regexp) {
        var match = layer.regexp.exec(path);
        return match && { path: match[0], values: layer.keys.map(function (key, i) { return [key.name, match[i + 1]]; }) };
      }
      for (var i = 0; i < layer.matchers.length; i++) {
        var found = layer.matchers[i](path);
        if (found) return { path: found.path, values: Object.keys(found.params).map(function (name) { return [name, found.params[name]]; }) };
      }
    }

    // The names in place of their values; undefined where those are not found as they are.
    function named(part) {
      var text = '', rest = part.path;
      for (var i = 0; i < part.values.length; i++) {
        var value = part.values[i][1];
        var at = typeof value === 'string' && value && typeof part.values[i][0] === 'string' ? rest.indexOf('/' + value) : -1;
        if (at < 0) return undefined;
        text += rest.slice(0, at + 1) + ':' + part.values[i][0];
        rest = rest.slice(at + 1 + value.length);
      }
      return text + rest;
    }

    function along(chain, base) {
      var text = '', rest = base;
      for (var i = 0; i < chain.length; i++) {
        var part = taken(chain[i], rest);
        var pattern = part && named(part);
        if (pattern === undefined) return undefined;
        text += pattern;
        rest = rest.slice(part.path.length);
      }
      return rest ? undefined : text;
    }

    // The pattern of a route's mount; undefined where there is none to be known (an application within another, say).
    exports.pattern = function (req, route, base) {
      try {
        if (!req.app || req.app.parent) return undefined;
        var all = chains(req.app, route);
        for (var i = 0; i < all.length; i++) {
          var found = along(all[i], base);
          if (found !== undefined) return found;
        }
      } catch (e) { /* another version */ }
    };
  };

  // src/notes.js
  parts.notes = function (require, exports) {
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
  };

  // src/offences.js
  parts.offences = function (require, exports) {
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
  };

  // src/outlet.js
  parts.outlet = function (require, exports) {
    // Where reports go: a Unix socket, written synchronously, so that they survive a crash in the same tick; else a file.
    var fs = require('fs');
    var net = require('net');
    var settings = require('./settings');

    var LINE_MAX = 32 * 1024;
    var WAITING_MAX = 256 * 1024;
    var RECONNECT_MS = 1000;
    var NEWLINE = 10;
    var APPENDING = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NONBLOCK;

    var socket = null;
    var lastTry = -Infinity;
    var waiting = [];
    var waitingBytes = 0;
    var restOf = null;
    var timer = null;
    var dropped = 0;
    var isTorn = false;

    function isReady() { return socket !== null && !socket.destroyed && !!socket._handle; }

    function connect() {
      var now = Date.now();
      if (isReady() || now - lastTry < RECONNECT_MS) return;
      lastTry = now;
      var made = socket = net.connect({ path: settings.socket() });
      made.unref();
      made.on('error', function () { if (socket === made) abandon(); });
      made.on('close', function () { if (socket === made) abandon(); });
      made.resume();
    }

    function later() {
      if (timer !== null || waiting.length === 0) return;
      timer = setTimeout(function () {
        timer = null;
        flush();
      }, RECONNECT_MS);
      if (timer.unref) timer.unref();
    }

    function keep(bytes) {
      if (waitingBytes + bytes.length > WAITING_MAX) {
        dropped += 1;
        return;
      }
      waiting.push(bytes);
      waitingBytes += bytes.length;
    }

    // libuv connects a Unix socket in the call itself: its descriptor can be written at once.
    function write(bytes) {
      var handle = socket._handle;
      if (typeof handle.fd !== 'number' || handle.fd < 0) {
        socket.write(bytes);
        return bytes.length;
      }
      return fs.writeSync(handle.fd, bytes, 0, bytes.length);
    }

    function flush() {
      try {
        connect();
      } catch (e) { socket = null; }
      while (waiting.length > 0 && isReady()) {
        var bytes = waiting[0];
        var written = 0;
        try {
          written = write(bytes);
        } catch (e) {
          if (e && e.code === 'EAGAIN') break;
          abandon();
          break;
        }
        waitingBytes -= written;
        if (written < bytes.length) {
          waiting[0] = bytes.slice(written);
          restOf = socket;
          break;
        }
        waiting.shift();
        restOf = null;
      }
      if (waiting.length > 0 && settings.file() && !isReady()) spill();
      later();
    }

    // What has gone in part on a connection that is no more cannot be finished on another one.
    function abandon() {
      var broken = socket;
      socket = null;
      if (restOf !== null && restOf === broken) {
        waitingBytes -= waiting.shift().length;
        restOf = null;
        dropped += 1;
      }
      if (broken) broken.destroy();
    }

    function spill() {
      while (waiting.length > 0) append(waiting.shift());
      waitingBytes = 0;
    }

    // The program never waits for whoever reads: a FIFO that nobody reads, or that is full, costs a report.
    function append(bytes) {
      var written = 0;
      if (isTorn) bytes = Buffer.concat([Buffer.from('\n'), bytes]);
      try {
        var descriptor = fs.openSync(settings.file(), APPENDING);
        try { written = fs.writeSync(descriptor, bytes, 0, bytes.length); } finally { fs.closeSync(descriptor); }
      } catch (e) { /* as if nothing had been written */ }
      if (written < bytes.length) dropped += 1;
      // Half a line stays half a line: the next report begins on a new one.
      if (written > 0) isTorn = bytes[written - 1] !== NEWLINE;
    }

    exports.exists = function () { return settings.socket() !== null || settings.file() !== null; };
    // A socket takes a report at once and a change of mind later; a line in a file is final.
    exports.isImmediate = function () { return settings.socket() !== null; };
    exports.takeDropped = function () {
      var count = dropped;
      dropped = 0;
      return count;
    };

    exports.send = function (record) {
      var bytes = Buffer.from(JSON.stringify(record) + '\n');
      if (bytes.length > LINE_MAX) {
        dropped += 1;
        return;
      }
      if (!settings.socket()) return append(bytes);
      keep(bytes);
      flush();
    };
  };

  // src/pipes.js
  parts.pipes = function (require, exports) {
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
  };

  // src/places.js
  parts.places = function (require, exports) {
    // Where a hook stands. An error that Node makes in a hooked function would have the hook's frames on its stack, and fewer of the
    // program's under Error.stackTraceLimit. So a hook is compiled once more, as a script that bears the name of Node's own and has its
    // lines `refusal.make()` where Node makes its errors. What Node has thrown, or is about to emit, gets its stack anew from there, and is
    // thrown from there: text, CallSites, limit, and the line that Node prints of an uncaught error are those that they were.
    var vm = require('vm');

    var captureStackTrace = Error.captureStackTrace;
    var MARK = /\n[ \t]*refusal\.make\(\);(?=[ \t]*\n)/;
    var NAMELESS = /(\n *return function) \(/;
    var THROW = /^ *throw new (ERR_\w+)\((?:'(\w+)')?\);$/;
    var NONE = { error: null, isThrown: false, isEmitted: false };
    var TRIAL_FRAMES = 20;
    var ROOM = 100;

    // Runs `work` with two of the program's settings replaced, and puts them back as they were.
    function undisturbed(work) {
      var settings = ['prepareStackTrace', 'stackTraceLimit'].map(function (name) { return Object.getOwnPropertyDescriptor(Error, name); });
      try {
        return work();
      } finally {
        ['prepareStackTrace', 'stackTraceLimit'].forEach(function (name, index) {
          if (settings[index]) Object.defineProperty(Error, name, settings[index]);
          else delete Error[name];
        });
      }
    }

    // Calls `work`; `seen` gets each error that it hands on to a later tick. What `isKept` says is not handed on.
    exports.watched = function (work, seen, isKept) {
      var property = Object.getOwnPropertyDescriptor(process, 'nextTick');
      if (!property || !property.configurable || typeof property.value !== 'function') return work();
      var nextTick = property.value;
      Object.defineProperty(process, 'nextTick', {
        configurable: true, enumerable: property.enumerable, writable: true,
        value: function () {
          for (var i = 1; i < arguments.length; i++) if (arguments[i] instanceof Error) seen(arguments[i]);
          if (!isKept) nextTick.apply(this, arguments);
        },
      });
      try {
        return work();
      } finally {
        Object.defineProperty(process, 'nextTick', property);
      }
    };

    // What Node makes of a call that it refuses: {error, isThrown, isEager, sites}, the innermost site first. Eager: the text of the stack is
    // made with the error, as Node 14 does.
    function tried(original, receiver, args) {
      return undisturbed(function () {
        var found = { error: null, isThrown: false, isEager: true, sites: null };
        Error.prepareStackTrace = function (error, sites) { return sites; };
        Error.stackTraceLimit = TRIAL_FRAMES;
        exports.watched(function () {
          try {
            original.apply(receiver, args);
          } catch (e) {
            found.error = e;
            found.isThrown = true;
          }
        }, function (error) { found.error = error; }, true);
        Error.prepareStackTrace = function (error, sites) {
          found.isEager = false;
          return sites;
        };
        var sites = found.error.stack;
        for (var i = 0; sites[i].getFileName() !== __filename;) i += 1;
        found.sites = sites.slice(0, i);
        return i > 0 ? found : null;
      });
    }

    // The function `parts.join(lines)`, in which each line stands at the place of its site.
    function compiled(sites, names, values, parts, lines) {
      var text = '(function (' + names.join(', ') + ') { \'use strict\'; return ' + parts[0], offset = 0;
      sites.forEach(function (site, index) {
        var room = site.getLineNumber() - offset - text.split('\n').length - 1;
        if (room < 0 || (index > 0 && room > ROOM)) throw new RangeError('no room');
        if (index === 0) offset = room;
        else text += '\n'.repeat(room);
        text += '\n' + lines[index] + parts[index + 1];
      });
      var script = new vm.Script(text + '\n})', { filename: sites[0].getFileName(), lineOffset: offset });
      return script.runInThisContext().apply(undefined, values);
    }

    // The place that calls `callee`.
    exports.caller = function (callee) {
      return undisturbed(function () {
        var holder = {};
        Error.prepareStackTrace = function (error, sites) { return sites; };
        Error.stackTraceLimit = 1;
        captureStackTrace(holder, callee);
        return holder.stack[0];
      });
    };

    // The function `text`, in which `mark` stands at the place of `site`; what it names is in `environment`.
    exports.moved = function (text, environment, mark, site) {
      var names = Object.keys(environment), values = names.map(function (key) { return environment[key]; });
      var whole = '(function (' + names.join(', ') + ') { \'use strict\'; return ' + text + ' })';
      var offset = site.getLineNumber() - whole.split(mark)[0].split('\n').length;
      return new vm.Script(whole, { filename: site.getFileName(), lineOffset: offset }).runInThisContext().apply(undefined, values);
    };

    // A call at the site's column, of what has the site `inner`.
    function calling(site, inner) {
      return ' '.repeat(site.getColumnNumber() - 1) + (inner && inner.isConstructor() ? 'new place();' : 'place();');
    }

    // The line of Node's function that throws the error.
    function throwing(original, found, hook) {
      return Function.prototype.toString.call(original).split('\n').filter(function (line) {
        var match = THROW.exec(line);
        return match && match[1] === found.error.code && line.indexOf('new ') + 1 === hook.getColumnNumber() &&
          (!match[2] || found.error.message.indexOf(match[2]) >= 0);
      })[0];
    }

    // Gives the error its stack, from the place where this is called.
    function maker(refusal, found) {
      return function made() {
        var error = refusal.error;
        refusal.error = null;
        if (error === null || error.code !== found.error.code) return error;
        captureStackTrace(error, made);
        if (found.isEager) {
          error.name += ' [' + error.code + ']';
          error.stack;
          delete error.name;
        }
        return error;
      };
    }

    // What makes the error of one trial: {site, name, value, line}.
    function madeAt(original, refusal, found) {
      var made = maker(refusal, found);
      var hook = found.sites.pop(), inner = null;
      // Between the hook and the error there may be functions of Node's own.
      found.sites.forEach(function (site) {
        var parts = ['function ' + site.getFunctionName() + '() { var error =', '\nreturn error; }'];
        made = compiled([site], ['place'], [made], parts, [calling(site, inner)]);
        inner = site;
      });
      return {
        site: hook, name: found.isThrown ? found.error.code : 'place', value: made,
        line: found.isThrown ? throwing(original, found, hook) : calling(hook, inner),
      };
    }

    function placed(build, environment, name, original, trials) {
      var names = Object.keys(environment), values = names.map(function (key) { return environment[key]; });
      var parts = Function.prototype.toString.call(build).replace(NAMELESS, '$1 ' + name + '(').split(MARK);
      var refusal = { error: null, isThrown: trials[0].isThrown, isEmitted: !trials[0].isThrown };
      var ends = trials.map(function (found) { return madeAt(original, refusal, found); });
      if (parts.length !== ends.length + 1 || !ends.every(function (end) { return end.line; })) return null;
      var placedBuild = compiled(
        ends.map(function (end) { return end.site; }), names.concat(ends.map(function (end) { return end.name; })),
        values.concat(ends.map(function (end) { return end.value; })), parts, ends.map(function (end) { return end.line; }));
      return placedBuild(original, refusal, name);
    }

    // build(original, refusal, name) makes the hook; what else it names is in `environment`. `refused`: a receiver and arguments of each sort
    // that Node refuses, in the order of Node's lines and of the hook's `refusal.make()`.
    exports.hook = function (build, environment, name, original, refused) {
      try {
        var trials = refused.map(function (one) { return tried(original, one[0], one[1]); });
        var hook = trials.every(Boolean) && placed(build, environment, name, original, trials);
        if (hook) return hook;
      } catch (e) { /* then the stacks show it */ }
      return build(original, NONE, name);
    };
  };

  // src/properties.js
  parts.properties = function (require, exports) {
    // Reads properties of objects whose shape is always new. A line of the form `object.name` has V8 prepare itself for each shape, in
    // microseconds, and in vain; a line that has met several names looks the property up, and prepares nothing.
    exports.get = function (object, name) { return object[name]; };

    ['a', 'b', 'c', 'd', 'e', 'f'].forEach(function (name) {
      var object = {};
      object[name] = name;
      exports.get(object, name);
    });
  };

  // src/records.js
  parts.records = function (require, exports) {
    // Incident records, in the form of the proxy's own log (docs/incident-log.md).
    var requests = require('./requests');
    var stacks = require('./stacks');
    var templates = require('./templates');
    var performance = require('perf_hooks').performance;

    var KIND = 'application_double_send';
    var BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

    function digits(value, count) {
      var text = '';
      for (; count > 0; count--) {
        text = BASE32[value % 32] + text;
        value = Math.floor(value / 32);
      }
      return text;
    }

    function identity(milliseconds) {
      var chance = '';
      for (var i = 0; i < 16; i++) chance += BASE32[Math.floor(Math.random() * 32)];
      return digits(Math.floor(milliseconds), 10) + chance;
    }

    function time(milliseconds) {
      var micros = Math.floor(milliseconds * 1000) % 1000;
      return new Date(Math.floor(milliseconds)).toISOString().slice(0, -1) + ('00' + micros).slice(-3) + 'Z';
    }

    // The status that the first header block has, whatever has been set since.
    function firstStatus(res, note) {
      if (note.status) return note.status;
      var match = /^HTTP\/1\.1 (\d{3})/.exec(typeof res._header === 'string' ? res._header : '');
      return match ? +match[1] : undefined;
    }

    function address(host, port) {
      if (!host || !port) return undefined;
      return (host.indexOf(':') >= 0 ? '[' + host + ']' : host) + ':' + port;
    }

    function one(value) { return Math.round(value * 10) / 10; }

    // Both stacks: of the first send the one that is like the second, and where a stream was piped, where that was done.
    function bothStacks(offence) {
      var note = offence.note;
      var isBody = /^(?:end|write|addTrailers|pipe)$/.test(offence.facts.operation);
      var first = isBody && note.end ? note.end : note.first || note.end;
      var pipes = note.pipes || [];
      var at = isBody && note.endedAt ? note.endedAt : note.at;
      var ofRoute = !first && offence.usual;
      if (ofRoute) first = offence.usual;
      var second = offence.second;
      var firstFrames = [first], secondFrames = [second, offence.facts.below];
      if (pipes.length && second && !stacks.hasOwn(second)) secondFrames.push(pipes[pipes.length - 1].stack);
      if (pipes.length && first && !stacks.hasOwn(first)) firstFrames.push(pipes[0].stack);
      return {
        at: at,
        first: stacks.frames(firstFrames),
        second: stacks.frames(secondFrames),
        isOfRoute: !!ofRoute,
      };
    }

    var VERBS = {
      thrown: 'was refused', crashed: 'was refused, and nothing caught the error',
      emitted: 'was refused', swallowed: 'was swallowed', sent: 'went out',
    };

    function sentence(record) {
      var application = record.application, request = record.request;
      var places = [stacks.brief(application.first), stacks.brief(application.second)];
      return request.method + ' ' + request.path + ' was answered' +
        (record.response.status ? ' with ' + record.response.status : '') +
        (places[0] ? ' at ' + places[0] : '') + ' and' +
        (application.between_ms !== undefined ? ' ' + application.between_ms + ' ms later' : '') + ' again: ' +
        application.operation + (places[1] ? ' at ' + places[1] : '') + ' ' + VERBS[application.outcome] +
        (application.code ? ' (' + application.code + ')' : '') +
        (record.attribution === 'open' ? '; it may be an earlier request of this connection that was answered again' : '');
    }

    exports.make = function (offence, suppressed) {
      var facts = offence.facts, note = offence.note, res = offence.res, req = note.req;
      var told = requests.route(req, note);
      var both = bothStacks(offence);
      var socket = (req && req.socket) || res.socket || {};
      var request = requests.describe(req, told.route);
      var status = facts.status || (typeof res.statusCode === 'number' ? res.statusCode : undefined);
      var now = performance.timeOrigin + offence.at;
      var isHTTP2 = !!(req && req.httpVersionMajor === 2) || facts.isHTTP2;
      var record = {
        time: time(now), id: identity(now), schema: 1, severity: 'warning', kind: KIND,
        certainty: facts.certainty || 'proven', attribution: facts.attribution || 'certain', origin: 'application',
        action: 'observe', client_impact: 'none',
        message: '', route: '_none', protocol: isHTTP2 ? 'h2' : 'http/' + ((req && req.httpVersion) || '1.1'),
        upstream: { address: address(socket.localAddress, socket.localPort) },
        client: { address: address(socket.remoteAddress, socket.remotePort), protocol: undefined },
        request: request,
        response: { status: firstStatus(res, note) },
        evidence: {
          phase: note.isEnded ? 'after_end' : 'in_body',
          delay_ms: typeof both.at === 'number' ? one(offence.at - both.at) : undefined,
          second_status: status,
          second_fields: facts.field ? [facts.field] : undefined,
        },
        application: {
          code: facts.code, outcome: offence.outcome, operation: facts.operation, status: facts.status, field: facts.field,
          bytes: facts.bytes, route: told.route, framework: told.framework,
          between_ms: typeof both.at === 'number' ? one(offence.at - both.at) : undefined,
          first: both.first, first_of: both.isOfRoute ? 'route' : undefined, second: both.second,
          node: process.version, pid: process.pid,
        },
        group: templates.group(KIND, '_none', request.method || '', request.template || '', status || 0),
        echo: requests.echo(req),
        suppressed: suppressed,
      };
      exports.conclude(record, offence.outcome);
      return record;
    };

    // What depends on the outcome.
    exports.conclude = function (record, outcome) {
      record.application.outcome = outcome;
      record.client_impact = outcome === 'crashed' && record.evidence.phase === 'in_body' ? 'aborted' : 'none';
      record.message = sentence(record);
    };
  };

  // src/requests.js
  parts.requests = function (require, exports) {
    // What a request says of itself, and what frameworks have left on it.
    var mounts = require('./mounts');
    var templates = require('./templates');
    var stamps = require('./stamps');

    var TEXT_MAX = 2048;
    var ID_FIELD = 'SendOnce-Id';
    var ID_MAX = 64;
    var ROUTE = Symbol.for('sendonce.route');
    var routeOfChannel = stamps.stamp();

    function string(value) { return typeof value === 'string' && value ? value : undefined; }

    // Express keeps a pattern, a regular expression, or a list of them.
    function pattern(path) {
      if (Array.isArray(path)) path = path[0];
      if (path instanceof RegExp || Object.prototype.toString.call(path) === '[object RegExp]') return String(path);
      return string(path);
    }

    function joined(mount, path) { return mount + (path === '/' && mount ? '' : path); }

    // {route, framework} as the framework has left them on the request; a route is a pattern such as `/orders/:id`.
    exports.route = function (req, early) {
      if (!req) return {};
      var told = pattern(req[ROUTE]);
      if (told) return { route: told };
      var channel = routeOfChannel.get(req);
      if (channel) return { route: channel, framework: 'fastify' };
      var route = (early && early.route) || req.route;
      var base = early && early.route ? early.base : req.baseUrl;
      var isExpress = typeof req.baseUrl === 'string' && typeof req.next === 'function' || !!(req.app && req.app.handle);
      if (route && typeof route === 'object') {
        // Some versions of restify keep what they have made of the pattern, beside the pattern.
        var path = pattern((route.spec && route.spec.path) || route.path);
        var framework = isExpress ? 'express' : typeof req.getRoute === 'function' ? 'restify' : undefined;
        var mount = base ? mounts.pattern(req, route, base) || templates.ofPath(base) : '';
        if (path !== undefined) return { route: joined(mount, path), framework: framework };
      }
      if (isExpress) return { framework: 'express' };
      var options = req.routeOptions || (req.context && req.context.config);
      if (options && string(options.url)) return { route: options.url, framework: 'fastify' };
      if (string(req.routerPath)) return { route: req.routerPath, framework: 'fastify' };
      var koa = req.ctx && (req.ctx._matchedRoute || req.ctx.routerPath);
      if (koa) return { route: pattern(koa), framework: 'koa' };
      return {};
    };

    // Fastify tells the route of each request on a channel of its own.
    exports.listen = function () {
      try {
        require('diagnostics_channel').channel('tracing:fastify.request.handler:start').subscribe(function (message) {
          try {
            var raw = message.request && message.request.raw;
            var url = message.route && message.route.url;
            if (raw && string(url)) routeOfChannel.set(raw, url);
          } catch (e) { /* another shape */ }
        });
      } catch (e) { /* no channels in this version */ }
    };

    function field(req, name) {
      var value = req.headers && req.headers[name];
      return typeof value === 'string' ? value.slice(0, TEXT_MAX) : undefined;
    }

    // The values of a query stay where they are.
    function redacted(target) {
      var mark = target.indexOf('?');
      if (mark < 0) return target;
      return target.slice(0, mark + 1) + target.slice(mark + 1).split('&').map(function (piece) {
        if (!piece) return piece;
        var equals = piece.indexOf('=');
        return (equals < 0 ? '' : piece.slice(0, equals + 1)) + '[REDACTED]';
      }).join('&');
    }

    exports.path = function (req) {
      return string(req.originalUrl) || string(req.url) || '';
    };

    // {id, method, path, host, template, trace_id, span_id}
    exports.describe = function (req, route) {
      if (!req) return {};
      var path = exports.path(req);
      var trace = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-/.exec(field(req, 'traceparent') || '');
      return {
        id: field(req, 'x-request-id'),
        method: string(req.method),
        path: redacted(path).slice(0, TEXT_MAX),
        host: field(req, 'host') || field(req, ':authority'),
        template: route ? templates.ofRoute(route) : templates.ofPath(path),
        trace_id: trace ? trace[1] : undefined,
        span_id: trace ? trace[2] : undefined,
      };
    };

    exports.echo = function (req) { return req ? field(req, 'sendonce-id') : undefined; };

    // The request's id of this hop, over HTTP/1. The proxy writes the field last.
    exports.id = function (req) {
      var raw = req.rawHeaders;
      if (!raw) return undefined;
      for (var i = raw.length - 2; i >= 0; i -= 2) {
        if (raw[i] === ID_FIELD) return raw[i + 1].length <= ID_MAX ? raw[i + 1] : undefined;
      }
      return undefined;
    };

    // What the offences of one route are remembered by.
    exports.key = function (req, early) {
      if (!req) return '';
      return req.method + ' ' + (exports.route(req, early).route || templates.ofPath(exports.path(req)));
    };
  };

  // src/sessions.js
  parts.sessions = function (require, exports) {
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
  };

  // src/settings.js
  parts.settings = function (require, exports) {
    // The environment, read when it is first needed: some process managers set it after the preload.
    var path = require('path');

    var MODES = { always: 'always', off: 'off' };
    var BEGAN = 'sendonce.began';
    var began = '';
    var read = null;

    // Notes the directory in which the process began: a relative file is one of there, wherever the program goes. Its threads begin where it is
    // by then, so they are told; that takes a module of 2 ms, which is loaded where it is needed alone.
    exports.begin = function () {
      try {
        began = process.cwd() + '/';
        var file = process.env.SENDONCE_PROBE_FILE;
        if (!file || path.isAbsolute(file)) return;
        var threads = require('worker_threads');
        if (threads.isMainThread) threads.setEnvironmentData(BEGAN, began);
        else began = threads.getEnvironmentData(BEGAN) || began;
      } catch (e) { /* the directory is gone, or the version too old to tell threads of it */ }
    };

    function settings() {
      if (read === null) {
        var file = process.env.SENDONCE_PROBE_FILE;
        read = {
          socket: process.env.SENDONCE_PROBE_SOCKET || null,
          file: file ? (path.isAbsolute(file) ? '' : began) + file : null,
          stacks: MODES[String(process.env.SENDONCE_PROBE_STACKS).toLowerCase()] || 'sampled',
        };
      }
      return read;
    }

    exports.isOff = function () { return /^(?:off|0|false|no)$/i.test(process.env.SENDONCE_PROBE || ''); };
    exports.socket = function () { return settings().socket; };
    exports.file = function () { return settings().file; };
    exports.stacks = function () { return settings().stacks; };
  };

  // src/sockets.js
  parts.sockets = function (require, exports) {
    // Bytes written to a connection past Node's answer: a second answer that nothing refuses. Each connection of a server gets a
    // `write` of its own; what Node itself writes passes it between `enter` and `leave`.
    var offences = require('./offences');
    var stacks = require('./stacks');
    var stamps = require('./stamps');
    var wrapping = require('./wrapping');

    // How many of the last answers are kept for their connections' sake.
    var RECENT = 256;

    var connections = stamps.stamp();
    var recent = new Array(RECENT);
    var count = 0;
    var depth = 0;
    // What stands in the place of Node's `write`, one for all connections: V8 then knows what it calls.
    var nodes = null;
    var instead = null;

    function Connection() {
      // The note of the last answer, and the how manyth of all answers it was.
      this.last = null;
      this.number = 0;
      this.res = null;
      this.hasAnswered = false;
      // Whether an answer to another request came before `last`: a timer of that one may be who writes.
      this.isShared = false;
      this.raw = null;
      this.rawAt = 0;
    }

    function isInterim(data) { return /^HTTP\/1\.[01] 1\d\d/.test(String(data).slice(0, 16)); }

    function isMessage(data) { return /^HTTP\/1\.[01] \d/.test(String(data).slice(0, 16)); }

    function sizeOf(data, encoding) {
      if (typeof data === 'string') return Buffer.byteLength(data, typeof encoding === 'string' ? encoding : 'utf8');
      return data && data.byteLength;
    }

    function statusOf(data) {
      var match = /^HTTP\/1\.[01] (\d{3})/.exec(String(data).slice(0, 16));
      return match ? +match[1] : undefined;
    }

    function written(socket, connection, data, encoding) {
      var pending = socket._httpMessage;
      var isUnanswered = !!pending && !pending._header;
      // A line's end alone is no answer.
      if (/^[\r\n]*$/.test(String(data).slice(0, 16))) return;
      var stack = stacks.second(written);
      // Node's own answers to what is no request, and an application's.
      if (stack && stacks.isOfNode(stack, /\bsocketOnError\b/)) return;
      // On a connection that has answered before, it may be a late second answer to the request before.
      if (isUnanswered && !isInterim(data) && connection.raw === null && !connection.hasAnswered) {
        connection.raw = stack;
        connection.rawAt = offences.now();
        connection.res = pending;
      }
      var note = connection.last;
      if (note === null || !note.isEnded && !isMessage(data)) return;
      var offence = offences.begin(note.res, note, {
        operation: 'socket.write', status: statusOf(data), bytes: sizeOf(data, encoding), stack: stack,
        certainty: isUnanswered || connection.isShared ? 'suspected' : undefined,
        attribution: connection.isShared ? 'open' : undefined,
      });
      if (offence) offences.end(offence, 'sent');
    }

    exports.adopt = function (socket) {
      var connection = socket ? connections.get(socket) : null;
      if (connection !== undefined) return connection;
      return typeof socket.write === 'function' ? adopted(socket) : null;
    };

    function adopted(socket) {
      var connection = new Connection();
      connections.set(socket, connection);
      var own = Object.getOwnPropertyDescriptor(socket, 'write');
      if (own && !own.configurable) return connection;
      var original = socket.write;
      Object.defineProperty(socket, 'write', {
        configurable: true, writable: true, enumerable: !!(own && own.enumerable),
        value: original === nodes ? instead : writer(original),
      });
      return connection;
    }

    function writer(original) {
      nodes = original;
      return instead = wrapping.disguise(function write(data, encoding) {
        if (depth === 0 && this.parser) watch(this, data, encoding);
        return original.apply(this, arguments);
      }, original);
    }

    function watch(socket, data, encoding) {
      try {
        var connection = connections.get(socket);
        if (connection && (connection.last !== null || socket._httpMessage)) written(socket, connection, data, encoding);
      } catch (e) { /* a report less */ }
    }

    // A header block has been made for this connection. Returns where somebody has answered the request on the socket before.
    // A note is kept only while its connection's: what outlives its request costs the garbage collector more than all else here.
    exports.answered = function (connection, note) {
      count += 1;
      var oldest = recent[count % RECENT];
      if (oldest !== undefined && oldest.number === count - RECENT) oldest.last = null;
      recent[count % RECENT] = connection;
      connection.number = count;
      if (connection.last !== note) connection.isShared = connection.hasAnswered;
      connection.last = note;
      connection.hasAnswered = true;
      if (connection.raw === null) return null;
      var raw = connection.res === note.res ? { stack: connection.raw, at: connection.rawAt } : null;
      connection.raw = connection.res = null;
      return raw;
    };

    // Around what Node writes itself.
    exports.writeRawHook = function (original) {
      return function (data, encoding, callback, size) {
        depth += 1;
        try {
          return original.call(this, data, encoding, callback, size);
        } finally {
          depth -= 1;
        }
      };
    };

    exports.flushHook = function (original) {
      return function (socket) {
        depth += 1;
        try {
          return original.call(this, socket);
        } finally {
          depth -= 1;
        }
      };
    };
  };

  // src/stacks.js
  parts.stacks = function (require, exports) {
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
  };

  // src/stamps.js
  parts.stamps = function (require, exports) {
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
  };

  // src/streams.js
  parts.streams = function (require, exports) {
    // HTTP/2: its streams, and the servers that have them. The module is loaded by whoever serves HTTP/2, not by the probe: it is hooked
    // when a server gets its first connection.
    var net = require('net');
    var again = require('./again');
    var compat = require('./compat');
    var offences = require('./offences');
    var places = require('./places');
    var requests = require('./requests');
    var sessions = require('./sessions');
    var stacks = require('./stacks');
    var stamps = require('./stamps');
    var wrapping = require('./wrapping');

    var SENT = 'ERR_HTTP2_HEADERS_SENT';
    var GONE = 'ERR_HTTP2_INVALID_STREAM';
    var LATE = 'ERR_HTTP2_HEADERS_AFTER_RESPOND';
    var ECHO = 'sendonce-id';
    var CONNECTIONS_TOLD = !process.versions.bun && !process.versions.deno && parseInt(process.versions.node, 10) >= 20;

    var notes = stamps.stamp();
    var servers = new WeakSet();
    var isHooked = false;
    var isStreamHooked = false;

    function Note(req) {
      this.req = req;
      // When the header block was made; undefined: not yet.
      this.at = undefined;
      this.first = null;
      this.isEnded = false;
      this.endedAt = 0;
      this.end = null;
      this.offence = null;
      this.route = req && req.route;
      this.base = req && req.baseUrl;
      this.status = 0;
      this.pipes = null;
    }

    // What stands for the request where only the stream's API is used.
    function bare(headers) {
      return { headers: headers, method: headers[':method'], url: headers[':path'], httpVersion: '2.0', httpVersionMajor: 2 };
    }

    // What is noted of a stream that has its answer's header block; else undefined.
    function noteOfSent(stream) {
      var note = stream ? notes.get(stream) : undefined;
      return note !== undefined && note.at !== undefined ? note : undefined;
    }

    function codeOf(stream, other) { return stream.destroyed || stream.closed ? GONE : other; }

    // `index`: which of the arguments has the fields.
    function respondHook(original, refusal, name) {
      var index = name === 'respond' ? 0 : 1;
      return function () {
        if (again.isBusy()) return original.apply(this, arguments);
        var note = noteOfSent(this);
        if (note === undefined) return original.apply(this, firstSend(this, arguments, index));
        var headers = arguments[index];
        var facts = { operation: name, isHTTP2: true, code: codeOf(this, SENT), status: headers && +headers[':status'] || 200 };
        var result = again.noted(this, note, original, arguments, facts, again.refusal, refusal);
        if (refusal.error === null) return result;
        if (refusal.error.code === GONE)
          refusal.make();
        else
          refusal.make();
      };
    }

    function additionalHook(original, refusal, name) {
      return function () {
        var note = again.isBusy() ? undefined : noteOfSent(this);
        if (note === undefined) return original.apply(this, arguments);
        var facts = { operation: name, isHTTP2: true, code: codeOf(this, LATE) };
        var result = again.noted(this, note, original, arguments, facts, again.refusal, refusal);
        if (refusal.error === null) return result;
        if (refusal.error.code === GONE)
          refusal.make();
        else
          refusal.make();
      };
    }

    // Notes it, and returns the arguments with the request's id among the fields.
    function firstSend(stream, args, index) {
      try {
        var note = notes.get(stream);
        if (note === undefined) notes.set(stream, note = new Note(null));
        note.at = offences.now();
        var headers = args[index];
        note.status = headers && !Array.isArray(headers) && +headers[':status'] || 200;
        note.first = stacks.first(note.at, firstSend, note);
        var id = note.req && requests.echo(note.req);
        if (!id || Array.isArray(headers)) return args;
        var echoed = Array.prototype.slice.call(args);
        echoed[index] = Object.assign({}, headers);
        echoed[index][ECHO] = id;
        return echoed;
      } catch (e) {
        return args;
      }
    }

    var environment = {
      again: again, codeOf: codeOf, firstSend: firstSend, noteOfSent: noteOfSent, GONE: GONE, LATE: LATE, SENT: SENT,
    };

    function hookStreams(prototype) {
      if (isStreamHooked || !prototype || typeof prototype.respond !== 'function') return;
      isStreamHooked = true;
      function place(name, build) {
        wrapping.wrap(prototype, name, function (original) {
          return places.hook(build, environment, name, original, [[{ destroyed: true }, []], [{ headersSent: true }, []]]);
        });
      }
      place('respond', respondHook);
      place('respondWithFD', respondHook);
      place('respondWithFile', respondHook);
      place('additionalHeaders', additionalHook);
    }

    // A session's stream has come: its headers are the request.
    function begun(stream, headers) {
      try {
        hookStreams(Object.getPrototypeOf(stream));
        if (headers && notes.get(stream) === undefined) notes.set(stream, new Note(bare(headers)));
      } catch (e) { /* a note less */ }
    }

    // An answer shows the classes of what is under it, where a server gets its connections from elsewhere.
    exports.learn = function (stream) {
      if (isStreamHooked && sessions.isHooked() || !stream) return;
      try {
        hookStreams(Object.getPrototypeOf(stream));
        if (stream.session) sessions.met(stream.session);
      } catch (e) { /* then HTTP/2 goes without */ }
    };

    // The note of an answer of the compatible API.
    exports.noteOf = function (res) {
      var note = noteOfSent(res.stream) || notes.get(res);
      if (note === undefined) return undefined;
      if (notes.get(res) === undefined) notes.set(res, note);
      if (res.req && note.req !== res.req) note.req = res.req;
      return note;
    };

    function isLoaded() {
      var list = process.moduleLoadList;
      return Array.isArray(list) && list.some(function (name) { return /^NativeModule (?:internal\/http2\/core|http2)$/.test(name); });
    }

    function found(server, socket) {
      if (servers.has(server)) return;
      servers.add(server);
      if (!isHooked && isLoaded()) {
        isHooked = true;
        sessions.listen(begun);
        compat.hook(require('http2').Http2ServerResponse, exports);
      }
      if (!isHooked || sessions.isHooked() || !/^Http2(?:Secure)?Server$/.test(server.constructor && server.constructor.name)) return;
      // Its connection has its session, or will have it.
      var session = socket && sessions.of(socket);
      if (session) sessions.met(session);
      else server.prependOnceListener('session', sessions.met);
    }

    function foundQuietly(server, socket) {
      try { found(server, socket); } catch (e) { /* then HTTP/2 goes without */ }
    }

    exports.hook = function () {
      // Versions that tell of each connection need no hook, which an error of listen would show.
      if (CONNECTIONS_TOLD) {
        require('diagnostics_channel').channel('net.server.socket').subscribe(function (message) { foundQuietly(message.socket.server, message.socket); });
        return;
      }
      wrapping.wrap(net.Server.prototype, 'listen', function (original) {
        return function () {
          foundQuietly(this);
          return original.apply(this, arguments);
        };
      });
    };
  };

  // src/templates.js
  parts.templates = function (require, exports) {
    // What of a path varies, and the group that a record belongs to. The proxy has the same two rules (Report/PathTemplate,
    // Report/IncidentGroup); Tests/Unit/ReportTests/templates.tsv holds both to one table.
    var SEGMENTS_MAX = 32;
    var LENGTH_MAX = 256;
    var UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
    var WORDS = /[0-9A-Za-z%]+/g;
    var ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

    function varies(word) {
      if (!/[0-9]/.test(word)) return false;
      if (/^[0-9]+$/.test(word)) return true;
      if (word.length >= 8 && /^[0-9A-Fa-f]+$/.test(word)) return true;
      return word.length >= 20;
    }

    function segment(text) {
      if (UUID.test(text)) return '{id}';
      var replaced = text.replace(WORDS, function (word) { return varies(word) ? '{id}' : word; });
      return replaced.replace(/\{id\}(?:[-_.~:+]?\{id\})+/g, '{id}');
    }

    // `/orders/7?x=1` is `/orders/{id}`.
    exports.ofPath = function (path) {
      var end = path.search(/[?#]/);
      if (end >= 0) path = path.slice(0, end);
      var parts = path.split('/');
      var kept = parts.slice(0, SEGMENTS_MAX + 1).map(segment);
      if (parts.length > kept.length) kept.push('...');
      return cut(kept.join('/'));
    };

    // `/orders/:id(\\d+)?` is `/orders/{id}`.
    exports.ofRoute = function (route) {
      return cut(route.replace(/:([A-Za-z0-9_]+)(?:\([^()]*\))?[?*+]?/g, '{$1}'));
    };

    function cut(text) { return text.length > LENGTH_MAX ? text.slice(0, LENGTH_MAX) + '...' : text; }

    // FNV-1a of 64 bits in four limbs of 16, folded to 40 bits: eight digits of base 32.
    exports.group = function (kind, route, method, template, status) {
      var bytes = Buffer.from([kind, route, method, template, status].join('\0'));
      var a = 0x2325, b = 0x8422, c = 0x9ce4, d = 0xcbf2;
      for (var i = 0; i < bytes.length; i++) {
        a ^= bytes[i];
        // The prime is 2^40 + 0x1b3.
        var low = a * 0x1b3, second = b * 0x1b3 + Math.floor(low / 65536);
        var third = c * 0x1b3 + ((a & 0xff) << 8) + Math.floor(second / 65536);
        var fourth = d * 0x1b3 + (((b & 0xff) << 8) | (a >> 8)) + Math.floor(third / 65536);
        a = low & 0xffff; b = second & 0xffff; c = third & 0xffff; d = fourth & 0xffff;
      }
      // Folded: the upper 24 bits onto the lower 40.
      var value = [a ^ ((c >> 8) | ((d & 0xff) << 8)), b ^ (d >> 8), c & 0xff];
      var text = '';
      for (var digit = 0; digit < 8; digit++) {
        text = ALPHABET[value[0] & 31] + text;
        value[0] = (value[0] >> 5) | ((value[1] & 31) << 11);
        value[1] = (value[1] >> 5) | ((value[2] & 31) << 11);
        value[2] >>= 5;
      }
      return text;
    };
  };

  // src/wrapping.js
  parts.wrapping = function (require, exports) {
    // Puts a function in another's place so that nobody notices: same name, length, properties, text and place in its object.
    exports.disguise = function (wrapper, original) {
      try {
        Object.getOwnPropertyNames(original).concat(Object.getOwnPropertySymbols(original)).forEach(function (key) {
          var mine = Object.getOwnPropertyDescriptor(wrapper, key);
          if (!mine || mine.configurable) Object.defineProperty(wrapper, key, Object.getOwnPropertyDescriptor(original, key));
        });
        Object.defineProperty(wrapper, 'toString', {
          value: function toString() { return Function.prototype.toString.call(this === wrapper ? original : this); },
          configurable: true, writable: true, enumerable: false,
        });
      } catch (e) { /* then it shows */ }
      return wrapper;
    };

    // Replaces object[name] by build(original), where it is a function that can be replaced.
    exports.wrap = function (object, name, build) {
      var property = object && Object.getOwnPropertyDescriptor(object, name);
      if (!property || typeof property.value !== 'function' || !property.configurable) return;
      property.value = exports.disguise(build(property.value), property.value);
      Object.defineProperty(object, name, property);
    };
  };

  // A probe that cannot start leaves the application as it is.
  try { part('./main').start(); } catch (e) { /* no probe */ }
})();
