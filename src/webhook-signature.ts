import { createHmac } from 'node:crypto';

/** Header of a signed call; its value is `t=<seconds>,v1=<signature>`. */
export const SIGNATURE_HEADER = 'x-portcullis-signature';

/** HMAC-SHA-256, in hexadecimal, of the time in seconds, a dot, and the body. */
export function signatureOf(secret: string, seconds: number, body: string): string {
  return createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
}

/** What `SIGNATURE_HEADER` holds. Units: milliseconds since the epoch. */
export function signatureHeader(secret: string, nowMs: number, body: string): string {
  const seconds = Math.floor(nowMs / 1000);
  return `t=${seconds},v1=${signatureOf(secret, seconds, body)}`;
}
