import { expect, it } from 'vitest';
import { IncidentCounts } from '../../src/telemetry/incident-metrics.ts';
import { renderMetrics } from '../../src/telemetry/metrics.ts';

it('tells what was opened, what was not, and what nobody looked at', () => {
  const counts = new IncidentCounts();
  const source = { dropped: 0 };
  counts.watch(source);
  counts.opened('tokenReplay', 'act');
  counts.opened('tokenReplay', 'act');
  counts.opened('costSpike', 'dryRun');
  counts.lost('flood');
  source.dropped = 7;
  const lines = renderMetrics(counts.all).split('\n');
  for (const line of [
    'portcullis_incidents_total{rule="tokenReplay",mode="act"} 2',
    'portcullis_incidents_total{rule="costSpike",mode="dryRun"} 1',
    'portcullis_incidents_lost_total{reason="flood"} 1',
    'portcullis_incident_events_dropped_total 7',
  ])
    expect(lines).toContain(line);
});

it('tells of no dropped events where no detector looks', () => {
  expect(renderMetrics(new IncidentCounts().all)).toContain('portcullis_incident_events_dropped_total 0');
});
