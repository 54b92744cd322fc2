import { ANTHROPIC } from './anthropic-wire.ts';
import { GOOGLE } from './google-wire.ts';
import { MISTRAL, OPENAI, OPENAI_COMPATIBLE } from './openai-wire.ts';
import type { WireFormat } from './wire-format.ts';

/** The wire formats of every provider, as their official clients and servers speak them. */
export const WIRE_FORMATS: readonly WireFormat[] = [OPENAI, OPENAI_COMPATIBLE, MISTRAL, ANTHROPIC, GOOGLE];
