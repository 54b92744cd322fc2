import type { FieldCounts } from '../audit/event.ts';
import type { Decision, Reason } from '../authorization/decision.ts';
import { CATALOGUE, type ErrorCode, type GatewayError } from '../errors.ts';
import type { Principal } from '../identity/principal.ts';
import type { GatewayResponse, GraphQLRequest, ResponseError } from '../listener/request.ts';
import type { CompiledOperation, OperationVariant } from '../operation/operation.ts';
import type { ObjectShape } from '../operation/shape.ts';
import type { LeafChecks } from './compiled-shape.ts';
import type { ExecutionResult } from './executor.ts';
import { knownPath } from './known-path.ts';
import { maskErrors } from './mask-errors.ts';
import { isMasked, type Masking } from './mask-value.ts';
import { type MaskingOptions, maskingFor, NOTHING_SENSITIVE, seenCounts } from './sensitive-values.ts';
import { type ResponsePath, type ShapedResult, shapeResult } from './shape-result.ts';
import { stepUpChallenge, stepUpNeed } from './step-up-challenge.ts';
import type { SubgraphSettings } from './subgraph-settings.ts';

export interface RespondOptions {
  /** Where authorization errors are told. */
  readonly authorizationErrors: 'errors' | 'extensions' | 'disabled';
  readonly masking: MaskingOptions;
}

export interface Executed {
  readonly operation: CompiledOperation;
  readonly variant: OperationVariant;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly decision: Decision;
  /** Who asks: objects of another tenant are withheld. */
  readonly principal: Principal;
  readonly result: ExecutionResult;
  /** Takes the cost of what came back and gives the header fields that tell it; null where costs are not counted. */
  readonly meter: { settle(returned: number): Readonly<Record<string, string>> } | null;
  /** Told how many objects of another tenant were withheld, where there were any. */
  readonly reportForeign: (objects: number) => void;
  /** Told what became of each coordinate, where anything ran. */
  readonly reportCounts: (counts: FieldCounts) => void;
}

/** What answering needs to know of the graph. */
export interface GraphView {
  readonly leafChecks: LeafChecks;
  readonly subgraphs: ReadonlyMap<string, SubgraphSettings>;
}

/** Codes that `application/json` answers with 200, as the legacy rule of GraphQL over HTTP has it. */
const REQUEST_ERRORS = new Set<string>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'BAD_USER_INPUT',
]);

/** Answers an operation that ran: data shaped for the client, refused paths told, subgraph errors masked. */
export function respond(
  request: GraphQLRequest,
  executed: Executed,
  graph: GraphView,
  options: RespondOptions,
): GatewayResponse {
  const { variant, decision, result, meter } = executed;
  const { audited, carried = NOTHING_CARRIED } = variant;
  const { sensitive } = audited;
  const masking =
    sensitive.length === 0 && carried.length === 0
      ? NOTHING_SENSITIVE
      : maskingFor(executed.principal, options.masking);
  const shaped =
    result.data === null
      ? NOTHING
      : shaping(result.data, executed, { leafChecks: graph.leafChecks, masking });
  if (shaped.foreignObjects > 0) executed.reportForeign(shaped.foreignObjects);
  if (shaped.counts !== null) executed.reportCounts(seenCounts(shaped.counts, sensitive, masking));
  if (isWhole(shaped, executed))
    return { status: 200, headers: meter?.settle(shaped.cost) ?? {}, body: { data: shaped.data } };
  const refusedPaths = [
    ...variant.removals.filter((removal) => !removal.dynamic),
    ...shaped.refused.map(({ path, denial: { guard, coordinate } }) => ({ path, guard, coordinate })),
  ];
  const subgraphErrors = maskErrors(result.errors, {
    subgraphs: graph.subgraphs,
    shape: variant.shape,
    requestId: request.id,
    withheld: shaped.foreign,
    isConfidential:
      variant.tenantKeys.length > 0 ||
      sensitive.some((each) => isMasked(each.classes, masking)) ||
      carried.some((classes) => isMasked(classes, masking)),
  });
  const withheld = shaped.foreign.map((path) => errorAt('TENANT_ISOLATION', path, request.id));
  // An error without a path may explain any missing value.
  const told = subgraphErrors.map(({ path }) => path ?? []);
  const misfits = shaped.misfits
    .filter((path) => !told.some((other) => related(path, other)))
    .map((path) => errorAt('DOWNSTREAM_SERVICE_ERROR', path, request.id));
  const refused =
    decision.effect === 'permit' ? decision.reasons.map(ofReason) : tellingReasons(refusedPaths, decision);
  const location = decision.effect === 'permit' ? 'extensions' : options.authorizationErrors;
  const unauthorized = distinct(refused.map((refusal) => refusalError(refusal, request.id)));
  return ok([...withheld, ...subgraphErrors, ...misfits], unauthorized, {
    data: shaped.data,
    location,
    headers: meter?.settle(shaped.cost) ?? {},
  });
}

/** True where nothing is told besides the data, as in almost every answer. */
function isWhole(
  { refused, misfits, foreign, foreignObjects }: ShapedResult,
  { variant, decision, result }: Executed,
): boolean {
  return (
    result.errors.length === 0 &&
    decision.reasons.length === 0 &&
    variant.removals.length === 0 &&
    refused.length === 0 &&
    misfits.length === 0 &&
    foreign.length === 0 &&
    foreignObjects === 0
  );
}

const NOTHING: ShapedResult = {
  data: null,
  refused: [],
  misfits: [],
  foreign: [],
  foreignObjects: 0,
  cost: 0,
  counts: null,
};

function shaping(
  data: Readonly<Record<string, unknown>>,
  { operation, variant, variables, principal, result }: Executed,
  { leafChecks, masking }: Pick<GraphView, 'leafChecks'> & { readonly masking: Masking },
): ShapedResult {
  const { shape } = variant;
  return shapeResult(data, {
    shape,
    variables,
    leafChecks,
    masking,
    tenant: principal.tenant,
    conditions: operation.conditions,
    failedSlots: result.errors.length === 0 ? NO_SLOTS : failedSlots(result.errors, shape),
  });
}

const NO_SLOTS: readonly number[] = [];

const NOTHING_CARRIED: NonNullable<OperationVariant['carried']> = [];

/** Coordinates that errors of subgraphs are about, as far as their paths tell. */
function failedSlots(errors: ExecutionResult['errors'], shape: ObjectShape): readonly number[] {
  return errors.flatMap(({ path }) => knownPath(path, shape).field?.slot ?? []);
}

/** Answers a request that authorization refused: the same errors as filtering gives, and no data. */
export function respondDenied(
  request: GraphQLRequest,
  decision: Extract<Decision, { effect: 'deny' | 'hold' }>,
  anonymous: boolean,
  options: RespondOptions,
): GatewayResponse {
  const codes = new Set(decision.reasons.map(({ code }) => code));
  const [code = 'FORBIDDEN'] = codes;
  const ofFields = OF_FIELDS.has(code);
  const status = ofFields && anonymous ? 401 : CATALOGUE[code].status;
  const errors = distinct(decision.reasons.map((reason) => refusalError(ofReason(reason), request.id)));
  const inErrors = options.authorizationErrors === 'errors' || !ofFields;
  return {
    status,
    headers: status === 401 ? { 'www-authenticate': challengeOf(code, decision.reasons) } : {},
    body: {
      errors: inErrors ? errors : [errorAt(code, [], request.id)],
      ...(options.authorizationErrors === 'extensions' && !inErrors
        ? { extensions: { authorizationErrors: errors } }
        : {}),
    },
  };
}

/** Answers a request that a stage refused. */
export function respondRefused(request: GraphQLRequest, error: GatewayError): GatewayResponse {
  const legacy = request.responseMediaType === 'application/json' && REQUEST_ERRORS.has(error.code);
  const extensions = { ...error.extensions, code: error.code, requestId: request.id };
  const errors: ResponseError[] =
    error.details.length === 0
      ? [{ message: error.message, extensions }]
      : error.details.map((detail) => ({ ...detail, extensions }));
  return {
    status: legacy ? 200 : error.status,
    headers: {
      ...error.headers,
      ...(error.challenge === undefined ? {} : { 'www-authenticate': error.challenge }),
    },
    body: { errors },
  };
}

function ok(
  errors: readonly ResponseError[],
  unauthorizedErrors: readonly ResponseError[],
  answer: {
    readonly data: Readonly<Record<string, unknown>> | null;
    readonly location: string;
    readonly headers: Readonly<Record<string, string>>;
  },
): GatewayResponse {
  const { data, location, headers } = answer;
  const all = location === 'errors' ? [...unauthorizedErrors, ...errors] : errors;
  const reported = location === 'extensions' && unauthorizedErrors.length > 0;
  return {
    status: 200,
    headers,
    body: {
      ...(all.length === 0 ? {} : { errors: all }),
      data,
      ...(reported ? { extensions: { authorizationErrors: unauthorizedErrors } } : {}),
    },
  };
}

/** Codes of refusals that name fields. */
const OF_FIELDS: ReadonlySet<ErrorCode> = new Set([
  'UNAUTHORIZED_FIELD_OR_TYPE',
  'SUBSCRIPTION_REQUIRED',
  'STEP_UP_REQUIRED',
]);

/** One refused path, and how it is told. */
interface PathRefusal extends Pick<Reason, 'code' | 'products' | 'stepUps'> {
  readonly path: ResponsePath;
}

function ofReason({ path, code, products, stepUps }: Reason): PathRefusal {
  return {
    ...{ path: path ?? [], code },
    ...(products === undefined ? {} : { products }),
    ...(stepUps === undefined ? {} : { stepUps }),
  };
}

/** What was refused while the answer was shaped is told as the decision tells its coordinate. */
function tellingReasons(
  refused: readonly { readonly path: ResponsePath; readonly coordinate: string }[],
  decision: Decision,
): PathRefusal[] {
  const reasons = new Map(decision.reasons.map((reason) => [reason.coordinate, reason]));
  return refused.map(({ path, coordinate }) => ({
    ...ofReason(reasons.get(coordinate) ?? UNTOLD),
    path,
  }));
}

const UNTOLD: Reason = { rule: '', code: 'UNAUTHORIZED_FIELD_OR_TYPE', coordinate: null, path: null };

function refusalError({ path, code, products, stepUps }: PathRefusal, requestId: string): ResponseError {
  const error = errorAt(code, path, requestId);
  const help = { ...(products === undefined ? {} : { products }), ...stepUpNeed(stepUps ?? []) };
  return { ...error, extensions: { ...error.extensions, ...help } };
}

function challengeOf(code: ErrorCode, reasons: readonly Reason[]): string {
  if (code !== 'STEP_UP_REQUIRED') return 'Bearer';
  return stepUpChallenge(stepUpNeed(reasons.flatMap(({ stepUps }) => stepUps ?? [])));
}

function errorAt(code: keyof typeof CATALOGUE, path: ResponsePath, requestId: string): ResponseError {
  return {
    message: CATALOGUE[code].message,
    ...(path.length === 0 ? {} : { path }),
    extensions: { code, requestId },
  };
}

function distinct(errors: readonly ResponseError[]): ResponseError[] {
  return [...new Map(errors.map((error) => [JSON.stringify(error.path ?? null), error])).values()];
}

/** True where one path leads to or through the other, so that one error explains both. */
function related(a: ResponsePath, b: ResponsePath): boolean {
  const shorter = a.length < b.length ? a : b;
  return shorter.every((step, index) => step === a[index] && step === b[index]);
}
