/** Writes what the API answers down for people: a list as a table, one thing member by member. Pure. */
import { stringify } from 'yaml';
import { harmless } from './harmless.ts';
import { shownInstant, table } from './table.ts';

/** Members that a list shows, in this order, as far as its items have them; what else there is, `show` and `--json` tell. */
const columns = [
  'id',
  'seq',
  'at',
  'email',
  'slug',
  'name',
  'username',
  'client_id',
  'kind',
  'bound',
  'status',
  'enabled',
  'disabled',
  'verified',
  'device_login',
  'built_in',
  'resource',
  'audiences',
  'actor',
  'action',
  'subject',
  'subject_id',
  'capability',
  'capabilities',
  'tool',
  'justification',
  'secret_ending',
  'expires_at',
  'last_used_at',
];

type Item = Readonly<Record<string, unknown>>;

/** Writes an answer down. @param more what continues the list */
export function documentText(document: unknown): string {
  if (document === undefined) return 'done';
  if (!isItem(document)) return harmless(String(document));
  const { items, next } = document;
  if (!Array.isArray(items)) return lines(document);
  const text = listText(items.filter(isItem));
  return next === null || next === undefined ? text : `${text}\nmore: --after ${harmless(String(next))}`;
}

function listText(items: readonly Item[]): string {
  const shown = columns.filter((column) => items.some((item) => item[column] !== undefined));
  const heading = shown.map((column) => column.replace(/_at$/, '').replaceAll('_', ' ').toUpperCase());
  return items.length === 0
    ? 'none'
    : table([heading, ...items.map((item) => shown.map((column) => cell(column, item[column])))]);
}

function cell(column: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'number' && isInstant(column)) return shownInstant(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return Array.isArray(value) ? value.map(String).join(' ') || '-' : String(value);
}

const isInstant = (name: string) => name === 'at' || name.endsWith('_at');

/** One thing, as YAML with instants that can be read; every line made harmless, for names come from strangers. */
function lines(document: Item): string {
  const readable = JSON.parse(
    JSON.stringify(document, (name, value: unknown) =>
      typeof value === 'number' && isInstant(name) ? shownInstant(value) : value,
    ),
  ) as unknown;
  return stringify(readable, { lineWidth: 0 })
    .trimEnd()
    .split('\n')
    .map((line) => harmless(line))
    .join('\n');
}

const isItem = (value: unknown): value is Item =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
