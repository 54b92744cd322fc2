import { isUtf8, type MediaType, parseMediaType } from './media-type.ts';
import type { ResponseMediaType } from './request.ts';
import { DEFERRED_FORMAT, MULTIPART_FORMAT, SSE_FORMAT, type StreamFormat } from './stream-format.ts';

const JSON_TYPE = 'application/json';
const GRAPHQL_TYPE = 'application/graphql-response+json';
const HTML_TYPE = 'text/html';
const SSE_TYPE = 'text/event-stream';
const MULTIPART_TYPE = 'multipart/mixed';
const STREAM_TYPES = [SSE_TYPE, MULTIPART_TYPE];

/** RFC 9110 section 12.4.2. */
const QUALITY = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

interface Preference {
  readonly quality: number;
  /** 0 nothing matches, 1 any type, 2 any subtype, 3 this type by name. */
  readonly specificity: number;
}

/**
 * The media type to answer in, or null where the client accepts neither.
 * No preference means `application/json`, as clients older than the specification expect.
 * Source: GraphQL over HTTP, section 6.1.
 */
export function negotiateMediaType(accept: string | undefined): ResponseMediaType | null {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === JSON_TYPE) return JSON_TYPE;
  if (accept === GRAPHQL_TYPE) return GRAPHQL_TYPE;
  const ranges = parseAccept(accept);
  const json = preferenceFor(ranges, JSON_TYPE);
  const graphql = preferenceFor(ranges, GRAPHQL_TYPE);
  const named = graphql.specificity === 3 && graphql.quality >= json.quality;
  if (graphql.quality > 0 && (named || json.quality === 0)) return GRAPHQL_TYPE;
  return json.quality > 0 ? JSON_TYPE : null;
}

/** What is offered besides single answers. */
export interface OfferedFormats {
  /** Whether subscriptions are streamed. */
  readonly streams: boolean;
  /** Whether anything may be deferred. */
  readonly defers: boolean;
}

/**
 * The format in which the client takes a stream of answers, or one answer in parts; null where it names none.
 * Server-sent events are for whoever likes them at least as much as JSON: then all answers come that way.
 */
export function negotiateStream(
  accept: string | undefined,
  { streams, defers }: OfferedFormats,
): StreamFormat | null {
  if (accept === undefined || !STREAM_TYPES.some((type) => accept.includes(type))) return null;
  const ranges = parseAccept(accept);
  const sse = preferenceFor(ranges, SSE_TYPE);
  const json = preferenceFor(ranges, JSON_TYPE);
  const likesEvents = sse.specificity === 3 && sse.quality > 0 && sse.quality >= json.quality;
  if (streams && likesEvents) return SSE_FORMAT;
  if (streams && takesMultipart(ranges, 'subscriptionspec', '1.0')) return MULTIPART_FORMAT;
  return defers && takesMultipart(ranges, 'deferspec', '20220824') ? DEFERRED_FORMAT : null;
}

function takesMultipart(ranges: readonly MediaType[], specification: string, version: string): boolean {
  return ranges.some(
    ({ essence, parameters }) =>
      essence === MULTIPART_TYPE &&
      parameters.get(specification) === version &&
      Number(parameters.get('q') ?? 1) > 0,
  );
}

/** Whether the client is a browser showing a page: it names HTML and likes it at least as much as JSON. */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined || !accept.includes(HTML_TYPE)) return false;
  const ranges = parseAccept(accept);
  const html = preferenceFor(ranges, HTML_TYPE);
  if (html.specificity !== 3 || html.quality === 0) return false;
  return [JSON_TYPE, GRAPHQL_TYPE].every((type) => preferenceFor(ranges, type).quality <= html.quality);
}

/** A range that cannot be parsed, or asks for another charset than UTF-8, accepts nothing. */
function parseAccept(accept: string): readonly MediaType[] {
  return accept
    .split(',')
    .map(parseMediaType)
    .filter((range) => range !== null)
    .filter((range) => isUtf8(range) && QUALITY.test(range.parameters.get('q') ?? '1'));
}

/** The most specific range decides, whatever its quality (RFC 9110 section 12.5.1). */
function preferenceFor(ranges: readonly MediaType[], type: string): Preference {
  const wildcard = `${type.slice(0, type.indexOf('/'))}/*`;
  let best: Preference = { quality: 0, specificity: 0 };
  for (const { essence, parameters } of ranges) {
    const specificity = essence === type ? 3 : essence === wildcard ? 2 : essence === '*/*' ? 1 : 0;
    if (specificity > best.specificity) best = { quality: Number(parameters.get('q') ?? 1), specificity };
  }
  return best;
}
