import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Content } from './content.ts';

/** The MCP server `borealis-reports`: the reports of project borealis, to read. */
export function createBorealisReports(content: Content): McpServer {
  const server = new McpServer({ name: 'borealis-reports', version: '1.0.0' });

  server.registerTool(
    'list_reports',
    {
      title: 'List reports',
      description: 'Lists the reports of project borealis.',
      annotations: { readOnlyHint: true },
    },
    () => {
      const reports = content.project('borealis').reports.map(({ id, title }) => ({ id, title }));
      return { content: [{ type: 'text', text: JSON.stringify(reports) }] };
    },
  );

  server.registerTool(
    'read_report',
    {
      title: 'Read a report',
      description: 'Reads one report of project borealis.',
      inputSchema: z.object({ id: z.string().max(100).describe('Id of the report, from list_reports') }),
      annotations: { readOnlyHint: true },
    },
    ({ id }) => {
      const report = content.project('borealis').reports.find((candidate) => candidate.id === id);
      if (report === undefined) {
        return { content: [{ type: 'text', text: 'There is no such report' }], isError: true };
      }
      return { content: [{ type: 'text', text: report.text }] };
    },
  );

  return server;
}
