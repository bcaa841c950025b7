// Deep override: one tree of settings laid over another. Used wherever something is laid over something else:
// a profile over the one it extends, a stack's limits and prices over those that ship.

/** Settings as they come from config: objects are laid over key by key, everything else is replaced whole. */
export type Tree = unknown;

// Marks an object that took the place of a plain value (a number, text, null, a list). It must go on taking that
// place when it is itself laid over something, or laying over would depend on where one begins: with
// a = {iops: {min: 1}}, b = {iops: 5}, c = {iops: {max: 9}} both (a, b), c and a, (b, c) must give {iops: {max: 9}}.
const REPLACES = Symbol("replaces");

/**
 * Lays `over` over `base`, deeply. Associative: it doesn't matter in which order a chain of three is put together.
 * `undefined` says nothing; `null` takes a value away (see {@link withoutNulls}). Neither argument is changed.
 */
export function overlay(base: Tree, over: Tree): Tree {
  if (over === undefined) return base;
  if (!isObject(over)) return over;
  if (base === undefined || REPLACES in over) return over;
  if (!isObject(base)) return { ...over, [REPLACES]: true };
  const result: Record<string | symbol, Tree> = { ...base };
  for (const [key, value] of Object.entries(over)) set(result, key, overlay(own(base, key), value));
  return result;
}

/** A copy without the keys that are `null`, and without the marks of {@link overlay}. */
export function withoutNulls(tree: Tree): Tree {
  if (Array.isArray(tree)) return tree.map(withoutNulls);
  if (!isObject(tree)) return tree;
  const result: Record<string, Tree> = {};
  for (const [key, value] of Object.entries(tree)) {
    if (value !== null && value !== undefined) set(result, key, withoutNulls(value));
  }
  return result;
}

/** Freezes a value with all that is in it, for what is shared; gives the same one. */
export function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

/** Whether a value is a plain object. */
export function isObject(value: unknown): value is Record<string | symbol, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object's own value: a key like `constructor` must not find what every object inherits. */
export function own(object: object, key: string): unknown {
  return Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined;
}

// `__proto__` as a plain assignment would set the prototype.
function set(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}
