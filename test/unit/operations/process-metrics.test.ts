import { expect, test } from '@jest/globals';
import {
  createMetricsRelay,
  createProcessMetrics,
  type WorkerChannel,
} from '../../../src/operations/process-metrics.ts';

/** Workers and their supervisor, who speak to each other as separate processes do: later, and in copies. */
function workers(reads: readonly (() => Promise<object[]>)[]) {
  const present: WorkerChannel[] = [];
  const relay = createMetricsRelay(() => present);
  return reads.map((read, id) => {
    const ears: Record<'worker' | 'supervisor', (message: unknown) => void> = {
      worker: () => {},
      supervisor: () => {},
    };
    const pass = (to: keyof typeof ears) => (message: object) =>
      void setImmediate(() => ears[to](structuredClone(message)));
    const hear = (of: keyof typeof ears) => (heard: (message: unknown) => void) => {
      ears[of] = heard;
    };
    const seen = { id, send: pass('worker'), listen: hear('supervisor') };
    present.push(seen);
    relay.add(seen);
    return createProcessMetrics({ send: pass('supervisor'), listen: hear('worker') }, read);
  });
}

test('whichever process is asked, all of them tell', async () => {
  const all = workers([async () => [{ one: 1 }], async () => [{ two: 2 }]]);
  const told = await Promise.all(all.map((ask) => ask()));
  for (const answer of told) expect(answer).toEqual(expect.arrayContaining([[{ one: 1 }], [{ two: 2 }]]));
});

test('without one of them there is no answer', async () => {
  const [ask] = workers([async () => [{ one: 1 }], () => Promise.reject(new Error('busy'))]);
  await expect(ask?.()).rejects.toThrow('did not tell');
});
