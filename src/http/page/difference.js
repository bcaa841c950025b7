// What differs between a profile and what was made of it, as a profile that extends it has it: the inverse of how profiles are laid over each other.

/**
 * What, laid over `base`, gives `now`; `undefined` where nothing differs. What `now` lacks is `null`, which takes a value away.
 *
 * @param {unknown} base
 * @param {unknown} now
 * @returns {unknown}
 */
export function difference(base, now) {
  if (JSON.stringify(base) === JSON.stringify(now)) return undefined;
  if (!isObject(base) || !isObject(now)) return now ?? null;
  const keys = [...new Set([...Object.keys(base), ...Object.keys(now)])];
  const entries = keys.flatMap((key) => {
    const [was, is] = [base, now].map((each) => (Object.hasOwn(each, key) ? each[key] : undefined));
    const differs = difference(was, is);
    return differs === undefined ? [] : [[key, differs]];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
