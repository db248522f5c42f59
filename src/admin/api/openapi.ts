/** Describes the table of operations in OpenAPI 3.1, from the schemas that check the requests. */
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { cookieNames } from '../../http/cookie-names.ts';
import type { Operation } from './operation.ts';
import { isOpenToTokens } from './over-token.ts';
import { problems } from './problem.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Writes the description. It takes a tenth of a second in all, and lets others have their turn after each operation.
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
export async function describeApi(operations: readonly Operation[], issuer: string): Promise<Json> {
  const paths: Record<string, Record<string, Json>> = {};
  const components = new Map<string, Json>();
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation, components) };
    await turn();
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Mandate administration',
      version: '1',
      description:
        'Everything that the administration pages do, as JSON. Sign in at /sign-in; everything but reading takes the token of `GET /api/v1/session` in X-CSRF-Token. Or send a bearer token that holds `mandate:admin`: it does what its owner may do at that moment, and nothing that concerns its own access or theirs.',
    },
    servers: [{ url: `${issuer}/api/v1` }],
    security: [{ session: [] }, { bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: cookieNames(issuer).session,
          description: 'The browser session',
        },
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'An API key or an access token for this API (resource `ISSUER/api/v1`) that holds `mandate:admin`',
        },
      },
      schemas: { ...Object.fromEntries([...components].sort()), Problem: problemSchema },
    },
  };
}

const problemSchema: Json = {
  type: 'object',
  description: 'Why the request was refused (RFC 9457)',
  required: ['title', 'status', 'code', 'detail', 'request_id'],
  properties: {
    type: { const: 'urn:mandate:problem:sign-in-again', description: 'Absent: about:blank' },
    sign_in: { type: 'string', format: 'uri', description: 'Where a person signs in again' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(problems) },
    detail: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: { pointer: { type: 'string' }, detail: { type: 'string' } },
      },
    },
    request_id: { type: 'string' },
  },
};

function describe(operation: Operation, components: Map<string, Json>): Json {
  const { id, tag, summary, anyOf, path, query, body, answer, status, versioned } = operation;
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...(query === undefined ? [] : queryParameters(query, components)),
    ...(versioned
      ? [
          {
            name: 'If-Match',
            in: 'header',
            required: true,
            description: 'The ETag that was seen; 412 when it has moved since',
            schema: { type: 'string', pattern: '^"[0-9]+"$' },
          },
        ]
      : []),
  ];
  const lines = id === 'export_changes';
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(anyOf.length === 0
      ? {}
      : { description: `Needs ${anyOf.map((name) => `\`${name}\``).join(' or ')}.` }),
    'x-permissions': anyOf,
    ...(isOpenToTokens(operation) ? {} : { security: [{ session: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(body, 'input', components) } },
          },
        }),
    responses: {
      [status ?? 200]: {
        description: 'Done',
        ...(answer === undefined
          ? {}
          : {
              content: {
                [lines ? 'application/jsonl' : 'application/json']: {
                  schema: schemaOf(answer, 'output', components),
                },
              },
            }),
      },
      default: {
        description: 'Refused',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function queryParameters(query: z.ZodObject, components: Map<string, Json>): Json[] {
  const { properties = {}, required = [] } = schemaOf(query, 'input', components) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

/** Turns a schema into JSON Schema 2020-12, which OpenAPI 3.1 uses as it is; shapes that carry an id move to the components. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', components: Map<string, Json>): Json {
  const {
    $schema: _,
    $defs,
    ...own
  } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    reused: 'inline',
  }) as Json & { $defs?: Record<string, Json> };
  for (const [name, definition] of Object.entries($defs ?? {})) components.set(name, rewritten(definition));
  return rewritten(own);
}

/** Points references at the components. */
function rewritten(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
}
