'use strict';
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
