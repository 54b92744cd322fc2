import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';

/** What a subscription has come to so far. */
export interface Outcome {
  readonly events: unknown[];
  readonly errors: unknown[];
  done: boolean;
  leave(): void;
}

/** The value of `Authorization`; undefined where there is none. */
export const bearer = (token: string | undefined): string | undefined =>
  token === undefined ? undefined : `Bearer ${token}`;

/** Subscribes with a client as it comes from npm, until the test ends. */
export type Subscriber = (url: string, query: string, authorization?: string) => Outcome;

function outcome(): Outcome & { sink: Parameters<ReturnType<typeof createSseClient>['subscribe']>[1] } {
  const seen = { events: [] as unknown[], errors: [] as unknown[], done: false, leave: () => undefined };
  const told = Object.assign(seen, {
    sink: {
      next: (event: unknown) => void seen.events.push(event),
      error: (fault: unknown) => {
        seen.errors.push(fault);
        seen.done = true;
      },
      complete: () => {
        seen.done = true;
      },
    },
  });
  return told as never;
}

export const overSse: Subscriber = (url, query, authorization) => {
  const client = createSseClient({
    url,
    retryAttempts: 0,
    headers: { ...(authorization === undefined ? {} : { authorization }) },
  });
  const seen = outcome();
  seen.leave = client.subscribe({ query }, seen.sink);
  onTestFinished(() => client.dispose());
  return seen;
};

export const overSocket: Subscriber = (url, query, authorization) => {
  const client = createSocketClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    ...(authorization === undefined ? {} : { connectionParams: { Authorization: authorization } }),
  });
  const seen = outcome();
  seen.leave = client.subscribe({ query }, seen.sink as never);
  onTestFinished(() => void client.dispose());
  return seen;
};

export const overMultipart: Subscriber = (uri, query, authorization) => {
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: new HttpLink({ uri, headers: { ...(authorization === undefined ? {} : { authorization }) } }),
  });
  const seen = outcome();
  const subscription = client.subscribe({ query: gql(query) }).subscribe({
    next: (result) => {
      if (result.error !== undefined) seen.errors.push(result.error);
      else seen.events.push({ data: result.data });
    },
    error: (fault: unknown) => {
      seen.errors.push(fault);
      seen.done = true;
    },
    complete: () => {
      seen.done = true;
    },
  });
  seen.leave = () => subscription.unsubscribe();
  onTestFinished(() => {
    subscription.unsubscribe();
    client.stop();
  });
  return seen;
};
