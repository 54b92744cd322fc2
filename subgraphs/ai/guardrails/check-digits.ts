/** Whether digits end in the one that the others give. Source: ISO/IEC 7812-1, annex B (Luhn). */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits.charAt(digits.length - 1 - index));
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

const CARD_DIGITS: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^4/u, [13, 16, 19]],
  [/^(?:5[1-5]|2[2-7])/u, [16]],
  [/^3[47]/u, [15]],
  [/^3(?:0[0-5]|[689])/u, [14, 16]],
  [/^35/u, [16]],
  [/^6(?:011|4[4-9]|5)/u, [16, 19]],
  [/^(?:62|50|5[6-9]|6[0-9])/u, [16, 18, 19]],
];

/** Whether digits are the number of a payment card: its issuer's first ones, length and check digit. */
export function isCardNumber(digits: string): boolean {
  return (
    CARD_DIGITS.some(([first, lengths]) => lengths.includes(digits.length) && first.test(digits)) &&
    passesLuhn(digits)
  );
}

/** Characters of an IBAN by country. Source: SWIFT, IBAN Registry. */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 ' +
    'GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 ' +
    'MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 ' +
    'TN24 TR26 UA29 VA22 VG24 XK20'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))] as const),
);

/** How many characters the IBANs of a country have; undefined where it has none. */
export function ibanLength(country: string): number | undefined {
  return IBAN_LENGTHS.get(country);
}

/** Whether upper-case letters and digits are an IBAN. Source: ISO 13616, modulo 97 of ISO/IEC 7064. */
export function passesIban(text: string): boolean {
  let rest = 0;
  for (const character of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

const DNI_LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE';

/** Whether a Spanish identity number ends in its letter. Source: Real Decreto 1553/2005; Orden INT/2058/2008. */
export function passesDni(text: string): boolean {
  const digits = text.slice(0, -1).replace(/^[XYZ]/u, (first) => String('XYZ'.indexOf(first)));
  return DNI_LETTERS.charAt(Number(digits) % DNI_LETTERS.length) === text.at(-1);
}

/** Whether the two last digits of a Brazilian CPF are those that the others give. */
export function passesCpf(digits: string): boolean {
  if (/^(\d)\1{10}$/u.test(digits)) return false;
  return [9, 10].every((length) => {
    let sum = 0;
    for (let index = 0; index < length; index += 1)
      sum += Number(digits.charAt(index)) * (length + 1 - index);
    return String(((sum * 10) % 11) % 10) === digits.charAt(length);
  });
}

/** Whether the two last digits of a French social security number are its key. Source: INSEE, NIR. */
export function passesNir(digits: string): boolean {
  return 97 - Number(BigInt(digits.slice(0, 13)) % 97n) === Number(digits.slice(13));
}
