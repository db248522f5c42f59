/**
 * Keeps what a login left: one file an issuer, for the eyes of its owner alone. Owns its place, its permissions and its being
 * whole; does not own when a token has to be new.
 */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { withFileLock } from './file-lock.ts';

const loginSchema = z.object({
  issuer: z.string(),
  client_id: z.string(),
  access_token: z.string(),
  /** Integer seconds, by this computer's clock. */
  obtained_at: z.int(),
  expires_at: z.int(),
  refresh_token: z.string().optional(),
  /** As issued. */
  scope: z.string(),
  id_token: z.string().optional(),
  /** As issued (RFC 9396). */
  authorization_details: z.array(z.unknown()),
});

/** One login, as it is kept. */
export type Login = z.output<typeof loginSchema>;

export interface LoginStore {
  /** @throws Error when the file is there and cannot be understood */
  read(issuer: string): Promise<Login | undefined>;
  /** Replaces it as a whole: whoever reads at that moment sees the old one or the new one. */
  write(login: Login): Promise<void>;
  remove(issuer: string): Promise<void>;
  /** Issuers that somebody is logged in to, sorted. */
  issuers(): Promise<string[]>;
  /** Does a piece of work while no other process does one for the same issuer. */
  alone<T>(issuer: string, work: () => Promise<T>): Promise<T>;
}

const ending = '.json';

/** @param home the folder, which need not exist yet */
export function createLoginStore({ home, clock }: { home: string; clock: Clock }): LoginStore {
  const folder = join(home, 'logins');
  const fileOf = (issuer: string) => join(folder, `${encodeURIComponent(issuer)}${ending}`);

  return {
    async read(issuer) {
      const path = fileOf(issuer);
      const text = await readFile(path, 'utf8').catch(unlessAbsent);
      if (text === undefined) return undefined;
      const login = loginSchema.safeParse(parsed(text));
      if (!login.success || login.data.issuer !== issuer) {
        throw new Error(`${path} cannot be understood: remove it and log in again`);
      }
      return login.data;
    },

    async write(login) {
      await prepareFolder();
      const path = fileOf(login.issuer);
      const draft = `${path}.${randomUUID()}`;
      try {
        const file = await open(draft, 'wx', 0o600);
        try {
          await file.writeFile(`${JSON.stringify(login, null, 2)}\n`);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(draft, path);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },

    remove: (issuer) => rm(fileOf(issuer), { force: true }),

    async issuers() {
      const names = (await readdir(folder).catch(unlessAbsent)) ?? [];
      return names
        .filter((name) => name.endsWith(ending))
        .map((name) => decodeURIComponent(name.slice(0, -ending.length)))
        .sort();
    },

    async alone(issuer, work) {
      await prepareFolder();
      return withFileLock({ path: `${fileOf(issuer)}.lock`, clock }, work);
    },
  };

  async function prepareFolder(): Promise<void> {
    await mkdir(dirname(home), { recursive: true });
    for (const path of [home, folder]) {
      await mkdir(path, { recursive: true, mode: 0o700 });
      // It may have been there before, and open.
      await chmod(path, 0o700);
    }
  }
}

function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
