import { Counter, type Metric, Readings } from './metrics.ts';

/** What became of what detectors look at and find, counted where it happens. */
export class IncidentCounts {
  readonly #opened = new Counter(
    'portcullis_incidents_total',
    'Incidents that this process opened, by what would be or was done.',
    ['rule', 'mode'],
  );
  readonly #lost = new Counter(
    'portcullis_incidents_lost_total',
    'Findings that were not opened: too many, or they could not be written down.',
    ['reason'],
  );
  #dropped: () => number = () => 0;

  readonly all: readonly Metric[] = [
    this.#opened,
    this.#lost,
    new Readings(
      'counter',
      {
        name: 'portcullis_incident_events_dropped_total',
        help: 'Audit events that no detector looked at, because too many waited.',
        labels: [],
      },
      () => [[[], this.#dropped()]],
    ),
  ];

  opened(rule: string, mode: 'dryRun' | 'act'): void {
    this.#opened.add([rule, mode]);
  }

  lost(reason: 'flood' | 'unwritten'): void {
    this.#lost.add([reason]);
  }

  /** Where to ask how many events were not looked at. */
  watch(source: { readonly dropped: number }): void {
    this.#dropped = () => source.dropped;
  }
}
