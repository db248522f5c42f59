/**
 * A good request to each operation of an API, made from its OpenAPI description: bodies that its schemas take, ids of what is there.
 * Knows no operation.
 */
import type { Administrator } from './administrator.ts';
import type { PlainRequest } from './request-mutations.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly format?: string;
  readonly minimum?: number;
}

interface Described {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const root = '/api/v1';

/** Makes them; those that delete come last. @param headers those of a session */
export async function describedRequests(
  administrator: Administrator,
  headers: Readonly<Record<string, string>>,
): Promise<PlainRequest[]> {
  const { body: description } = await administrator.call<Description>('GET', '/openapi.json');
  const own = await administrator.call<{ user: { id: string } }>('GET', '/session');
  const requests: PlainRequest[] = [];
  for (const [path, methods] of Object.entries(description.paths)) {
    const filled = await fill(path);
    for (const [method, operation] of Object.entries(methods)) {
      const schema = operation.requestBody?.content['application/json'].schema;
      const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
      const versioned = operation.parameters?.some(({ name }) => name === 'If-Match');
      const version = versioned ? await administrator.call('GET', filled) : undefined;
      requests.push({
        name: `${method.toUpperCase()} ${root}${path}`,
        method: method.toUpperCase(),
        path: root + filled,
        headers: { ...headers, ...(version && { 'if-match': version.headers.get('etag') ?? '"1"' }) },
        ...(query.length > 0 && {
          query: Object.fromEntries(query.map(({ name, schema: of }) => [name, String(sample(of, name))])),
        }),
        ...(schema !== undefined && { json: sample(schema, '') }),
      });
    }
  }
  return requests.sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'));

  /** Puts ids into a path: of the last thing there is that is not whoever asks. */
  async function fill(path: string): Promise<string> {
    let filled = '';
    for (const part of path.split('/').slice(1)) {
      if (!part.startsWith('{')) {
        filled += `/${part}`;
        continue;
      }
      const { body } = await administrator.call<{ items?: { id?: string }[] }>('GET', filled);
      const ids = (body.items ?? []).flatMap(({ id }) => (id && id !== own.body.user.id ? [id] : []));
      filled += `/${encodeURIComponent(ids.at(-1) ?? 'none')}`;
    }
    return filled;
  }

  function sample(schema: Schema, name: string): unknown {
    if (schema.$ref !== undefined) {
      return sample(description.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, name);
    }
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return schema.enum[0];
    const [either] = schema.anyOf ?? schema.oneOf ?? [];
    if (either) return sample(either, name);
    const kind = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
    switch (kind) {
      case 'object':
        return Object.fromEntries(
          Object.entries(schema.properties ?? {}).map(([member, of]) => [member, sample(of, member)]),
        );
      case 'array':
        return schema.items ? [sample(schema.items, name)] : [];
      case 'integer':
      case 'number':
        return Math.max(schema.minimum ?? 1, 1);
      case 'boolean':
        return true;
      default:
        return text(schema.format, name);
    }
  }
}

function text(format: string | undefined, name: string): string {
  if (format === 'email') return 'a@b.example';
  if (format === 'uri' || name.endsWith('uri') || name.endsWith('uris')) return 'https://tool.example/a';
  return name === 'slug' ? 'delta' : 'api';
}
