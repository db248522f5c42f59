/** Commands that show what they would do, and ask before they do it. */
import { type Answer, done, refused, usage } from './answer.ts';
import type { Terminal } from './terminal.ts';

export interface ProposalOptions {
  /** Do it without asking. */
  readonly yes?: boolean;
  /** Only show it. */
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** What would be done. */
export interface Proposal {
  /** What `--json` prints, beside whether it was `applied`. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** There is nothing to do. */
  readonly empty: boolean;
  /** Does it. @returns what stood in the way, if anything did */
  apply(): Promise<Answer | undefined>;
}

/**
 * Shows what would be done, asks, and does it.
 * @param look finds out what would be done; or an answer, when it cannot be done at all
 */
export async function propose(
  terminal: Terminal,
  { yes, dryRun, json }: ProposalOptions,
  question: string,
  look: () => Promise<Proposal | Answer>,
): Promise<Answer> {
  const mayAsk = terminal.interactive && !json;
  if (!yes && !dryRun && !mayAsk) {
    return usage('nobody is here to confirm: give --yes to apply, or --dry-run to look');
  }
  const proposal = await look();
  if (!('apply' in proposal)) return proposal;
  const { document, text, empty } = proposal;
  if (dryRun || empty) return done({ applied: false, ...document }, text);
  if (!yes) {
    terminal.print(text);
    if (!(await terminal.confirm(question))) return refused('nothing was changed');
  }
  const obstacle = await proposal.apply();
  if (obstacle) return obstacle;
  return done({ applied: true, ...document }, yes ? `${text}\napplied` : 'applied');
}
