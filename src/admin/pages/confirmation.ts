import type { ImpactDocument } from '../api/simulate-operation.ts';
import type { PageRequest } from './page.ts';
import type { AdminPage, Block } from './page-model.ts';
import { impactBlocks } from './words.ts';

/** A page that says what a change would cut before it is made. */
export function confirmation(facts: {
  title: string;
  back: NonNullable<AdminPage['back']>;
  lead: string;
  impact: ImpactDocument;
  /** What to look at first. */
  before?: readonly Block[];
  action: string;
  hidden?: Readonly<Record<string, string>>;
  submit: string;
  request: PageRequest;
}): AdminPage {
  const { title, back, lead, impact, before = [], action, hidden = {}, submit, request } = facts;
  return {
    title,
    back,
    lead,
    blocks: [
      ...before,
      ...impactBlocks(impact, request.words, { listed: before.length === 0 }),
      { kind: 'form', action, hidden, fields: [], submit, tone: 'danger', cancel: back.href },
    ],
  };
}
