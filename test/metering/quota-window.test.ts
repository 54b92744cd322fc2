import { describe, expect, it } from 'vitest';
import { QuotaWindows } from '../../src/metering/quota-window.ts';

const HOUR_MS = 3_600_000;
const at = (time: string, period: 'day' | 'month', zone: string) => {
  const nowMs = Date.parse(time);
  const { name, endsAt } = new QuotaWindows().at(nowMs, period, zone);
  return [name, new Date(endsAt).toISOString(), (endsAt - nowMs) / HOUR_MS];
};

describe('the window of a quota', () => {
  it.each([
    ['a day in UTC', '2026-11-24T00:00:00Z', 'day', 'UTC', '2026-11-24', '2026-11-25T00:00:00.000Z'],
    [
      'its last millisecond',
      '2026-11-24T23:59:59.999Z',
      'day',
      'UTC',
      '2026-11-24',
      '2026-11-25T00:00:00.000Z',
    ],
    ['a month in UTC', '2026-11-30T23:59:59.999Z', 'month', 'UTC', '2026-11', '2026-12-01T00:00:00.000Z'],
    ['the end of a year', '2026-12-31T12:00:00Z', 'month', 'UTC', '2026-12', '2027-01-01T00:00:00.000Z'],
    ['a leap day', '2028-02-29T12:00:00Z', 'month', 'UTC', '2028-02', '2028-03-01T00:00:00.000Z'],
    [
      'quarters of an hour',
      '2026-11-24T20:00:00Z',
      'day',
      'Asia/Kathmandu',
      '2026-11-25',
      '2026-11-25T18:15:00.000Z',
    ],
    [
      'the other side of the date',
      '2026-11-24T12:00:00Z',
      'day',
      'Pacific/Kiritimati',
      '2026-11-25',
      '2026-11-25T10:00:00.000Z',
    ],
    [
      'a month that begins earlier',
      '2026-10-31T23:30:00Z',
      'month',
      'Europe/Oslo',
      '2026-11',
      '2026-11-30T23:00:00.000Z',
    ],
  ] as const)('is that of %s', (_, time, period, zone, name, end) => {
    expect(at(time, period, zone).slice(0, 2)).toEqual([name, end]);
  });

  it.each([
    ['23 hours where clocks go forward', '2026-03-28T23:00:00Z', 'Europe/Oslo', 23],
    ['25 hours where they go back', '2026-10-24T22:00:00Z', 'Europe/Oslo', 25],
    ['23 and a half on Lord Howe', '2026-10-03T13:30:00Z', 'Australia/Lord_Howe', 23.5],
    ['25 where they go back at midnight', '2026-04-04T03:00:00Z', 'America/Santiago', 25],
    ['23 where they go forward at midnight', '2026-03-28T22:00:00Z', 'Asia/Beirut', 23],
    ['24 elsewhere', '2026-10-24T00:00:00Z', 'UTC', 24],
  ] as const)('of a day has %s', (_, time, zone, hours) => {
    expect(at(time, 'day', zone)[2]).toBe(hours);
  });

  it('is kept until it ends, and a clock that steps back begins none anew', () => {
    const windows = new QuotaWindows();
    const noon = Date.UTC(2026, 10, 24, 12);
    const window = windows.at(noon, 'day', 'UTC');
    expect(windows.at(window.endsAt - 1, 'day', 'UTC')).toBe(window);
    expect(windows.at(window.endsAt, 'day', 'UTC').name).toBe('2026-11-25');
    expect(windows.at(noon, 'day', 'UTC').name).toBe('2026-11-25');
    expect(windows.at(noon, 'day', 'Asia/Tokyo').name).toBe('2026-11-24');
  });

  it('is refused for a time zone that is none', () => {
    expect(() => new QuotaWindows().at(0, 'day', 'Mars/Olympus')).toThrow(RangeError);
  });
});
