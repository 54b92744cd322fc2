/** A message that is a text of somebody. */
export interface PlainMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant';
  readonly content: string;
  readonly tool_calls?: undefined;
}

/** A chat that says no more than most do. */
export interface PlainChat {
  readonly model: string;
  readonly messages: readonly PlainMessage[];
  readonly stream?: boolean;
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly seed?: number;
}

/** What each field of a plain chat has to be, as the schema of all chats has it. */
const FIELDS: ReadonlyMap<string, (value: unknown) => boolean> = new Map<string, (value: unknown) => boolean>(
  [
    ['model', (value) => typeof value === 'string' && value.length >= 1 && value.length <= 256],
    ['messages', isMessages],
    ['stream', (value) => typeof value === 'boolean'],
    ['max_tokens', isCount],
    ['max_completion_tokens', isCount],
    ['temperature', Number.isFinite],
    ['top_p', Number.isFinite],
    ['seed', Number.isSafeInteger],
  ],
);
const ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant']);
const MESSAGES_MAX = 1000;

/**
 * Tells a chat whose fields are all plain ones from the others, which the schema of all chats judges.
 * Invariant: what is plain is what that schema takes, and reads as it stands.
 */
export function isPlainChat(body: unknown): body is PlainChat {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false;
  for (const [name, value] of Object.entries(body)) if (FIELDS.get(name)?.(value) !== true) return false;
  return Object.hasOwn(body, 'model') && Object.hasOwn(body, 'messages');
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isMessages(value: unknown): boolean {
  return Array.isArray(value) && value.length >= 1 && value.length <= MESSAGES_MAX && value.every(isMessage);
}

function isMessage(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 2) return false;
  return 'role' in value && ROLES.has(value.role) && 'content' in value && typeof value.content === 'string';
}
