/** Strings and numbers of a JSON text; a string that does not end goes to the end of the text. */
const TOKENS = /"(?:[^"\\]|\\.)*"?|-?[0-9][0-9.eE+-]*/gsu;

/**
 * Changes the strings of a JSON text, names included, and its numbers, and leaves all else as it was written. A number that changes becomes a
 * string. What is not JSON is read as far as it looks like it, and never left out.
 */
export function changeJson(json: string, change: (text: string) => string): string {
  return json.replace(TOKENS, (token) => {
    const text = token.startsWith('"') ? stringOf(token) : token;
    const changed = change(text);
    return changed === text ? token : JSON.stringify(changed);
  });
}

function stringOf(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token.slice(1);
  }
}
