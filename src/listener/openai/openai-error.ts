import { CATALOGUE, type ErrorCode } from '../../errors.ts';
import type { GatewayResponse, ResponseError } from '../request.ts';

/** An error as OpenAI's clients read it. Source: OpenAI API reference, "Error codes". */
export interface OpenAiError {
  readonly status: number;
  /** When it may be tried again, where that is known. */
  readonly retryAfterSeconds?: number;
  readonly body: {
    readonly error: {
      readonly message: string;
      readonly type: string;
      readonly param: string | null;
      readonly code: string;
    };
  };
}

type Told = readonly [status: number, type: string, code: string];

const INVALID = 'invalid_request_error';
const SERVER = 'server_error';
const LIMITED: Told = [429, 'rate_limit_error', 'rate_limit_exceeded'];

/** What codes of the gateway and of its models are told as; others go by their status. */
const TOLD: Readonly<Partial<Record<ErrorCode | `AI_${string}` | 'BAD_USER_INPUT', Told>>> = {
  UNAUTHENTICATED: [401, INVALID, 'invalid_api_key'],
  STEP_UP_REQUIRED: [401, INVALID, 'step_up_required'],
  FORBIDDEN: [403, 'permission_error', 'forbidden'],
  UNAUTHORIZED_FIELD_OR_TYPE: [403, 'permission_error', 'forbidden'],
  SUBSCRIPTION_REQUIRED: [403, 'permission_error', 'subscription_required'],
  ACCESS_SUSPENDED: [403, 'permission_error', 'access_suspended'],
  VIEW_EMPTY: [403, 'permission_error', 'forbidden'],
  // The graph has no such models, or this caller may not know of them.
  GRAPHQL_VALIDATION_FAILED: [404, INVALID, 'not_found'],
  AI_MODEL_UNKNOWN: [404, INVALID, 'model_not_found'],
  MODEL_NOT_APPROVED: [403, 'permission_error', 'model_not_approved'],
  BUDGET_EXHAUSTED: [429, 'insufficient_quota', 'insufficient_quota'],
  BUDGET_UNAVAILABLE: [503, SERVER, 'unavailable'],
  RATE_LIMITED: LIMITED,
  QUOTA_EXHAUSTED: [429, 'insufficient_quota', 'insufficient_quota'],
  SUBSCRIPTION_LIMIT_EXCEEDED: LIMITED,
  AI_PROVIDER_RATE_LIMITED: LIMITED,
  AI_SPEND_CAP_REACHED: [429, 'insufficient_quota', 'insufficient_quota'],
  BAD_USER_INPUT: [400, INVALID, 'invalid_value'],
  AI_GUARDRAIL_BLOCKED: [400, INVALID, 'content_filter'],
  AI_TIMEOUT: [504, SERVER, 'timeout'],
  SUBGRAPH_TIMEOUT: [504, SERVER, 'timeout'],
  AI_PROVIDER_ERROR: [502, SERVER, 'provider_error'],
  DOWNSTREAM_SERVICE_ERROR: [502, SERVER, 'provider_error'],
  SUBGRAPH_UNAVAILABLE: [503, SERVER, 'unavailable'],
};

const UNREACHED = 'The models are not available to this caller.';

/** The first error of an answer in OpenAI's form; null where there is none. */
export function openAiErrorOf({
  status,
  body,
}: Pick<GatewayResponse, 'status' | 'body'>): OpenAiError | null {
  const [error] = body.errors ?? hiddenErrors(body);
  return error === undefined ? null : errorOf(error, status);
}

/** Errors of authorization that the gateway is set up to tell apart from others. */
function hiddenErrors({ extensions }: GatewayResponse['body']): readonly ResponseError[] {
  return (extensions?.['authorizationErrors'] as readonly ResponseError[] | undefined) ?? [];
}

function errorOf({ message, extensions }: ResponseError, status: number): OpenAiError {
  const code = String(extensions['code']);
  const known = Object.hasOwn(TOLD, code) ? TOLD[code as keyof typeof TOLD] : undefined;
  const [told, type, name] = known ?? byStatus(status, code);
  const error = openAiError(told, {
    type,
    code: name,
    // What a document of the gateway's own lacks says nothing to its caller.
    message: code === 'GRAPHQL_VALIDATION_FAILED' ? UNREACHED : message,
    param: code === 'AI_MODEL_UNKNOWN' || code === 'MODEL_NOT_APPROVED' ? 'model' : null,
  });
  const { retryAfterSeconds } = extensions;
  return typeof retryAfterSeconds === 'number' ? { ...error, retryAfterSeconds } : error;
}

/** Of an answer that ran in part the code tells the status: what is asked for here is missing in it. */
function byStatus(answered: number, code: string): Told {
  const own = Object.hasOwn(CATALOGUE, code) ? CATALOGUE[code as ErrorCode].status : answered;
  const told = answered < 400 ? own : answered;
  const status = told < 400 ? 500 : told;
  return [status, status >= 500 ? SERVER : INVALID, code.toLowerCase()];
}

/** One error. */
export function openAiError(status: number, error: OpenAiError['body']['error']): OpenAiError {
  return { status, body: { error } };
}

/** A request that cannot be understood as it is. */
export function invalidRequest(message: string, param: string | null, code = 'invalid_value'): OpenAiError {
  return openAiError(400, { message, type: INVALID, param, code });
}
