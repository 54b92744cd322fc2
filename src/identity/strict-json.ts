/** A parsed value, or why the text is refused. */
export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly fault: 'malformed' | 'duplicate_member' | 'too_deep' };

/** Deeper than any claim set in use; bounds the work on text that nobody has vouched for yet. */
const DEPTH_MAX = 32;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses JSON bytes and refuses what two parsers could read differently: member names that occur twice,
 * bytes that are not UTF-8, a byte order mark.
 * Source: RFC 7519 section 4 and RFC 7515 section 4 (member names are unique); RFC 8259 section 8.1.
 */
export function parseStrictJson(bytes: Uint8Array): StrictJson {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return { ok: false, fault: 'malformed' };
  }
  const fault = structuralFault(text);
  return fault === null ? { ok: true, value } : { ok: false, fault };
}

/** Whether a value is a JSON object, not an array and not null. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Walks text that `JSON.parse` accepted, so only strings and brackets need a look:
 * a string is a member name exactly where a colon follows it.
 */
function structuralFault(text: string): 'duplicate_member' | 'too_deep' | null {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '{' || char === '[') {
      if (open.length === DEPTH_MAX) return 'too_deep';
      open.push(new Set());
    } else if (char === '}' || char === ']') {
      open.pop();
    } else if (char === '"') {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (names !== undefined && isFollowedByColon(text, end)) {
        // Unescaped, since "a" and "\u0061" are one name.
        const name = String(JSON.parse(text.slice(at, end)));
        if (names.has(name)) return 'duplicate_member';
        names.add(name);
      }
      at = end - 1;
    }
  }
  return null;
}

/** Index just after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function isFollowedByColon(text: string, start: number): boolean {
  let at = start;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}
