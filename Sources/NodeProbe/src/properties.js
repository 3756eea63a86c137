'use strict';
// Reads properties of objects whose shape is always new. A line of the form `object.name` has V8 prepare itself for each shape, in
// microseconds, and in vain; a line that has met several names looks the property up, and prepares nothing.
exports.get = function (object, name) { return object[name]; };

['a', 'b', 'c', 'd', 'e', 'f'].forEach(function (name) {
  var object = {};
  object[name] = name;
  exports.get(object, name);
});
