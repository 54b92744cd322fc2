import type { DemoPerson } from './demo-issuer.ts';

/** The people of the demo, by the name the output gives them. */
export const PEOPLE = {
  'reader of acme': { subject: 'acme-ada', tenant: 'acme', scopes: ['orders:read'] },
  'administrator of acme': {
    subject: 'acme-alan',
    tenant: 'acme',
    scopes: [
      'orders:read',
      'orders:write',
      'orders:finance',
      'catalog:stock',
      'catalog:supply',
      'accounts:read',
    ],
    roles: ['admin'],
  },
  'shopper of globex': { subject: 'globex-tony', tenant: 'globex', scopes: ['orders:read', 'orders:write'] },
  'assistant of initech': {
    subject: 'initech-adele',
    tenant: 'initech',
    scopes: ['ai:chat', 'ai:embed', 'orders:read'],
  },
} as const satisfies Record<string, DemoPerson>;

export type PersonName = keyof typeof PEOPLE;

/** The name under which a shell holds the token of a person. */
export function variableOf(person: string): string {
  return person.replaceAll(' of ', '_').replaceAll(' ', '_').toUpperCase();
}

export interface DemoAnswer {
  readonly status: number;
  readonly body: {
    readonly data?: Record<string, unknown> | null;
    readonly errors?: readonly {
      readonly path?: readonly unknown[];
      readonly extensions: { readonly code: string };
    }[];
  };
}

/** One request of the tour: who sends it, what, and what its answer must show. */
export interface DemoRequest {
  readonly title: string;
  /** `nobody` sends no token, `forger` one that nobody signed. */
  readonly person: PersonName | 'nobody' | 'forger';
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** A sentence on what the answer showed; throws where it shows something else. */
  showed(answer: DemoAnswer): string;
}

const STOREFRONT = `query Storefront {
  me { displayName email }
  products(first: 2) { nodes { sku name stock costPrice { amountMinor currency } } }
}`;

const ORDERS = 'query Orders { orders(first: 3) { id tenantId total { amountMinor currency } } }';

const BOMB = `query Bomb { categories { ...A } } ${['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']
  .map(
    (name, index, names) => `fragment ${name} on Category { ${`...${names[index + 1] ?? 'Z'} `.repeat(10)} }`,
  )
  .join(' ')} fragment Z on Category { id }`;

/** The tour: what each layer does, seen from outside. */
export const REQUESTS: readonly DemoRequest[] = [
  {
    title: 'Nobody in particular looks at the storefront',
    person: 'nobody',
    query: STOREFRONT,
    showed: (answer) => {
      expect(
        codes(answer).every((code) => code === 'UNAUTHORIZED_FIELD_OR_TYPE'),
        'only authorization errors',
      );
      expect(answer.body.data?.['me'] === null, 'me is null');
      expect(
        products(answer).every((product) => product['costPrice'] === null),
        'no cost price',
      );
      return `products are public; me and costPrice are not: ${paths(answer)}`;
    },
  },
  {
    title: 'A reader of acme sends the same operation',
    person: 'reader of acme',
    query: STOREFRONT,
    showed: (answer) => {
      expect(answer.body.data?.['me'] !== null, 'me is there');
      expect(
        products(answer).every((product) => product['costPrice'] === null),
        'no cost price',
      );
      return `me is ${JSON.stringify(answer.body.data?.['me'])}; cost prices stay hidden`;
    },
  },
  {
    title: 'An administrator of acme sends it too',
    person: 'administrator of acme',
    query: STOREFRONT,
    showed: (answer) => {
      expect(answer.body.errors === undefined, 'no errors');
      expect(
        products(answer).every((product) => product['costPrice'] !== null),
        'cost prices',
      );
      return 'everything, cost prices by Cedar policy included';
    },
  },
  {
    title: 'A reader of acme lists orders',
    person: 'reader of acme',
    query: ORDERS,
    showed: (answer) => tenantOfOrders(answer, 'acme'),
  },
  {
    title: 'A shopper of globex lists orders',
    person: 'shopper of globex',
    query: ORDERS,
    showed: (answer) => tenantOfOrders(answer, 'globex'),
  },
  {
    title: 'A shopper of globex places an order',
    person: 'shopper of globex',
    query: 'mutation Place($input: PlaceOrderInput!) { placeOrder(input: $input) { id tenantId status } }',
    variables: { input: { lines: [{ sku: 'BK-001', quantity: 2 }] } },
    showed: (answer) => {
      const order = answer.body.data?.['placeOrder'] as Record<string, unknown> | null | undefined;
      expect(order?.['tenantId'] === 'globex', 'an order of globex');
      return `order ${String(order?.['id'])} is ${String(order?.['status'])}`;
    },
  },
  {
    title: 'A reader of acme may not place one',
    person: 'reader of acme',
    query: 'mutation Place($input: PlaceOrderInput!) { placeOrder(input: $input) { id } }',
    variables: { input: { lines: [{ sku: 'BK-001', quantity: 2 }] } },
    showed: (answer) => refusedWith(answer, 'UNAUTHORIZED_FIELD_OR_TYPE'),
  },
  {
    title: 'An order of a hundred pieces breaks a constraint',
    person: 'shopper of globex',
    query: 'mutation Place($input: PlaceOrderInput!) { placeOrder(input: $input) { id } }',
    variables: { input: { lines: [{ sku: 'BK-001', quantity: 100 }] } },
    showed: (answer) => refusedWith(answer, 'BAD_USER_INPUT'),
  },
  {
    title: 'A token that nobody signed',
    person: 'forger',
    query: '{ me { id } }',
    showed: (answer) => {
      expect(answer.status === 401, 'status 401');
      return refusedWith(answer, 'UNAUTHENTICATED');
    },
  },
  {
    title: 'A kilobyte of fragments that expands to a hundred million fields',
    person: 'nobody',
    query: BOMB,
    showed: (answer) => refusedWith(answer, 'MAX_SELECTIONS_LIMIT'),
  },
  {
    title: 'An assistant of initech asks a model, offline',
    person: 'assistant of initech',
    query:
      'mutation Ask($input: ChatInput!) { chat(input: $input) { text usage { totalTokens } model { id } } }',
    variables: {
      input: { messages: [{ role: 'USER', content: 'sentiment: I love this wonderful gateway.' }] },
    },
    showed: (answer) => {
      expect(answer.body.errors === undefined, 'no errors');
      const reply = answer.body.data?.['chat'] as { readonly text: string } | undefined;
      return `the model says: ${JSON.stringify(reply?.text)}`;
    },
  },
  {
    title: 'A model writes what the catalog has to say of a product',
    person: 'assistant of initech',
    query:
      'query Described { product(sku: "BK-001") { description generatedDescription { answer { text finishReason } } } }',
    showed: (answer) => {
      expect(answer.body.errors === undefined, 'no errors');
      const product = answer.body.data?.['product'] as DescribedProduct | undefined;
      const { text = '', finishReason } = product?.generatedDescription.answer ?? {};
      const facts = product?.description ?? '?';
      expect(finishReason === 'STOP' && text !== '' && facts.includes(text), 'a description');
      return `of two subgraphs: ${JSON.stringify(text)}`;
    },
  },
  {
    title: 'A model sums up an order of the own tenant',
    person: 'assistant of initech',
    query:
      'query SummedUp { order(id: "initech-1003") { generatedSummary { source answer { text finishReason } } } }',
    showed: (answer) => {
      expect(answer.body.errors === undefined, 'no errors');
      const order = answer.body.data?.['order'] as SummedUpOrder | undefined;
      const { source = '', answer: { text, finishReason } = { text: '', finishReason: '' } } =
        order?.generatedSummary ?? {};
      expect(finishReason === 'STOP' && text !== '' && source.includes(text), 'a summary');
      return `of two subgraphs: ${JSON.stringify(text)}`;
    },
  },
];

interface Written {
  readonly text: string;
  readonly finishReason: string;
}

interface DescribedProduct {
  readonly description: string;
  readonly generatedDescription: { readonly answer: Written };
}

interface SummedUpOrder {
  readonly generatedSummary: { readonly source: string; readonly answer: Written };
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the answer does not show ${what}`);
}

function codes({ body }: DemoAnswer): string[] {
  return (body.errors ?? []).map(({ extensions }) => extensions.code);
}

function paths({ body }: DemoAnswer): string {
  return (body.errors ?? []).map(({ path }) => (path ?? []).join('.')).join(', ');
}

function products({ body }: DemoAnswer): readonly Record<string, unknown>[] {
  const page = body.data?.['products'] as { nodes: Record<string, unknown>[] } | null | undefined;
  expect((page?.nodes.length ?? 0) > 0, 'products');
  return page?.nodes ?? [];
}

function tenantOfOrders(answer: DemoAnswer, tenant: string): string {
  const orders = (answer.body.data?.['orders'] ?? []) as Record<string, unknown>[];
  expect(
    orders.length > 0 && orders.every((order) => order['tenantId'] === tenant),
    `orders of ${tenant} only`,
  );
  return `${orders.length} orders, all of ${tenant}`;
}

function refusedWith(answer: DemoAnswer, code: string): string {
  expect(codes(answer).length > 0 && codes(answer).every((each) => each === code), code);
  return `refused with ${code}`;
}
