/** The tenants of the example; every subgraph's seed speaks of the same three. */
export const TENANTS = ['acme', 'globex', 'initech'] as const;

export type MembershipRole = 'MEMBER' | 'ADMIN' | 'OWNER';

export interface Organization {
  readonly __typename: 'Organization';
  readonly id: string;
  readonly name: string;
  readonly plan: 'FREE' | 'TEAM' | 'ENTERPRISE';
  readonly billingEmail: string;
}

export interface User {
  readonly __typename: 'User';
  readonly id: string;
  readonly organizationId: string;
  readonly displayName: string;
  readonly email: string;
  readonly phone: string;
  readonly lastSignInAt: string;
  readonly role: MembershipRole;
  readonly since: string;
}

export function seedOrganizations(): Organization[] {
  return [
    organization('acme', 'Acme Corporation', 'ENTERPRISE'),
    organization('globex', 'Globex', 'TEAM'),
    organization('initech', 'Initech', 'FREE'),
  ];
}

/** Six users per tenant; ids are `<tenant>-<first name>`, and the first one owns the organization. */
export function seedUsers(): User[] {
  const names: Record<(typeof TENANTS)[number], readonly string[]> = {
    acme: ['Ada Byron', 'Alan Mathison', 'Barbara Huberman', 'Edsger Wybe', 'Grace Murray', 'John Backus'],
    globex: ['Donald Ervin', 'Frances Allen', 'Kathleen Booth', 'Leslie Barry', 'Niklaus Emil', 'Tony Hoare'],
    initech: ['Adele Goldstine', 'Butler Lampson', 'Jean Sammet', 'Karen Jones', 'Peter Naur', 'Radia Joy'],
  };
  return TENANTS.flatMap((tenant) => names[tenant].map((name, index) => user(tenant, name, index)));
}

function organization(id: string, name: string, plan: Organization['plan']): Organization {
  return { __typename: 'Organization', id, name, plan, billingEmail: `billing@${id}.example` };
}

function user(tenant: string, displayName: string, index: number): User {
  const firstName = (displayName.split(' ')[0] ?? displayName).toLowerCase();
  const day = String(index + 1).padStart(2, '0');
  return {
    __typename: 'User',
    id: `${tenant}-${firstName}`,
    organizationId: tenant,
    displayName,
    email: `${firstName}@${tenant}.example`,
    // Numbers that are reserved for fiction.
    phone: `+1-202-555-01${day}`,
    lastSignInAt: `2026-05-${day}T08:00:00Z`,
    role: index === 0 ? 'OWNER' : index === 1 ? 'ADMIN' : 'MEMBER',
    since: `2024-0${index + 1}-15`,
  };
}
