/** The states of an incident; the last two are never left. */
export type IncidentState = 'open' | 'contained' | 'acknowledged' | 'resolved' | 'falsePositive';

/** What happens to an incident: by itself the first two, by people the others. */
export type IncidentStep = 'contain' | 'release' | 'acknowledge' | 'resolve' | 'falsePositive';

const LIVES: Readonly<Record<IncidentStep, Partial<Record<IncidentState, IncidentState>>>> = {
  contain: { open: 'contained', contained: 'contained', acknowledged: 'acknowledged' },
  release: { contained: 'open', acknowledged: 'acknowledged' },
  acknowledge: { open: 'acknowledged', contained: 'acknowledged' },
  resolve: { open: 'resolved', contained: 'resolved', acknowledged: 'resolved' },
  falsePositive: { open: 'falsePositive', contained: 'falsePositive', acknowledged: 'falsePositive' },
};

/** The state that a step leads to; null where it is not taken from there. */
export function nextIncidentState(state: IncidentState, step: IncidentStep): IncidentState | null {
  return LIVES[step][state] ?? null;
}

/** Whether it is over: nothing is restricted by it any more. */
export function isClosed(state: IncidentState): boolean {
  return state === 'resolved' || state === 'falsePositive';
}
