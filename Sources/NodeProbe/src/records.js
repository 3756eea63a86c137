'use strict';
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
