/** What a provider that answers with nothing is told as. */
export class EmptyAnswerError extends Error {
  override readonly name = 'AI_EmptyResponseBodyError';
}

/**
 * Waits for the first part of an answer, so that another model can still take over where there is none.
 * Throws: what the parts throw before their first, and EmptyAnswerError where there is none.
 */
export async function openParts<T>(
  parts: AsyncGenerator<T, void, undefined>,
): Promise<AsyncGenerator<T, void>> {
  const first = await parts.next();
  if (first.done === true) throw new EmptyAnswerError('The answer is empty.');
  return startingWith(first.value, parts);
}

async function* startingWith<T>(first: T, rest: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return();
  }
}
