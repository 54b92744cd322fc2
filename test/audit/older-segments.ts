import { createHash } from 'node:crypto';
import type { AuditSigner } from '../../src/audit/audit-signature.ts';
import type { ChainPosition } from '../../src/audit/chained-line.ts';
import { MerkleRoot } from '../../src/audit/merkle-root.ts';

/** A line of an earlier version, in which each is chained to the one before; without its line feed. */
export function chainLine(json: string, { seq, hash }: ChainPosition): { line: string; hash: string } {
  const body = `${json.slice(0, -1)},"seq":${seq}`;
  const next = createHash('sha256').update(hash).update(body).digest('hex');
  return { line: `${body},"hash":"${next}"}`, hash: next };
}

/** Writes a segment as an earlier program did. */
export class OlderSegment {
  readonly lines: string[] = [];
  readonly #version: 1 | 2;
  readonly #signer: AuditSigner;
  readonly #merkle = new MerkleRoot();
  #position: ChainPosition;
  #first = '';

  constructor(version: 1 | 2, signer: AuditSigner, position: ChainPosition) {
    this.#version = version;
    this.#signer = signer;
    this.#position = position;
    const head = { previous: position.hash, keyId: signer.keyId, instance: 'i' };
    this.marker({ marker: 'segment', version, ...head });
  }

  event(json: string): void {
    const { line, hash } = chainLine(json, this.#position);
    this.#took(line, hash, this.#version === 1);
  }

  marker({ marker, ...rest }: { readonly marker: string; readonly [member: string]: unknown }): void {
    const json = JSON.stringify({ marker, segment: 0, time: new Date(0).toISOString(), ...rest });
    const { line, hash } = chainLine(json, this.#position);
    this.#took(`${line.slice(0, -1)},"signature":"${this.#signer.sign(hash)}"}`, hash, true);
  }

  seal(): void {
    const { lines } = this;
    const ends = { first: this.#first, last: this.#position.hash };
    this.marker({ marker: 'seal', lines: lines.length, ...ends, root: this.#merkle.hex });
  }

  #took(line: string, hash: string, isLeaf: boolean): void {
    this.lines.push(line);
    if (isLeaf) this.#merkle.add(hash);
    this.#first ||= hash;
    this.#position = { seq: this.#position.seq + 1, hash };
  }
}
