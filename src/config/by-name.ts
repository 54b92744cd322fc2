/** Keys are names of subgraphs: none may be found that was not written, such as `constructor`. */
export function byName<Value>(entries: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.assign(Object.create(null), entries);
}
