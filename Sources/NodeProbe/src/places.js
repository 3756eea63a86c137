'use strict';
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
