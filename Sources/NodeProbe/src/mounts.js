'use strict';
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
