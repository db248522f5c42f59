/** What a policy may say, wherever it is written: in the API's documents, or in an organization's file. */
import { z } from 'zod';

const hour = 3_600;
const tenYears = 10 * 365 * 86_400;

/** A longest lifetime: whole hours, in seconds. */
export const longestSecondsSchema = z
  .int()
  .min(hour, 'must be at least an hour')
  .max(tenYears, 'must be at most ten years')
  .multipleOf(hour, 'must be whole hours');

/** A host that a rule is about. */
export const hostSchema = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^(?=.{1,253}$)[a-z0-9_-]+(\.[a-z0-9_-]+)*$/, 'must be a host name, without scheme, port or path');

export const hostRules = ['verify', 'allow', 'deny'] as const;
export const permittedClients = ['any', 'hosts', 'verified'] as const;
