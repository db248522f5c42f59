import type { Words } from '../http/messages.ts';
import type { Capability } from '../policy/vocabulary.ts';

/** A capability in the reader's language. */
export interface CapabilityWords {
  readonly title: string;
  readonly consequence: string;
  readonly worstCase?: string;
  /** What it lets a tool do, as part of a sentence; empty for the one whose object already says it ("call 2 MCP servers"). */
  readonly phrase: string;
}

/**
 * Puts a capability into words. Pure. The catalogue is the operator's: a text is translated only while it is the shipped
 * English one, so that a capability that was redefined is never described by what it used to mean.
 */
export function capabilityWords(capability: Capability, words: Words): CapabilityWords {
  const prefix = `capability.${capability.name}`;
  const shipped = (field: string, text: string) => words.english(`${prefix}.${field}`) === text;
  const translated = (field: string, text: string) =>
    shipped(field, text) ? words.t(`${prefix}.${field}`) : text;

  const title = translated('title', capability.title);
  return {
    title,
    consequence: translated('consequence', capability.consequence),
    ...(capability.worstCase !== undefined && {
      worstCase: translated('worst_case', capability.worstCase),
    }),
    phrase: shipped('title', capability.title)
      ? words.t(`${prefix}.phrase`)
      : words.t('summary.other_capability', { title }),
  };
}
