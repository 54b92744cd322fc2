/** The entries of a map that have one of the keys; unknown keys are left out. */
export function pickEntries<V>(all: ReadonlyMap<string, V>, keys: readonly string[]): ReadonlyMap<string, V> {
  const found = new Map<string, V>();
  for (const key of keys) {
    const value = all.get(key);
    if (value !== undefined) found.set(key, value);
  }
  return found;
}
