import { describe, expect, test } from '@jest/globals';
import { generate } from 'lean-qr';
import { qrCode } from '../../../src/commands/qr-code.ts';

const address = 'https://auth.example/device?user_code=WDJB-MJHT';

describe('a QR code on a terminal', () => {
  test('shows every module, black on white, with a margin around it', () => {
    const code = generate(address);
    const lines = (qrCode(address, 80) ?? '').split('\n');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are what is looked at
    const bare = lines.map((line) => /^\u001b\[38;5;16;48;5;231m(.*)\u001b\[0m$/.exec(line)?.[1] ?? '');
    const isBlack = (x: number, y: number) => {
      const half = bare[(y + 2) >> 1]?.[x + 2];
      return half === '█' || half === ((y + 2) % 2 === 0 ? '▀' : '▄');
    };
    for (let y = -2; y < code.size + 2; y += 1) {
      for (let x = -2; x < code.size + 2; x += 1) expect(isBlack(x, y)).toBe(code.get(x, y));
    }
  });

  test('is left out where it would not fit', () => {
    expect(qrCode(address, 20)).toBeUndefined();
  });
});
