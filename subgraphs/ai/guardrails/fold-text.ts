import { lookAt, type TextLook } from './quick-look.ts';
import type { Span } from './span.ts';

/** A text as readers see it, and where each of its characters stands in the original. */
export interface FoldedText {
  readonly text: string;
  readonly original: string;
  /** At the text as it is folded. */
  readonly look: TextLook;
  /** The same place in the original, with all of each character that it has a part of. */
  originOf(span: Span): Span;
}

/** What is left as it is: what a look finds plain. */
const PLAIN = /^[\t\n\v\f\r -~]*$/u;
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{M}\p{Cc}]/u;
const DASHES = /[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/u;
const DIGIT = /\p{Nd}/u;
/** First digits of scripts; their ten digits follow each other. Source: Unicode, `Nd`. */
const ZEROS = [
  ...[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20,
  ],
  ...[0x1040, 0x17e0, 0x1810],
];
/** Letters that look like those of the Latin script. Source: Unicode Technical Standard 39, confusables. */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  [
    ...[
      'аa',
      'еe',
      'оo',
      'рp',
      'сc',
      'хx',
      'уy',
      'іi',
      'ѕs',
      'јj',
      'ԁd',
      'һh',
      'ӏl',
      'ԛq',
      'ԝw',
      'ɡg',
      'ѵv',
      'ɩi',
      'ıi',
    ],
    ...['АA', 'ВB', 'ЕE', 'КK', 'МM', 'НH', 'ОO', 'РP', 'СC', 'ТT', 'Хx', 'ІI', 'ЅS', 'ЈJ', 'УY'],
    ...[
      'οo',
      'αa',
      'νv',
      'ρp',
      'υu',
      'ιi',
      'κk',
      'τt',
      'ΑA',
      'ΒB',
      'ΕE',
      'ΖZ',
      'ΗH',
      'ΙI',
      'ΚK',
      'ΜM',
      'ΝN',
      'ΟO',
      'ΡP',
    ],
    ...['ΤT', 'ΥY', 'ΧX'],
  ].map((pair) => [pair.charAt(0), pair.charAt(1)] as const),
);

/**
 * Folds what looks alike into one: compatibility forms, digits of all scripts, look-alike letters, dashes; takes out what nobody sees.
 * Invariant: each character of the text adds at most four to the result.
 */
export function foldText(original: string): FoldedText {
  const seen = lookAt(original);
  if (seen.isPlain) return { text: original, original, look: seen, originOf: (span) => span };
  let text = '';
  const origins: number[] = [];
  let at = 0;
  for (const character of original) {
    const folded = folds.get(character) ?? remember(character);
    for (let index = 0; index < folded.length; index += 1) origins.push(at);
    text += folded;
    at += character.length;
  }
  origins.push(original.length);
  return {
    ...{ text, original, look: lookAt(text) },
    originOf({ start, end, kind }) {
      let behind = end;
      while (behind < text.length && origins[behind] === origins[end - 1]) behind += 1;
      return { start: origins[start] ?? 0, end: origins[behind] ?? original.length, kind };
    },
  };
}

/** Characters whose fold is kept; a text of any language has fewer. */
const FOLDS_MAX = 8192;
const FOLD_CHARACTERS_MAX = 4;
const folds = new Map<string, string>();

function remember(character: string): string {
  const folded = foldCharacter(character).slice(0, FOLD_CHARACTERS_MAX);
  if (folds.size >= FOLDS_MAX) folds.clear();
  folds.set(character, folded);
  return folded;
}

function foldCharacter(character: string): string {
  if (PLAIN.test(character)) return character;
  if (DASHES.test(character)) return '-';
  let folded = '';
  for (const part of character.normalize('NFKD')) {
    if (INVISIBLE.test(part)) continue;
    folded += LOOKALIKES.get(part) ?? (DIGIT.test(part) ? digitOf(part) : part);
  }
  return folded;
}

function digitOf(digit: string): string {
  const point = digit.codePointAt(0) ?? 0;
  const zero = ZEROS.find((first) => point >= first && point < first + 10);
  return zero === undefined ? digit : String(point - zero);
}
