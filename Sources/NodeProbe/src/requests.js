'use strict';
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
