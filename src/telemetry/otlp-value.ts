/** A value in OTLP's JSON. Source: opentelemetry-proto, common/v1/common.proto, by the JSON mapping of protocol buffers. */
export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly OtlpValue[] } };

export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

export type Plain = string | number | boolean | readonly string[];

/** Attributes by their names; what is null is left out. */
export function attributesOf(values: Readonly<Record<string, Plain | null>>): readonly OtlpAttribute[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === null ? [] : [{ key, value: encoded(value) }],
  );
}

function encoded(value: Plain): OtlpValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map((text) => ({ stringValue: text })) } };
}

/** Units: milliseconds since the epoch, to nanoseconds as text; fractions of a millisecond are kept. */
export function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  const rest = Math.round((ms - whole) * 1e6);
  return String(BigInt(whole) * 1_000_000n + BigInt(rest));
}

/** Who tells. Source: OpenTelemetry semantic conventions, service. */
export function resourceOf(service: {
  readonly name: string;
  readonly version: string;
  readonly instanceId: string;
}): { readonly attributes: readonly OtlpAttribute[] } {
  return {
    attributes: attributesOf({
      'service.name': service.name,
      'service.version': service.version,
      'service.instance.id': service.instanceId,
    }),
  };
}
