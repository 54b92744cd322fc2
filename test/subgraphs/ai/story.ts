/** A text with a subject that repeats, names, patterns and an aside. */
export const STORY = [
  'The battery of this phone is terrible and the battery broke after two days.',
  'Apple Support in London refunded $200 on January 5, 2024.',
  'I am disappointed with the battery.',
  'By the way, this is an aside.',
  'My brother Peter Smith bought the same phone in Berlin.',
  'The battery of his phone works.',
].join(' ');
