export interface Money {
  readonly amountMinor: number;
  readonly currency: 'EUR' | 'USD';
}

export type SupplierRegion = 'AMERICAS' | 'ASIA' | 'EUROPE';

interface ProductFields {
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  readonly price: Money;
  readonly costPrice: Money;
  readonly weightGrams: number;
  readonly stock: number;
  readonly categoryId: string;
}

export interface Book extends ProductFields {
  readonly __typename: 'Book';
  readonly isbn: string;
  readonly author: string;
  readonly pages: number;
}

export interface Device extends ProductFields {
  readonly __typename: 'Device';
  readonly modelNumber: string;
  readonly supplier: { readonly name: string; readonly region: SupplierRegion };
  readonly recall: string | null;
}

export type Product = Book | Device;

export interface Category {
  readonly __typename: 'Category';
  readonly id: string;
  readonly name: string;
}

export function seedCategories(): Category[] {
  return [
    { __typename: 'Category', id: 'computing', name: 'Computing books' },
    { __typename: 'Category', id: 'fiction', name: 'Fiction' },
    { __typename: 'Category', id: 'keyboards', name: 'Keyboards' },
    { __typename: 'Category', id: 'sensors', name: 'Sensors' },
  ];
}

/** Title, author, pages, price; the first six are computing books in euros, the rest fiction in dollars. */
const BOOKS: readonly (readonly [string, string, number, number])[] = [
  ['Graphs and Their Queries', 'M. Okafor', 412, 4_990],
  ['A Federation of Small Services', 'L. Brandt', 288, 3_450],
  ['Capabilities in Practice', 'S. Iyer', 356, 5_200],
  ['The Honest Log', 'R. Castellan', 198, 2_800],
  ['Queues, Bounds and Backpressure', 'T. Nakamura', 304, 4_100],
  ['Types for the Working Engineer', 'H. Lindqvist', 521, 6_150],
  ['The Gatekeeper of Vell', 'A. Moreau', 344, 1_499],
  ['Seven Keys to an Open Door', 'J. Adeyemi', 267, 1_299],
  ['Night Watch on the Portcullis', 'C. Varga', 402, 1_699],
  ['A Cartography of Rooms', 'P. Sorensen', 233, 1_199],
  ['The Ledger of Salt', 'N. Haddad', 318, 1_399],
  ['Drawbridge Summer', 'E. Whitlock', 281, 999],
];

/** Name, model, price, grams, supplier; the first six are keyboards, the rest sensors. */
const DEVICES: readonly (readonly [string, string, number, number, number])[] = [
  ['Compact Keyboard', 'KB-60', 8_900, 720, 0],
  ['Split Keyboard', 'KB-SP', 18_900, 980, 1],
  ['Quiet Keyboard', 'KB-QT', 7_400, 810, 2],
  ['Travel Keyboard', 'KB-TR', 5_900, 310, 0],
  ['Terminal Keyboard', 'KB-87', 12_900, 1_150, 1],
  ['Numeric Pad', 'KB-NP', 3_900, 240, 2],
  ['Door Sensor', 'SN-DR', 2_900, 60, 0],
  ['Motion Sensor', 'SN-MO', 3_400, 85, 1],
  ['Air Quality Sensor', 'SN-AQ', 9_900, 140, 2],
  ['Water Leak Sensor', 'SN-WL', 2_400, 55, 0],
  ['Light Sensor', 'SN-LX', 1_900, 40, 1],
  ['Vibration Sensor', 'SN-VB', 4_400, 70, 2],
];

const SUPPLIERS: readonly Device['supplier'][] = [
  { name: 'Harbor Components', region: 'ASIA' },
  { name: 'Rhine Precision', region: 'EUROPE' },
  { name: 'Great Lakes Devices', region: 'AMERICAS' },
];

/** Twelve books, `BK-001` to `BK-012`, and twelve devices, `DV-001` to `DV-012`, by SKU. */
export function seedProducts(): Product[] {
  return [...BOOKS.map(book), ...DEVICES.map(device)];
}

function book([name, author, pages, amountMinor]: (typeof BOOKS)[number], index: number): Book {
  const computing = index < 6;
  return {
    __typename: 'Book',
    ...priced(amountMinor, computing ? 'EUR' : 'USD'),
    sku: sku('BK', index),
    name,
    description: `${computing ? 'A technical book' : 'A novel'} by ${author}.`,
    weightGrams: 120 + pages,
    stock: 40 + index * 7,
    categoryId: computing ? 'computing' : 'fiction',
    isbn: `978-0-000-${String(index + 1).padStart(5, '0')}`,
    author,
    pages,
  };
}

function device(
  [name, modelNumber, amountMinor, weightGrams, supplier]: (typeof DEVICES)[number],
  index: number,
): Device {
  return {
    __typename: 'Device',
    ...priced(amountMinor, 'EUR'),
    sku: sku('DV', index),
    name,
    description: `Model ${modelNumber}.`,
    weightGrams,
    stock: 15 + index * 3,
    categoryId: index < 6 ? 'keyboards' : 'sensors',
    modelNumber,
    supplier: SUPPLIERS[supplier] ?? { name: 'Unknown', region: 'EUROPE' },
    recall: index === 8 ? 'The fan of early units can overheat.' : null,
  };
}

function priced(amountMinor: number, currency: Money['currency']): { price: Money; costPrice: Money } {
  return {
    price: { amountMinor, currency },
    costPrice: { amountMinor: Math.round(amountMinor * 0.62), currency },
  };
}

function sku(prefix: string, index: number): string {
  return `${prefix}-${String(index + 1).padStart(3, '0')}`;
}
