/** Strings and numbers of a JSON text, with what makes one a name; a string that does not end goes to the end of the text. */
const TOKENS = /("(?:[^"\\]|\\.)*"?|-?[0-9][0-9.eE+-]*)([ \t\r\n]*:)?/gsu;
/** Names that say what follows them, where the value alone does not. */
const TELLING =
  /pass|pwd|kennwort|secret|token|key|auth|credential|phone|tel|mobile|cell|handy|fax|sms|whatsapp/iu;

/**
 * Changes the strings of a JSON text, names included, and its numbers, and leaves all else as it was written. A number that changes becomes a
 * string. What is not JSON is read as far as it looks like it, then as the text that it is, and never left out.
 */
export function changeJson(json: string, change: (text: string) => string): string {
  let name = '';
  const changed = json.replace(TOKENS, (_, token: string, colon = '') => {
    const text = token.startsWith('"') ? stringOf(token) : token;
    const result = colon === '' && TELLING.test(name) ? changeNamed(name, text, change) : change(text);
    name = colon === '' ? '' : result;
    return (result === text ? token : JSON.stringify(result)) + colon;
  });
  return isJson(json) ? changed : change(changed);
}

/** Whether a text is an object, a list or a string in JSON. */
export function isJson(text: string): boolean {
  if (!/^\s*[[{"]/u.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A value, read behind its name. */
function changeNamed(name: string, text: string, change: (text: string) => string): string {
  const said = `${name}: `;
  const changed = change(said + text);
  // What has swallowed its name too is more than the value.
  return changed.startsWith(said) ? changed.slice(said.length) : changed;
}

function stringOf(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token.slice(1);
  }
}
