import { hash } from 'node:crypto';
import type { ChatInput } from '../ai-input.ts';

/** All that an answer depends on. */
export interface KeyedRequest {
  readonly tenant: string;
  /** The model that is asked, whatever it was called. */
  readonly model: string;
  readonly input: ChatInput;
  /** Which rules its texts have passed, and its answers have to pass; null where there are none. */
  readonly policy: string | null;
}

/**
 * The key of an answer: a digest of the whole request.
 * Invariant: two requests that differ in anything but the name of their model and their use of the cache have different keys.
 */
export function exactKey({ tenant, model, input, policy }: KeyedRequest): string {
  const { model: _name, cache: _use, ...asked } = input;
  return digest(['exact', tenant, model, policy, asked]);
}

/**
 * The key of the requests that differ in what the user says last, and in nothing else; null for those of which only equal ones are taken
 * for the same: with images, tools, or results of tools.
 */
export function nearKey({ tenant, model, input, policy }: KeyedRequest): string | null {
  const { model: _name, cache: _use, ...asked } = input;
  const isPlain = asked.messages.every(({ role, images }) => role !== 'TOOL' && (images ?? []).length === 0);
  if (!isPlain || (asked.tools ?? []).length > 0) return null;
  return digest(['near', tenant, model, policy, { ...asked, messages: asked.messages.slice(0, -1) }]);
}

/** The key of the vector of a text. */
export function vectorKey(of: {
  readonly tenant: string;
  readonly model: string;
  readonly text: string;
}): string {
  return digest(['vector', of.tenant, of.model, of.text]);
}

/** What the user says last. */
export function lastTurn({ messages }: ChatInput): string {
  return messages.at(-1)?.content ?? '';
}

function digest(value: unknown): string {
  return hash('sha256', canonical(value), 'base64url');
}

/** JSON in which equal values are equal texts: names in order, and what is not given as what is null. Source: RFC 8785, in part. */
function canonical(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = value as Readonly<Record<string, unknown>>;
  let text = '';
  // Names are ordered by their UTF-16 code units.
  for (const name of Object.keys(members).sort()) {
    const each = members[name];
    if (each == null) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonical(each)}`;
  }
  return `{${text}}`;
}
