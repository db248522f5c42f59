/** The connection doctor: paste an address, see hop by hop what a tool meets there. */
import type { z } from 'zod';
import type { Outcome } from '../../doctor/finding.ts';
import { checkWords } from '../../doctor/words.ts';
import type { Words } from '../../http/messages.ts';
import { doctorOperation, type examinationSchema } from '../api/doctor-operation.ts';
import { field, form, type PageDefinition } from './page.ts';
import { type AdminPage, type Block, type Cell, code, muted, text } from './page-model.ts';

const root = '/admin/doctor';

const outcomes = {
  passed: { key: 'doctor.passed', tone: 'good' },
  warning: { key: 'doctor.warning', tone: 'warning' },
  failed: { key: 'doctor.failed', tone: 'danger' },
  skipped: { key: 'doctor.skipped', tone: 'plain' },
} as const satisfies Readonly<Record<Outcome, object>>;

const asking: PageDefinition = {
  path: '/doctor',
  section: 'doctor',
  anyOf: ['mcp-servers.manage', 'clients.manage'],
  async build({ words, typed, deps }) {
    const [server] = await deps.mcpServers.list();
    const address = field(typed, 'address') || (server?.resource ?? '');
    return {
      title: words.t('doctor.title'),
      lead: words.t('doctor.lead'),
      blocks: [question(words, address)],
    };
  },
};

/** What came out, with the question below it: whoever repairs something asks again. */
function result({ address, healthy, findings }: z.output<typeof examinationSchema>, words: Words): AdminPage {
  const { t } = words;
  return {
    title: t('doctor.title'),
    badge: healthy
      ? { text: t('doctor.passed'), tone: 'good' }
      : { text: t('doctor.failed'), tone: 'danger' },
    lead: t(healthy ? 'doctor.healthy' : 'doctor.unhealthy'),
    blocks: [
      question(words, address),
      {
        kind: 'table',
        columns: [
          t('doctor.column.check'),
          t('doctor.column.outcome'),
          t('doctor.column.detail'),
          t('doctor.column.advice'),
        ],
        // What was not reached adds nothing to what kept a tool from reaching it.
        rows: findings
          .filter(({ outcome }) => outcome !== 'skipped')
          .map((finding) => {
            const { key, tone } = outcomes[finding.outcome];
            const { title, advice } = checkWords[finding.check];
            const wrong = finding.outcome !== 'passed';
            return {
              cells: [
                [text(t(title))],
                [{ kind: 'badge', text: t(key), tone }],
                wrong ? detail(finding, words) : [muted('–')],
                [wrong ? text(t(advice)) : muted('–')],
              ],
            };
          }),
        empty: t('doctor.none'),
      },
    ],
  };
}

function detail(
  { asked, expected, found, stumbles }: z.output<typeof examinationSchema>['findings'][number],
  words: Words,
): Cell {
  const compared = [
    ...(expected ? [words.t('doctor.expected', { text: expected })] : []),
    ...(found ? [words.t('doctor.found', { text: found })] : []),
  ];
  return [
    ...(asked ? [code(asked)] : []),
    ...(compared.length > 0 ? [muted(`${compared.join('; ')}.`)] : []),
    ...(stumbles.length > 0 ? [text(words.t('doctor.stumbles', { tools: words.list(stumbles) }))] : []),
  ];
}

const question = ({ t }: Words, address: string): Block => ({
  kind: 'form',
  action: root,
  fields: [
    { kind: 'text', name: 'address', label: t('doctor.target'), value: address, required: true },
    {
      kind: 'boxes',
      name: 'register',
      label: t('doctor.rehearse'),
      boxes: [{ value: 'yes', label: t('doctor.register'), checked: true }],
    },
  ],
  submit: t('doctor.examine'),
});

export const doctorPages = {
  pages: [asking],
  forms: [
    form({
      path: '/doctor',
      operation: doctorOperation,
      page: asking,
      input: (posted) => ({
        body: { address: field(posted, 'address'), register: field(posted, 'register') === 'yes' },
      }),
      done: (answer, _params, words) => result(answer, words),
    }),
  ],
};
