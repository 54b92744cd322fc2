/** What a text has that forms need, whatever they are. Invariant: a form that is said not to be there is not there. */
export interface TextLook {
  /** Whether all of it is printable ASCII, and what ends lines. */
  readonly isPlain: boolean;
  /** Most digits that stand together, but for a few signs that numbers are written with. */
  readonly digitsTogether: number;
  /** Whether a digit stands among so many characters that a value of a secret may have. */
  readonly hasSecretRun: boolean;
  /** Whether there is a run of characters in which a text may be encoded. */
  readonly hasEncodedRun: boolean;
  /** Whether a word begins with two letters and two digits, as an IBAN does. */
  readonly hasIbanBegin: boolean;
  /** Whether a word has letters and digits. */
  readonly hasMixedWord: boolean;
}

/** Characters of the shortest value behind a name that tells of a secret; no key of an issuer is as short. */
const SECRET_CHARACTERS_MIN = 8;
/** Of the shortest text that is looked for in an encoding. */
const ENCODED_CHARACTERS_MIN = 24;
/** Signs that may stand between two digits of one number. */
const JOINTS_MAX = 3;

const DIGIT = 1;
const LETTER = 2;
const SEPARATES = 4;
const ENCODES = 8;
const JOINS = 16;
const PRINTS = 32;

/** What each character of ASCII is; no other is any of these. */
const KINDS = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  const is = (kind: number, pattern: RegExp): number => (pattern.test(character) ? kind : 0);
  return (
    is(DIGIT, /[0-9]/u) |
    is(LETTER, /[A-Za-z]/u) |
    // No value of a secret has blanks, quotes or brackets in it.
    is(SEPARATES, /[\t\n\v\f\r "'`,;<>{}()[\]]/u) |
    is(ENCODES, /[A-Za-z0-9+/_-]/u) |
    is(JOINS, /[ ().\-/]/u) |
    is(PRINTS, /[\t\n\v\f\r -~]/u)
  );
});

/** Looks at each character once, so that no pattern has to be tried on a text that has nothing of it. */
export function lookAt(text: string): TextLook {
  let prints = PRINTS;
  let digitsTogether = 0;
  let digits = 0;
  let joints = 0;
  let hasSecretRun = false;
  /** Where the run began, and the last digit of it. */
  let runFrom = 0;
  let digitAt = -1;
  let hasEncodedRun = false;
  let encodedFrom = 0;
  let hasIbanBegin = false;
  let hasMixedWord = false;
  let wordFrom = 0;
  let letters = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const kind = code < 128 ? (KINDS[code] ?? 0) : 0;
    prints &= kind;
    if ((kind & LETTER) !== 0) {
      letters += 1;
      digits = 0;
    } else if ((kind & DIGIT) !== 0) {
      digitAt = at;
      digits += 1;
      joints = 0;
      if (digits > digitsTogether) digitsTogether = digits;
      if (letters === 2 && at - wordFrom === 3) hasIbanBegin = true;
    } else {
      if (letters > 0 && letters < at - wordFrom) hasMixedWord = true;
      letters = 0;
      wordFrom = at + 1;
      if ((kind & JOINS) !== 0 && joints < JOINTS_MAX) joints += 1;
      else digits = 0;
      if ((kind & ENCODES) === 0) {
        if (at - encodedFrom >= ENCODED_CHARACTERS_MIN) hasEncodedRun = true;
        encodedFrom = at + 1;
      }
      if ((kind & SEPARATES) !== 0) {
        if (digitAt >= runFrom && at - runFrom >= SECRET_CHARACTERS_MIN) hasSecretRun = true;
        runFrom = at + 1;
      }
    }
  }
  const { length } = text;
  return {
    isPlain: prints === PRINTS,
    digitsTogether,
    hasSecretRun: hasSecretRun || (digitAt >= runFrom && length - runFrom >= SECRET_CHARACTERS_MIN),
    hasEncodedRun: hasEncodedRun || length - encodedFrom >= ENCODED_CHARACTERS_MIN,
    hasIbanBegin,
    hasMixedWord: hasMixedWord || (letters > 0 && letters < length - wordFrom),
  };
}
