/** The figures as a picture: a bar for each row, of its CPU beside that of the first row of its group. Pure. */
import type { Row } from './report.ts';

const width = 760;
const rowHeight = 22;
const labelWidth = 330;
const barWidth = 300;
const headHeight = 34;

/** Colours that hold on a light and on a dark page. */
const style = `text{font:13px system-ui,sans-serif;fill:#57606a}.head{font-weight:600}.first{fill:#8c959f}.ours{fill:#2f81f7}.other{fill:#bf8700}`;

/** @returns an SVG document */
export function plotOf(rows: readonly Row[], caption: string): string {
  const groups = [...new Set(rows.map(({ group }) => group))];
  const parts: string[] = [];
  let y = 8;
  for (const group of groups) {
    const members = rows.filter((row) => row.group === group);
    const most = Math.max(...members.map(({ cpuMicroseconds }) => cpuMicroseconds));
    parts.push(text(0, y + 16, `${group}: microseconds of CPU each`, 'head'));
    y += headHeight - 8;
    members.forEach((row, index) => {
      const length = Math.max(1, (row.cpuMicroseconds / most) * barWidth);
      const kind = row.name.includes('Mandate') ? 'ours' : index === 0 ? 'first' : 'other';
      parts.push(
        text(0, y + 15, row.name),
        `<rect class="${kind}" x="${labelWidth}" y="${y + 3}" width="${length.toFixed(1)}" height="${rowHeight - 6}" rx="2"/>`,
        text(
          labelWidth + length + 6,
          y + 15,
          `${digits(row.cpuMicroseconds)}  (${row.ratio.toFixed(2)} × /s)`,
        ),
      );
      y += rowHeight;
    });
    y += 10;
  }
  parts.push(text(0, y + 14, caption));
  const height = y + 28;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="CPU of each request">
<style>${style}</style>
${parts.join('\n')}
</svg>
`;
}

const digits = (microseconds: number) => microseconds.toFixed(microseconds < 10 ? 2 : 0);

const text = (x: number, y: number, content: string, kind = 'row') =>
  `<text class="${kind}" x="${x.toFixed(0)}" y="${y}">${content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')}</text>`;
