import { APICallError } from 'ai';
import { z } from 'zod';

/** What providers look for, in common terms. */
export type ModerationCategory =
  | 'HARASSMENT'
  | 'HATE'
  | 'ILLICIT'
  | 'SELF_HARM'
  | 'SEXUAL'
  | 'VIOLENCE'
  | 'OTHER';

/** What a moderation model says of one text. */
export interface Moderation {
  readonly index: number;
  readonly flagged: boolean;
  readonly categories: readonly {
    readonly category: ModerationCategory;
    readonly flagged: boolean;
    readonly score: number;
  }[];
}

/** One provider's moderation interface. */
export interface ModerationModel {
  /** Throws: APICallError, or what `fetch` throws. */
  moderate(texts: readonly string[], abortSignal: AbortSignal): Promise<readonly Moderation[]>;
}

/** First parts of the categories of OpenAI, and whole ones of Mistral. Source: their API references, "Moderations". */
const CATEGORIES: ReadonlyMap<string, ModerationCategory> = new Map([
  ['harassment', 'HARASSMENT'],
  ['hate', 'HATE'],
  ['hate_and_discrimination', 'HATE'],
  ['illicit', 'ILLICIT'],
  ['dangerous_and_criminal_content', 'ILLICIT'],
  ['dangerous', 'ILLICIT'],
  ['criminal', 'ILLICIT'],
  ['self-harm', 'SELF_HARM'],
  ['selfharm', 'SELF_HARM'],
  ['sexual', 'SEXUAL'],
  ['violence', 'VIOLENCE'],
  ['violence_and_threats', 'VIOLENCE'],
]);

const answerSchema = z.object({
  results: z
    .array(
      z.object({
        flagged: z.boolean().optional(),
        categories: z.record(z.string().max(64), z.boolean().nullable()),
        category_scores: z.record(z.string().max(64), z.number().min(0).max(1).nullable()),
      }),
    )
    .max(64),
});

/** Makes the moderation model of a provider that has OpenAI's interface for it, as Mistral does too. */
export function createModerationModel(provider: {
  readonly baseURL: string;
  readonly apiKey: string | undefined;
  readonly model: string;
  readonly fetch: typeof globalThis.fetch;
}): ModerationModel {
  const { baseURL, apiKey, model, fetch } = provider;
  const url = `${baseURL.replace(/\/$/u, '')}/moderations`;
  const failed = (message: string, response: Response): APICallError =>
    new APICallError({
      ...{ message, url, requestBodyValues: {}, statusCode: response.status },
      responseHeaders: Object.fromEntries(response.headers),
    });
  return {
    async moderate(texts, abortSignal) {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify({ model, input: texts }),
        signal: abortSignal,
      });
      if (!response.ok) {
        await response.body?.cancel();
        throw failed('refused', response);
      }
      const answer = answerSchema.safeParse(await response.json());
      if (!answer.success || answer.data.results.length !== texts.length)
        throw failed('not the wire format', response);
      return answer.data.results.map(moderationOf);
    },
  };
}

function moderationOf(result: z.infer<typeof answerSchema>['results'][number], index: number): Moderation {
  const worst = new Map<ModerationCategory, { flagged: boolean; score: number }>();
  for (const [name, score] of Object.entries(result.category_scores)) {
    const category = CATEGORIES.get(name.split('/')[0] ?? '') ?? 'OTHER';
    const known = worst.get(category);
    worst.set(category, {
      flagged: known?.flagged === true || result.categories[name] === true,
      score: Math.max(known?.score ?? 0, score ?? 0),
    });
  }
  const categories = [...worst].map(([category, found]) => ({ category, ...found }));
  return { index, flagged: result.flagged ?? categories.some(({ flagged }) => flagged), categories };
}
