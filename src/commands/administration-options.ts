/** Turns an operation's schemas into options of a command, and what was typed back into a request. Pure but for the clock. */
import { Option } from 'commander';
import { z } from 'zod';
import { type Clock, secondsOfWritten } from '../clock.ts';
import { durationOf } from '../policies/duration.ts';

/** What a name on the command line refers to: the API wants its id. */
export type ReferenceKind =
  | 'user'
  | 'service-account'
  | 'role'
  | 'project'
  | 'mcp-server'
  | 'resource-server'
  | 'client'
  | 'authorization'
  | 'key'
  /** A user, or something that is none: `system`, `client:ID`. */
  | 'actor'
  | 'other';

type Shape =
  | 'text'
  | 'integer'
  | 'yes-no'
  | 'list'
  | 'reference'
  | 'references'
  | 'projects'
  | 'duration'
  | 'instant'
  | 'json';

/** One member of a request. */
export interface Member {
  /** As the API calls it. */
  readonly name: string;
  /** Without dashes in front. */
  readonly flag: string;
  readonly shape: Shape;
  readonly refersTo: ReferenceKind;
  readonly required: boolean;
  readonly choices?: readonly string[];
  readonly description: string;
}

/** Something typed that cannot be meant; the message is for whoever typed it. */
export class NotUnderstood extends Error {
  override readonly name = 'NotUnderstood';
}

/** A reference that has to be looked up before the request can be sent. */
export interface Reference {
  readonly kind: ReferenceKind;
  readonly name: string;
}

interface Property {
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly description?: string;
  readonly anyOf?: readonly Property[];
  readonly default?: unknown;
}

/** Never typed where every list of processes shows it; a person sets passwords on the pages. */
const leftOut = ['password'];

/** Lists the members of a request's schema. */
export function membersOf(schema: z.ZodObject | undefined): Member[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  }) as { properties?: Record<string, Property>; required?: string[] };
  return membersOfProperties(properties, required);
}

/** The same for properties as JSON Schema writes them. Pure. */
export function membersOfProperties(
  properties: Readonly<Record<string, Property>>,
  required: readonly string[],
): Member[] {
  return Object.entries(properties)
    .filter(([name]) => !leftOut.includes(name))
    .map(([name, property]) => memberOf(name, property, required.includes(name)));
}

function memberOf(name: string, property: Property, required: boolean): Member {
  const types = [property.type ?? property.anyOf?.map(({ type }) => type) ?? []].flat(2);
  const shape = shapeOf(name, types);
  const base = (shape === 'text' ? name : name.replace(/_(ids?|seconds)$/, '')).replaceAll('_', '-');
  return {
    name,
    flag: shape === 'list' || shape === 'references' || shape === 'projects' ? singular(base) : base,
    shape,
    refersTo: kindOf(base),
    required,
    ...(property.enum && { choices: property.enum }),
    description: property.description ?? '',
  };
}

function shapeOf(name: string, types: readonly (string | undefined)[]): Shape {
  if (name === 'projects') return 'projects';
  if (name.endsWith('_ids')) return 'references';
  if (name === 'actor' || (name.endsWith('_id') && name !== 'subject_id')) return 'reference';
  if (name.endsWith('_seconds')) return 'duration';
  if (name === 'since' || name === 'until') return 'instant';
  if (types.includes('array')) return 'list';
  if (types.includes('boolean')) return 'yes-no';
  if (types.includes('integer') || types.includes('number')) return 'integer';
  return types.includes('string') ? 'text' : 'json';
}

const kinds: readonly ReferenceKind[] = [
  'user',
  'service-account',
  'role',
  'project',
  'mcp-server',
  'resource-server',
  'client',
  'authorization',
  'actor',
];

/** Tells what a member or a part of a path refers to. Pure. */
export function kindOf(name: string): ReferenceKind {
  return kinds.find((kind) => kind === name) ?? 'other';
}

const singular = (name: string) => name.replace(/ies$/, 'y').replace(/s$/, '');

const values: Readonly<Record<Shape, string>> = {
  text: '<text>',
  integer: '<number>',
  'yes-no': '<yes or no>',
  list: '<names>',
  reference: '<name or id>',
  references: '<names or ids>',
  projects: '<project=roles>',
  duration: '<time>',
  instant: '<when>',
  json: '<json>',
};

const hints: Partial<Record<Shape, string>> = {
  list: 'several with commas, or given again; none empties it',
  references: 'several with commas, or given again; none empties it',
  projects: 'like atlas=editor; given again for each; none empties it',
  duration: 'like 90s, 15m, 12h, 30d, or none',
  instant: 'like 2026-11-22T10:00Z, or 7d for seven days ago',
};

/** Makes the option of a member. */
export function optionOf(member: Member): Option {
  const { flag, shape, choices, required } = member;
  const hint = hints[shape] === undefined ? '' : `(${hints[shape]})`;
  const description = [member.description.replaceAll('`', ''), hint].filter((part) => part !== '').join(' ');
  const option = new Option(`--${flag} ${values[shape]}`, description);
  if (['list', 'references', 'projects'].includes(shape)) {
    option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
  }
  if (choices) option.choices([...choices]);
  return option.makeOptionMandatory(required);
}

/**
 * Reads what was typed for a member.
 * @returns the value, in which references stand where ids belong
 * @throws NotUnderstood
 */
export function readValue(member: Member, typed: string | readonly string[], clock: Clock): unknown {
  const text = String(typed);
  const all = [typed].flat();
  const bad = (expected: string) => new NotUnderstood(`--${member.flag} ${text}: give ${expected}`);
  switch (member.shape) {
    case 'text':
      return text;
    case 'integer':
      if (!/^-?\d{1,15}$/.test(text)) throw bad('a whole number');
      return Number(text);
    case 'yes-no':
      if (!/^(yes|no|true|false)$/.test(text)) throw bad('yes or no');
      return text === 'yes' || text === 'true';
    case 'list':
      return namesIn(all);
    case 'reference':
      return text === 'none' ? null : { kind: member.refersTo, name: text };
    case 'references':
      return namesIn(all).map((name) => ({ kind: member.refersTo, name }));
    case 'projects':
      return all
        .filter((one) => one !== 'none')
        .map((one) => {
          const [project = '', roles = ''] = one.split('=');
          return {
            id: { kind: 'project', name: project },
            role_ids: namesIn([roles]).map((name) => ({ kind: 'role', name })),
          };
        });
    case 'duration': {
      if (text === 'none' || text === 'until-revoked') return null;
      const seconds = durationOf(text);
      if (seconds === undefined) throw bad('a time like 90s, 15m, 12h or 30d, or none');
      return seconds;
    }
    case 'instant': {
      const ago = durationOf(text);
      const instant = ago === undefined ? secondsOfWritten(text) : clock.now() - ago;
      if (instant === undefined) throw bad('a date like 2026-11-22T10:00Z, or 7d for seven days ago');
      return instant;
    }
    case 'json':
      try {
        return JSON.parse(text) as unknown;
      } catch {
        throw bad('JSON');
      }
  }
}

/** Reads names with commas between them, or given again; `none` is no name. Pure. */
export const namesIn = (texts: readonly string[]): string[] =>
  texts
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'none');

/** Tells whether a value stands for something that has to be looked up. Pure. */
export function isReference(value: unknown): value is Reference {
  return typeof value === 'object' && value !== null && 'kind' in value && 'name' in value;
}
