const PREFIX = '{"intent":';

/** True for the line of an intent; events never begin so. */
export function looksLikeIntent(line: string): boolean {
  return line.startsWith(PREFIX);
}
