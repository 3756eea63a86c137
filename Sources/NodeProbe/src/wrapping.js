'use strict';
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
