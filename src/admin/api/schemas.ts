/** Shapes that several operations share. Members are in snake case, instants are integer seconds. */
import { z } from 'zod';
import { longestPassword } from '../../directory/passwords.ts';

export const slugSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower case letters, digits and dashes, at most 63');
export const nameSchema = z.string().trim().min(1, 'must not be empty').max(120);
export const emailSchema = z.email('must be an e-mail address').max(254);
/** What it has to be is said by `checkNewPassword`, which knows whose it is. */
export const passwordSchema = z.string().max(longestPassword, 'is too long');
/** An absolute URL without fragment (RFC 8707 section 2). */
export const resourceSchema = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .max(2_000)
  .refine((url) => !url.includes('#'), 'must have no fragment');
export const instantSchema = z.int().describe('Integer seconds since 1970-01-01 UTC');
export const versionSchema = z.int().describe('Moves with every change; also the ETag');

/** How a list is asked for. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('At most this many items'),
  after: z.string().max(2_000).optional().describe('`next` of the page before'),
};
export const searchQuery = z.string().trim().max(200).optional();

/** Makes the shape of one page of a list. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().describe('Pass it as `after` for the next page; null on the last one'),
  });

/** Cuts one page out of what was read with one item too many. Pure. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  idOf: (row: Row) => string,
  shown: (row: Row) => Item,
): { items: Item[]; next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { items: page.map(shown), next: rows.length > limit && last !== undefined ? idOf(last) : null };
}
