import { expect, test } from '@jest/globals';
import { untilPhrase } from '../../../src/interaction/consent-lifetime.ts';
import { type SummaryFacts, summarize } from '../../../src/interaction/consent-summary.ts';
import { messages, now } from '../../support/sample-pages.ts';

const en = messages.words('en');
const de = messages.words('de');
const days = 86_400;

function facts(words: typeof en, change: Partial<SummaryFacts> = {}): SummaryFacts {
  const phrase = (name: string) => words.t(`capability.${name}.phrase`);
  return {
    who: 'Claude Code',
    capabilities: [
      { name: 'flows:edit', bound: 'project', phrase: phrase('flows:edit') },
      { name: 'mcp', bound: 'mcp_server', phrase: phrase('mcp') },
    ],
    projects: [{}, {}],
    mcpServers: 1,
    until: untilPhrase(30 * days, now, words),
    ...change,
  };
}

test('says what a choice amounts to', () => {
  expect(summarize(facts(en), en)).toBe(
    'Claude Code will be able to edit flows in 2 projects and call 1 MCP server, until 21 December. You can change this at any time.',
  );
  expect(summarize(facts(de), de)).toBe(
    'Claude Code darf bis zum 21. Dezember in 2 Projekten Flows bearbeiten und 1 MCP-Server aufrufen. Das können Sie jederzeit ändern.',
  );
});

test('says aloud that nothing, or no project, is picked', () => {
  expect(summarize(facts(en, { capabilities: [] }), en)).toContain('Nothing is picked yet');
  expect(summarize(facts(de, { capabilities: [] }), de)).toContain('Noch ist nichts ausgewählt');
  expect(summarize(facts(en, { projects: [], mcpServers: 0 }), en)).toContain(
    'edit flows in no project and call no MCP server',
  );
});

test('counts only projects whose role carries the capability, and groups what counts the same', () => {
  const capabilities = ['flows:edit', 'endpoints:access', 'secrets:edit'].map((name) => ({
    name,
    bound: 'project' as const,
    phrase: en.t(`capability.${name}.phrase`),
  }));
  const projects = [
    { carries: ['flows:edit', 'endpoints:access'] },
    { carries: ['secrets:edit', 'flows:edit', 'endpoints:access'] },
  ];
  expect(summarize(facts(en, { capabilities, projects }), en)).toContain(
    'edit flows and call HTTP endpoints in 2 projects, and manage secrets in 1 project',
  );
});

test('says when it ends: a span below two days, a day after that, or not at all', () => {
  expect([3600, days, 90 * days, null].map((lifetime) => untilPhrase(lifetime, now, en))).toEqual([
    'for 1 hour',
    'for 1 day',
    'until 19 February 2027',
    'until you revoke it',
  ]);
  expect(untilPhrase(null, now, de)).toBe('bis zu Ihrem Widerruf');
});
