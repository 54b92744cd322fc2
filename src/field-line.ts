/** No blank before the colon, no folded line, no control character. One way to match each character: blanks without end cost no more than letters. */
const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)$/;
const TAB = 0x09;
const SPACE = 0x20;

/** One field of a head. */
export interface FieldLine {
  /** In lower case. */
  readonly name: string;
  /** Without the blanks around it. */
  readonly value: string;
}

/**
 * Reads a line of a head as a field; null where it is none.
 * Source: RFC 9112, section 5.
 */
export function readFieldLine(line: string): FieldLine | null {
  const match = LINE.exec(line);
  if (match === null) return null;
  const [, name = '', value = ''] = match;
  return { name: name.toLowerCase(), value: withoutBlanks(value) };
}

/** Only the two blanks of the specification: JavaScript would also trim the one that does not break. */
function withoutBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start += 1;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end -= 1;
  return value.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
