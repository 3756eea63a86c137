'use strict';
// Prints what a program sees of an error: its stack, as text and as CallSites, under each setting that changes it.
const print = (...values) => console.log(...values);
const caught = (call) => {
  try {
    call();
  } catch (error) {
    return error;
  }
};

function deep(depth, call) { return depth === 0 ? call() : deep(depth - 1, call); }

const settings = {
  usual: (call) => call(),
  'no frames': (call) => within('stackTraceLimit', 0, call),
  'three frames': (call) => within('stackTraceLimit', 3, call),
  'two and a half': (call) => within('stackTraceLimit', 2.5, call),
  'all frames': (call) => within('stackTraceLimit', Infinity, call),
  'a limit that is none': (call) => within('stackTraceLimit', 'many', call),
  'no limit': (call) => {
    const limit = Error.stackTraceLimit;
    delete Error.stackTraceLimit;
    try {
      return call();
    } finally {
      print(Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit'));
      Error.stackTraceLimit = limit;
    }
  },
  'sites at once': (call) => within('prepareStackTrace', (error, sites) => sites.map(site), () => {
    const error = call();
    print(error && error.stack);
    return error;
  }),
  'another captureStackTrace': (call) => within('captureStackTrace', () => { throw new Error('captured'); }, call),
};

function within(name, value, call) {
  const property = Object.getOwnPropertyDescriptor(Error, name);
  Error[name] = value;
  try {
    return call();
  } finally {
    print(Object.getOwnPropertyDescriptor(Error, name).value === value);
    if (property) Object.defineProperty(Error, name, property);
    else delete Error[name];
  }
}

function site(one) {
  return [String(one), one.getFileName(), one.getLineNumber(), one.getColumnNumber(), one.getFunctionName(), one.getTypeName(),
    one.getMethodName(), one.isNative(), one.isToplevel(), one.isConstructor(), typeof one.getThis(), typeof one.getFunction()].join(' ');
}

function look(name, error) {
  print(name, error && [error.name, error.code, error.message, Object.keys(error), Reflect.ownKeys(error).map(String)]);
  if (!error) return;
  const { value, get, set, ...rest } = Object.getOwnPropertyDescriptor(error, 'stack') || {};
  print(error.stack, rest, typeof value, typeof get, typeof set);
  print(error);
  if (typeof structuredClone === 'function') print(structuredClone(error).stack);
}

// Each call, refused under each setting, at the end of a deep stack, and looked at late.
function lookAtAll(refusals, target) {
  for (const [setting, set] of Object.entries(settings)) {
    for (const [name, call] of Object.entries(refusals)) look(`${setting}: ${name}`, set(() => caught(() => call(target))));
  }
  for (const [name, call] of Object.entries(refusals)) {
    look(`deep: ${name}`, deep(30, () => caught(() => call(target))));
    const late = caught(() => call(target));
    if (!late) continue;
    late.message = 'changed before anybody looked';
    look(`changed: ${name}`, late);
    const sites = caught(() => call(target));
    within('prepareStackTrace', (error, all) => all.map(site), () => print(sites.stack));
  }
}

module.exports = { deep, look, lookAtAll, print };
