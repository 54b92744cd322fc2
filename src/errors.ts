import type { Decision } from './authorization/decision.ts';

interface CatalogueEntry {
  /** HTTP status when the error refuses the whole request. */
  readonly status: number;
  /** The only text a client ever sees for this code, unless the stage that raised it states a safe detail. */
  readonly message: string;
  readonly retryable: boolean;
}

const final = (status: number, message: string): CatalogueEntry => ({ status, message, retryable: false });
const retryable = (status: number, message: string): CatalogueEntry => ({ status, message, retryable: true });

/**
 * Every answer the gateway can give that is not a success.
 * Source: Apollo's codes where one exists; SEMANTICS of the field for the rest.
 */
export const CATALOGUE = {
  GRAPHQL_PARSE_FAILED: final(400, 'The document is not valid GraphQL.'),
  GRAPHQL_VALIDATION_FAILED: final(400, 'The operation does not fit the schema.'),
  BAD_USER_INPUT: final(400, 'A variable has an invalid value.'),
  OPERATION_RESOLUTION_FAILURE: final(400, 'The operation to run is not in the document, or not named.'),
  BAD_REQUEST: final(400, 'The request is not a well-formed GraphQL request.'),
  METHOD_NOT_ALLOWED: final(405, 'This method is not allowed for this operation.'),
  CSRF_PREVENTED: final(
    400,
    'This request could have been sent by a foreign page: send a content type of application/json or the header apollo-require-preflight.',
  ),
  NOT_ACCEPTABLE: final(406, 'Accept one of application/graphql-response+json and application/json.'),
  PAYLOAD_TOO_LARGE: final(413, 'The request is larger than the limit.'),
  UNSUPPORTED_MEDIA_TYPE: final(415, 'The content type, its charset or its encoding is not supported.'),
  HEADERS_TOO_LARGE: final(431, 'The header fields are larger than the limit.'),
  NOT_FOUND: final(404, 'There is nothing at this path.'),
  BATCHING_NOT_ENABLED: final(400, 'Batches are not enabled.'),
  BATCH_LIMIT_EXCEEDED: final(400, 'The batch is larger than the limit.'),
  PERSISTED_QUERY_NOT_SUPPORTED: final(400, 'Persisted queries are not supported.'),
  PERSISTED_QUERY_HASH_MISMATCH: final(400, 'The persisted query id is not the hash of the document.'),
  MAX_TOKENS_LIMIT: final(400, 'The document has more tokens than the limit.'),
  MAX_DEPTH_LIMIT: final(400, 'The operation is deeper than the limit.'),
  MAX_HEIGHT_LIMIT: final(400, 'The operation is higher than the limit.'),
  MAX_ALIASES_LIMIT: final(400, 'The operation has more aliases than the limit.'),
  MAX_ROOT_FIELDS_LIMIT: final(400, 'The operation has more root fields than the limit.'),
  MAX_DIRECTIVES_LIMIT: final(400, 'The document has more directives than the limit.'),
  MAX_SELECTIONS_LIMIT: final(400, 'The operation has more selections than the limit.'),
  MAX_DEFERRED_PARTS_LIMIT: final(400, 'The operation has more deferred fragments than the limit.'),
  DEFER_BAD_HEADER: final(
    406,
    'An operation with @defer needs the header Accept: multipart/mixed;deferSpec=20220824.',
  ),
  COST_QUERY_PARSE_FAILURE: final(400, 'The cost of the operation cannot be told from its arguments.'),
  COST_ESTIMATED_TOO_EXPENSIVE: final(400, 'The operation costs more than the limit.'),
  SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE: final(400, 'The operation costs a subgraph more than the limit.'),
  OPERATION_TOO_COMPLEX: final(400, 'The operation takes more time or memory to plan than the limit.'),
  SUBSCRIPTION_NOT_SUPPORTED: final(
    400,
    'Subscriptions need text/event-stream, multipart/mixed;subscriptionSpec=1.0 or a WebSocket (graphql-transport-ws), where the gateway is set up for them.',
  ),
  SUBSCRIPTION_LIMIT_EXCEEDED: retryable(429, 'There are more subscriptions or streams than the limit.'),
  SUBSCRIPTION_ENDED: retryable(200, 'The gateway ended the subscription; subscribe again.'),
  INTROSPECTION_DISABLED: final(403, 'Introspection is not allowed here.'),
  VIEW_EMPTY: final(403, 'Nothing of the graph is open to this caller.'),
  UNAUTHENTICATED: final(401, 'A valid credential is required.'),
  FORBIDDEN: final(403, 'This is not allowed.'),
  UNAUTHORIZED_FIELD_OR_TYPE: final(403, 'Unauthorized field or type'),
  RATE_LIMITED: retryable(429, 'More was asked for than the limit.'),
  MODEL_NOT_APPROVED: final(403, 'No plan of the caller permits this model.'),
  BUDGET_EXHAUSTED: retryable(429, 'The budget of tokens or money is used up.'),
  BUDGET_UNAVAILABLE: retryable(503, 'What may be spent on models cannot be told at present.'),
  QUOTA_EXHAUSTED: retryable(429, 'The quota is used up.'),
  STEP_UP_REQUIRED: final(401, 'A stronger or fresher authentication is required.'),
  SUBSCRIPTION_REQUIRED: final(403, 'An approved subscription to a product that covers this is required.'),
  SWITCHED_OFF: retryable(503, 'This is switched off at present.'),
  ACCESS_SUSPENDED: final(403, 'The tenant or the application is suspended.'),
  CONTROL_PLANE_UNAVAILABLE: retryable(503, 'What callers are entitled to is not known at present.'),
  PRINCIPAL_CLAIM_MISSING: final(
    403,
    'The credential does not say of the caller what this operation depends on.',
  ),
  TENANT_ISOLATION: final(200, 'An object was withheld.'),
  DOWNSTREAM_SERVICE_ERROR: retryable(200, 'A subgraph could not answer.'),
  SUBGRAPH_TIMEOUT: retryable(200, 'A subgraph did not answer in time.'),
  REQUEST_NOT_RECEIVED: retryable(408, 'The request did not arrive in time.'),
  SHUTTING_DOWN: retryable(503, 'The gateway is shutting down; try again.'),
  SUBGRAPH_UNAVAILABLE: retryable(200, 'A subgraph failed so often that it is left alone for a moment.'),
  REQUEST_ABORTED: retryable(499, 'The client went away.'),
  SERVER_OVERLOADED: retryable(503, 'The gateway has more work than it may queue; try again.'),
  SUPERGRAPH_UNAVAILABLE: retryable(503, 'No supergraph is loaded yet.'),
  IDENTITY_UNAVAILABLE: retryable(503, 'Credentials cannot be verified right now.'),
  AUDIT_UNAVAILABLE: retryable(503, 'The audit log cannot be written.'),
  INTERNAL_SERVER_ERROR: final(500, 'Internal server error'),
  CONFIG_INVALID: final(500, 'The configuration is not valid.'),
  WORKERS_FAILED: final(500, 'The worker processes cannot be kept running.'),
  SUPERGRAPH_INVALID: final(500, 'The supergraph cannot be enforced as it is.'),
  AUDIT_BROKEN: final(500, 'The audit log is not as it was written.'),
  COMPOSITION_FAILED: final(500, 'The subgraphs do not compose.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

export interface GatewayErrorOptions {
  /** Goes to the log by its name only, never to the client. */
  readonly cause?: unknown;
  readonly decision?: Decision;
  readonly coordinate?: string;
  /** Safe lines for whoever must mend it: faults of a config or schema, validation messages. Never values. */
  readonly details?: readonly ErrorDetail[];
  /** Value of `WWW-Authenticate` where the answer must carry one. */
  readonly challenge?: string;
  /** Further error extensions for the client: numbers and names that are safe to tell. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Response headers this refusal needs, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One safe line of a refusal: what is wrong, and where in the client's document or the operator's file. */
export interface ErrorDetail {
  readonly message: string;
  readonly locations?: readonly { readonly line: number; readonly column: number }[];
}

/** The one error class: a code of the catalogue and what only the log or the audit may see. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly decision: Decision | undefined;
  readonly coordinate: string | undefined;
  readonly details: readonly ErrorDetail[];
  readonly challenge: string | undefined;
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, options: GatewayErrorOptions = {}) {
    const { status, message } = CATALOGUE[code];
    const { stackTraceLimit } = Error;
    // What a caller did wrong is never traced, and the frames would cost a tenth of refusing it.
    if (status < 500) Error.stackTraceLimit = 0;
    try {
      super(message, { cause: options.cause });
    } finally {
      // Also where the stack has no room for one more error: nothing would be traced from then on.
      Error.stackTraceLimit = stackTraceLimit;
    }
    this.code = code;
    this.decision = options.decision;
    this.coordinate = options.coordinate;
    this.details = options.details ?? [];
    this.challenge = options.challenge;
    this.extensions = options.extensions ?? {};
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return CATALOGUE[this.code].status;
  }
}
