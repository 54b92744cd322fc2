/** What a provider that answers with nothing is told as. */
export class EmptyAnswerError extends Error {
  override readonly name = 'AI_EmptyResponseBodyError';
}

/** Parts of an answer of which the first has come. */
export interface OpenedParts<T> {
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined>;
  /** Ends the answer, also where none of its parts was read. */
  close(): Promise<void>;
}

/**
 * Waits for the first part of an answer, so that another model can still take over where there is none.
 * Throws: what the parts throw before their first, and EmptyAnswerError where there is none.
 */
export async function openParts<T>(parts: AsyncGenerator<T, void, undefined>): Promise<OpenedParts<T>> {
  const first = await parts.next();
  if (first.done === true) throw new EmptyAnswerError('The answer is empty.');
  return {
    [Symbol.asyncIterator]: () => startingWith(first.value, parts),
    close: () => parts.return(undefined).then(() => undefined),
  };
}

async function* startingWith<T>(
  first: T,
  rest: AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return();
  }
}
