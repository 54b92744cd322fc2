import { type Organization, seedOrganizations, seedUsers, type User } from './data.ts';

/**
 * Users and organizations in memory.
 * Invariant: every answer is limited to the tenant given; a foreign id is answered like one that does not exist.
 */
export class AccountsStore {
  readonly #users = new Map<string, User>(seedUsers().map((user) => [user.id, user]));
  readonly #organizations = new Map<string, Organization>(
    seedOrganizations().map((organization) => [organization.id, organization]),
  );

  async usersById(tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, User>> {
    const found = new Map<string, User>();
    for (const id of ids) {
      const user = this.#users.get(id);
      if (user?.organizationId === tenant) found.set(id, user);
    }
    return found;
  }

  async organizationsById(
    tenant: string,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, Organization>> {
    const own = ids.includes(tenant) ? this.#organizations.get(tenant) : undefined;
    return new Map(own === undefined ? [] : [[own.id, own]]);
  }

  async listUsers(tenant: string, first: number): Promise<readonly User[]> {
    return this.#users
      .values()
      .filter((user) => user.organizationId === tenant)
      .take(first)
      .toArray();
  }

  /** Null where the tenant has no such user. */
  async rename(tenant: string, id: string, displayName: string): Promise<User | null> {
    const user = this.#users.get(id);
    if (user?.organizationId !== tenant) return null;
    const renamed: User = { ...user, displayName };
    this.#users.set(id, renamed);
    return renamed;
  }
}
