import { describe, expect, it } from 'vitest';
import { Departure } from '../../../src/execution/native/departure.ts';

describe('the departure of a client', () => {
  it('is told once to all that wait and to none that was forgotten', () => {
    const controller = new AbortController();
    const departure = Departure.of(controller.signal);
    const told: string[] = [];
    const waiting = ['a', 'b', 'c', 'd', 'e'].map((name) => () => void told.push(name));
    for (const each of waiting) departure.watch(each);
    for (const index of [4, 0, 2, 0]) departure.forget(waiting[index] as () => void);
    expect(departure.isOver).toBe(false);
    controller.abort();
    controller.abort();
    expect(told.toSorted()).toEqual(['b', 'd']);
    expect(departure.isOver).toBe(true);
  });

  it('is over from the beginning where the client has already gone', () => {
    expect(Departure.of(AbortSignal.abort()).isOver).toBe(true);
  });

  it('is one for all that ask for that of one signal', () => {
    const { signal } = new AbortController();
    expect(Departure.of(signal)).toBe(Departure.of(signal));
  });

  it('lets those who are told forget themselves and others', () => {
    const controller = new AbortController();
    const departure = Departure.of(controller.signal);
    let told = 0;
    const leave = (): void => {
      told += 1;
      departure.forget(leave);
      departure.forget(other);
    };
    const other = (): void => {
      told += 1;
    };
    departure.watch(leave);
    departure.watch(other);
    controller.abort();
    expect(told).toBe(2);
  });
});
