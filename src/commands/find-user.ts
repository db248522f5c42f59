import type { User, UserStore } from '../directory/user-store.ts';

/** Finds the user that somebody names on the command line, by e-mail address or id. */
export async function findUser(users: UserStore, named: string): Promise<User | undefined> {
  return named.includes('@') ? await users.findByEmail(named) : await users.findById(named);
}

/** Says that there is no such user. Pure. */
export const noSuchUser = (named: string) =>
  `there is no user ${named}: give an e-mail address or an id (usr_…)`;
