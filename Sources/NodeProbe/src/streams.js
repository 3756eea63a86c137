'use strict';
// HTTP/2: the compatible API's answer, and the streams under it. The module is loaded by whoever serves HTTP/2, not by the
// probe: it is hooked when a server gets its first connection.
var net = require('net');
var offences = require('./offences');
var requests = require('./requests');
var stacks = require('./stacks');
var stamps = require('./stamps');
var wrapping = require('./wrapping');

var SENT = 'ERR_HTTP2_HEADERS_SENT';
var GONE = 'ERR_HTTP2_INVALID_STREAM';
var AFTER_END = 'ERR_STREAM_WRITE_AFTER_END';
var ECHO = 'sendonce-id';
var CONNECTIONS_TOLD = !process.versions.bun && !process.versions.deno && parseInt(process.versions.node, 10) >= 20;

var notes = stamps.stamp();
var servers = new WeakSet();
var isHooked = false;
var isStreamHooked = false;
var isBusy = false;

function Note(req, at) {
  this.req = req;
  this.at = at;
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

function again(target, note, original, args, facts, judge) {
  facts.isHTTP2 = true;
  var offence = offences.begin(target, note, facts, again);
  if (offence === null) return original.apply(target, args);
  var threw = true;
  isBusy = true;
  try {
    var result = original.apply(target, args);
    threw = false;
    return result;
  } finally {
    isBusy = false;
    offences.end(offence, judge ? judge(threw) : threw ? 'thrown' : null);
  }
}

function noteOfAnswer(res) {
  var stream = res.stream;
  var note = (stream && notes.get(stream)) || notes.get(res);
  if (note) {
    if (!notes.get(res)) notes.set(res, note);
    if (res.req && note.req !== res.req) note.req = res.req;
  }
  return note;
}

function bytesOf(chunk) {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk && chunk.byteLength;
}

function hookAnswers(answer) {
  ['setHeader', 'removeHeader', 'appendHeader', 'writeHead'].forEach(function (name) {
    wrapping.wrap(answer, name, function (original) {
      return function (a) {
        var note = isBusy || !this.headersSent ? undefined : noteOfAnswer(this);
        if (note === undefined) return original.apply(this, arguments);
        var facts = { operation: name, code: this.stream.destroyed || this.writableEnded && this.stream.closed ? GONE : SENT };
        if (name === 'writeHead') facts.status = typeof a === 'number' ? a : undefined;
        else facts.field = typeof a === 'string' ? a.toLowerCase().slice(0, 128) : undefined;
        return again(this, note, original, arguments, facts);
      };
    });
  });
  ['write', 'end'].forEach(function (name) {
    wrapping.wrap(answer, name, function (original) {
      return function (chunk) {
        var note = isBusy || !this.writableEnded ? undefined : noteOfAnswer(this);
        if (note === undefined || typeof chunk === 'function' || chunk === undefined || chunk === null) {
          return original.apply(this, arguments);
        }
        note.isEnded = true;
        var facts = { operation: name, code: name === 'write' ? AFTER_END : undefined, bytes: bytesOf(chunk) };
        return again(this, note, original, arguments, facts, function (threw) { return threw ? 'thrown' : 'swallowed'; });
      };
    });
  });
  // These say no without a word.
  [['writeContinue', 100], ['writeEarlyHints', 103]].forEach(function (interim) {
    wrapping.wrap(answer, interim[0], function (original) {
      return function () {
        var note = isBusy || !this.headersSent ? undefined : noteOfAnswer(this);
        if (note === undefined) return original.apply(this, arguments);
        return again(this, note, original, arguments, { operation: interim[0], status: interim[1] }, function (threw) {
          return threw ? 'thrown' : 'swallowed';
        });
      };
    });
  });
  // The first use of the compatible API shows the class of the streams under it.
  ['writeHead', 'end', 'write', 'setHeader', 'flushHeaders'].forEach(function (name) {
    wrapping.wrap(answer, name, function (original) {
      return function () {
        if (!isStreamHooked && this.stream) hookStreams(Object.getPrototypeOf(this.stream));
        return original.apply(this, arguments);
      };
    });
  });
}

function requestOf(stream, headers) {
  return bare(headers || {});
}

function hookStreams(prototype) {
  if (isStreamHooked || !prototype || typeof prototype.respond !== 'function') return;
  isStreamHooked = true;
  ['respond', 'respondWithFD', 'respondWithFile'].forEach(function (name) {
    wrapping.wrap(prototype, name, function (original) {
      return function respond(first) {
        var note = notes.get(this);
        if (note !== undefined && note.at !== undefined) {
          if (isBusy) return original.apply(this, arguments);
          var headers = name === 'respond' ? first : arguments[1];
          var facts = { operation: name, code: this.destroyed || this.closed ? GONE : SENT, status: headers && +headers[':status'] || 200 };
          return again(this, note, original, arguments, facts);
        }
        var args = arguments;
        try {
          args = firstSend(this, note, args, name === 'respond' ? 0 : 1, respond);
        } catch (e) { /* a note less */ }
        return original.apply(this, args);
      };
    });
  });
  wrapping.wrap(prototype, 'additionalHeaders', function (original) {
    return function () {
      var note = isBusy ? undefined : notes.get(this);
      if (note === undefined || note.at === undefined) return original.apply(this, arguments);
      var code = this.destroyed || this.closed ? GONE : 'ERR_HTTP2_HEADERS_AFTER_RESPOND';
      return again(this, note, original, arguments, { operation: 'additionalHeaders', code: code });
    };
  });
}

function firstSend(stream, note, args, index, above) {
  var at = offences.now();
  if (note === undefined) notes.set(stream, note = new Note(null, at));
  note.at = at;
  var headers = args[index];
  note.status = headers && !Array.isArray(headers) && +headers[':status'] || 200;
  note.first = stacks.first(at, above, note);
  var id = note.req && requests.echo(note.req);
  if (!id || Array.isArray(headers)) return args;
  var echoed = Array.prototype.slice.call(args);
  echoed[index] = Object.assign({}, headers);
  echoed[index][ECHO] = id;
  return echoed;
}

// Each server tells its streams as they come: their headers are the request.
function hookServer(server) {
  var emit = server.emit;
  Object.defineProperty(server, 'emit', {
    configurable: true, writable: true, enumerable: false,
    value: function (event, stream, headers) {
      if (event === 'stream' && stream && headers) {
        try {
          hookStreams(Object.getPrototypeOf(stream));
          if (notes.get(stream) === undefined) notes.set(stream, new Note(requestOf(stream, headers), undefined));
        } catch (e) { /* a note less */ }
      }
      return emit.apply(this, arguments);
    },
  });
}

function isLoaded() {
  var list = process.moduleLoadList;
  return Array.isArray(list) && list.some(function (name) { return /^NativeModule (?:internal\/http2\/core|http2)$/.test(name); });
}

function found(server) {
  if (servers.has(server)) return;
  servers.add(server);
  if (!isHooked && isLoaded()) {
    isHooked = true;
    var http2 = require('http2');
    hookAnswers(http2.Http2ServerResponse && http2.Http2ServerResponse.prototype);
  }
  if (isHooked && /^Http2(?:Secure)?Server$/.test(server.constructor && server.constructor.name)) hookServer(server);
}

function foundQuietly(server) {
  try { found(server); } catch (e) { /* then HTTP/2 goes without */ }
}

exports.hook = function () {
  // Versions that tell of each connection need no hook, which an error of listen would show.
  if (CONNECTIONS_TOLD) {
    require('diagnostics_channel').channel('net.server.socket').subscribe(function (message) { foundQuietly(message.socket.server); });
    return;
  }
  wrapping.wrap(net.Server.prototype, 'listen', function (original) {
    return function () {
      foundQuietly(this);
      return original.apply(this, arguments);
    };
  });
};
