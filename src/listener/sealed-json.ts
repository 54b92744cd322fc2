/**
 * Deepest JSON value a request may carry.
 * Far above any real input object, far below what makes a recursive walk of a later stage overflow the stack.
 */
export const JSON_DEPTH_MAX = 64;

export type JsonObject = Readonly<Record<string, unknown>>;

export const EMPTY_OBJECT: JsonObject = Object.freeze(Object.create(null));

/**
 * Copies parsed JSON into objects without a prototype, so that no key a client chooses finds something inherited.
 * Returns undefined where the value is deeper than `depthMax` or has a `__proto__` key, which would poison whatever
 * copies it by assignment.
 */
export function sealJson(value: unknown, depthMax = JSON_DEPTH_MAX): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depthMax === 0) return undefined;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) {
      const sealed = sealJson(item, depthMax - 1);
      if (sealed === undefined) return undefined;
      items.push(sealed);
    }
    return items;
  }
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) {
    const sealed = key === '__proto__' ? undefined : sealJson(item, depthMax - 1);
    if (sealed === undefined) return undefined;
    copy[key] = sealed;
  }
  return copy;
}

/** Whether a parsed JSON value is an object, neither an array nor null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
