/**
 * The only reader of the process's environment: one schema, one typed value, one clear line for each mistake.
 * Owns what a deployment can set and what a production start refuses. Imports nothing of ours.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';

/** Stands in for MANDATE_SECRET outside production, so that a clone runs with no settings; production refuses it. */
export const developmentSecret = 'development-secret-not-for-production-0123456789';

const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be from ${least} to ${most}`);

/** An address with how many of its bits a network has in common. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Proxies in front of this server: how many append to X-Forwarded-For (0 believes none), or which networks they are in. */
export type TrustedProxySetting =
  | { readonly kind: 'hops'; readonly hops: number }
  | { readonly kind: 'networks'; readonly networks: readonly Network[] };

/** Where the database is when nobody says so. */
export const defaultDatabaseUrl = 'sqlite:./data/mandate.db';

/** Every variable that Mandate reads, by name; `config/env.example` lists the same ones. */
export const environmentSchema = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  ISSUER: z.url({ protocol: /^https?$/ }).default('http://localhost:4000'),
  PORT: wholeNumber(0, 65_535).default(4000),
  HOST: z.string().min(1).optional(),
  DATABASE_URL: z
    .string()
    .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, 'must be sqlite:PATH or postgres://…')
    .default(defaultDatabaseUrl),
  MANDATE_SECRET: z.string().optional(),
  MANDATE_WORKERS: wholeNumber(1, 64).default(1),
  MANDATE_WORKER_CORES: z.string().transform(readCores).optional(),
  CACHE_MEMORY: wholeNumber(8, 65_536).default(160),
  MANDATE_SECRET_PREVIOUS: z.string().optional(),
  TRUSTED_PROXY_HOPS: wholeNumber(0, 16).optional(),
  TRUSTED_PROXIES: z.string().transform(readNetworks).optional(),
  SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\/\S+$/, 'must be smtp://… or smtps://…')
    .refine((url) => URL.canParse(url), 'must be a URL')
    .optional(),
  MAIL_FROM: z
    .string()
    .regex(/^([^<>@\r\n]+<)?[^\s<>@]+@[^\s<>@]+>?$/, 'must be an address, or Name <address>')
    .optional(),
  MAIL_LANGUAGE: z.enum(['en', 'de']).default('en'),
  UPSTREAM_PROVIDERS: z.string().optional(),
  ASSERTION_ISSUERS: z.string().optional(),
  SIGNING_KEY_DAYS: wholeNumber(0, 3_650).default(90),
  AUDIT_RETENTION_DAYS: wholeNumber(30, 36_500).optional(),
  STOP_DELAY: wholeNumber(0, 60).default(0),
  METRICS_TOKEN: z.string().min(16, 'must be at least 16 characters').optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z.string().transform(readHeaders).optional(),
  OTEL_SERVICE_NAME: z.string().default('mandate'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0, 'must be from 0 to 1')
    .max(1, 'must be from 0 to 1')
    .default(1),
  LOG_LEVEL: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
  MANDATE_HOME: z.string().refine(isAbsolute, 'must be an absolute path').optional(),
  RESOURCE_SERVER_ID: z.string().optional(),
  RESOURCE_SERVER_SECRET: z.string().optional(),
});

/** Variable name → value. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the rest of the program is told; plain data. */
export interface Config {
  readonly production: boolean;
  /** One canonical string: scheme, host and port; no path, no trailing slash. */
  readonly issuer: string;
  readonly port: number;
  /** The address to listen on; every address when absent. */
  readonly host: string | undefined;
  readonly databaseUrl: string;
  /** At least 32 bytes; cookie keys, pepper and the key for keys at rest derive from it. */
  readonly secret: string;
  /** Other secrets that are accepted: earlier ones, or the one that every node is to use next. */
  readonly previousSecrets: readonly string[];
  /** Processes that serve side by side. */
  readonly workers: number;
  /** The cores that several of them are bound to, in turn; where the system wants them when undefined. */
  readonly workerCores: readonly number[] | undefined;
  /** Bytes that each of them may use to remember introspection answers. */
  readonly cacheBytes: number;
  /** Whose X-Forwarded-For is believed. */
  readonly trustedProxies: TrustedProxySetting;
  readonly mail: {
    /** Of the server that takes our mail, its credentials included; undefined where there is none. */
    readonly smtpUrl: string | undefined;
    /** `Name <address>`. */
    readonly from: string;
    /** Of mail that no page was the occasion for. */
    readonly language: 'en' | 'de';
  };
  /** A file that names the OpenID providers which people may sign in through. */
  readonly upstreamFile: string | undefined;
  /** A file that names the identity providers which may hand over in people's place. */
  readonly assertionIssuersFile: string | undefined;
  /** After how many days the next signing keys are published; 0 leaves it to the operator. */
  readonly signingKeyDays: number;
  /** From what age the log of changes is deleted; kept for ever when undefined. */
  readonly auditRetentionDays: number | undefined;
  /** For how long a server that is told to stop says so in /readyz, and answers all the same. */
  readonly stopDelaySeconds: number;
  /** Who shows this may read the metrics. */
  readonly metricsToken: string | undefined;
  /** Where spans of requests go; nowhere when undefined. */
  readonly traces: TraceSettings | undefined;
  readonly logLevel: string;
}

/** An OpenTelemetry collector that takes OTLP over HTTP. */
export interface TraceSettings {
  /** Without the path of a kind of telemetry, and without a trailing slash. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly service: string;
  /** The share of traces that begin here which are kept, from 0 to 1; those of callers are kept as they say. */
  readonly ratio: number;
}

/** What the commands of somebody who logs in are told; they need no server and no database. */
export interface PersonConfig {
  /** The server to log in to, where one is set. */
  readonly issuer: string | undefined;
  /** The folder that keeps what a login left. */
  readonly home: string;
  /** A resource server's credentials, for asking what a token may do. */
  readonly resourceServer: { readonly id: string | undefined; readonly secret: string | undefined };
  /** Whether a browser could show itself here. */
  readonly hasDisplay: boolean;
}

/** A setting that cannot be started with: one line each, in the operator's words. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Reads the process's environment, with the settings of a file behind it. Only variables of the schema are taken from the file:
 * whoever is led into a stranger's folder runs no program of its choice.
 * @param path a file of lines `NAME=value`; that there is none is fine
 */
export function readEnvironment(path = '.env'): Environment {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return process.env;
    throw new ConfigurationError([`${path} cannot be read (${code})`]);
  }
  const fromFile = Object.entries(parseEnv(text)).filter(([name]) => name in environmentSchema.shape);
  return { ...Object.fromEntries(fromFile), ...process.env };
}

/**
 * Judges what a server is told. Pure.
 * @param environment variable name → value; an empty value counts as absent
 * @throws ConfigurationError naming every variable that is wrong, and everything that production refuses
 */
export function readConfig(environment: Environment): Config {
  const settings = parse(environmentSchema, environment);
  const production = settings.NODE_ENV === 'production';
  const issuer = settings.ISSUER;
  const previousSecrets = (settings.MANDATE_SECRET_PREVIOUS ?? '').split(',').filter((one) => one !== '');
  const problems = [
    ...issuerProblems(issuer, production),
    ...secretProblems(settings.MANDATE_SECRET, production),
    ...previousSecrets.flatMap((secret) => secretProblems(secret, production, 'MANDATE_SECRET_PREVIOUS')),
    ...(settings.TRUSTED_PROXIES && settings.TRUSTED_PROXY_HOPS !== undefined
      ? ['TRUSTED_PROXIES: excludes TRUSTED_PROXY_HOPS; set one of the two']
      : []),
    ...(settings.SMTP_URL && !settings.MAIL_FROM && production
      ? ['MAIL_FROM: production needs one with SMTP_URL, e.g. Mandate <mandate@example.com>']
      : []),
  ];
  if (problems.length > 0) throw new ConfigurationError(problems);
  return {
    production,
    issuer,
    port: settings.PORT,
    host: settings.HOST,
    databaseUrl: settings.DATABASE_URL,
    secret: settings.MANDATE_SECRET ?? developmentSecret,
    previousSecrets,
    workers: settings.MANDATE_WORKERS,
    workerCores: settings.MANDATE_WORKER_CORES,
    cacheBytes: settings.CACHE_MEMORY * 1_024 * 1_024,
    trustedProxies: settings.TRUSTED_PROXIES
      ? { kind: 'networks', networks: settings.TRUSTED_PROXIES }
      : { kind: 'hops', hops: settings.TRUSTED_PROXY_HOPS ?? 0 },
    mail: {
      smtpUrl: settings.SMTP_URL,
      from: settings.MAIL_FROM ?? 'Mandate <mandate@localhost>',
      language: settings.MAIL_LANGUAGE,
    },
    upstreamFile: settings.UPSTREAM_PROVIDERS,
    assertionIssuersFile: settings.ASSERTION_ISSUERS,
    signingKeyDays: settings.SIGNING_KEY_DAYS,
    auditRetentionDays: settings.AUDIT_RETENTION_DAYS,
    stopDelaySeconds: settings.STOP_DELAY,
    metricsToken: settings.METRICS_TOKEN,
    traces: settings.OTEL_EXPORTER_OTLP_ENDPOINT
      ? {
          endpoint: settings.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, ''),
          headers: settings.OTEL_EXPORTER_OTLP_HEADERS ?? {},
          service: settings.OTEL_SERVICE_NAME,
          ratio: settings.OTEL_TRACES_SAMPLER_ARG,
        }
      : undefined,
    logLevel: settings.LOG_LEVEL,
  };
}

/**
 * Judges what the commands of a person are told: nothing that only a server needs can keep them from working.
 * @throws ConfigurationError naming every variable that is wrong
 */
export function readPersonConfig(environment: Environment): PersonConfig {
  const wanted = {
    ISSUER: true,
    MANDATE_HOME: true,
    RESOURCE_SERVER_ID: true,
    RESOURCE_SERVER_SECRET: true,
  } as const;
  const settings = parse(environmentSchema.pick(wanted), environment);
  // The system's own variables, as its specifications want them: a relative XDG_CONFIG_HOME is to be ignored.
  const { XDG_CONFIG_HOME: given = '', DISPLAY, WAYLAND_DISPLAY } = environment;
  const folder = isAbsolute(given) ? given : join(environment.HOME || homedir(), '.config');
  return {
    issuer: environment.ISSUER ? settings.ISSUER : undefined,
    home: settings.MANDATE_HOME ?? join(folder, 'mandate'),
    resourceServer: { id: settings.RESOURCE_SERVER_ID, secret: settings.RESOURCE_SERVER_SECRET },
    hasDisplay: process.platform !== 'linux' || Boolean(DISPLAY || WAYLAND_DISPLAY),
  };
}

/** Reads networks with commas between them, such as `10.0.0.0/8, 2001:db8::/32`; an address alone is a network of one. */
function readNetworks(list: string, context: z.RefinementCtx): Network[] {
  const written = list.split(',').map((one) => one.trim());
  return written.flatMap((network) => {
    const [, address = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
    const version = isIP(address);
    const bits = version === 6 ? 128 : 32;
    const prefix = length === undefined ? bits : Number(length);
    if (version !== 0 && !address.includes('%') && prefix > 0 && prefix <= bits)
      return [{ address, prefix, family: version === 6 ? 'ipv6' : 'ipv4' }];
    const said =
      version !== 0 && prefix === 0
        ? `${network} is everybody: anyone could write any address`
        : `${network || 'an empty entry'} is no network such as 10.0.0.0/8 or 2001:db8::/32`;
    context.addIssue({ code: 'custom', message: said });
    return [];
  });
}

/** Linux knows of no more. */
const mostCores = 8_192;

/** Reads cores as the system writes them: `0-3,8`. */
function readCores(list: string, context: z.RefinementCtx): number[] {
  return list.split(',').flatMap((range) => {
    const [, first, last = first] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(range) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (from <= to && to < mostCores)
      return Array.from({ length: to - from + 1 }, (_, index) => from + index);
    context.addIssue({
      code: 'custom',
      message: `${range || 'an empty entry'} is no core, nor a range such as 0-3`,
    });
    return [];
  });
}

/** Reads headers as OpenTelemetry writes them: `name=value,other=value`, percent-encoded. */
function readHeaders(list: string, context: z.RefinementCtx): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const one of list.split(',')) {
    const [, name, value] = /^\s*([!#$%&'*+.^_`|~\w-]+)=([^\s,]*)\s*$/.exec(one) ?? [];
    // Not what was written: it may be a secret.
    if (name === undefined || value === undefined || /%(?![0-9a-f]{2})/i.test(value))
      context.addIssue({ code: 'custom', message: 'must be name=value, with commas between them' });
    else headers[name] = decodeURIComponent(value);
  }
  return headers;
}

/** Reads the variables of a schema. @throws ConfigurationError */
function parse<Schema extends z.ZodObject>(schema: Schema, environment: Environment): z.output<Schema> {
  const present = Object.fromEntries(
    Object.keys(schema.shape)
      .map((name) => [name, environment[name]] as const)
      .filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(present);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  );
}

/** RFC 8414 section 2 wants https and no query or fragment; we also refuse a path, so that there is one spelling. */
function issuerProblems(issuer: string, production: boolean): string[] {
  const url = new URL(issuer);
  const problems: string[] = [];
  if (url.origin !== issuer)
    problems.push(`ISSUER: must be written as ${url.origin} (no path, no trailing slash)`);
  if (production && url.protocol !== 'https:') problems.push('ISSUER: production needs an https issuer');
  return problems;
}

function secretProblems(secret: string | undefined, production: boolean, name = 'MANDATE_SECRET'): string[] {
  if (secret === undefined) {
    return production ? ['MANDATE_SECRET: production needs one, e.g. from: openssl rand -base64 48'] : [];
  }
  const problems: string[] = [];
  if (Buffer.byteLength(secret) < 32) problems.push(`${name}: must be at least 32 bytes`);
  if (production && secret === developmentSecret) problems.push(`${name}: is the development secret`);
  if (production && new Set(secret).size < 10) problems.push(`${name}: is too regular to be a secret`);
  return problems;
}
