/** What would a tool meet that is given this address? */
import { z } from 'zod';
import { checks } from '../../doctor/finding.ts';
import { operation } from './operation.ts';

const findingSchema = z.object({
  check: z.enum(checks),
  outcome: z.enum(['passed', 'warning', 'failed', 'skipped']),
  asked: z.string().optional().describe('Method and URL'),
  expected: z.string().optional().describe('What a tool compares with, byte for byte'),
  found: z.string().optional(),
  stumbles: z.array(z.string()).describe('Which tools'),
});

export const examinationSchema = z
  .object({
    address: z.string(),
    kind: z.enum(['resource', 'issuer', 'unknown']),
    healthy: z.boolean().describe('A tool gets through'),
    findings: z.array(findingSchema),
  })
  .meta({ id: 'Examination' });

export const doctorOperation = operation({
  id: 'examine_connection',
  tag: 'Connections',
  summary: 'What does a tool meet that connects to this address? Asks from this server',
  method: 'post',
  path: '/connections/examine',
  anyOf: ['mcp-servers.manage', 'clients.manage'],
  body: z.strictObject({
    address: z
      .url({ protocol: /^https?$/ })
      .max(2_048)
      .describe(
        'An MCP server, an API or an issuer: one that is registered here, or one on the public internet',
      ),
    register: z
      .boolean()
      .default(false)
      .describe('Also register a client there, and rehearse its authorization request'),
  }),
  answer: examinationSchema,
  async handle({ doctor }, { body: { address, register } }) {
    const { kind, healthy, findings } = await doctor.examine(address, { register });
    return {
      address,
      kind,
      healthy,
      findings: findings.map((finding) => ({ ...finding, stumbles: [...finding.stumbles] })),
    };
  },
});
