'use strict';
// Where a hook stands. An error that Node makes in a hooked function would have the hook's frames on its stack, and fewer of the
// program's under Error.stackTraceLimit. So a hook is compiled once more, as a script that bears the name of Node's own and has its
// line `refusal.make()` where Node makes the error. What Node has thrown, or is about to emit, gets its stack anew from there, and is
// thrown from there: text, CallSites, limit, and the line that Node prints of an uncaught error are those that they were.
var vm = require('vm');

var captureStackTrace = Error.captureStackTrace;
var MARK = /\n[ \t]*refusal\.make\(\);[ \t]*\n/;
var THROW = /^ *throw new (ERR_\w+)\((?:'(\w+)')?\);$/;
var NONE = { error: null, isThrown: false, isEmitted: false };
var TRIAL_FRAMES = 20;

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

// A function with `text`, in which `line` stands at the place of `site`.
function compiled(site, names, values, before, line, after) {
  var head = '(function (' + names.join(', ') + ') { \'use strict\'; return ' + before;
  var offset = site.getLineNumber() - head.split('\n').length - 1;
  if (offset < 0) throw new RangeError('no room');
  var script = new vm.Script(head + '\n' + line + '\n' + after + '\n})', { filename: site.getFileName(), lineOffset: offset });
  return script.runInThisContext().apply(undefined, values);
}

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

function placed(build, environment, name, original, found) {
  var names = Object.keys(environment), values = names.map(function (key) { return environment[key]; });
  var parts = Function.prototype.toString.call(build).split(MARK);
  var refusal = { error: null, isThrown: found.isThrown, isEmitted: !found.isThrown };
  var made = maker(refusal, found);
  var hook = found.sites.pop(), inner = null;
  // Between the hook and the error there may be functions of Node's own.
  found.sites.forEach(function (site) {
    made = compiled(site, ['place'], [made], 'function ' + site.getFunctionName() + '() { var error =', calling(site, inner), 'return error; }');
    inner = site;
  });
  var line = found.isThrown ? throwing(original, found, hook) : calling(hook, inner);
  var placedBuild = parts.length === 2 && line &&
    compiled(hook, names.concat(found.isThrown ? found.error.code : 'place'), values.concat(made), parts[0], line, parts[1]);
  return placedBuild && placedBuild(original, refusal, name);
}

// build(original, refusal, name) makes the hook; what else it names is in `environment`. `receiver` and `args`: what Node refuses.
exports.hook = function (build, environment, name, original, receiver, args) {
  try {
    var found = tried(original, receiver, args);
    var hook = found && placed(build, environment, name, original, found);
    if (hook) return hook;
  } catch (e) { /* then the stacks show it */ }
  return build(original, NONE, name);
};
