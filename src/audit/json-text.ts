/** What JSON leaves as it is and some readers still take for the end of a line, or a terminal for a command. */
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/g;
/** Printable ASCII without quotation marks and backslashes, which JSON has nothing to do with. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** JSON in which no character ends a line or steers a terminal. */
export function escapeUnsafe(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A value as such JSON. */
export function safeJson(value: unknown): string {
  return escapeUnsafe(JSON.stringify(value));
}

/** A text as such JSON; almost every one needs nothing but quotation marks. */
export function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : safeJson(text);
}

/** Members of an object that it may lack. */
type Optional<T> = { [Name in keyof T]-?: undefined extends T[Name] ? Name : never }[keyof T];

/** Names of all members that an object may lack; a list that lacks one of them does not compile. */
export function optionalMembers<T>(names: Readonly<Record<Optional<T>, true>>): readonly Optional<T>[] {
  return Object.keys(names) as Optional<T>[];
}

/** Those members of an object that it has, each after a comma. */
export function optionalText<T>(value: T, names: readonly Optional<T>[]): string {
  let text = '';
  for (const name of names) {
    const member = value[name];
    if (member !== undefined) text += `,"${String(name)}":${safeJson(member)}`;
  }
  return text;
}
