/** A balancer in front of several nodes, as far as tests need one: each request goes to the next of them. */
import type { Answer, SendOptions } from './raw-request.ts';
import type { ServerProcess } from './server-process.ts';

/** @param ready the nodes that are sent to at this moment */
export function balance(
  ready: () => readonly ServerProcess[],
): (path: string, options?: SendOptions) => Promise<Answer> {
  let turn = 0;
  return async (path, options = {}) => {
    const nodes = ready();
    for (const node of [nodes[turn++ % nodes.length] as ServerProcess, ...nodes]) {
      try {
        return await node.send(path, options);
      } catch (error) {
        // Refused before a byte was sent: it goes to the next one.
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
      }
    }
    throw new Error('no node takes connections');
  };
}
