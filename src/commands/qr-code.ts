import { correction, generate } from 'lean-qr';

/** ISO/IEC 18004 section 9.1: a code needs a margin of four modules; terminals are read with two. */
const margin = 2;
/** Black on white whatever the terminal's own colours are, two rows of modules in a line. */
const blackOnWhite = '\u001b[38;5;16;48;5;231m';
const asBefore = '\u001b[0m';
const halves = [' ', '▄', '▀', '█'];

/**
 * Draws a text as a QR code for a terminal. Pure.
 * @param columns how wide the terminal is
 * @returns undefined when it is too narrow
 */
export function qrCode(text: string, columns: number): string | undefined {
  const code = generate(text, { minCorrectionLevel: correction.L });
  const end = code.size + margin;
  if (end + margin > columns) return undefined;
  const lines: string[] = [];
  for (let y = -margin; y < end; y += 2) {
    let line = '';
    for (let x = -margin; x < end; x += 1) {
      line += halves[(code.get(x, y) ? 2 : 0) + (code.get(x, y + 1) ? 1 : 0)];
    }
    lines.push(`${blackOnWhite}${line}${asBefore}`);
  }
  return lines.join('\n');
}
