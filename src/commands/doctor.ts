/** `doctor <address>`: what a tool would meet that is given the address, hop by hop. */
import { createAskFromHere } from '../doctor/ask-from-here.ts';
import { type Examination, examine } from '../doctor/examine.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkWords } from '../doctor/words.ts';
import { loadMessages, type Words } from '../http/messages.ts';
import { shippedFiles } from '../shipped-files.ts';
import { type Answer, done, type Result, unwell, usage } from './answer.ts';
import { harmless } from './harmless.ts';
import type { Terminal } from './terminal.ts';

/** Examines an address from this machine. */
export async function examineAddress(
  terminal: Terminal,
  address: string,
  options: { readonly register: boolean },
): Promise<Answer> {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol)) {
    return usage(`${address} is no address: give one like https://mcp.example/mcp`);
  }
  const stopSpinning = terminal.spin(`Asking ${url.host}`);
  const examination = await examine(address, createAskFromHere(), options).finally(stopSpinning);
  return reported(examination);
}

/** Says what an examination found; it fails when a tool would not get through. Pure. */
export function reported(examination: Examination): Result {
  const { kind, healthy, findings } = examination;
  // Read once: it is two files.
  const { t } = loadMessages(shippedFiles().messages).words('en');
  const verdict = healthy ? 'a tool gets through' : 'a tool would not get through';
  return (healthy ? done : unwell)(
    { kind, healthy, findings },
    [...findings.map((finding) => describe(finding, t)), verdict].join('\n'),
  );
}

const marks = { passed: 'ok  ', warning: 'warn', failed: 'FAIL', skipped: '-   ' } as const;

function describe({ check, outcome, asked, expected, found, stumbles }: Finding, t: Words['t']): string {
  const head = `${marks[outcome]}  ${t(checkWords[check].title)}`;
  if (outcome === 'passed' || outcome === 'skipped') return head;
  return [
    head,
    ...(asked ? [`asked     ${asked}`] : []),
    ...(expected ? [`expected  ${expected}`] : []),
    ...(found ? [`found     ${found}`] : []),
    ...(stumbles.length > 0 ? [`stumbles  ${stumbles.join(', ')}`] : []),
    `do        ${t(checkWords[check].advice)}`,
  ]
    .map((line, index) => (index === 0 ? line : `      ${harmless(line)}`))
    .join('\n');
}
